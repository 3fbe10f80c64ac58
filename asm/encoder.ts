/**
 * Turns a parsed instruction into bytes, choosing the encodings GNU as chooses. What instructions there are and what
 * they look like is data (encoder/tables); here is only how a template and its operands become bytes
 * (Intel SDM vol. 2, chapter 2).
 */
import { StatementError } from "./diagnostics.ts";
import { InstructionBytes, leastOf } from "./encoder/instruction-bytes.ts";
import { candidatesFor, suggestMnemonic } from "./encoder/instruction-table.ts";
import { addressSizeOf, defaultSegmentOf, writeMemoryOperand } from "./encoder/memory-operand.ts";
import { explainMismatch } from "./encoder/mismatch.ts";
import { matchCandidate } from "./encoder/operand-matching.ts";
import { isPrefix, type PrefixBytes, readPrefixes } from "./encoder/prefixes.ts";
import { type Register, registerNamed, SEGMENT_PREFIXES } from "./encoder/registers.ts";
import type { Pattern, Template } from "./encoder/template.ts";
import type { ConstantOf, Encoding, Fixup, Instruction, Operand } from "./instruction.ts";

export { suggestMnemonic } from "./encoder/instruction-table.ts";
export { isPrefix } from "./encoder/prefixes.ts";
export { isRegister } from "./encoder/registers.ts";

/** Whether `name` (lower case) is a mnemonic, with or without its size suffix. */
export function isMnemonic(name: string): boolean {
  return candidatesFor(name) !== undefined;
}

/**
 * The bytes of one instruction, byte for byte those of GNU as. A mnemonic that is a prefix stands for that byte alone.
 * Throws a StatementError at the faulty operand, or at the instruction, that says what was expected.
 */
export function encodeInstruction(instruction: Instruction, constantOf: ConstantOf): Encoding {
  const { mnemonic, operands } = instruction;
  const candidates = candidatesFor(mnemonic);
  if (candidates === undefined) return encodeLonePrefix(instruction);
  const prefixes = readPrefixes(instruction);
  const { codeSize, stackSize } = instruction;
  const turned = otherSize(codeSize);
  const defaults = prefixes.operandSize === 0 ? { code: codeSize, stack: stackSize } : { code: turned, stack: turned };
  for (const candidate of candidates) {
    const size = matchCandidate(candidate, operands, defaults, constantOf);
    if (size >= 0) return encodeTemplate(candidate.template, size, instruction, prefixes, constantOf);
  }
  throw explainMismatch(instruction, candidates, defaults, constantOf);
}

function encodeLonePrefix(instruction: Instruction): Encoding {
  const { mnemonic, prefixes, operands, position } = instruction;
  if (!isPrefix(mnemonic)) {
    const nearest = suggestMnemonic(mnemonic);
    const hint = nearest === undefined ? "" : `; did you mean \`${nearest}\`?`;
    throw new StatementError(`unknown instruction \`${mnemonic}\`${hint}`, position);
  }
  if (operands.length > 0) throw new StatementError(`prefix \`${mnemonic}\` takes no operands`, position);
  const output = new InstructionBytes();
  writePrefixes(output, readPrefixes({ ...instruction, prefixes: [...prefixes, mnemonic] }), false);
  return { bytes: output.bytes, fixups: [] };
}

function encodeTemplate(
  template: Template,
  size: number,
  instruction: Instruction,
  prefixes: PrefixBytes,
  constantOf: ConstantOf,
): Encoding {
  checkPrefixes(template, instruction, prefixes);
  const addressSize = resolveAddressSize(template, size, instruction, prefixes);
  if (template.waits) prefixes.wait = 0x9b;
  if (addressSize !== instruction.codeSize) prefixes.addressSize = 0x67;
  if (size >= 16 && size !== instruction.codeSize && !template.sizedByAddress) prefixes.operandSize = 0x66;
  addSegmentPrefix(template, instruction, prefixes);

  const output = new InstructionBytes();
  writePrefixes(output, prefixes, template.branches);
  writeOpcode(output, template, size, instruction.operands);
  if (template.rmOperand >= 0) writeModRM(output, template, instruction, addressSize, constantOf);
  writeImmediates(output, template, size, instruction, addressSize, constantOf);
  if (template.lastByte >= 0) output.byte(template.lastByte);

  const { bytes } = output;
  const fixups = isRelaxable(template, size) ? output.fixups.map(relaxable) : output.fixups;
  if (template.shortOpcode < 0 || constantOf(fixups[0].expression) !== undefined) return { bytes, fixups };
  const short = new InstructionBytes();
  writePrefixes(short, prefixes, true);
  short.byte(template.shortOpcode);
  short.fixup(fixups[0].expression, 1, "relative");
  return { bytes, fixups, short: { bytes: short.bytes, fixups: short.fixups } };
}

/** Loads, tests, arithmetic with memory and indirect transfers: the instructions that R_386_GOT32X marks. */
function isRelaxable({ opcode, extension, rmOperand }: Template, size: number): boolean {
  if (rmOperand < 0 || size !== 32 || opcode.length !== 1) return false;
  const last = opcode[0] | 1;
  if (last === 0xff) return extension === 2 || extension === 4;
  return last === 0x8b || last === 0x85 || (last & ~0x38) === 0x03;
}

const relaxable = (fixup: Fixup): Fixup => (fixup.isDisplacement ? { ...fixup, isRelaxable: true } : fixup);

function checkPrefixes(template: Template, { mnemonic, operands, position }: Instruction, prefixes: PrefixBytes): void {
  if (prefixes.lock !== 0 && !(template.lockable && operands.some((operand) => operand.kind === "memory"))) {
    throw new StatementError(
      `\`${mnemonic}\` cannot be locked; expected an instruction that modifies memory`,
      position,
    );
  }
  if (prefixes.operandSize !== 0 && template.isVector) {
    throw new StatementError(`\`${mnemonic}\` has no operand size for a prefix to change`, position);
  }
  if (prefixes.repeat !== 0 && !template.repeatable) {
    throw new StatementError(`\`${mnemonic}\` cannot be repeated; expected a string instruction`, position);
  }
}

/** Memory operands tell the address size by their registers; else it is that of the code, unless a prefix turns it. */
function resolveAddressSize(
  template: Template,
  size: number,
  { operands, operandPositions, position, codeSize }: Instruction,
  prefixes: PrefixBytes,
): 16 | 32 {
  if (template.sizedByAddress) return size as 16 | 32;
  let found: 16 | 32 | undefined;
  for (let index = 0; index < operands.length; index++) {
    const operand = operands[index];
    if (operand.kind !== "memory" || template.operands[index] === "port") continue;
    const demanded = addressSizeOf(operand, operandPositions[index]);
    if (found !== undefined && demanded !== found) {
      throw new StatementError("the two memory operands differ in address size", operandPositions[index]);
    }
    found = demanded;
  }
  if (found === codeSize && prefixes.addressSize !== 0) {
    throw new StatementError(
      `the address is ${codeSize} bits wide; leave out the prefix that asks for another size`,
      position,
    );
  }
  return found ?? (prefixes.addressSize === 0 ? codeSize : otherSize(codeSize));
}

function addSegmentPrefix(
  template: Template,
  { operands, operandPositions }: Instruction,
  prefixes: PrefixBytes,
): void {
  for (let index = 0; index < operands.length; index++) {
    const operand = operands[index];
    if (operand.kind !== "memory" || operand.segment === undefined || template.operands[index] === "di") continue;
    if (operand.segment === defaultSegmentOf(operand)) continue;
    const byte = SEGMENT_PREFIXES[(registerNamed(operand.segment) as Register).number] as number;
    if (prefixes.segment !== 0 && prefixes.segment !== byte) {
      throw new StatementError("the operand and a prefix name different segments", operandPositions[index]);
    }
    prefixes.segment = byte;
  }
}

function writePrefixes(output: InstructionBytes, prefixes: PrefixBytes, segmentLast: boolean): void {
  if (prefixes.wait !== 0) output.byte(prefixes.wait);
  if (prefixes.segment !== 0 && !segmentLast) output.byte(prefixes.segment);
  if (prefixes.addressSize !== 0) output.byte(prefixes.addressSize);
  if (prefixes.operandSize !== 0) output.byte(prefixes.operandSize);
  if (prefixes.repeat !== 0) output.byte(prefixes.repeat);
  if (prefixes.lock !== 0) output.byte(prefixes.lock);
  if (prefixes.segment !== 0 && segmentLast) output.byte(prefixes.segment);
}

function writeOpcode(output: InstructionBytes, template: Template, size: number, operands: readonly Operand[]): void {
  const { opcode, opcodeOperand } = template;
  for (let index = 0; index < opcode.length - 1; index++) output.byte(opcode[index]);
  let last = opcode[opcode.length - 1];
  if (template.wide && size > 8) last |= 1;
  if (opcodeOperand >= 0) last |= registerNumber(operands[opcodeOperand]);
  output.byte(last);
}

function writeModRM(
  output: InstructionBytes,
  { extension, regOperand, rmOperand }: Template,
  { operands, operandPositions }: Instruction,
  addressSize: 16 | 32,
  constantOf: ConstantOf,
): void {
  const reg = regOperand >= 0 ? registerNumber(operands[regOperand]) : extension;
  const operand = operands[rmOperand];
  if (operand.kind === "memory") {
    writeMemoryOperand(output, operand, reg, addressSize, constantOf, operandPositions[rmOperand]);
  } else {
    output.byte(0xc0 | (reg << 3) | registerNumber(operand));
  }
}

function writeImmediates(
  output: InstructionBytes,
  template: Template,
  size: number,
  { operands, operandPositions }: Instruction,
  addressSize: 16 | 32,
  constantOf: ConstantOf,
): void {
  const count = operands.length;
  for (let step = 0; step < count; step++) {
    const index = template.far ? count - 1 - step : step;
    const operand = operands[index];
    const pattern = template.operands[index];
    if (operand.kind === "immediate" && pattern === "imm8s") {
      output.byte(constantOf(operand.value) as number);
    } else if (operand.kind === "immediate" && pattern !== "one" && pattern !== "three") {
      const bytes = immediateBytes(pattern, size);
      const least = pattern === "imm" ? leastOf(bytes) : -(2 ** (bytes * 8 - 1));
      output.immediate(operand.value, bytes, least, constantOf, operandPositions[index]);
    } else if (operand.kind === "memory" && pattern === "moffs") {
      output.displacement(operand.displacement, addressSize, constantOf, operandPositions[index]);
    } else if (operand.kind === "memory" && pattern === "rel") {
      output.fixup(operand.displacement ?? ZERO, size === 16 ? 2 : 4, "relative");
    } else if (operand.kind === "memory" && pattern === "rel8") {
      output.fixup(operand.displacement ?? ZERO, 1, "relative");
    }
  }
}

const ZERO = { kind: "number", value: 0 } as const;

function immediateBytes(pattern: Pattern, size: number): 1 | 2 | 4 {
  switch (pattern) {
    case "imm8":
      return 1;
    case "imm16":
      return 2;
    default:
      return size === 8 ? 1 : size === 16 ? 2 : 4;
  }
}

function registerNumber(operand: Operand): number {
  return operand.kind === "register" ? (registerNamed(operand.register)?.number ?? 0) : 0;
}

function otherSize(size: 16 | 32): 16 | 32 {
  return size === 16 ? 32 : 16;
}
