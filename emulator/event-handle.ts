/** A scheduled callback, for `Clock.cancel`. */
export interface EventHandle {
  /** Cycle at which the callback is due. */
  readonly at: number;
  /** False once the callback ran or was cancelled. */
  readonly pending: boolean;
  /** Place among events for the same cycle: those with lower numbers come first. */
  readonly order: number;
}
