/**
 * The PCI functions of a board with Intel's 440FX and PIIX3, as far as a BIOS needs them (Intel 290549, "82441FX PMC", and
 * 290550, "82371SB"): the host bridge with its Programmable Attribute Map, the ISA bridge, and the IDE function at the ISA
 * addresses, without bus mastering.
 */
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { PciFunction } from "./pci.ts";

const INTEL = [0x86, 0x80] as const;
/** Subsystem by which SeaBIOS knows a board that is emulated. */
const EMULATED_BOARD = [0xf4, 0x1a, 0x00, 0x11] as const;
const PCI = { ID: 0x00, COMMAND: 0x04, REVISION_AND_CLASS: 0x08, HEADER_TYPE: 0x0e, SUBSYSTEM: 0x2c } as const;
/** I/O and memory space, bus master. */
const COMMAND_BITS = [0x07, 0x01] as const;
const SOME_DEVICES = 0x80;

const PAM0 = 0x59;
const PAM_REGISTERS = 7;
const PAM = { READ: 1, WRITE: 2 } as const;
const SHADOW_START = 0xc0000;
const BIOS_START = 0xf0000;
const BIOS_BYTES = 0x10000;
/** Bytes that half a PAM register stands for, but the first, whose upper half is the BIOS's 64 KiB. */
const SEGMENT_BYTES = 0x4000;

const PIRQ_ROUTE = 0x60;
const PIRQ_OFF = 0x80;
const IDE_TIMING = 0x40;
const IDE_DECODE = 0x80;

/** The functions; the host bridge drives what reads and writes of 0xC0000 to 0xFFFFF reach. */
export function boardFunctions(memory: PhysicalMemory): PciFunction[] {
  const hostBridge = new PciFunction(
    0,
    0,
    {
      [PCI.ID]: [...INTEL, 0x37, 0x12],
      [PCI.COMMAND]: [0x06, 0x00, 0x80, 0x02],
      [PCI.REVISION_AND_CLASS]: [0x02, 0x00, 0x00, 0x06],
      [PCI.SUBSYSTEM]: EMULATED_BOARD,
    },
    { [PCI.COMMAND]: COMMAND_BITS, [PAM0]: [0x30, ...new Array<number>(PAM_REGISTERS - 1).fill(0x33)] },
    (register, value) => {
      if (register >= PAM0 && register < PAM0 + PAM_REGISTERS) applyPam(memory, register - PAM0, value);
    },
  );
  const isaBridge = new PciFunction(
    1,
    0,
    {
      [PCI.ID]: [...INTEL, 0x00, 0x70],
      [PCI.COMMAND]: [0x07, 0x00, 0x00, 0x02],
      [PCI.REVISION_AND_CLASS]: [0x00, 0x00, 0x01, 0x06],
      [PCI.HEADER_TYPE]: [SOME_DEVICES],
      [PIRQ_ROUTE]: [PIRQ_OFF, PIRQ_OFF, PIRQ_OFF, PIRQ_OFF],
    },
    { [PIRQ_ROUTE]: [0x8f, 0x8f, 0x8f, 0x8f] },
  );
  const ide = new PciFunction(
    1,
    1,
    {
      [PCI.ID]: [...INTEL, 0x10, 0x70],
      [PCI.COMMAND]: [0x01, 0x00, 0x80, 0x02],
      [PCI.REVISION_AND_CLASS]: [0x00, 0x00, 0x01, 0x01],
      [IDE_TIMING]: [0x00, IDE_DECODE, 0x00, IDE_DECODE],
    },
    { [PCI.COMMAND]: COMMAND_BITS, [IDE_TIMING]: [0xff, 0xff, 0xff, 0xff] },
  );
  return [hostBridge, isaBridge, ide];
}

function applyPam(memory: PhysicalMemory, index: number, value: number): void {
  const shadow = (start: number, bytes: number, bits: number) =>
    memory.setShadow(start, bytes, { read: (bits & PAM.READ) !== 0, write: (bits & PAM.WRITE) !== 0 });
  if (index === 0) {
    shadow(BIOS_START, BIOS_BYTES, value >>> 4);
    return;
  }
  const start = SHADOW_START + (index - 1) * 2 * SEGMENT_BYTES;
  shadow(start, SEGMENT_BYTES, value);
  shadow(start + SEGMENT_BYTES, SEGMENT_BYTES, value >>> 4);
}
