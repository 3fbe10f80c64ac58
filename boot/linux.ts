/** Loading Linux kernels (zImage and bzImage) by the Linux/x86 boot protocol, 2.00 to 2.15, through their real-mode entry. */
import type { Machine } from "../emulator/index.ts";
import { type BiosOptions, setUpFirmware } from "./bios/index.ts";
import { BootError, booting, hex } from "./boot-error.ts";
import { LINUX_FIELD, type LinuxHeader, readLinuxHeader } from "./linux-header.ts";

const MIB = 1 << 20;
const PAGE_SIZE = 4096;
const SEGMENT_BYTES = 0x10000;

/** Where things go below 1 MiB: the real-mode code with its heap and stack, and the command line. */
interface Places {
  readonly setup: number;
  /** Offset from `setup` of the end of heap and stack. */
  readonly heapEnd: number;
  readonly commandLine: number;
}
/** Kernels that take a pointer to the command line may have their real-mode code anywhere. */
const LOW: Places = { setup: 0x10000, heapEnd: 0xfe00, commandLine: 0x20000 };
/** Others have it where the first kernels had it; a zImage's protected-mode code is at 64 KiB. */
const TRADITIONAL: Places = { setup: 0x90000, heapEnd: 0x9800, commandLine: 0x9a000 };
const ROOM_FOR_COMMAND_LINE = 0x5000;
const LOW_CODE = 0x10000;
const HIGH_CODE = MIB;
/** Protocol from which there is a heap, and from which there is a pointer to the command line. */
const WITH_HEAP = 0x0201;
const WITH_POINTER = 0x0202;

const UNKNOWN_LOADER = 0xff;
const CAN_USE_HEAP = 0x80;
const OLD_COMMAND_LINE_MAGIC = 0xa33f;
/** Offset of the real-mode entry point from the real-mode code, in paragraphs. */
const ENTRY_PARAGRAPHS = 0x20;
const VIDEO_MODES: Readonly<Record<string, number>> = { normal: 0xffff, ext: 0xfffe, ask: 0xfffd };
const CR0_ET = 0x10;

export interface LinuxBoot {
  /** A bzImage or zImage. */
  readonly kernel: Uint8Array;
  /** Initial ramdisk: cpio archives, or an image of a file system. */
  readonly initrd?: Uint8Array;
  /** `vga=` in it is obeyed here, as by other loaders. */
  readonly commandLine?: string;
}

/**
 * Loads a kernel, and sets core 0 up to enter it in real mode, on a machine that is as its BIOS leaves it. The machine
 * must be as reset leaves it.
 * @throws BootError when the file is no Linux kernel, or something does not fit
 */
export function bootLinux(
  machine: Machine,
  { kernel, initrd = new Uint8Array(0), commandLine = "" }: LinuxBoot,
  bios: BiosOptions = {},
): void {
  const header = readLinuxHeader(kernel);
  const places = header.isHigh && header.version >= WITH_POINTER ? LOW : TRADITIONAL;
  const text = commandLineBytes(commandLine, header);
  setUpFirmware(machine, bios);
  const code = kernel.subarray(header.setupBytes);
  const codeAddress = header.isHigh ? HIGH_CODE : LOW_CODE;
  if (!header.isHigh && codeAddress + code.length > places.setup) {
    throw new BootError(`the kernel's ${code.length} bytes do not fit below 640 KiB: a zImage is smaller`);
  }
  booting(`the kernel's ${code.length} bytes at ${hex(codeAddress)}`, () => machine.load(code, codeAddress));
  const ramdisk = placeRamdisk(machine, initrd, header, codeAddress + code.length);

  const setup = new Uint8Array(SEGMENT_BYTES);
  setup.set(kernel.subarray(0, header.setupBytes));
  fillHeader(setup, header, places, { address: ramdisk, size: initrd.length }, commandLine);
  machine.load(setup.subarray(0, places.heapEnd), places.setup);
  machine.load(text, places.commandLine);
  enter(machine, places);
}

/** @throws BootError for one that is too long */
function commandLineBytes(commandLine: string, { commandLineSize }: LinuxHeader): Uint8Array {
  const most = Math.min(commandLineSize, ROOM_FOR_COMMAND_LINE - 1);
  const text = new TextEncoder().encode(`${commandLine}\0`);
  if (text.length - 1 > most) {
    throw new BootError(`the command line has ${text.length - 1} bytes; the longest that the kernel takes is ${most}`);
  }
  return text;
}

/** As high as it may lie. Returns its address, 0 when there is none. */
function placeRamdisk(machine: Machine, initrd: Uint8Array, header: LinuxHeader, codeEnd: number): number {
  if (initrd.length === 0) return 0;
  const end = Math.min(machine.memory.ramSize, header.initrdMax + 1);
  const address = (end - initrd.length) & -PAGE_SIZE;
  const least = Math.max(MIB, codeEnd, header.initEnd);
  if (address < least) {
    throw new BootError(
      `the initial ramdisk's ${initrd.length} bytes do not fit between ${hex(least)}, where the kernel ends, ` +
        `and ${hex(end)}: the machine needs more memory`,
    );
  }
  machine.load(initrd, address);
  return address;
}

function fillHeader(
  setup: Uint8Array,
  { version, setupBytes }: LinuxHeader,
  { setup: base, heapEnd, commandLine: textAddress }: Places,
  ramdisk: { readonly address: number; readonly size: number },
  commandLine: string,
): void {
  const view = new DataView(setup.buffer);
  view.setUint8(LINUX_FIELD.TYPE_OF_LOADER, UNKNOWN_LOADER);
  view.setUint16(LINUX_FIELD.VIDEO_MODE, videoMode(commandLine), true);
  view.setUint32(LINUX_FIELD.RAMDISK_IMAGE, ramdisk.address, true);
  view.setUint32(LINUX_FIELD.RAMDISK_SIZE, ramdisk.size, true);
  if (version >= WITH_HEAP) {
    view.setUint8(LINUX_FIELD.LOAD_FLAGS, view.getUint8(LINUX_FIELD.LOAD_FLAGS) | CAN_USE_HEAP);
    view.setUint16(LINUX_FIELD.HEAP_END, heapEnd - 0x200, true);
  }
  if (version >= WITH_POINTER) {
    view.setUint32(LINUX_FIELD.COMMAND_LINE, textAddress, true);
  } else {
    view.setUint16(LINUX_FIELD.OLD_COMMAND_LINE_MAGIC, OLD_COMMAND_LINE_MAGIC, true);
    view.setUint16(LINUX_FIELD.OLD_COMMAND_LINE_OFFSET, textAddress - base, true);
    view.setUint16(LINUX_FIELD.SETUP_MOVE_SIZE, Math.max(setupBytes, textAddress - base + ROOM_FOR_COMMAND_LINE), true);
  }
}

/** What `vga=` asks for; the mode that the display is in when it does not, or asks for something else. */
function videoMode(commandLine: string): number {
  const word =
    commandLine
      .split(/\s+/)
      .findLast((argument) => argument.startsWith("vga="))
      ?.slice(4) ?? "normal";
  const number = Object.hasOwn(VIDEO_MODES, word) ? VIDEO_MODES[word] : Number(word);
  return Number.isInteger(number) && number >= 0 && number <= 0xffff ? number : VIDEO_MODES.normal;
}

function enter(machine: Machine, { setup, heapEnd }: Places): void {
  machine.setRegister("cr0", CR0_ET);
  const segment = setup >>> 4;
  for (const name of ["ds", "es", "ss", "fs", "gs"] as const) machine.setRegister(name, segment);
  machine.setRegister("cs", segment + ENTRY_PARAGRAPHS);
  machine.setRegister("eip", 0);
  machine.setRegister("esp", heapEnd);
}
