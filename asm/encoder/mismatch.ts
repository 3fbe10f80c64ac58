/** Why no template fits an instruction, in words that say what would. */
import { StatementError } from "../diagnostics.ts";
import type { ConstantOf, Instruction, Operand } from "../instruction.ts";
import { type Candidate, candidatesFor, suffixesOf } from "./instruction-table.ts";
import { followsOperandSize, hasShape, matchCandidate, SIZE_UNKNOWN } from "./operand-matching.ts";
import { registerNamed } from "./registers.ts";
import type { DefaultSizes, Pattern } from "./template.ts";

const IMMEDIATE = "an immediate";
const REGISTER = "a general register";
const MEMORY = "memory";
const ACCUMULATOR = "the accumulator (%al, %ax or %eax)";
const REGISTER_8 = "an 8-bit register";
const REGISTER_16 = "a 16-bit register";
const REGISTER_32 = "a 32-bit register";
const MMX_REGISTER = "an MMX register (%mm0 to %mm7)";
const SSE_REGISTER = "an SSE register (%xmm0 to %xmm7)";
const PARTICULAR_REGISTERS = [ACCUMULATOR, REGISTER_8, REGISTER_16, REGISTER_32];

/** What may stand in the place of each pattern; for any other pattern, its own text. */
const DESCRIPTIONS: Readonly<Record<string, readonly string[]>> = {
  r: [REGISTER],
  rm: [REGISTER, MEMORY],
  acc: [ACCUMULATOR],
  imm: [IMMEDIATE],
  imm8s: [IMMEDIATE],
  imm8: [IMMEDIATE],
  imm16: [IMMEDIATE],
  one: [IMMEDIATE],
  three: [IMMEDIATE],
  count: ["%cl"],
  r8: [REGISTER_8],
  r16: [REGISTER_16],
  r32: [REGISTER_32],
  rm8: [REGISTER_8, MEMORY],
  rm16: [REGISTER_16, MEMORY],
  rm32: [REGISTER_32, MEMORY],
  m: [MEMORY],
  moffs: [MEMORY],
  "*r": ["*%register"],
  "*m": ["*memory"],
  rel: ["a label"],
  rel8: ["a label"],
  sreg: ["a segment register"],
  creg: ["a control register"],
  dreg: ["a debug register"],
  treg: ["a test register"],
  st: ["%st"],
  mm: [MMX_REGISTER],
  mmm: [MMX_REGISTER, MEMORY],
  xmm: [SSE_REGISTER],
  xmmm: [SSE_REGISTER, MEMORY],
  sti: ["an x87 register (%st(0) to %st(7))"],
  si: ["(%esi)"],
  di: ["%es:(%edi)"],
  bx: ["(%ebx)"],
  port: ["%dx"],
};

/** Suffixes by which x87 instructions tell the size of memory. */
const X87_SUFFIXES = ["s", "l", "t", "ll"];

/** The error for an instruction whose mnemonic is known but which none of its candidates matches. */
export function explainMismatch(
  instruction: Instruction,
  candidates: readonly Candidate[],
  defaults: DefaultSizes,
  constantOf: ConstantOf,
): StatementError {
  const { mnemonic, operands } = instruction;
  const sameCount = candidates.filter(({ template }) => template.operands.length === operands.length);
  if (sameCount.length === 0) return wrongCount(instruction, candidates);
  const unsized = sameCount.filter(
    (candidate) => matchCandidate(candidate, operands, defaults, constantOf) === SIZE_UNKNOWN,
  );
  if (unsized.length > 0) {
    const sizes = unsized.flatMap(({ template }) => template.sizes);
    return sizeUnknown(instruction, suffixesOf(sizes));
  }
  if (mnemonic.startsWith("f") && operands[0]?.kind === "memory") {
    const suffixes = X87_SUFFIXES.filter((suffix) => candidatesFor(mnemonic + suffix) !== undefined);
    if (suffixes.length > 0) return sizeUnknown(instruction, suffixes);
  }
  const shaped = sameCount.find(({ template }) =>
    template.operands.every((pattern, index) => hasShape(operands[index], pattern)),
  );
  return shaped === undefined ? wrongShape(instruction, sameCount) : wrongSize(instruction, shaped);
}

function sizeUnknown({ mnemonic, position }: Instruction, suffixes: readonly string[]): StatementError {
  const names = suffixes.map((suffix) => mnemonic + suffix);
  return new StatementError(
    `operand size of \`${mnemonic}\` is unknown; add a suffix ${alternatives(suffixes)} (${alternatives(names)})`,
    position,
  );
}

function wrongCount({ mnemonic, operands, position }: Instruction, candidates: readonly Candidate[]): StatementError {
  const counts = [...new Set(candidates.map(({ template }) => template.operands.length))].sort();
  const expected =
    counts.length === 1 && counts[0] === 0 ? "no operands" : `${alternatives(counts.map(String))} operands`;
  return new StatementError(
    `\`${mnemonic}\` takes ${expected.replace(/^1 operands/, "1 operand")}, not ${operands.length}`,
    position,
  );
}

/** Blames the operand at which the candidates that come furthest give up. */
function wrongShape(
  { mnemonic, operands, operandPositions }: Instruction,
  candidates: readonly Candidate[],
): StatementError {
  const failures = candidates.map(({ template }) =>
    template.operands.findIndex((pattern, index) => !hasShape(operands[index], pattern)),
  );
  const faulty = Math.max(...failures);
  const expected = new Set(
    candidates
      .filter((_, index) => failures[index] === faulty)
      .flatMap(({ template }) => describePattern(template.operands[faulty])),
  );
  if (expected.has(REGISTER)) for (const particular of PARTICULAR_REGISTERS) expected.delete(particular);
  return new StatementError(
    `\`${mnemonic}\` cannot take ${describeOperand(operands[faulty])} as operand ${faulty + 1}; expected ${alternatives([...expected])}`,
    operandPositions[faulty],
  );
}

function wrongSize(instruction: Instruction, { template, suffixSize }: Candidate): StatementError {
  const { mnemonic, operands, operandPositions } = instruction;
  const sizes: readonly number[] = suffixSize !== undefined ? [suffixSize] : template.sizes;
  const sized = operands.flatMap((operand, index) =>
    operand.kind === "register" && followsOperandSize(template.operands[index])
      ? [{ index, name: `%${operand.register}`, size: registerNamed(operand.register)?.size ?? 0 }]
      : [],
  );
  const [first] = sized;
  const unfit = sized.find(({ size }) => !sizes.includes(size));
  const faulty = unfit ?? sized.find(({ size }) => size !== first.size) ?? first;
  const expected =
    unfit === undefined
      ? `${first.name} has ${first.size}`
      : `${suffixSize === undefined ? "" : "the suffix of "}\`${mnemonic}\` asks for ${alternatives(sizes.map(String))}`;
  return new StatementError(`${faulty.name} has ${faulty.size} bits, but ${expected}`, operandPositions[faulty.index]);
}

function describePattern(pattern: Pattern): readonly string[] {
  return DESCRIPTIONS[pattern] ?? [pattern];
}

function describeOperand(operand: Operand): string {
  switch (operand.kind) {
    case "register":
      return `${operand.indirect ? "*" : ""}%${operand.register}`;
    case "immediate":
      return "an immediate";
    case "memory":
      if (operand.indirect) return "an indirect target";
      return operand.base === undefined && operand.index === undefined ? "an address" : "memory";
  }
}

function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
