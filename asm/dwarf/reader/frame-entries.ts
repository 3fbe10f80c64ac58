/** Entries of call frame information (dwarf-5, 6.4.1). */

/** What the frames of several functions have in common. */
export interface CommonEntry {
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  /** The column whose rule is that of the return address. */
  readonly returnColumn: number;
  /** Whether its functions are entered by an interrupt or signal: at the very instruction that is to go on. */
  readonly isSignalFrame: boolean;
  readonly program: Uint8Array;
  /** Of addresses in descriptions (DW_EH_PE_ number). */
  readonly encoding: number;
  readonly hasAugmentationData: boolean;
}

/** Describes the frames of a stretch of code. */
export interface FrameDescription {
  readonly start: number;
  readonly end: number;
  readonly common: CommonEntry;
  readonly program: Uint8Array;
}
