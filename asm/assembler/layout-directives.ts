/** `.align`, `.org`, `.skip`, `.fill` and their kin: where the next bytes go. */
import type { Assembler } from "./assembler.ts";
import type { Cursor } from "./cursor.ts";
import type { DirectiveTable, RunDirective } from "./directives.ts";
import { MAX_OBJECT_SIZE } from "./section-builder.ts";

const MAX_POWER = Math.log2(MAX_OBJECT_SIZE);

/** `.balign alignment[, fill[, limit]]`; with `isPower` the first operand is its logarithm. */
function align(isPower: boolean, fillSize: 1 | 2 | 4): RunDirective {
  return (assembler, cursor, name) => {
    const alignment = cursor.atEnd() ? 1 : takeAlignment(assembler, cursor, name, isPower);
    let fill: number | undefined;
    let limit = Number.POSITIVE_INFINITY;
    if (cursor.take(",")) {
      if (!cursor.atEnd() && cursor.peek() !== ",") fill = assembler.constant(cursor, "the fill value").toInt();
      if (cursor.take(",") && !cursor.atEnd()) {
        // 0 means no limit, as in GNU as.
        limit = assembler.integer(cursor, "the most bytes to skip", 0, 0xffffffff) || limit;
      }
    }
    assembler.sections.align(alignment, fill, fillSize, limit, assembler.codeSize, assembler);
  };
}

function takeAlignment(assembler: Assembler, cursor: Cursor, name: string, isPower: boolean): number {
  if (isPower) return 2 ** assembler.integer(cursor, `the power of two of ${name}`, 0, MAX_POWER);
  cursor.skipSpace();
  const at = cursor.at;
  const alignment = assembler.integer(cursor, "the alignment", 0, MAX_OBJECT_SIZE);
  if (alignment === 0) return 1;
  if ((alignment & (alignment - 1)) !== 0) {
    throw cursor.error(`the alignment must be a power of two (in bytes), not ${alignment}`, at);
  }
  return alignment;
}

/** `.skip count[, fill]` */
const skip: RunDirective = (assembler, cursor, name) => {
  cursor.skipSpace();
  const at = cursor.at;
  const count = assembler.expressions.parse(cursor);
  const fill = cursor.take(",") ? assembler.constant(cursor, "the fill value").toInt() & 0xff : 0;
  const known = assembler.evaluator.constant(count)?.toNumber();
  if (known === undefined) {
    assembler.sections.current.add({ kind: "space", count, fill, position: cursor.position(at) }, assembler);
    return;
  }
  if (known < 0 || known > MAX_OBJECT_SIZE) {
    throw cursor.error(`the count of ${name} must be from 0 to ${MAX_OBJECT_SIZE} bytes, not ${known}`, at);
  }
  assembler.sections.current.appendFill(known, fill, assembler);
};

/** `.fill count[, size[, value]]`: of `value` only four bytes are used, the others are zero. */
const fill: RunDirective = (assembler, cursor) => {
  cursor.skipSpace();
  const at = cursor.at;
  const expression = assembler.expressions.parse(cursor);
  const size = cursor.take(",") ? assembler.integer(cursor, "the size of .fill", 0, 8) : 1;
  const value = cursor.take(",") ? assembler.constant(cursor, "the value of .fill").toInt() : 0;
  const known = assembler.evaluator.constant(expression)?.toNumber();
  if (known === undefined) {
    if (size !== 1) throw cursor.error(".fill with a size other than 1 needs a count known at this point", at);
    const position = cursor.position(at);
    assembler.sections.current.add({ kind: "space", count: expression, fill: value & 0xff, position }, assembler);
    return;
  }
  if (known < 0 || known * size > MAX_OBJECT_SIZE) {
    throw cursor.error(`.fill must add from 0 to ${MAX_OBJECT_SIZE} bytes, not ${known * size}`, at);
  }
  const { current } = assembler.sections;
  if (size === 1 || value === 0) {
    current.appendFill(known * size, value & 0xff, assembler);
    return;
  }
  const bytes = new Uint8Array(known * size);
  for (let offset = 0; offset < bytes.length; offset += size) {
    for (let index = 0; index < Math.min(size, 4); index++) bytes[offset + index] = value >> (8 * index);
  }
  current.append(bytes, assembler);
};

const origin: RunDirective = (assembler, cursor) => {
  cursor.skipSpace();
  const at = cursor.at;
  const target = assembler.expressions.parse(cursor);
  const fill = cursor.take(",") ? assembler.constant(cursor, "the fill value").toInt() & 0xff : 0;
  assembler.sections.origin(target, fill, cursor.position(at), assembler);
};

export const LAYOUT_DIRECTIVES: DirectiveTable = {
  ".align": align(false, 1),
  ".balign": align(false, 1),
  ".balignw": align(false, 2),
  ".balignl": align(false, 4),
  ".p2align": align(true, 1),
  ".p2alignw": align(true, 2),
  ".p2alignl": align(true, 4),
  ".skip": skip,
  ".space": skip,
  ".zero": skip,
  ".fill": fill,
  ".org": origin,
};
