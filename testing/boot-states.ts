/** Kernels on their way to the first program: what boots up to there is the same for every program, and done once. */
import { type BootOptions, Kernel, type KernelImage, type RecordedEvent, type ResumeOptions } from "../kernel/index.ts";
import { KeptBoot, prebuiltBoot } from "../prebuilt/index.ts";
import { Recent } from "./recent.ts";

/** States kept at most: each takes some 300 KiB. */
const MOST_KEPT = 64;

const kept = new Recent<KeptBoot>(MOST_KEPT);

/** A kernel that is about to run its first program, or stands at its reset. */
export interface StartedKernel {
  readonly kernel: Kernel;
  /** What has happened since its reset. */
  readonly events: readonly RecordedEvent[];
  /** What it has logged. */
  readonly log: string;
}

/**
 * A kernel that goes on as one that was just reset would, from where the first one like it in this process asked what it
 * is to run. When the archive leaves no room for that, it is at its reset.
 * @throws RangeError as `new Kernel` does
 */
export function startKernel(options: BootOptions & ResumeOptions & { readonly image: KernelImage }): StartedKernel {
  const found = kept.take(({ state }) => state.fits(options)) ?? boot(options);
  if (found === undefined) return resetKernel(options);
  const { state, events } = found;
  return { kernel: state.start(options), events, log: state.log };
}

/** A kernel at its reset. @throws RangeError as `new Kernel` does */
export function resetKernel(options: BootOptions & ResumeOptions): StartedKernel {
  const kernel = new Kernel(options);
  if (options.on_event !== undefined) kernel.on_event(options.on_event);
  return { kernel, events: [], log: "" };
}

/** Undefined when it would not go as a boot with these options does. */
function boot(options: BootOptions & { readonly image: KernelImage }): KeptBoot | undefined {
  const { initramfs: _, ...load } = options;
  const { image, memoryBytes } = options;
  let booted = memoryBytes === undefined ? undefined : prebuiltBoot(image, memoryBytes);
  if (booted?.state.fits(options) !== true) booted = KeptBoot.boot(load);
  if (booted?.state.fits(options) !== true) return undefined;
  kept.keep(booted);
  return booted;
}
