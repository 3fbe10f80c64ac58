/** The kernel: link it, boot it on a machine, run it, look into it. */
export { initramfs } from "../boot/index.ts";
export {
  type Configuration,
  ConfigurationError,
  configuration,
  configuration_keys,
  PRESETS,
  type Preset,
  read_configuration,
  values_text,
} from "./configuration.ts";
export { loading, type TraceEvent } from "./host/context.ts";
export type { KernelImage } from "./host/kernel-image.ts";
export {
  DefinedTwiceError,
  type KernelLinkOptions,
  kernel_image,
  kernel_sources_id,
  link_kernel,
  prebuilt_kernel,
  SystemCallError,
} from "./link.ts";
export { BootState } from "./running/boot-state.ts";
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
} from "./running/kernel.ts";
export type { EventOptions } from "./running/kernel-locks.ts";
