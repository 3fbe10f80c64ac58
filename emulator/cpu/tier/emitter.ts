import type { Handler, Op } from "../op.ts";
import type { Emit } from "./emit.ts";

/** Emits what an instruction that is no branch does: first all that may leave, then what changes the state. */
export type Emitter = (e: Emit, op: Op) => void;

/** Emitters by the handler of the interpreter. */
export type Emitters = readonly (readonly [Handler, Emitter])[];
