/** Where code without call frame information keeps its return address, told from its instructions. */
import { decodeInstruction, type Op } from "../../emulator/index.ts";
import { type CodeReader, LONGEST_INSTRUCTION, stackChange } from "./instruction.ts";

/** Where a function is looked at. */
export interface Standing {
  /** Linear address of the next instruction, or of where a callee returns to. */
  readonly pc: number;
  /** Linear addresses that ESP and EBP stand for. */
  readonly esp: number;
  readonly ebp: number;
  readonly is32: boolean;
}

/** A place on the stack where a return address may lie. */
export interface ReturnSlot {
  /** Linear address, unsigned. */
  readonly slot: number;
  /** Where the caller's EBP has been saved, if it has been. */
  readonly savedEbp?: number;
}

const RETURNS: ReadonlySet<number> = new Set([0xc2, 0xc3, 0xca, 0xcb]);
const ENDBR32 = [0xf3, 0x0f, 0x1e, 0xfb];
/** Bytes of ENDBR32, PUSH EBP and MOV EBP, ESP. */
const FRAME_SETUP_BYTES = 7;

/**
 * Places where the return address may lie, the likeliest first: on top of the stack at a function's first instruction and
 * at its RET, above the frame pointer where there is one, and else as far from ESP as the function has pushed.
 * @param starts where the function may begin, the likeliest first
 */
export function returnSlots(read: CodeReader, at: Standing, starts: readonly number[]): ReturnSlot[] {
  const { pc, esp, ebp, is32 } = at;
  const here = decode(read(pc, LONGEST_INSTRUCTION), 0, is32);
  if (here !== undefined && RETURNS.has(here.opcode)) return [{ slot: esp }];
  const framed = { slot: (ebp + 4) >>> 0, savedEbp: ebp };
  const slots: ReturnSlot[] = [];
  for (const start of starts) {
    const push = framePush(read(start, FRAME_SETUP_BYTES));
    if (push !== undefined && pc > start + push) {
      slots.push(pc === start + push + 1 ? { slot: (esp + 4) >>> 0, savedEbp: esp } : framed);
      continue;
    }
    const depth = stackDepth(read(start, pc - start), is32);
    if (depth !== undefined) slots.push({ slot: (esp + depth) >>> 0 });
  }
  return [...slots, framed];
}

/** Offset of PUSH EBP in front of MOV EBP, ESP with which a function begins, perhaps behind ENDBR32; undefined without. */
function framePush(code: Uint8Array): number | undefined {
  const at = ENDBR32.every((byte, index) => code[index] === byte) ? ENDBR32.length : 0;
  const [push, move, operands] = code.subarray(at);
  const moves = (move === 0x89 && operands === 0xe5) || (move === 0x8b && operands === 0xec);
  return push === 0x55 && moves ? at : undefined;
}

/** Bytes that code pushes, taken in a straight line; undefined when that cannot be told. */
function stackDepth(code: Uint8Array, is32: boolean): number | undefined {
  let depth = 0;
  for (let at = 0; at < code.length; ) {
    const op = decode(code, at, is32);
    const change = op === undefined ? undefined : stackChange(op);
    if (op === undefined || change === undefined) return undefined;
    depth += change;
    at += op.length;
  }
  return depth < 0 ? undefined : depth;
}

function decode(code: Uint8Array, at: number, is32: boolean): Op | undefined {
  return decodeInstruction(code, at, code.length, is32) ?? undefined;
}
