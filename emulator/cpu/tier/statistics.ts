/** What a tier has done. */
export interface TierStatistics {
  /** Regions there are, and their WebAssembly in bytes. */
  readonly regions: number;
  readonly bytes: number;
  /** Regions ever compiled, and dropped because their code was written to or there were too many. */
  readonly compiled: number;
  readonly dropped: number;
  /** Instructions executed by compiled code. */
  readonly instructions: number;
  /** How often compiled code was entered from the interpreter; left for code that is not compiled. */
  readonly entered: number;
  readonly leftForTarget: number;
}
