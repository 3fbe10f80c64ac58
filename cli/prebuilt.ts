/** What the build left beside the command, so that starting costs no assembling and no booting. */
import { existsSync, readFileSync } from "node:fs";
import { BootState, type KernelImage, kernel_image, prebuilt_kernel } from "../kernel/index.ts";
import { build_initramfs } from "../user/build.ts";

export const VMLINUX = "vmlinux";
export const INITRAMFS = "initramfs.cpio";
/** The kernel, booted in a machine with the memory that `esp0 run` gives it. */
export const BOOT_STATE = "vmlinux.booted";

const MIB = 1 << 20;
/** MiB of memory that `esp0 run` gives its machine. */
export const DEFAULT_MEMORY = 32;

/** A file that the build left; undefined without one. */
export function beside(name: string): Uint8Array | undefined {
  const path = new URL(name, import.meta.url);
  return existsSync(path) ? readFileSync(path) : undefined;
}

/** The prebuilt kernel; linked from source when there is none or it is not of this source. */
export function prebuiltKernel(): KernelImage {
  const file = beside(VMLINUX);
  return (file && prebuilt_kernel(file)) ?? kernel_image();
}

/** The same as the build left it after its boot; undefined when there is none that fits. */
export function prebuiltBootState(image: KernelImage): BootState | undefined {
  const file = beside(BOOT_STATE);
  return file && BootState.decode(file, image);
}

/** What `prebuiltBootState` reads. */
export function bootStateFile(image: KernelImage): Uint8Array {
  return BootState.boot({ image, memoryBytes: DEFAULT_MEMORY * MIB }).encode();
}

/** The demo's initramfs, prebuilt or built now. */
export function demoInitramfs(): Uint8Array {
  return beside(INITRAMFS) ?? build_initramfs();
}
