import type { WatchedAccess } from "./cpu/host-watchpoints.ts";

/** Why `run` returned. */
export type StopReason =
  /** The guest wrote `value` (0 to 2^32 - 1) to the exit port. */
  | { readonly kind: "exit"; readonly value: number }
  /** The guest switched the machine off. */
  | { readonly kind: "power-off" }
  /** `maxInstructions` were executed, or `untilCycle` was reached. */
  | { readonly kind: "budget" }
  /** `until` returned true. */
  | { readonly kind: "condition" }
  /** All cores are halted, and no interrupt can come that would wake one. */
  | { readonly kind: "halted-forever" }
  /** A core shut down: an exception came up on the way to the double fault handler. */
  | { readonly kind: "triple-fault"; readonly core: number }
  /** A core is about to execute the instruction at a host breakpoint; the next run goes past it. */
  | { readonly kind: "breakpoint"; readonly core: number; readonly linear: number }
  /** The instruction that a core executed last accessed memory watched by the host: range `range` of those set. */
  | { readonly kind: "watchpoint"; readonly core: number; readonly range: number; readonly access: WatchedAccess }
  /** `requestStop` was called, or `onHalt` said so. */
  | { readonly kind: "stopped" };
