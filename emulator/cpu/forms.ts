import type { Handler } from "./op.ts";

/**
 * The handlers of a two-operand instruction by the form of its operands, destination first: r = register, m = memory,
 * i = immediate. In `rr` the destination is `op.rm` and the source `op.reg`; the decoder swaps the fields of the
 * encodings that have them the other way round.
 */
export interface BinaryForms {
  readonly rr: Handler;
  readonly mr: Handler;
  readonly rm: Handler;
  readonly ri: Handler;
  readonly mi: Handler;
}

/** The handlers of an instruction with one register-or-memory operand (`op.rm`, or memory). */
export interface UnaryForms {
  readonly r: Handler;
  readonly m: Handler;
}

/** The handlers of a shift: operand register or memory, count in `op.imm` or in CL. */
export interface ShiftForms {
  readonly ri: Handler;
  readonly mi: Handler;
  readonly rc: Handler;
  readonly mc: Handler;
}
