/** What the build left beside the command, so that starting costs no assembling: the linked kernel, the demo's files. */
import { existsSync, readFileSync } from "node:fs";
import { type KernelImage, kernel_image, prebuilt_kernel } from "../kernel/index.ts";
import { build_initramfs } from "../user/build.ts";
import { digestOf } from "./recording/witness.ts";

export const VMLINUX = "vmlinux";
export const INITRAMFS = "initramfs.cpio";

function beside(name: string): Uint8Array | undefined {
  const path = new URL(name, import.meta.url);
  return existsSync(path) ? readFileSync(path) : undefined;
}

/** The prebuilt kernel; linked from source when there is none or it is not of this source. */
export function prebuiltKernel(): KernelImage {
  const file = beside(VMLINUX);
  return (file && prebuilt_kernel(file)) ?? kernel_image();
}

/** The demo's initramfs, prebuilt or built now. */
export function demoInitramfs(): Uint8Array {
  return beside(INITRAMFS) ?? build_initramfs();
}

/** Digest of the kernel and the demo, as `esp0 run` takes them. */
export function kernelDigest(): string {
  const linked = beside(VMLINUX);
  const parts = linked === undefined ? kernel_image().segments.map(({ data }) => data) : [linked];
  return digestOf(...parts, demoInitramfs()).slice(0, 16);
}
