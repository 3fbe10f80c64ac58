/** The kernel: boot it on a machine, run it, look into it. */
import "./arch/i386/kernel/signal.ts";
import "./arch/i386/kernel/sys_i386.ts";
import "./arch/i386/kernel/syscalls.ts";
import "./arch/i386/mm/fault.ts";
import "./fs/exec.ts";
import "./fs/ioctl.ts";
import "./fs/readdir.ts";
import "./fs/select.ts";
import "./fs/stat.ts";
import "./init/main.ts";
import "./kernel/sigaction.ts";
import "./mm/filemap.ts";
import "./mm/madvise.ts";
import "./mm/mprotect.ts";
import "./mm/mremap.ts";

export { initramfs } from "../boot/index.ts";
export type { TraceEvent } from "./host/context.ts";
export { debug_info } from "./host/debug-info.ts";
export { type BootOptions, Kernel, type KernelStatistics, type KernelStop, type RecordedEvent } from "./host/kernel.ts";
export { KernelImage, kernel_image, link_kernel } from "./host/kernel-image.ts";
