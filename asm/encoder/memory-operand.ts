/** ModRM, SIB and displacement of memory operands (Intel SDM vol. 2, tables 2-1 to 2-3), as short as GNU as makes them. */
import { type Position, StatementError } from "../diagnostics.ts";
import type { ConstantOf, MemoryOperand } from "../instruction.ts";
import { fitsField, type InstructionBytes, leastOf } from "./instruction-bytes.ts";
import { type Register, registerNamed } from "./registers.ts";

/** R/M field of the 16-bit forms, by the names of base and index. */
const RM_16: Readonly<Record<string, number>> = {
  "bx+si": 0,
  "bx+di": 1,
  "bp+si": 2,
  "bp+di": 3,
  "si+": 4,
  "di+": 5,
  "bp+": 6,
  "bx+": 7,
};

const ESP = 4;
const EBP = 5;

/**
 * The address size that the registers of the operand demand, in bits, or undefined if it has none.
 * Throws a StatementError for combinations of registers that no instruction can express.
 */
export function addressSizeOf(operand: MemoryOperand, position: Position): 16 | 32 | undefined {
  const { base, index, scale } = operand;
  if (base === undefined && index === undefined) return undefined;
  const size = addressRegister(base ?? index ?? "", position).size;
  if (base !== undefined && index !== undefined && addressRegister(index, position).size !== size) {
    throw new StatementError(
      `%${base} and %${index} differ in size; a base and an index are both 16 or both 32 bits wide`,
      position,
    );
  }
  if (size === 32) {
    if (index === "esp") throw new StatementError("%esp cannot be an index; use it as the base", position);
    if (![1, 2, 4, 8].includes(scale)) throw new StatementError(`scale ${scale} is not 1, 2, 4 or 8`, position);
    return 32;
  }
  if (scale !== 1) throw new StatementError("a 16-bit address has no scale factor other than 1", position);
  if (RM_16[key16(operand)] === undefined) {
    throw new StatementError(
      "not a 16-bit address; expected (%bx), (%bp), (%si), (%di) or (%bx,%si), (%bx,%di), (%bp,%si), (%bp,%di)",
      position,
    );
  }
  return 16;
}

function addressRegister(name: string, position: Position): Register {
  const register = registerNamed(name);
  if (register?.class !== "general" || register.size === 8) {
    throw new StatementError(`%${name} cannot address memory; expected a 16- or 32-bit general register`, position);
  }
  return register;
}

function key16({ base, index }: MemoryOperand): string {
  return base === undefined ? `${index}+` : `${base}+${index ?? ""}`;
}

/** Number of the segment register the CPU uses for this operand unless told otherwise: SS or DS. */
export function defaultSegmentOf({ base }: MemoryOperand): "ss" | "ds" {
  return base === "ebp" || base === "esp" || base === "bp" ? "ss" : "ds";
}

/** Appends ModRM (with `reg` in its middle field), SIB and displacement. */
export function writeMemoryOperand(
  bytes: InstructionBytes,
  operand: MemoryOperand,
  reg: number,
  addressSize: 16 | 32,
  constantOf: ConstantOf,
  position: Position,
): void {
  if (operand.base === undefined && operand.index === undefined) {
    bytes.byte((reg << 3) | (addressSize === 16 ? 6 : 5));
    bytes.displacement(operand.displacement, addressSize, constantOf, position);
  } else if (addressSize === 16) {
    const rm = RM_16[key16(operand)] as number;
    const mode = displacementMode(operand, rm === 6, 16, constantOf);
    bytes.byte((mode << 6) | (reg << 3) | rm);
    writeDisplacement(bytes, operand, mode, 16, constantOf, position);
  } else {
    writeMemoryOperand32(bytes, operand, reg, constantOf, position);
  }
}

function writeMemoryOperand32(
  bytes: InstructionBytes,
  operand: MemoryOperand,
  reg: number,
  constantOf: ConstantOf,
  position: Position,
): void {
  const index = operand.index === undefined ? ESP : (registerNamed(operand.index) as Register).number;
  const scaleBits = 31 - Math.clz32(operand.scale);
  if (operand.base === undefined) {
    bytes.byte((reg << 3) | ESP);
    bytes.byte((scaleBits << 6) | (index << 3) | EBP);
    bytes.displacement(operand.displacement, 32, constantOf, position);
    return;
  }
  const base = (registerNamed(operand.base) as Register).number;
  const mode = displacementMode(operand, base === EBP, 32, constantOf);
  if (operand.index === undefined && base !== ESP) {
    bytes.byte((mode << 6) | (reg << 3) | base);
  } else {
    bytes.byte((mode << 6) | (reg << 3) | ESP);
    bytes.byte((operand.index === undefined ? 0 : scaleBits << 6) | (index << 3) | base);
  }
  writeDisplacement(bytes, operand, mode, 32, constantOf, position);
}

/** ModRM.mod: 0 without displacement, 1 with a byte, 2 with a full one. `needed`: mod 0 means something else here. */
function displacementMode(
  operand: MemoryOperand,
  needed: boolean,
  addressSize: 16 | 32,
  constantOf: ConstantOf,
): 0 | 1 | 2 {
  if (operand.displacement === undefined) return needed ? 1 : 0;
  const value = constantOf(operand.displacement);
  if (value === undefined || !fitsField(value, addressSize / 8, leastOf(addressSize / 8))) return 2;
  const wrapped = addressSize === 16 ? (value << 16) >> 16 : value | 0;
  if (wrapped === 0 && !needed) return 0;
  return wrapped >= -128 && wrapped <= 127 ? 1 : 2;
}

function writeDisplacement(
  bytes: InstructionBytes,
  operand: MemoryOperand,
  mode: 0 | 1 | 2,
  addressSize: 16 | 32,
  constantOf: ConstantOf,
  position: Position,
): void {
  if (mode === 1) bytes.byte(operand.displacement === undefined ? 0 : (constantOf(operand.displacement) as number));
  else if (mode === 2) bytes.displacement(operand.displacement, addressSize, constantOf, position);
}
