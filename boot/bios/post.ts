/** The power-on self-test: leaves the machine as a PC's firmware does before it starts a boot sector. */
import { type Machine, writeMpTables } from "../../emulator/index.ts";
import { initializeDataArea } from "./data-area.ts";
import { writeDiskParameters } from "./disk-parameters.ts";
import { BIOS_BASE, biosRom } from "./rom.ts";
import { setMode } from "./video.ts";

const PIC_MASTER = 0x20;
const PIC_SLAVE = 0xa0;
const PIT_COUNTER_0 = 0x40;
const PIT_CONTROL = 0x43;
const VECTORS = 256;

/** Values for ports, in order. */
const CHIPS: readonly (readonly [port: number, value: number])[] = [
  // 8254: counter 0, mode 3, 65536: 18.2 Hz. First, so that no tick waits in the 8259A.
  [PIT_CONTROL, 0x36],
  [PIT_COUNTER_0, 0],
  [PIT_COUNTER_0, 0],
  // 8259As: vectors 0x08 and 0x70; timer, keyboard, cascade unmasked.
  [PIC_MASTER, 0x11],
  [PIC_MASTER + 1, 0x08],
  [PIC_MASTER + 1, 4],
  [PIC_MASTER + 1, 1],
  [PIC_SLAVE, 0x11],
  [PIC_SLAVE + 1, 0x70],
  [PIC_SLAVE + 1, 2],
  [PIC_SLAVE + 1, 1],
  [PIC_MASTER + 1, 0xf8],
  [PIC_SLAVE + 1, 0xff],
];

/**
 * Sets up interrupt vectors, the BIOS's data areas with the MP tables, the display, interrupt controllers and the timer.
 * The BIOS's ROM must be there.
 */
export function powerOnSelfTest(machine: Machine): void {
  const { memory, ports } = machine;
  const { vectors, unusedVector } = biosRom();
  for (let vector = 0; vector < VECTORS; vector++) writeVector(machine, vector, unusedVector);
  for (const [vector, offset] of vectors) writeVector(machine, vector, offset);
  initializeDataArea(machine);
  writeMpTables(memory, machine.cores.length);
  writeDiskParameters(machine);
  setMode(machine);
  for (const [port, value] of CHIPS) ports.write8(port, value);
}

function writeVector({ memory }: Machine, vector: number, offset: number): void {
  memory.write16(vector * 4, offset);
  memory.write16(vector * 4 + 2, BIOS_BASE >>> 4);
}
