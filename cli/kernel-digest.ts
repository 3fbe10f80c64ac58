/** What tells recordings made with another kernel apart. */
import { kernel_sources_id } from "../kernel/index.ts";
import { demoInitramfs } from "../prebuilt/index.ts";
import { digestOf } from "./recording/witness.ts";

/** Digest of all that kernels are linked from, however configured, and of the demo. */
export function kernelDigest(): string {
  return digestOf(new TextEncoder().encode(kernel_sources_id()), demoInitramfs()).slice(0, 16);
}
