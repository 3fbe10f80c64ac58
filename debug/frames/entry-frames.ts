/** What code without call frame information has done to the stack, told from its instructions. */
import { decodeInstruction, ESP } from "../../emulator/index.ts";
import { stackChange } from "../session/instruction.ts";

/** EBX, ESI, EDI and EBP, which switch_to leaves on the stack of the task that it switches from. */
export const SWITCH_FRAME_BYTES = 16;

/** MOV into ESP from memory: switch_to's step from one stack to the next, on which everything lies at the same depth. */
const MOVE_FROM_MEMORY = 0x8b;

/** What a stretch of code has done to the stack. */
export interface StackUse {
  /** Bytes between ESP and what lay on top of the stack when the function was entered. */
  readonly depth: number;
  /** Bytes pushed since ESP was loaded from memory, which made it another stack; undefined if it was not. */
  readonly sinceSwitch: number | undefined;
}

/**
 * What `code`, the bytes from a function's first instruction up to the one in question, has done to the stack; undefined
 * when that cannot be told.
 */
export function stackUse(code: Uint8Array): StackUse | undefined {
  let depth = 0;
  let switchedAt: number | undefined;
  for (let at = 0; at < code.length; ) {
    const op = decodeInstruction(code, at, code.length, true);
    if (op === null || op === undefined) return undefined;
    const switches = op.opcode === MOVE_FROM_MEMORY && op.isMemory && op.reg === ESP;
    if (switches) switchedAt = depth;
    const change = switches ? 0 : stackChange(op);
    if (change === undefined) return undefined;
    depth += change;
    at += op.length;
  }
  return { depth, sinceSwitch: switchedAt === undefined ? undefined : depth - switchedAt };
}
