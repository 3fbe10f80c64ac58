/** What the build left beside the command, so that starting costs no assembling: the linked kernel, the demo's files. */
import { existsSync, readFileSync } from "node:fs";
import { type ElfFile, readElf } from "../asm/index.ts";
import { KernelImage, kernel_image } from "../kernel/index.ts";
import { build_initramfs } from "../user/build.ts";

export const VMLINUX = "vmlinux";
export const INITRAMFS = "initramfs.cpio";

function beside(name: string): Uint8Array | undefined {
  const path = new URL(name, import.meta.url);
  return existsSync(path) ? readFileSync(path) : undefined;
}

/** The prebuilt kernel; linked from source when there is none or it is not of this source. */
export function prebuiltKernel(): KernelImage {
  const file = beside(VMLINUX);
  return (file && KernelImage.from_elf(readElf(file))) ?? kernel_image();
}

/** The file of the prebuilt kernel; undefined when there is none or it is not of this source. */
export function prebuiltVmlinux(): ElfFile | undefined {
  const file = beside(VMLINUX);
  if (file === undefined) return undefined;
  const elf = readElf(file);
  return KernelImage.from_elf(elf) === undefined ? undefined : elf;
}

/** The demo's initramfs, prebuilt or built now. */
export function demoInitramfs(): Uint8Array {
  return beside(INITRAMFS) ?? build_initramfs();
}
