/** The kernel: boot it on a machine, run it, look into it. */
import "./arch/i386/kernel/signal.ts";
import "./arch/i386/kernel/syscalls.ts";
import "./arch/i386/mm/fault.ts";
import "./fs/exec.ts";
import "./fs/ioctl.ts";
import "./init/main.ts";
import "./mm/filemap.ts";

export { initramfs } from "../boot/index.ts";
export type { TraceEvent } from "./host/context.ts";
export { type BootOptions, Kernel, type KernelStatistics, type KernelStop, type RecordedEvent } from "./host/kernel.ts";
export { KernelImage, kernel_image, link_kernel } from "./host/kernel-image.ts";
