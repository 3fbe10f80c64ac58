/**
 * The ambient context of kernel code: the core being stepped and the kernel image it runs. Set by the bridge for the
 * duration of one step, and by inspection for the duration of one look; never held across.
 */
import type { Core } from "../../emulator/index.ts";
import { exchange_memory, type GuestMemory } from "./memory.ts";

/** Where the linked kernel's symbols are. */
export interface SymbolSource {
  /** Linear address of a symbol. Throws when the kernel has none of that name. */
  symbol(name: string): number;
  /** `symbol+offset/size` for an address in the kernel, else the address in hex. */
  symbolize(address: number): string;
  /** Name of the function that holds an address, undefined outside of the kernel's text. */
  function_at(address: number): string | undefined;
}

/** What kernel code may ask of the machine beside memory: its ports and the host's side of the bridge. */
export interface KernelHost {
  readonly image: SymbolSource;
  /** The text of the JavaScript exception that stopped the hosted function with this frame (EBP), if one did. */
  exception_of(ebp: number): string | undefined;
  /** Tells listeners of a kernel event; no effect on the guest. */
  trace(event: TraceEvent): void;
  /** Whether anybody listens to `trace`. */
  readonly tracing: boolean;
}

/** A kernel event as tracepoints report it; times are added by the recorder. */
export type TraceEvent = { readonly event: string; readonly [field: string]: number | string };

interface Context {
  readonly core: Core | undefined;
  readonly host: KernelHost;
}

let active: Context | undefined;

/** Runs `body` as kernel code: on `core` (undefined while only looking), with `memory` as its memory. */
export function with_context<T>(core: Core | undefined, host: KernelHost, memory: GuestMemory, body: () => T): T {
  const previous = active;
  const previous_memory = exchange_memory(memory);
  active = { core, host };
  try {
    return body();
  } finally {
    active = previous;
    exchange_memory(previous_memory);
  }
}

function context(): Context {
  if (active === undefined)
    throw new Error("kernel code was used while no kernel is running; wrap it in kernel.inspect(() => …)");
  return active;
}

/** The core that executes the current step. */
export function cpu(): Core {
  const { core } = context();
  if (core === undefined)
    throw new Error("this part of the kernel needs a running core; it cannot be used while inspecting");
  return core;
}

export function kernel_host(): KernelHost {
  return context().host;
}

/** The linked image of the kernel in use. */
export function image(): SymbolSource {
  return context().host.image;
}

/** Address of the current function's locals on the guest stack (see FunctionOptions.locals). */
export function stack_local(bytes: number): number {
  return (cpu().r[5] - 4 - bytes) >>> 0;
}
