/** How far `run` of something goes. */
export interface LimitsOf<Runs> {
  /**
   * Instructions to execute at most, by all cores together. While all cores are halted, each wait for an event counts
   * as one, so that a run always ends.
   */
  maxInstructions?: number;
  /**
   * Ends the run when it returns true. Asked before the first instruction, after every event, and at least once in
   * UNTIL_INTERVAL instructions.
   */
  until?: (machine: Runs) => boolean;
  /** Cycle, counted from power-on, at which to end the run. */
  untilCycle?: number;
  /** `maxInstructions` counts only those of this core, and waits. */
  core?: number;
}

/**
 * Refuses what is no limits at all, which JavaScript would take for none.
 * @throws TypeError that says what is meant
 */
export function checkLimits(limits: unknown): void {
  if (typeof limits === "object" && limits !== null) return;
  const meant = typeof limits === "number" ? limits : 1000;
  throw new TypeError(`run(${String(limits)}): limits are an object: run({ maxInstructions: ${meant} })`);
}
