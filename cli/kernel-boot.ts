/** The kernel that a command boots: from which files, and from where on. */
import { basename } from "node:path";
import { initramfs } from "../boot/index.ts";
import { type BootOptions, Kernel, type KernelImage } from "../kernel/index.ts";
import { DEFAULT_MEMORY, demoInitramfs, prebuiltBoot, prebuiltKernel } from "../prebuilt/index.ts";
import { type CommandIo, InputError } from "./io.ts";
import type { MemoryModel } from "./memory-model-option.ts";
import { noticeLog } from "./notices.ts";
import { loadProgram } from "./program.ts";

const MIB = 1 << 20;

/** What the commands that boot it say of it. */
interface KernelBootOptions {
  /** MiB. */
  readonly memory?: number;
  /** Instructions a second of the machine's time. */
  readonly cpuHz?: number;
  readonly cpus?: number;
  readonly memoryModel?: MemoryModel;
  /** Whether kernel functions are checked to be called as they need. */
  readonly debugKernel?: boolean;
  /** The prebuilt one by default. */
  readonly image?: KernelImage;
  /** Whether to keep what the emulator has to tell of the guest. */
  readonly quiet?: boolean;
}

/** What is booted, with the ELF file of its program. */
export interface KernelBoot extends BootOptions {
  readonly image: KernelImage;
  readonly program: Uint8Array | undefined;
}

/** Where a program lies in the guest: in /bin under its own name, which programs of many names go by. */
function guestPath(file: string): string {
  const name = basename(file).replace(/\.[sS]$/, "");
  return /^[\w.+-]{1,64}$/.test(name) ? `/bin/${name}` : "/init";
}

/** What to boot. @throws InputError for files that cannot be used */
export function bootOptions(
  file: string | undefined,
  args: readonly string[],
  {
    memory = DEFAULT_MEMORY,
    cpuHz,
    cpus = 1,
    memoryModel,
    debugKernel = false,
    image = prebuiltKernel({ smp: cpus > 1 }),
    quiet = false,
  }: KernelBootOptions,
  io: CommandIo,
): KernelBoot {
  const init = file === undefined ? "/init" : guestPath(file);
  const program = file === undefined ? undefined : loadProgram(file, io);
  return {
    image,
    debug: debugKernel,
    memoryBytes: memory * MIB,
    cpus,
    ...(cpuHz === undefined ? {} : { cpuHz }),
    ...(memoryModel === undefined ? {} : { memoryModel }),
    initramfs: program === undefined ? demoInitramfs() : initramfs({ [init]: program }),
    init,
    args,
    program,
    log: noticeLog(io, quiet),
  };
}

/** @throws InputError when the kernel and its files do not fit the machine */
export function booted<T>(boot: () => T): T {
  try {
    return boot();
  } catch (error) {
    if (error instanceof RangeError) throw new InputError(`esp0: ${error.message}`);
    throw error;
  }
}

/**
 * A kernel as after its reset, and what it has logged; from the kept state, unless all of the boot is to be seen.
 * @param first where something is to be done, which must not be over already
 */
export function startKernel(
  options: BootOptions & { readonly image: KernelImage },
  isWhole: boolean,
  first: { readonly cycle: number; readonly instructions: number },
): { readonly kernel: Kernel; readonly log: string } {
  const kept = isWhole ? undefined : prebuiltBoot(options.image, options.memoryBytes ?? DEFAULT_MEMORY * MIB)?.state;
  if (kept?.fits(options)) {
    const kernel = kept.start(options);
    const { cycles, instructions } = kernel.machine;
    if (cycles <= first.cycle && instructions <= first.instructions) return { kernel, log: kept.log };
  }
  return { kernel: new Kernel(options), log: "" };
}
