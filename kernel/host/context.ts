/**
 * The ambient context of kernel code: the memory it sees, the core that executes the current step, the kernel image it
 * runs. Set by the bridge for each step, and by inspection for the duration of one look.
 */
import type { Core } from "../../emulator/index.ts";
import type { HostedCore } from "./hosted-core.ts";
import { HostedMemory } from "./hosted-memory.ts";
import type { PlainContext } from "./needed-context.ts";
import { cpu_number, current_of, type StackLayout } from "./stack-layout.ts";

/** Where the linked kernel's symbols are. */
export interface SymbolSource {
  /** How many CPUs it is for at most. */
  readonly cpus: number;
  /** How tasks and CPUs are told by stacks; undefined for what has no tasks. */
  readonly stacks: StackLayout | undefined;
  /** What the kernel is configured by (`CONFIG_SMP`). */
  readonly configured: ReadonlySet<string>;
  /** Linear addresses of declarations, by their number; 0 for those that are not linked in. */
  readonly addresses: Uint32Array;
  /** Linear address of a global symbol. Throws when the kernel has none of that name. */
  symbol(name: string): number;
  /** `symbol+offset/size` for an address in the kernel, else the address in hex. */
  symbolize(address: number): string;
  /** Name of the function that holds an address, undefined outside of the kernel's text. */
  function_at(address: number): string | undefined;
  /** `variable.field[2]` for an address in the kernel's data, undefined elsewhere. */
  data_at(address: number): string | undefined;
  /** `FILE:LINE` of an instruction, undefined for one that has none. */
  line_at(address: number): string | undefined;
}

/** What kernel code may ask of the machine beside memory. */
export interface KernelHost {
  readonly image: SymbolSource;
  /** Tells listeners of a kernel event; no effect on the guest. */
  trace(event: TraceEvent): void;
  /** Whether anybody listens to `trace`. */
  readonly tracing: boolean;
  /** Checks a call of a plain function that says what it needs; undefined where nothing is checked. */
  readonly entered?: ((core: Core, needed: PlainContext, values: readonly unknown[]) => void) | undefined;
}

/** A kernel event as tracepoints report it; times are added by the recorder. */
export type TraceEvent = { readonly event: string; readonly [field: string]: number | string };

const OUTSIDE = "kernel code was used while no kernel is running; wrap it in kernel.inspect(() => …)";

function outside(): never {
  throw new Error(OUTSIDE);
}

const nothing = {
  read8: outside,
  read16: outside,
  read32: outside,
  write8: outside,
  write16: outside,
  write32: outside,
};
const no_memory = HostedMemory.of(nothing);

const nowhere: KernelHost = {
  image: {
    cpus: 1,
    stacks: undefined,
    configured: new Set(),
    addresses: new Uint32Array(0),
    symbol: outside,
    symbolize: outside,
    function_at: outside,
    data_at: outside,
    line_at: outside,
  },
  trace: outside,
  tracing: false,
};

/** A running or inspected kernel, as its code sees it. */
export class Ambient {
  memory: HostedMemory = no_memory;
  host: KernelHost = nowhere;
  addresses: Uint32Array = nowhere.image.addresses;
  /** undefined while only looking. */
  core: Core | undefined = undefined;

  enter(host: KernelHost, memory: HostedMemory, core: Core | undefined): void {
    this.host = host;
    this.addresses = host.image.addresses;
    this.memory = memory;
    this.core = core;
    memory.executed_by(core);
  }
}

/** What is current. Nothing of it outlives a run. */
export const ambient = new Ambient();

/** Runs `body`, in which cores may execute steps; afterwards what was current before is so again. */
export function stepping<T>(body: () => T): T {
  const { host, memory, core } = ambient;
  try {
    return body();
  } finally {
    ambient.enter(host, memory, core);
  }
}

/** Runs `body` as kernel code: on `core` (undefined while only looking), with `memory` as its memory. */
export function with_context<T>(core: Core | undefined, host: KernelHost, memory: HostedMemory, body: () => T): T {
  return stepping(() => {
    ambient.enter(host, memory, core);
    return body();
  });
}

/** Runs `body`, which loads a kernel module: what the module does then has to end, too. */
export async function loading<T>(body: () => Promise<T>): Promise<T> {
  const { host, memory, core } = ambient;
  ambient.enter(nowhere, HostedMemory.of_loading(nothing), undefined);
  try {
    return await body();
  } finally {
    ambient.enter(host, memory, core);
  }
}

/** The core that executes the current step. */
export function cpu(): HostedCore {
  const { core } = ambient;
  if (core === undefined) {
    throw new Error(
      ambient.host === nowhere
        ? OUTSIDE
        : "this part of the kernel needs a running core; it cannot be used while inspecting",
    );
  }
  return core as unknown as HostedCore;
}

const ESP = 4;

/** The CPU whose own variables a step means: it is read from guest memory; 0 in a kernel for one CPU and while only looking. */
export function this_cpu(): number {
  const { core, host, memory } = ambient;
  const { stacks } = host.image;
  if (core === undefined || stacks === undefined || !stacks.has_cpus) return 0;
  return cpu_number(stacks, { esp: core.r[ESP], gdt: core.gdtrBase }, memory);
}

/** Linear address of the PCB of the task that executes this step. */
export function current_task(): number {
  cpu();
  const { core, host, memory } = ambient;
  const { stacks } = host.image;
  if (core === undefined || stacks === undefined) throw new Error("this kernel has no tasks");
  return current_of(stacks, { esp: core.r[ESP], gdt: core.gdtrBase }, memory);
}

/** Linear address of the PCB of the boot CPU's idle task. */
export function init_task_address(): number {
  return image().stacks?.init_task ?? 0;
}

/** Whether the kernel is configured by a symbol: what `#ifdef` asks in a `.S` file. */
export function configured(symbol: `CONFIG_${string}`): boolean {
  return ambient.host.image.configured.has(symbol);
}

/** Whether anybody listens to the kernel's events. */
export function tracing(): boolean {
  return ambient.host.tracing;
}

/** Tells listeners of a kernel event; no effect on the guest. */
export function trace(event: TraceEvent): void {
  ambient.host.trace(event);
}

/** The linked image of the kernel in use. */
export function image(): SymbolSource {
  if (ambient.host === nowhere) outside();
  return ambient.host.image;
}
