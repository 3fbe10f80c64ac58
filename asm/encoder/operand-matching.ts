/** Which operands fit which template, and at what operand size. */
import type { Expression } from "../expression.ts";
import type { ConstantOf, Instruction, MemoryOperand, Operand } from "../instruction.ts";
import { fitsField, leastOf } from "./instruction-bytes.ts";
import type { Candidate } from "./instruction-table.ts";
import { registerNamed } from "./registers.ts";
import type { DefaultSizes, OperandSize, Pattern } from "./template.ts";

/** The operands differ from the template in number, kind or size. */
export const NO_MATCH = -1;
/** All operands fit, but nothing tells their size. */
export const SIZE_UNKNOWN = -2;

/**
 * The operand size in bits at which the instruction fits the candidate (0 if it has no size), or NO_MATCH or
 * SIZE_UNKNOWN.
 */
export function matchCandidate(
  { template, suffixSize }: Candidate,
  operands: Instruction["operands"],
  defaults: DefaultSizes,
  constantOf: ConstantOf,
): number {
  const patterns = template.operands;
  if (patterns.length !== operands.length) return NO_MATCH;
  for (let index = 0; index < patterns.length; index++) {
    if (!hasShape(operands[index], patterns[index])) return NO_MATCH;
  }
  if (template.sizes.length === 0) return operandsHaveSize(patterns, operands, 0, constantOf) ? 0 : NO_MATCH;
  let size = suffixSize ?? registerSize(patterns, operands);
  if (size === undefined) {
    if (template.defaultsTo !== undefined) size = defaults[template.defaultsTo];
    else if (template.sizes.length === 1) size = template.sizes[0];
    else return SIZE_UNKNOWN;
  }
  if (!template.sizes.includes(size)) return NO_MATCH;
  return operandsHaveSize(patterns, operands, size, constantOf) ? size : NO_MATCH;
}

function operandsHaveSize(
  patterns: readonly Pattern[],
  operands: readonly Operand[],
  size: number,
  constantOf: ConstantOf,
): boolean {
  for (let index = 0; index < patterns.length; index++) {
    if (!hasSize(operands[index], patterns[index], size, constantOf)) return false;
  }
  return true;
}

/** The size of the first register that stands where a pattern follows the operand size. */
function registerSize(patterns: readonly Pattern[], operands: readonly Operand[]): OperandSize | undefined {
  for (let index = 0; index < patterns.length; index++) {
    const operand = operands[index];
    if (operand.kind === "register" && followsOperandSize(patterns[index])) {
      return registerNamed(operand.register)?.size as OperandSize;
    }
  }
  return undefined;
}

/** Whether a register in this place has the operand size. */
export function followsOperandSize(pattern: Pattern): boolean {
  return pattern === "r" || pattern === "rm" || pattern === "acc" || pattern === "*r";
}

/** Whether the operand is of the kind the pattern asks for, whatever the operand size. */
export function hasShape(operand: Operand, pattern: Pattern): boolean {
  switch (operand.kind) {
    case "immediate":
      return pattern.startsWith("imm") || pattern === "one" || pattern === "three";
    case "memory":
      return memoryHasShape(operand, pattern);
    case "register":
      return registerHasShape(operand.register, operand.indirect, pattern);
  }
}

function memoryHasShape(operand: MemoryOperand, pattern: Pattern): boolean {
  if (operand.indirect) return pattern === "*m";
  switch (pattern) {
    case "m":
    case "mmm":
    case "xmmm":
    case "rm":
    case "rm8":
    case "rm16":
    case "rm32":
      return true;
    case "moffs":
      return operand.base === undefined && operand.index === undefined && !isGotEntry(operand.displacement);
    case "rel":
    case "rel8":
      return operand.base === undefined && operand.index === undefined && operand.segment === undefined;
    case "si":
      return isPointer(operand, "si", "esi");
    case "bx":
      return isPointer(operand, "bx", "ebx");
    case "di":
      return isPointer(operand, "di", "edi") && (operand.segment === undefined || operand.segment === "es");
    case "port":
      return isPointer(operand, "dx", "dx") && operand.segment === undefined;
    default:
      return false;
  }
}

/** `symbol@GOT`: GNU as leaves such a load in the form that a linker can relax. */
function isGotEntry(expression: Expression | undefined): boolean {
  if (expression?.kind === "binary") return isGotEntry(expression.left) || isGotEntry(expression.right);
  return expression?.kind === "symbol" && expression.via === "GOT";
}

function isPointer(operand: MemoryOperand, name16: string, name32: string): boolean {
  return (
    (operand.base === name16 || operand.base === name32) &&
    operand.index === undefined &&
    operand.displacement === undefined
  );
}

function registerHasShape(name: string, indirect: boolean, pattern: Pattern): boolean {
  const register = registerNamed(name);
  if (register === undefined) return false;
  if (indirect) return pattern === "*r" && register.class === "general";
  switch (pattern) {
    case "r":
    case "rm":
      return register.class === "general";
    case "acc":
      return register.class === "general" && register.number === 0;
    case "count":
      return name === "cl" || name === "ecx";
    case "r8":
    case "rm8":
      return register.class === "general" && register.size === 8;
    case "r16":
    case "rm16":
      return register.class === "general" && register.size === 16;
    case "r32":
    case "rm32":
      return register.class === "general" && register.size === 32;
    case "sreg":
      return register.class === "segment";
    case "creg":
      return register.class === "control";
    case "dreg":
      return register.class === "debug";
    case "treg":
      return register.class === "test";
    case "sti":
      return register.class === "x87";
    case "mm":
    case "mmm":
      return register.class === "mmx";
    case "xmm":
    case "xmmm":
      return register.class === "sse";
    case "st":
      return register.class === "x87" && register.number === 0;
    case "port":
      return name === "dx";
    default:
      return pattern.startsWith("%") && pattern.slice(1) === name;
  }
}

function hasSize(operand: Operand, pattern: Pattern, size: number, constantOf: ConstantOf): boolean {
  if (operand.kind === "register") {
    return !followsOperandSize(pattern) || registerNamed(operand.register)?.size === size;
  }
  if (operand.kind === "immediate") {
    if (pattern === "imm8s") return isSignedByte(constantOf(operand.value), size);
    if (pattern === "one") return constantOf(operand.value) === 1;
    if (pattern === "three") return constantOf(operand.value) === 3;
  }
  return true;
}

/** Whether a byte, sign-extended to `size` bits (16 or 32), makes this value. */
function isSignedByte(value: number | undefined, size: number): boolean {
  if (value === undefined || !fitsField(value, size / 8, leastOf(size / 8))) return false;
  const wrapped = size === 16 ? (value << 16) >> 16 : value | 0;
  return wrapped >= -128 && wrapped <= 127;
}
