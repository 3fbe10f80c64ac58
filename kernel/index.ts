/** The kernel: link it, boot it on a machine, run it, look into it. */
export { initramfs } from "../boot/index.ts";
export { BootState } from "./host/boot-state.ts";
export type { TraceEvent } from "./host/context.ts";
export {
  type BootOptions,
  Kernel,
  type KernelCapture,
  type KernelProgram,
  type KernelStatistics,
  type KernelStop,
  type LoadOptions,
  type RecordedEvent,
  type ResumeOptions,
} from "./host/kernel.ts";
export type { KernelImage } from "./host/kernel-image.ts";
export { type KernelLinkOptions, kernel_image, link_kernel, prebuilt_kernel } from "./link.ts";
