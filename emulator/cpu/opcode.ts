import type { BinaryForms, ShiftForms, UnaryForms } from "./forms.ts";
import type { Handler } from "./op.ts";

/** What follows the opcode and ModRM bytes. */
export type Immediate =
  | "none"
  /** A byte, sign-extended. */
  | "i8"
  /** A byte, zero-extended. */
  | "u8"
  /** A 16-bit word, zero-extended. */
  | "u16"
  /** 16 bits (sign-extended) or 32, by the operand size. */
  | "iz"
  /** No bytes: the number 1. */
  | "one"
  /** A memory operand given by its offset alone, as wide as the address size. */
  | "moffs"
  /** A far pointer: an offset as wide as the operand size, then a selector. */
  | "far"
  /** A 16-bit word, then a byte (ENTER). */
  | "u16u8";

/** How one opcode is decoded and run. A form without a handler is an undefined opcode. */
export interface Opcode {
  /** Handlers for a register operand (or none) and for a memory operand, by operand size. */
  readonly register16: Handler | null;
  readonly register32: Handler | null;
  readonly memory16: Handler | null;
  readonly memory32: Handler | null;
  /** Where operands are: a ModRM byte, a register number in the low bits of the opcode, or neither. */
  readonly operands: "modrm" | "opcode" | "fixed";
  readonly immediate: Immediate;
  /** Register-to-register form with destination in ModRM.reg: the decoder swaps the fields, so it is in `rm`. */
  readonly swapped: boolean;
  /** The memory form may have a LOCK prefix. */
  readonly lockable: boolean;
  /** Always last in its block: see `Op.endsBlock`. */
  readonly endsBlock: boolean;
  /** With a repeat prefix, last in its block. */
  readonly repeats: boolean;
  /** ModRM.mod is ignored: the r/m operand is always a register (MOV to and from CRn and DRn). */
  readonly registerOnly: boolean;
  /** For `operands: "fixed"`: what `Op.reg` holds (a segment register). */
  readonly reg: number;
}

/** Opcodes that ModRM.reg tells apart; undefined where there is none. */
export interface OpcodeGroup {
  readonly group: readonly (Opcode | undefined)[];
}

/** An x87 opcode: handlers by ModRM.reg for memory operands, by the low six bits of ModRM for registers. */
export interface EscapeOpcode {
  readonly memory: readonly (Handler | null)[];
  readonly registers: readonly (Handler | null)[];
}

export type OpcodeEntry = Opcode | OpcodeGroup | undefined;

export type Options = Partial<Pick<Opcode, "immediate" | "lockable" | "endsBlock" | "repeats" | "swapped" | "reg">>;

const PLAIN: Opcode = {
  register16: null,
  register32: null,
  memory16: null,
  memory32: null,
  operands: "fixed",
  immediate: "none",
  swapped: false,
  lockable: false,
  endsBlock: false,
  repeats: false,
  registerOnly: false,
  reg: 0,
};

/** Options of branches and of all else after which the next instruction must be looked up afresh. */
export const ENDS: Options = { endsBlock: true };

/** No ModRM byte. The two handlers are for operand sizes 16 and 32. */
export function fixed(handler16: Handler, handler32: Handler = handler16, options: Options = {}): Opcode {
  return { ...PLAIN, register16: handler16, register32: handler32, ...options };
}

/** Register number in the opcode. */
export function inOpcode(handler16: Handler, handler32: Handler = handler16, options: Options = {}): Opcode {
  return { ...PLAIN, operands: "opcode", register16: handler16, register32: handler32, ...options };
}

/** ModRM byte, the same handler for all forms. */
export function modrm(handler: Handler, options: Options = {}): Opcode {
  return {
    ...PLAIN,
    operands: "modrm",
    register16: handler,
    register32: handler,
    memory16: handler,
    memory32: handler,
    ...options,
  };
}

/** ModRM byte, memory operands only. */
export function memoryOnly(handler16: Handler, handler32: Handler = handler16, options: Options = {}): Opcode {
  return { ...PLAIN, operands: "modrm", memory16: handler16, memory32: handler32, ...options };
}

/** ModRM byte, r/m operand always a register whatever mod says. */
export function registerOnly(handler: Handler, options: Options = {}): Opcode {
  return { ...modrm(handler, options), registerOnly: true };
}

/** One r/m operand (ModRM.reg free, or the other operand). */
export function unary(forms16: UnaryForms, forms32: UnaryForms = forms16, options: Options = {}): Opcode {
  return {
    ...PLAIN,
    operands: "modrm",
    register16: forms16.r,
    register32: forms32.r,
    memory16: forms16.m,
    memory32: forms32.m,
    ...options,
  };
}

type RegisterSource = Pick<BinaryForms, "rr" | "mr">;
type ImmediateSource = Pick<BinaryForms, "ri" | "mi">;

/** r/m, r. */
export function fromRegister(
  forms16: RegisterSource,
  forms32: RegisterSource = forms16,
  options: Options = {},
): Opcode {
  return {
    ...PLAIN,
    operands: "modrm",
    register16: forms16.rr,
    register32: forms32.rr,
    memory16: forms16.mr,
    memory32: forms32.mr,
    ...options,
  };
}

/** r, r/m. */
export function toRegister(forms16: BinaryForms, forms32: BinaryForms = forms16): Opcode {
  return {
    ...PLAIN,
    operands: "modrm",
    register16: forms16.rr,
    register32: forms32.rr,
    memory16: forms16.rm,
    memory32: forms32.rm,
    swapped: true,
  };
}

/** r/m, immediate. */
export function fromImmediate(
  forms16: ImmediateSource,
  forms32: ImmediateSource,
  immediate: Immediate,
  options: Options = {},
): Opcode {
  return {
    ...PLAIN,
    operands: "modrm",
    register16: forms16.ri,
    register32: forms32.ri,
    memory16: forms16.mi,
    memory32: forms32.mi,
    immediate,
    ...options,
  };
}

/** r/m, CL. */
export function byCl(forms16: ShiftForms, forms32: ShiftForms = forms16): Opcode {
  return unary({ r: forms16.rc, m: forms16.mc }, { r: forms32.rc, m: forms32.mc });
}

/** Accumulator, immediate: register 0 as the r/m operand. */
export function accumulator(forms16: ImmediateSource, forms32: ImmediateSource, immediate: Immediate): Opcode {
  return fixed(forms16.ri, forms32.ri, { immediate });
}
