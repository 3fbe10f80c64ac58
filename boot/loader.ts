/** What a boot loader does: kernel, initramfs and boot parameters into memory, and the ROM that starts it all. */
import type { Machine } from "../emulator/index.ts";
import { ALT_MEM_K, CMD_LINE_PTR, COMMAND_LINE_SIZE, RAMDISK_IMAGE, RAMDISK_SIZE } from "./boot-params.ts";
import { bootRom, ROM_BASE } from "./rom.ts";

/** Physical places below 640 KiB: the zero page, the command line, and a stack for the way into the kernel. */
const BOOT_PARAMS = 0x90000;
const COMMAND_LINE = 0x91000;
const BOOT_STACK = 0x90000;
/** Bytes, the final NUL not counted. */
const LONGEST_COMMAND_LINE = COMMAND_LINE_SIZE - 1;
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
  readonly initramfs: Uint8Array;
  readonly commandLine: string;
}

/**
 * Loads a kernel so that the machine's reset vector starts it.
 * @throws RangeError when it does not fit in memory or the command line is too long
 */
export function loadKernel(machine: Machine, { segments, entry, initramfs, commandLine }: KernelToLoad): void {
  const { ramSize } = machine.memory;
  const kernelEnd = Math.max(...segments.map(({ physicalAddress, memorySize }) => physicalAddress + memorySize));
  if (kernelEnd > Math.min(ramSize, EARLY_MEMORY)) {
    throw new RangeError(
      `the kernel ends at ${kernelEnd >> 10} KiB; the machine needs more than the ${ramSize >> 10} KiB of memory it has`,
    );
  }
  const ramdisk = (Math.min(ramSize, LOW_MEMORY) - initramfs.length) & -PAGE_SIZE;
  if (ramdisk < kernelEnd) {
    throw new RangeError(
      `kernel and initramfs take ${(kernelEnd + initramfs.length) >> 10} KiB; the machine has ${ramSize >> 10} KiB of memory`,
    );
  }
  for (const { physicalAddress, data, memorySize } of segments) {
    machine.load(data, physicalAddress);
    machine.load(new Uint8Array(memorySize - data.length), physicalAddress + data.length);
  }
  machine.load(initramfs, ramdisk);

  const text = Uint8Array.from([...commandLine], (character) => character.charCodeAt(0));
  if (text.length > LONGEST_COMMAND_LINE) {
    throw new RangeError(
      `the command line has ${text.length} bytes; the longest a kernel takes is ${LONGEST_COMMAND_LINE}`,
    );
  }
  machine.load(text, COMMAND_LINE);

  const params = new DataView(new ArrayBuffer(PAGE_SIZE));
  params.setUint32(ALT_MEM_K, (ramSize - (1 << 20)) >>> 10, true);
  params.setUint32(RAMDISK_IMAGE, ramdisk, true);
  params.setUint32(RAMDISK_SIZE, initramfs.length, true);
  params.setUint32(CMD_LINE_PTR, COMMAND_LINE, true);
  machine.load(new Uint8Array(params.buffer), BOOT_PARAMS);
  machine.loadRom(bootRom({ kernelEntry: entry, bootParams: BOOT_PARAMS, bootStack: BOOT_STACK }), ROM_BASE);
}
