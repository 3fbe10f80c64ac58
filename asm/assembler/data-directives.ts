/** `.byte`, `.long`, `.ascii`, `.float` and their kin: values in memory. */
import Long from "long";
import type { Expression } from "../expression.ts";
import type { Assembler } from "./assembler.ts";
import type { Cursor } from "./cursor.ts";
import type { DirectiveTable, RunDirective } from "./directives.ts";

type FieldSize = 1 | 2 | 4 | 8;

const FLOAT =
  /[-+]?(?:0[a-zA-Z])?\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:inf(?:inity)?|nan))/iy;

function integers(size: FieldSize): RunDirective {
  return (assembler, cursor) => {
    if (cursor.atEnd()) return;
    do {
      cursor.skipSpace();
      appendInteger(assembler, cursor, size);
    } while (cursor.take(","));
  };
}

/** Adds the value of the expression at the cursor, now if it is known, else as a field to be filled in. */
function appendInteger(assembler: Assembler, cursor: Cursor, size: FieldSize): void {
  const at = cursor.at;
  const expression = assembler.expressions.parse(cursor);
  const constant = assembler.evaluator.constant(expression);
  if (constant !== undefined) {
    if (size < 4 && !fits(constant, size)) {
      const kept = constant.and((1 << (8 * size)) - 1);
      assembler.warn(
        cursor.position(at),
        `${hex(constant)} does not fit in ${size * 8} bits and is cut to ${hex(kept)}`,
      );
    }
    assembler.append(constant.toBytesLE().slice(0, size));
    return;
  }
  appendField(assembler, cursor, at, size, expression);
}

function appendField(assembler: Assembler, cursor: Cursor, at: number, size: FieldSize, expression: Expression): void {
  const { current } = assembler.sections;
  const offset = current.data(assembler).size;
  current.append(new Uint8Array(size), assembler);
  current.addField({ offset, size, relativeTo: undefined, expression, position: cursor.position(at) }, assembler);
}

/** Whether a value, taken as signed or unsigned, has no more bits than the field. */
export function fits(value: Long, size: FieldSize): boolean {
  if (size === 8) return true;
  const bits = 8 * size;
  return value.greaterThanOrEqual(Long.ONE.shiftLeft(bits - 1).negate()) && value.lessThan(Long.ONE.shiftLeft(bits));
}

export const hex = (value: Long): string =>
  value.isNegative() ? `-0x${value.negate().toUnsigned().toString(16)}` : `0x${value.toString(16)}`;

function strings(terminator: readonly number[]): RunDirective {
  return (assembler, cursor) => {
    if (cursor.atEnd()) return;
    do {
      // Strings without a comma between them are one string.
      do assembler.append(cursor.takeString());
      while (cursor.peek() === '"');
      assembler.append(terminator);
    } while (cursor.take(","));
  };
}

function floats(size: 4 | 8): RunDirective {
  return (assembler, cursor) => {
    if (cursor.atEnd()) return;
    do {
      cursor.skipSpace();
      FLOAT.lastIndex = cursor.at;
      const match = FLOAT.exec(cursor.text);
      if (match === null) throw cursor.error(`expected a floating-point number, found ${cursor.describeNext()}`);
      cursor.at = FLOAT.lastIndex;
      const view = new DataView(new ArrayBuffer(size));
      const value = parseFloatingPoint(match[0], match[1]);
      if (size === 4) view.setFloat32(0, value, true);
      else view.setFloat64(0, value, true);
      assembler.append(new Uint8Array(view.buffer));
    } while (cursor.take(","));
  };
}

function parseFloatingPoint(whole: string, number: string): number {
  const negative = whole.trimStart().startsWith("-") !== (number !== whole && number.startsWith("-"));
  const digits = number.replace(/^[-+]/, "").toLowerCase();
  const magnitude = digits.startsWith("inf") ? Number.POSITIVE_INFINITY : Number(digits);
  return negative ? -magnitude : magnitude;
}

export const DATA_DIRECTIVES: DirectiveTable = {
  ".byte": integers(1),
  ".word": integers(2),
  ".short": integers(2),
  ".hword": integers(2),
  ".value": integers(2),
  ".2byte": integers(2),
  ".long": integers(4),
  ".int": integers(4),
  ".4byte": integers(4),
  ".quad": integers(8),
  ".8byte": integers(8),
  ".ascii": strings([]),
  ".asciz": strings([0]),
  ".string": strings([0]),
  ".float": floats(4),
  ".single": floats(4),
  ".double": floats(8),
};
