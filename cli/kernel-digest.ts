/** What tells recordings made with another kernel apart. */
import { kernel_image } from "../kernel/index.ts";
import { beside, demoInitramfs, VMLINUX } from "../prebuilt/index.ts";
import { digestOf } from "./recording/witness.ts";

/** Digest of the kernel and the demo, as `esp0 run` takes them. */
export function kernelDigest(): string {
  const linked = beside(VMLINUX);
  const parts = linked === undefined ? kernel_image().segments.map(({ data }) => data) : [linked];
  return digestOf(...parts, demoInitramfs()).slice(0, 16);
}
