/** `.byte`, `.long`, `.ascii`, `.float` and their kin: values in memory. */
import Long from "long";
import type { Expression } from "../expression.ts";
import type { Cursor } from "./cursor.ts";
import type { Contents, DirectiveTable, Messages, RunDirective, Source, Values } from "./directive.ts";
import { floatingPointBytes, readFloatingPoint } from "./floating-point.ts";
import { leb128 } from "./leb128.ts";
import { MAX_OBJECT_SIZE } from "./section-builder.ts";

type FieldSize = 1 | 2 | 4 | 8;
type FloatSize = 4 | 8 | 10;

type Needs = Values & Contents & Messages & Pick<Source, "readBytes">;

function integers(size: FieldSize): RunDirective<Needs> {
  return (assembly, cursor) => {
    if (cursor.atEnd()) return;
    do {
      cursor.skipSpace();
      appendInteger(assembly, cursor, size);
    } while (cursor.take(","));
  };
}

/** Adds the value of the expression at the cursor, now if it is known, else as a field to be filled in. */
function appendInteger(assembly: Needs, cursor: Cursor, size: FieldSize): void {
  const at = cursor.at;
  const expression = assembly.expressions.parse(cursor);
  const constant = assembly.evaluator.constant(expression);
  if (constant === undefined) appendField(assembly, cursor, at, size, expression);
  else assembly.append(integerBytes(assembly, cursor, at, size, constant));
}

/** The low bytes of a constant, with a warning if it has more. */
function integerBytes(assembly: Needs, cursor: Cursor, at: number, size: FieldSize, constant: Long): number[] {
  if (size < 4 && !fits(constant, size)) {
    const kept = constant.and((1 << (8 * size)) - 1);
    assembly.warn(cursor.position(at), `${hex(constant)} does not fit in ${size * 8} bits and is cut to ${hex(kept)}`);
  }
  return constant.toBytesLE().slice(0, size);
}

function appendField(assembly: Needs, cursor: Cursor, at: number, size: FieldSize, expression: Expression): void {
  const { current } = assembly.sections;
  const offset = current.data(assembly).size;
  current.append(new Uint8Array(size), assembly);
  current.addField({ offset, size, relativeTo: undefined, expression, position: cursor.position(at) }, assembly);
}

/** Whether a value, taken as signed or unsigned, has no more bits than the field. */
export function fits(value: Long, size: FieldSize): boolean {
  if (size === 8) return true;
  const bits = 8 * size;
  return value.greaterThanOrEqual(Long.ONE.shiftLeft(bits - 1).negate()) && value.lessThan(Long.ONE.shiftLeft(bits));
}

export const hex = (value: Long): string =>
  value.isNegative() ? `-0x${value.negate().toUnsigned().toString(16)}` : `0x${value.toString(16)}`;

/** A number that stands alone and may have more than 64 bits. */
const LONG_NUMBER = /(-?)\s*(0[xX][0-9a-fA-F]+|0[bB][01]+|[1-9][0-9]*|0[0-7]*)(?=\s*(?:,|$))/y;
const MAX_LONG_DIGITS = 1000;

/** Takes a constant of any size; undefined, and nothing taken, if what comes is none. */
function takeLongConstant(assembly: Needs, cursor: Cursor): bigint | undefined {
  cursor.skipSpace();
  const { at } = cursor;
  LONG_NUMBER.lastIndex = at;
  const match = LONG_NUMBER.exec(cursor.text);
  if (match !== null && match[2].length <= MAX_LONG_DIGITS) {
    const [, sign, digits] = match;
    cursor.at = LONG_NUMBER.lastIndex;
    const number = BigInt(/^0[0-7]/.test(digits) ? `0o${digits}` : digits);
    return sign === "" ? number : -number;
  }
  const constant = assembly.evaluator.constant(assembly.expressions.parse(cursor));
  if (constant !== undefined) return BigInt(constant.toString());
  cursor.at = at;
  return undefined;
}

/** `.octa number, …`: 16 bytes each. */
const octas: RunDirective<Needs> = (assembly, cursor) => {
  if (cursor.atEnd()) return;
  do {
    cursor.skipSpace();
    const { at } = cursor;
    const value = takeLongConstant(assembly, cursor);
    if (value === undefined) throw cursor.error(`a 128-bit field needs a constant, but ${assembly.evaluator.reason}`);
    if (value >= 1n << 128n || value < -(1n << 127n)) throw cursor.error("this does not fit in 128 bits", at);
    const bits = BigInt.asUintN(128, value);
    assembly.append(Array.from({ length: 16 }, (_, index) => Number((bits >> BigInt(8 * index)) & 0xffn)));
  } while (cursor.take(","));
};

/** `.uleb128 value, …`: also distances that are known only when all is laid out. */
function leb128s(isSigned: boolean): RunDirective<Needs> {
  return (assembly, cursor) => {
    do {
      const value = takeLongConstant(assembly, cursor);
      if (value !== undefined) {
        assembly.append(leb128(value, isSigned));
        continue;
      }
      const position = cursor.position();
      const expression = assembly.expressions.parse(cursor);
      assembly.sections.current.add({ kind: "leb128", expression, isSigned, position }, assembly);
    } while (cursor.take(","));
  };
}

/** Strings, each with `terminator` behind it; `width` bytes a character. */
function strings(terminator: readonly number[], width: 1 | 2 | 4 | 8 = 1): RunDirective<Needs> {
  const widen = (bytes: readonly number[]): readonly number[] =>
    width === 1 ? bytes : bytes.flatMap((byte) => [byte, ...new Array<number>(width - 1).fill(0)]);
  return (assembly, cursor) => {
    if (cursor.atEnd()) return;
    do {
      // Strings without a comma between them are one string.
      do assembly.append(widen(cursor.takeString()));
      while (cursor.peek() === '"');
      assembly.append(widen(terminator));
    } while (cursor.take(","));
  };
}

function takeFloat(cursor: Cursor, size: FloatSize): Uint8Array {
  cursor.skipSpace();
  const read = readFloatingPoint(cursor.text, cursor.at);
  if (read === undefined) throw cursor.error(`expected a floating-point number, found ${cursor.describeNext()}`);
  cursor.at = read.end;
  return floatingPointBytes(read.number, size);
}

function floats(size: FloatSize): RunDirective<Needs> {
  return (assembly, cursor) => {
    if (cursor.atEnd()) return;
    do assembly.append(takeFloat(cursor, size));
    while (cursor.take(","));
  };
}

/** `.dcb count, value`: the value that many times. */
function repeated(
  size: number,
  takeValue: (assembly: Needs, cursor: Cursor) => ArrayLike<number>,
): RunDirective<Needs> {
  return (assembly, cursor, name) => {
    const count = assembly.integer(cursor, `the count of ${name}`, 0, MAX_OBJECT_SIZE / size);
    const bytes = cursor.take(",") ? takeValue(assembly, cursor) : undefined;
    if (bytes === undefined) {
      assembly.sections.current.appendFill(count * size, 0, assembly);
      return;
    }
    const all = new Uint8Array(count * size);
    for (let index = 0; index < count; index++) all.set(bytes, index * size);
    assembly.append(all);
  };
}

function repeatedInteger(size: FieldSize): RunDirective<Needs> {
  return repeated(size, (assembly, cursor) => {
    cursor.skipSpace();
    const { at } = cursor;
    return integerBytes(assembly, cursor, at, size, assembly.constant(cursor, "the value"));
  });
}

const repeatedFloat = (size: FloatSize): RunDirective<Needs> => repeated(size, (_, cursor) => takeFloat(cursor, size));

/** `.ds count`: room for that many values of `size` bytes. */
const room = (size: number): RunDirective<Needs> =>
  repeated(size, (_, cursor) => {
    throw cursor.error(`values of ${size} bytes can't be given here; use .dcb`);
  });

/** `.incbin "file"[, skip[, count]]`: the bytes of a file as they are. */
const includeBinary: RunDirective<Needs> = (assembly, cursor) => {
  cursor.skipSpace();
  const start = cursor.at;
  const name = new TextDecoder().decode(Uint8Array.from(cursor.takeString()));
  let skip = 0;
  let count: number | undefined;
  let skipAt = start;
  if (cursor.take(",")) {
    cursor.skipSpace();
    skipAt = cursor.at;
    if (cursor.peek() !== ",") skip = assembly.integer(cursor, "the bytes to skip", 0, Number.MAX_SAFE_INTEGER);
    if (cursor.take(",")) count = assembly.integer(cursor, "the count", 0, MAX_OBJECT_SIZE) || undefined;
  }
  const bytes = assembly.readBytes(name);
  if (skip + (count ?? 0) > bytes.length) {
    const wanted = count === undefined ? `${skip} to skip` : `${count} behind the first ${skip}`;
    throw cursor.error(`'${name}' has ${bytes.length} bytes, too few for ${wanted}`, skipAt);
  }
  assembly.append(bytes.subarray(skip, count === undefined ? bytes.length : skip + count));
};

export const DATA_DIRECTIVES: DirectiveTable<Needs> = {
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
  ".octa": octas,
  ".uleb128": leb128s(false),
  ".sleb128": leb128s(true),
  ".ascii": strings([]),
  ".asciz": strings([0]),
  ".string": strings([0]),
  ".string8": strings([0]),
  ".string16": strings([0], 2),
  ".string32": strings([0], 4),
  ".string64": strings([0], 8),
  ".float": floats(4),
  ".single": floats(4),
  ".double": floats(8),
  ".tfloat": floats(10),
  ".dc": integers(2),
  ".dc.a": integers(4),
  ".dc.b": integers(1),
  ".dc.w": integers(2),
  ".dc.l": integers(4),
  ".dc.s": floats(4),
  ".dc.d": floats(8),
  ".dc.x": floats(10),
  ".dcb": repeatedInteger(2),
  ".dcb.b": repeatedInteger(1),
  ".dcb.w": repeatedInteger(2),
  ".dcb.l": repeatedInteger(4),
  ".dcb.s": repeatedFloat(4),
  ".dcb.d": repeatedFloat(8),
  ".dcb.x": repeatedFloat(10),
  ".ds": repeatedInteger(2),
  ".ds.b": repeatedInteger(1),
  ".ds.w": repeatedInteger(2),
  ".ds.l": repeatedInteger(4),
  ".ds.s": repeatedInteger(4),
  ".ds.d": repeatedInteger(8),
  ".ds.p": room(10),
  ".ds.x": room(10),
  ".incbin": includeBinary,
};
