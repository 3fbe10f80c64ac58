/** How a test boots a kernel. */
import type { Configuration, Preset } from "../kernel/index.ts";
import type { Interleaving } from "./interleaving.ts";
import type { ProgramSource } from "./program.ts";

/** How to boot a kernel for a test. Everything but `init` has a default. */
export interface BootKernelOptions {
  /** Pid 1: asm\`…\`, a file as for `esp0 run`, or the bytes of a static ELF. */
  readonly init: ProgramSource;
  /** Its arguments behind its name. */
  readonly args?: readonly string[];
  /** MiB of RAM, 4 to 1024; 8 by default. */
  readonly memory?: number;
  /** CPUs, 1 to 8; 1 by default. More than one have a kernel that is linked for several. */
  readonly cpus?: number;
  /** Which Linux the kernel is like: "2.4" by default. */
  readonly preset?: Preset;
  /** How it is configured otherwise: `{ hz: 1000 }`; `esp0 config` lists what there is. */
  readonly config?: Partial<Configuration>;
  /**
   * Modules with `kernel_function`s of your own (`import * as mine from "./mine.ts"`), to be linked into this kernel
   * beside its own. They are compiled by the plugin of esp0/vite.
   */
  readonly modules?: readonly object[];
  /**
   * Whether kernel functions are checked to be called as their `@context` says; true by default. One that is not is an oops;
   * otherwise the run is the same.
   */
  readonly debug?: boolean;
  /** System calls by number, 0 to 511: the symbols of the kernel functions that carry them out, with C's convention. */
  readonly syscalls?: Readonly<Record<number, string>>;
  /** When timer interrupts come: what `forEachInterleaving` hands out, or a seed. */
  readonly interleave?: Interleaving | number;
  /** Instructions a second of the machine's time; 10,000,000 by default. `interleave` has its own. */
  readonly cpuHz?: number;
  /**
   * In which order CPUs see each other's stores: "sc" (each at once, the default) or "tso" (through store buffers, as those of
   * x86 processors).
   */
  readonly memoryModel?: "sc" | "tso";
  /** More files of the guest, by absolute path. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** Where to hand it over: before pid 1's first instruction ("user", the default), or before the first of all ("reset"). */
  readonly at?: "user" | "reset";
  /** Instructions after which a run that gets nowhere is given up; 50,000,000 by default. */
  readonly maxInstructions?: number;
}
