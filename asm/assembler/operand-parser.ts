/** Instruction operands in AT&T syntax (GNU as manual, "i386-Memory"). */
import type { Position } from "../diagnostics.ts";
import { isRegister } from "../encoder.ts";
import type { Expression } from "../expression.ts";
import type { MemoryOperand, Operand, RegisterName } from "../instruction.ts";
import { didYouMean, nearNames } from "../near-names.ts";
import type { Cursor } from "./cursor.ts";
import type { ExpressionParser } from "./expression-parser.ts";

const SEGMENTS: ReadonlySet<string> = new Set(["cs", "ds", "es", "fs", "gs", "ss"]);
const COMMON_REGISTERS = (
  "eax ebx ecx edx esi edi ebp esp ax bx cx dx si di bp sp al bl cl dl ah bh ch dh " +
  "cs ds es fs gs ss cr0 cr2 cr3 cr4 dr0 dr1 dr2 dr3 dr6 dr7 st"
).split(" ");

export interface ParsedOperands {
  readonly operands: readonly Operand[];
  readonly positions: readonly Position[];
}

const NO_OPERANDS: ParsedOperands = { operands: [], positions: [] };

/** Parses operands, separated by commas, to the end of the statement. */
export function parseOperands(cursor: Cursor, expressions: ExpressionParser): ParsedOperands {
  if (cursor.atEnd()) return NO_OPERANDS;
  const operands: Operand[] = [];
  const positions: Position[] = [];
  do {
    cursor.skipSpace();
    positions.push(cursor.position());
    operands.push(parseOperand(cursor, expressions));
  } while (cursor.take(","));
  if (!cursor.atEnd()) {
    throw cursor.error(`expected ',' or the end of the statement after the operand, found ${cursor.describeNext()}`);
  }
  return { operands, positions };
}

function parseOperand(cursor: Cursor, expressions: ExpressionParser): Operand {
  const next = cursor.peek();
  if (next === "$") {
    cursor.at++;
    return { kind: "immediate", value: expressions.parse(cursor) };
  }
  const indirect = cursor.take("*");
  if (cursor.peek() === "%") {
    const at = cursor.at;
    const register = takeRegister(cursor);
    if (!cursor.take(":")) return { kind: "register", register, indirect };
    if (!SEGMENTS.has(register)) {
      throw cursor.error(
        `%${register} is no segment register; only %cs, %ds, %es, %fs, %gs, %ss can stand before ':'`,
        at,
      );
    }
    return parseMemory(cursor, expressions, indirect || cursor.take("*"), register);
  }
  return parseMemory(cursor, expressions, indirect, undefined);
}

function parseMemory(
  cursor: Cursor,
  expressions: ExpressionParser,
  indirect: boolean,
  segment: RegisterName | undefined,
): MemoryOperand {
  let displacement: Expression | undefined;
  if (!startsAddress(cursor)) displacement = expressions.parse(cursor);
  let base: RegisterName | undefined;
  let index: RegisterName | undefined;
  let scale = 1;
  if (cursor.peek() === "(") {
    cursor.at++;
    if (cursor.peek() === "%") base = takeRegister(cursor);
    if (cursor.take(",")) {
      if (cursor.peek() === "%") index = takeRegister(cursor);
      if (index === undefined || cursor.take(",")) {
        const at = cursor.at;
        if (cursor.peek() !== ")") scale = takeScale(cursor, expressions);
        if (index === undefined && scale !== 1) throw cursor.error("a scale factor without an index register", at);
      }
    }
    cursor.expect(")", "to close the address");
  }
  return {
    kind: "memory",
    scale,
    indirect,
    ...(segment !== undefined && { segment }),
    ...(displacement !== undefined && { displacement }),
    ...(base !== undefined && { base }),
    ...(index !== undefined && { index }),
  };
}

/** Whether `(` opens base and index rather than an expression. */
function startsAddress(cursor: Cursor): boolean {
  if (cursor.peek() !== "(") return false;
  const start = cursor.at;
  cursor.at++;
  const next = cursor.peek();
  cursor.at = start;
  return next === "%" || next === "," || next === ")";
}

function takeScale(cursor: Cursor, expressions: ExpressionParser): number {
  const at = cursor.at;
  const scale = expressions.parse(cursor);
  if (scale.kind === "number" && [1, 2, 4, 8].includes(scale.value)) return scale.value;
  throw cursor.error("the scale factor must be 1, 2, 4 or 8", at);
}

/** Takes `%eax`, `%st` or `%st(3)`, in any letter case. */
export function takeRegister(cursor: Cursor): RegisterName {
  const at = cursor.at;
  cursor.expect("%", "before the name of a register");
  let name = cursor.takeName().toLowerCase();
  if (name === "st" && cursor.peek() === "(") {
    const stack = /^\(\s*([0-7])\s*\)/.exec(cursor.text.slice(cursor.at));
    if (stack === null) throw cursor.error("expected %st(0) to %st(7)", at);
    cursor.at += stack[0].length;
    name = `st(${stack[1]})`;
  }
  if (!isRegister(name)) {
    const near = nearNames(name, COMMON_REGISTERS).map((candidate) => `%${candidate}`);
    const hint = didYouMean(near);
    throw cursor.error(
      name === "" ? "expected the name of a register after %" : `unknown register %${name}${hint}`,
      at,
    );
  }
  return name;
}
