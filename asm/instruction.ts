/**
 * The contract between the parser (which knows text and symbols) and the encoder (which knows instructions).
 */
import type { Position } from "./diagnostics.ts";
import type { Expression } from "./expression.ts";

/** Register name without the percent sign, lower case: `eax`, `bl`, `cs`, `cr0`, `dr7`, `st`, `st(3)`. */
export type RegisterName = string;

export interface MemoryOperand {
  readonly kind: "memory";
  readonly segment?: RegisterName;
  readonly displacement?: Expression;
  readonly base?: RegisterName;
  readonly index?: RegisterName;
  /** 1, 2, 4 or 8. */
  readonly scale: number;
  /** Written with a leading `*` (indirect jump or call). */
  readonly indirect: boolean;
}

export type Operand =
  | { readonly kind: "register"; readonly register: RegisterName; readonly indirect: boolean }
  | { readonly kind: "immediate"; readonly value: Expression }
  | MemoryOperand;

/** One parsed instruction, operands in AT&T order (source first). */
export interface Instruction {
  readonly position: Position;
  /** Written before the mnemonic, in order: `rep`, `repne`, `lock`, `addr16`, `data32`, `cs` … */
  readonly prefixes: readonly string[];
  /** Lower case, as written, with its size suffix if it has one. */
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
  readonly operandPositions: readonly Position[];
  /** 16 under .code16, 32 under .code32. */
  readonly codeSize: 16 | 32;
  /** The size of what is pushed, popped, called and returned to without saying a size: 32 under .code16gcc, else `codeSize`. */
  readonly stackSize: 16 | 32;
}

/**
 * The value of an expression if it is absolute and known where the instruction stands (GNU as's O_constant),
 * else undefined. Only such values may be given short encodings; all else gets a full-size field and a fixup.
 */
export type ConstantOf = (expression: Expression) => number | undefined;

/** A field of an instruction to be filled in when addresses are known. */
export interface Fixup {
  /** Byte offset of the field in the instruction. */
  readonly offset: number;
  /** Bytes: 1, 2 or 4. */
  readonly size: 1 | 2 | 4;
  /** `absolute`: the value itself. `relative`: the value minus the address just after the instruction. */
  readonly kind: "absolute" | "relative";
  readonly expression: Expression;
  /** The displacement of a memory operand. */
  readonly isDisplacement?: boolean;
  /** A displacement in an instruction that a linker may turn into one without memory if it refers to the GOT. */
  readonly isRelaxable?: boolean;
}

/** What an instruction becomes. Bytes covered by fixups are zero. */
export interface Encoding {
  readonly bytes: readonly number[];
  readonly fixups: readonly Fixup[];
  /**
   * Present on jmp/jcc to a label: the short form (one relative fixup of size 1) that the assembler uses when the
   * target lies in the same section and in reach. `bytes`/`fixups` are then the long form.
   */
  readonly short?: { readonly bytes: readonly number[]; readonly fixups: readonly Fixup[] };
}
