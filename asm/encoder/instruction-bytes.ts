import { type Position, StatementError } from "../diagnostics.ts";
import type { Expression } from "../expression.ts";
import type { ConstantOf, Fixup } from "../instruction.ts";

/** The bytes of one instruction as they come together. */
export class InstructionBytes {
  readonly bytes: number[] = [];
  readonly fixups: Fixup[] = [];

  byte(value: number): void {
    this.bytes.push(value & 0xff);
  }

  /** Little-endian, `size` bytes. */
  value(value: number, size: 1 | 2 | 4): void {
    for (let shift = 0; shift < size * 8; shift += 8) this.bytes.push((value >> shift) & 0xff);
  }

  /** A field that the linker or the end of the assembly fills in. */
  fixup(expression: Expression, size: 1 | 2 | 4, kind: Fixup["kind"], isDisplacement = false): void {
    this.fixups.push({ offset: this.bytes.length, size, kind, expression, isDisplacement });
    for (let count = 0; count < size; count++) this.bytes.push(0);
  }

  /**
   * A constant of `size` bytes, not below `least`, or a fixup if it is not known.
   * Throws a StatementError if it does not fit.
   */
  immediate(expression: Expression, size: 1 | 2 | 4, least: number, constantOf: ConstantOf, position: Position): void {
    const value = constantOf(expression);
    if (value === undefined) {
      this.fixup(expression, size, "absolute");
    } else if (fitsField(value, size, least)) {
      this.value(value, size);
    } else {
      const limit = 2 ** (size * 8);
      throw new StatementError(
        `${value} does not fit in ${size * 8} bits; expected ${-limit / 2} to ${limit - 1}`,
        position,
      );
    }
  }

  /** A full-size displacement. Without an expression, zero. */
  displacement(
    expression: Expression | undefined,
    addressSize: 16 | 32,
    constantOf: ConstantOf,
    position: Position,
  ): void {
    const size = addressSize === 16 ? 2 : 4;
    if (expression === undefined) this.value(0, size);
    else if (constantOf(expression) === undefined) this.fixup(expression, size, "absolute", true);
    else this.immediate(expression, size, leastOf(size), constantOf, position);
  }
}

/**
 * The least number that an operand-sized field takes. It may use all the bits below the sign, as in `andb $~0x80,%al`,
 * and as GNU as has it.
 */
export function leastOf(size: number): number {
  return 1 - 2 ** (size * 8);
}

/** Whether `size` bytes can hold `value`, a 32-bit two's complement number given either signed or unsigned. */
export function fitsField(value: number, size: number, least: number): boolean {
  const signed = value >= 2 ** 31 && value < 2 ** 32 ? value - 2 ** 32 : value;
  return signed >= least && signed < 2 ** (size * 8);
}
