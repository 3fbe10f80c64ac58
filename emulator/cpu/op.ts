import type { Core } from "./core.ts";

/** What an instruction does. Handlers are module-level functions: all that varies is in the `Op`. */
export type Handler = (cpu: Core, op: Op) => void;

/** Bytes of the longest instruction. */
export const MAXIMUM_LENGTH = 15;

/** Values of `Op.repeat`. */
export const REPEAT_NONE = 0;
/** F3: REP, REPE. */
export const REPEAT_EQUAL = 1;
/** F2: REPNE. */
export const REPEAT_NOT_EQUAL = 2;

/**
 * One decoded instruction. All have the same shape, so that the loop that runs them stays monomorphic.
 *
 * While a block runs, EIP already holds the offset after the block's last instruction. Only the last instruction of a
 * block may read or set it: for that one, EIP is the offset of the next instruction. When an instruction faults,
 * `Core.run` puts EIP back on its first byte.
 *
 * The offset of a memory operand is `((r[base] + (r[index] << scale) + disp) & addressMask)`; `Core.offsetOf` computes it.
 */
export class Op {
  // What nearly every instruction needs comes first: into one line of the host's cache.
  execute: Handler;
  /** Number of `execute` among the handlers that `runBlocks` calls by name, else -1. */
  frequent = -1;
  /** Immediate, sign-extended to 32 bits. Branches: the displacement. */
  imm = 0;
  /** Bytes, prefixes included, 1 to 15. */
  length = 0;
  /** Bytes from the start of the block. */
  offset = 0;
  /** ModRM.reg, or the register number in the opcode. */
  reg = 0;
  /** ModRM.rm when it names a register (isMemory is false). */
  rm = 0;
  isMemory = false;
  /** Base and index registers of the memory operand; 8 (`ZERO`) when absent. */
  base = 8;
  index = 8;
  /** Shift of the index, 0 to 3. */
  scale = 0;
  /** Displacement, sign-extended. */
  disp = 0;
  /** -1 or 0xFFFF, by the address size. */
  addressMask = -1;
  /** Segment register of the memory operand, overrides applied. */
  seg = 3;
  /** Second immediate: the selector of a far pointer, the level of ENTER. */
  imm2 = 0;
  operandSize: 16 | 32 = 32;
  addressSize: 16 | 32 = 32;
  /** REPEAT_NONE, REPEAT_EQUAL or REPEAT_NOT_EQUAL: the last F2 or F3 prefix, whatever the instruction makes of it. */
  repeat = 0;
  lock = false;
  /** Nothing after it in its block: a branch, or what may change how the next instruction is run. */
  endsBlock = false;
  /** The whole opcode: 0x00 to 0xFF, or 0x0F00 to 0x0FFF. */
  opcode = 0;

  constructor(execute: Handler) {
    this.execute = execute;
  }
}
