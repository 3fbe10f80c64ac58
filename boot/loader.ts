/**
 * What a boot loader does: kernel and boot parameters into memory, and the ROM that starts it all. What is to be run, an
 * archive and a command line, is another step, since a kernel that looks at it late may be given it late.
 */
import { type Machine, writeMpTables } from "../emulator/index.ts";
import {
  ALT_MEM_K,
  BOOT_PARAMS_SIZE,
  CMD_LINE_PTR,
  COMMAND_LINE_SIZE,
  RAMDISK_IMAGE,
  RAMDISK_SIZE,
} from "./boot-params.ts";
import { bootRom, ROM_BASE } from "./rom.ts";

/** Physical places below 640 KiB: the zero page with the command line behind it, and a stack for the way into the kernel. */
const BOOT_PARAMS = 0x90000;
const COMMAND_LINE = BOOT_PARAMS + BOOT_PARAMS_SIZE;
const BOOT_STACK = BOOT_PARAMS;
const PAGE_SIZE = 4096;
/** The kernel maps this much before it has looked at the rest of memory, and must fit. */
const EARLY_MEMORY = 8 << 20;
/** The kernel maps no more of memory than this: the initramfs lies below. */
const LOW_MEMORY = 896 << 20;

export interface KernelToLoad {
  readonly segments: readonly {
    readonly physicalAddress: number;
    readonly data: Uint8Array;
    readonly memorySize: number;
  }[];
  /** Physical address of the 32-bit entry point. */
  readonly entry: number;
}

/** What a kernel is to run. */
export interface KernelInput {
  readonly initramfs: Uint8Array;
  readonly commandLine: string;
}

/**
 * Loads a kernel so that the machine's reset vector starts it. It is to run nothing yet: see `handOver`. On a machine with
 * several cores it finds MP tables.
 * @throws RangeError when it does not fit in memory
 */
export function loadKernel(machine: Machine, { segments, entry }: KernelToLoad): void {
  const { ramSize } = machine.memory;
  const kernelEnd = endOf(segments);
  if (kernelEnd > Math.min(ramSize, EARLY_MEMORY)) {
    throw new RangeError(
      `the kernel ends at ${kernelEnd >> 10} KiB; the machine needs more than the ${ramSize >> 10} KiB of memory it has`,
    );
  }
  for (const { physicalAddress, data, memorySize } of segments) {
    machine.load(data, physicalAddress);
    machine.load(new Uint8Array(memorySize - data.length), physicalAddress + data.length);
  }
  machine.load(words((ramSize - (1 << 20)) >>> 10), BOOT_PARAMS + ALT_MEM_K);
  machine.load(words(COMMAND_LINE), BOOT_PARAMS + CMD_LINE_PTR);
  if (machine.cores.length > 1) writeMpTables(machine.memory, machine.cores.length);
  machine.loadRom(bootRom({ kernelEntry: entry, bootParams: BOOT_PARAMS, bootStack: BOOT_STACK }), ROM_BASE);
}

/**
 * Puts what a loaded kernel is to run into memory: the archive at the top, the command line behind the boot parameters.
 * It may be done at any time before the kernel looks there, as long as nothing else uses that memory.
 * @param from physical address from which on memory is free for the archive
 * @throws RangeError when it does not fit in memory or the command line is too long
 */
export function handOver(machine: Machine, { initramfs, commandLine }: KernelInput, from: number): void {
  const ramdisk = ramdiskOf(machine.memory.ramSize, initramfs);
  if (ramdisk < from) {
    throw new RangeError(
      `kernel and initramfs take ${(from + initramfs.length) >> 10} KiB; ` +
        `the machine has ${machine.memory.ramSize >> 10} KiB of memory`,
    );
  }
  const text = Uint8Array.from([...commandLine, "\0"], (character) => character.charCodeAt(0));
  if (text.length > COMMAND_LINE_SIZE) {
    throw new RangeError(
      `the command line has ${text.length - 1} bytes; the longest a kernel takes is ${COMMAND_LINE_SIZE - 1}`,
    );
  }
  machine.load(initramfs, ramdisk);
  machine.load(text, COMMAND_LINE);
  machine.load(words(ramdisk), BOOT_PARAMS + RAMDISK_IMAGE);
  machine.load(words(initramfs.length), BOOT_PARAMS + RAMDISK_SIZE);
}

/** Physical address of an archive in a machine with so many bytes of memory. */
export function ramdiskOf(ramSize: number, initramfs: Uint8Array): number {
  return (Math.min(ramSize, LOW_MEMORY) - initramfs.length) & -PAGE_SIZE;
}

/** Physical address behind a kernel that was loaded. */
export function endOf(segments: KernelToLoad["segments"]): number {
  return Math.max(...segments.map(({ physicalAddress, memorySize }) => physicalAddress + memorySize));
}

function words(...values: number[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  for (const [index, value] of values.entries()) bytes.setUint32(4 * index, value, true);
  return new Uint8Array(bytes.buffer);
}
