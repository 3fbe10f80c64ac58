/** `.align`, `.org`, `.skip`, `.fill` and their kin: where the next bytes go. */
import type { Cursor } from "./cursor.ts";
import type { Contents, DirectiveTable, RunDirective, Values } from "./directive.ts";
import { fillWithNops, largestNop } from "./nop-padding.ts";
import { MAX_OBJECT_SIZE } from "./section-builder.ts";

type Needs = Values & Contents;

const ONE_BYTE_NOP = 0x90;
const MAX_POWER = Math.log2(MAX_OBJECT_SIZE);

/** `.balign alignment[, fill[, limit]]`; with `isPower` the first operand is its logarithm. */
function align(isPower: boolean, fillSize: 1 | 2 | 4): RunDirective<Needs> {
  return (assembly, cursor, name) => {
    const alignment = cursor.atEnd() ? 1 : takeAlignment(assembly, cursor, name, isPower);
    let fill: number | undefined;
    let limit = Number.POSITIVE_INFINITY;
    if (cursor.take(",")) {
      if (!cursor.atEnd() && cursor.peek() !== ",") fill = assembly.constant(cursor, "the fill value").toInt();
      if (cursor.take(",") && !cursor.atEnd()) {
        // 0 means no limit, as in GNU as.
        limit = assembly.integer(cursor, "the most bytes to skip", 0, 0xffffffff) || limit;
      }
    }
    assembly.sections.align(alignment, fill, fillSize, limit, assembly.codeSize, assembly);
  };
}

function takeAlignment(assembly: Needs, cursor: Cursor, name: string, isPower: boolean): number {
  if (isPower) return 2 ** assembly.integer(cursor, `the power of two of ${name}`, 0, MAX_POWER);
  cursor.skipSpace();
  const at = cursor.at;
  const alignment = assembly.integer(cursor, "the alignment", 0, MAX_OBJECT_SIZE);
  if (alignment === 0) return 1;
  if ((alignment & (alignment - 1)) !== 0) {
    throw cursor.error(`the alignment must be a power of two (in bytes), not ${alignment}`, at);
  }
  return alignment;
}

/** `.skip count[, fill]` */
const skip: RunDirective<Needs> = (assembly, cursor, name) => {
  cursor.skipSpace();
  const at = cursor.at;
  const count = assembly.expressions.parse(cursor);
  const fill = cursor.take(",") ? assembly.constant(cursor, "the fill value").toInt() & 0xff : 0;
  const known = assembly.evaluator.constant(count)?.toNumber();
  if (known === undefined) {
    assembly.sections.current.add({ kind: "space", count, fill, position: cursor.position(at) }, assembly);
    return;
  }
  if (known < 0 || known > MAX_OBJECT_SIZE) {
    throw cursor.error(`the count of ${name} must be from 0 to ${MAX_OBJECT_SIZE} bytes, not ${known}`, at);
  }
  assembly.sections.current.appendFill(known, fill, assembly);
};

/** `.fill count[, size[, value]]`: of `value` only four bytes are used, the others are zero. */
const fill: RunDirective<Needs> = (assembly, cursor) => {
  cursor.skipSpace();
  const at = cursor.at;
  const expression = assembly.expressions.parse(cursor);
  const size = cursor.take(",") ? assembly.integer(cursor, "the size of .fill", 0, 8) : 1;
  const value = cursor.take(",") ? assembly.constant(cursor, "the value of .fill").toInt() : 0;
  const known = assembly.evaluator.constant(expression)?.toNumber();
  if (known === undefined) {
    if (size !== 1) throw cursor.error(".fill with a size other than 1 needs a count known at this point", at);
    const position = cursor.position(at);
    assembly.sections.current.add({ kind: "space", count: expression, fill: value & 0xff, position }, assembly);
    return;
  }
  if (known < 0 || known * size > MAX_OBJECT_SIZE) {
    throw cursor.error(`.fill must add from 0 to ${MAX_OBJECT_SIZE} bytes, not ${known * size}`, at);
  }
  const { current } = assembly.sections;
  if (size === 1 || value === 0) {
    current.appendFill(known * size, value & 0xff, assembly);
    return;
  }
  const bytes = new Uint8Array(known * size);
  for (let offset = 0; offset < bytes.length; offset += size) {
    for (let index = 0; index < Math.min(size, 4); index++) bytes[offset + index] = value >> (8 * index);
  }
  current.append(bytes, assembly);
};

/** `.nops size[, largest]`: instructions that do nothing, none of more than `largest` bytes. */
const nops: RunDirective<Needs> = (assembly, cursor) => {
  const size = assembly.integer(cursor, "the size of .nops", 0, MAX_OBJECT_SIZE);
  const most = largestNop(assembly.codeSize);
  const largest = cursor.take(",") ? assembly.integer(cursor, "the size of one instruction", 0, most) || most : most;
  const bytes = new Uint8Array(size);
  fillWithNops(bytes, assembly.codeSize, largest);
  assembly.append(bytes);
};

/** `.nop [count]` */
const nop: RunDirective<Needs> = (assembly, cursor) => {
  const count = cursor.atEnd() ? 1 : assembly.integer(cursor, "the count of .nop", 0, MAX_OBJECT_SIZE);
  assembly.sections.current.appendFill(count, ONE_BYTE_NOP, assembly);
};

/** `.struct address`: what follows takes no room; its labels are offsets counted from there. */
const structure: RunDirective<Needs> = (assembly, cursor) => {
  assembly.sections.enterAbsolute(assembly.integer(cursor, "the first offset", 0, 0x7fffffff), assembly);
};

const origin: RunDirective<Needs> = (assembly, cursor) => {
  cursor.skipSpace();
  const at = cursor.at;
  const target = assembly.expressions.parse(cursor);
  const fill = cursor.take(",") ? assembly.constant(cursor, "the fill value").toInt() & 0xff : 0;
  assembly.sections.origin(target, fill, cursor.position(at), assembly);
};

export const LAYOUT_DIRECTIVES: DirectiveTable<Needs> = {
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
  ".nops": nops,
  ".nop": nop,
  ".struct": structure,
  ".offset": structure,
};
