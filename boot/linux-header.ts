/** The header that Linux kernels have in their first sectors (Documentation/x86/boot.rst, "The Real-Mode Kernel Header"). */
import { BootError } from "./boot-error.ts";

/** Offsets in the file, and in the real-mode code that is its beginning. */
export const LINUX_FIELD = {
  /** Of the boot protocol before 2.02: the command line's mark, and its offset from the real-mode code. */
  OLD_COMMAND_LINE_MAGIC: 0x20,
  OLD_COMMAND_LINE_OFFSET: 0x22,
  SETUP_SECTORS: 0x1f1,
  VIDEO_MODE: 0x1fa,
  BOOT_FLAG: 0x1fe,
  SIGNATURE: 0x202,
  VERSION: 0x206,
  TYPE_OF_LOADER: 0x210,
  LOAD_FLAGS: 0x211,
  SETUP_MOVE_SIZE: 0x212,
  RAMDISK_IMAGE: 0x218,
  RAMDISK_SIZE: 0x21c,
  HEAP_END: 0x224,
  COMMAND_LINE: 0x228,
  INITRD_ADDRESS_MAX: 0x22c,
  COMMAND_LINE_SIZE: 0x238,
  PREFERRED_ADDRESS: 0x258,
  INIT_SIZE: 0x260,
} as const;

const SECTOR_BYTES = 512;
const BOOT_FLAG = 0xaa55;
/** "HdrS" */
const SIGNATURE = 0x53726448;
const FIRST_VERSION = 0x0200;
/** What a SETUP_SECTORS of 0 means. */
const DEFAULT_SETUP_SECTORS = 4;
const LOADED_HIGH = 0x01;
/** For kernels that do not say. */
const DEFAULT_INITRD_MAX = 0x37ffffff;
const DEFAULT_COMMAND_LINE_SIZE = 255;

/** What a kernel file says about itself. */
export interface LinuxHeader {
  /** Boot protocol, as 0x020F for 2.15. */
  readonly version: number;
  /** Bytes of the file that are real-mode code: boot sector and set-up code. The rest is the protected-mode kernel. */
  readonly setupBytes: number;
  /** A bzImage, whose protected-mode code goes to 1 MiB; a zImage's goes to 64 KiB. */
  readonly isHigh: boolean;
  /** Highest address that the initial ramdisk may occupy. */
  readonly initrdMax: number;
  /** Longest command line, in bytes, without the NUL. */
  readonly commandLineSize: number;
  /** End of the memory from 1 MiB on that the kernel needs before it can look for more; 0 when it does not say. */
  readonly initEnd: number;
}

/** @throws BootError for a file that is no Linux kernel with boot protocol 2.00 or later */
export function readLinuxHeader(kernel: Uint8Array): LinuxHeader {
  if (kernel.length < LINUX_FIELD.INIT_SIZE + 4) throw new BootError(`no Linux kernel: it has ${kernel.length} bytes`);
  const view = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  if (
    view.getUint16(LINUX_FIELD.BOOT_FLAG, true) !== BOOT_FLAG ||
    view.getUint32(LINUX_FIELD.SIGNATURE, true) !== SIGNATURE
  ) {
    throw new BootError('no Linux kernel for a boot loader: there is no "HdrS" at 0x202, as bzImage files have it');
  }
  const version = view.getUint16(LINUX_FIELD.VERSION, true);
  if (version < FIRST_VERSION) throw new BootError(`the boot protocol is 0x${version.toString(16)}, older than 2.00`);
  const setupBytes = ((view.getUint8(LINUX_FIELD.SETUP_SECTORS) || DEFAULT_SETUP_SECTORS) + 1) * SECTOR_BYTES;
  if (setupBytes >= kernel.length) {
    throw new BootError(`the file ends within its set-up code: that is ${setupBytes} bytes, the file ${kernel.length}`);
  }
  const since = <Value>(first: number, value: () => Value, otherwise: Value) =>
    version >= first ? value() : otherwise;
  return {
    version,
    setupBytes,
    isHigh: (view.getUint8(LINUX_FIELD.LOAD_FLAGS) & LOADED_HIGH) !== 0,
    initrdMax: since(0x0203, () => view.getUint32(LINUX_FIELD.INITRD_ADDRESS_MAX, true), DEFAULT_INITRD_MAX),
    commandLineSize: since(
      0x0206,
      () => view.getUint32(LINUX_FIELD.COMMAND_LINE_SIZE, true),
      DEFAULT_COMMAND_LINE_SIZE,
    ),
    initEnd: since(
      0x020a,
      () => view.getUint32(LINUX_FIELD.PREFERRED_ADDRESS, true) + view.getUint32(LINUX_FIELD.INIT_SIZE, true),
      0,
    ),
  };
}
