/** Why `run` returned. */
export type StopReason =
  /** The guest wrote `value` (0 to 2^32 - 1) to the exit port. */
  | { readonly kind: "exit"; readonly value: number }
  /** `maxInstructions` were executed, or `untilCycle` was reached. */
  | { readonly kind: "budget" }
  /** `until` returned true. */
  | { readonly kind: "condition" }
  /** All cores are halted, and no interrupt can come that would wake one. */
  | { readonly kind: "halted-forever" }
  /** A core shut down: an exception came up on the way to the double fault handler. */
  | { readonly kind: "triple-fault"; readonly core: number }
  /** `requestStop` was called, or `onHalt` said so. */
  | { readonly kind: "stopped" };
