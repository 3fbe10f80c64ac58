/** Kernels as they were at a moment, to make others of; and those that were booted in this process, to be had again. */

import { initramfs } from "../boot/index.ts";
import type { DebugSession } from "../debug/session/index.ts";
import {
  type BootOptions,
  configuration,
  type KernelCapture,
  type KernelImage,
  type RecordedEvent,
} from "../kernel/index.ts";
import { NR_CPUS } from "../kernel/inspect.ts";
import { TEST_MEMORY } from "../prebuilt/index.ts";
import { testImage } from "./image.ts";
import { Interleaving } from "./interleaving.ts";
import type { BootKernelOptions } from "./options.ts";
import { type Program, programOf } from "./program.ts";
import { Recent } from "./recent.ts";

const MIB = 1 << 20;
/** Instructions after which a run that was to get somewhere is given up. */
const DEFAULT_BUDGET = 50_000_000;

/** What a test did to a kernel from outside, for those who repeat the run. */
export interface Intervention {
  readonly position: number;
  readonly kind: string;
  again(session: DebugSession): void;
}

/** All that a kernel under test is at one moment. */
export interface BootedState {
  readonly capture: KernelCapture;
  /** Since reset. */
  readonly events: readonly RecordedEvent[];
  readonly output: string;
  readonly log: string;
  readonly interventions: readonly Intervention[];
}

/** What is to be booted, as options say it. */
export interface BootPlan {
  readonly options: BootKernelOptions;
  readonly program: Program;
  readonly boot: BootOptions & { readonly image: KernelImage };
  readonly interleave: Interleaving | undefined;
  readonly budget: number;
}

/** @throws RangeError for options that cannot be; what `programOf` and linking throw */
export function planOf(options: BootKernelOptions): BootPlan {
  const { init, args = [], memory = TEST_MEMORY, cpus = 1, preset, config, modules = [], files = {} } = options;
  const interleave = typeof options.interleave === "number" ? new Interleaving(options.interleave) : options.interleave;
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > NR_CPUS)
    throw new RangeError(`cpus: ${cpus}: a kernel runs on 1 to ${NR_CPUS}`);
  const program = programOf(init);
  const path = `/bin/${program.name}`;
  const cpuHz = interleave?.cpuHz ?? options.cpuHz;
  const boot = {
    image: testImage(modules, configuration({ smp: cpus > 1, ...config }, preset)),
    cpus,
    memoryBytes: memory * MIB,
    initramfs: initramfs({ ...files, [path]: program.elf }),
    init: path,
    args,
    debug: options.debug ?? true,
    ...(cpuHz === undefined ? {} : { cpuHz }),
    ...(options.memoryModel === undefined ? {} : { memoryModel: options.memoryModel }),
    ...(cpus === 1 || interleave === undefined ? {} : { interleaver: interleave.interleaver() }),
  };
  return { options, program, boot, interleave, budget: options.maxInstructions ?? DEFAULT_BUDGET };
}

/** Kernels kept at most: each takes some 2 MiB. */
const MOST_KEPT = 24;

const kept = new Recent<{ readonly plan: BootPlan; readonly key: string; readonly state: BootedState }>(MOST_KEPT);

/** A kernel that was booted before from the very same: it stands at the first instruction of pid 1. */
export function bootedBefore(plan: BootPlan): BootedState | undefined {
  // Turns of its own begin at the reset.
  if (plan.boot.interleaver !== undefined) return undefined;
  const key = keyOf(plan);
  const { image, initramfs } = plan.boot;
  return kept.take(
    ({ key: other, plan: { boot } }) =>
      other === key && boot.image === image && Buffer.compare(boot.initramfs, initramfs) === 0,
  )?.state;
}

export function keepBooted(plan: BootPlan, state: BootedState): void {
  if (plan.boot.interleaver !== undefined) return;
  kept.keep({ plan, key: keyOf(plan), state });
}

/** All that a boot depends on, but for the image and the archive. */
function keyOf({
  boot: { memoryBytes, cpuHz, cpus, memoryModel, init, args, debug },
  options: { syscalls = {} },
}: BootPlan): string {
  return JSON.stringify([memoryBytes, cpuHz, cpus, memoryModel, init, args, debug, Object.entries(syscalls)]);
}
