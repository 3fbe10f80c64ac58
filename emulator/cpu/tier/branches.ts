/** Which instructions are branches that a region may contain, and where they lead. */
import { CALL32, call_rel32, JCC32, JMP32, jecxz, jmp_rel32, loop, loope, loopne, ret32 } from "../branch.ts";
import { type Handler, type Op, REPEAT_NONE } from "../op.ts";
import { usesOtherSegment } from "./emitters.ts";
import { isString } from "./string.ts";

/** How a block ends. */
export type BranchKind =
  /** To a fixed target. */
  | "jump"
  /** To a fixed target or to the next instruction. */
  | "conditional"
  /** To a fixed target, pushing the address of the next instruction. */
  | "call"
  /** The same, to a target in a register or in memory. */
  | "indirect-call"
  | "indirect-jump"
  | "return"
  /** To itself or to the next instruction: a repeated string instruction, piece by piece. */
  | "repeat";

const KINDS: ReadonlyMap<Handler, BranchKind> = new Map<Handler, BranchKind>([
  [jmp_rel32, "jump"],
  ...JCC32.map((handler): [Handler, BranchKind] => [handler, "conditional"]),
  [loop, "conditional"],
  [loope, "conditional"],
  [loopne, "conditional"],
  [jecxz, "conditional"],
  [call_rel32, "call"],
  [CALL32.r, "indirect-call"],
  [CALL32.m, "indirect-call"],
  [JMP32.r, "indirect-jump"],
  [JMP32.m, "indirect-jump"],
  [ret32, "return"],
]);

/** What kind of branch an instruction is; null when it is none, or none that is compiled. */
export function branchKind(op: Op): BranchKind | null {
  if (isString(op)) return op.repeat === REPEAT_NONE ? null : "repeat";
  if (op.operandSize === 16 || op.addressSize === 16 || usesOtherSegment(op)) return null;
  return KINDS.get(op.execute) ?? null;
}

/** Whether a branch has a fixed target. */
export function isDirect(kind: BranchKind): boolean {
  return kind === "jump" || kind === "conditional" || kind === "call";
}

/** Whether execution may reach the next instruction, at once or by a return. */
export function continues(kind: BranchKind): boolean {
  return kind === "conditional" || kind === "call" || kind === "indirect-call" || kind === "repeat";
}

/** The fixed target of a branch whose next instruction is at `next`. */
export function targetOf(op: Op, next: number): number {
  return (next + op.imm) | 0;
}
