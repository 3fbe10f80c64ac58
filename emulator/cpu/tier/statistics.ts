/** Why compiled code is left for the interpreter. */
export type ExitReason =
  /** The budget does not cover the way to the next look at it. */
  | "budget"
  /** An access to what is not plain memory that may be accessed at once. */
  | "memory"
  /** A quotient that does not fit. */
  | "division"
  /** The next instruction cannot be compiled. */
  | "instruction"
  /** It is done with an instruction after which the interpreter is to attend to something. */
  | "attention"
  /** It has gone to where nothing is compiled. */
  | "elsewhere";

export const EXIT_REASONS: readonly ExitReason[] = [
  ...(["budget", "memory", "division", "instruction", "attention", "elsewhere"] as const),
];

/** A region that there is. */
export interface TierRegion {
  /** Linear addresses at which it is entered, the one that it was compiled for first. */
  readonly entries: readonly number[];
  /** Linear addresses of all its blocks, in order. */
  readonly blocks: readonly number[];
  /** Whether it is for CPL 3. */
  readonly user: boolean;
  /** Instructions of the guest in it. */
  readonly instructions: number;
  /** The WebAssembly module. */
  readonly module: Uint8Array;
  /** How often it was left, by reason; "attention" and "elsewhere" are not counted by region. */
  readonly exits: Readonly<Record<ExitReason, number>>;
}

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
  /** How often compiled code was entered from the interpreter, and why it was left. */
  readonly entered: number;
  readonly exits: Readonly<Record<ExitReason, number>>;
}
