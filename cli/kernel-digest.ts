/** What tells recordings made with another kernel apart. */
import { kernel_image } from "../kernel/index.ts";
import { beside, demoInitramfs, VMLINUX, VMLINUX_SMP } from "../prebuilt/index.ts";
import { digestOf } from "./recording/witness.ts";

/** Digest of the kernels and the demo, as `esp0 run` takes them. */
export function kernelDigest(): string {
  const parts = [kernelParts(VMLINUX, false), kernelParts(VMLINUX_SMP, true)].flat();
  return digestOf(...parts, demoInitramfs()).slice(0, 16);
}

function kernelParts(file: string, smp: boolean): Uint8Array[] {
  const linked = beside(file);
  return linked === undefined ? kernel_image(smp).segments.map(({ data }) => data) : [linked];
}
