/** `.macro`, `.exitm`, `.rept`, `.irp`, `.irpc`. */
import type { Assembler } from "./assembler.ts";
import type { Cursor } from "./cursor.ts";
import type { DirectiveTable, RunDirective } from "./directives.ts";
import { expandBody, parseParameters, takeArgument, takeList } from "./macros.ts";
import type { Expansion, Statement } from "./statement.ts";

const LOOPS = [".rept", ".rep", ".irp", ".irpc"];
const MAX_REPETITIONS = 0xffffffff;

const defineMacro: RunDirective = (assembler, cursor) => {
  cursor.skipSpace();
  const at = cursor.at;
  // The body is read even if the first line is faulty: it makes no sense outside of a macro.
  const body = assembler.collectBlock([".macro"], ".endm");
  const name = cursor.expectName("the name of the macro");
  cursor.take(",");
  const parameters = parseParameters(cursor);
  if (assembler.macros.has(name))
    throw cursor.error(`macro '${name}' is already defined; .purgem ${name} removes it`, at);
  assembler.macros.set(name, { name, parameters, body });
};

const repeat: RunDirective = (assembler, cursor) => {
  const body = assembler.collectBlock(LOOPS, ".endr");
  const count = assembler.integer(cursor, "the count of .rept", 0, MAX_REPETITIONS);
  cursor.expectEnd();
  assembler.expand(".rept", (expansion) => repeated(body, count, expansion));
};

function* repeated(body: readonly Statement[], count: number, expansion: Expansion): Generator<Statement> {
  if (body.length === 0) return;
  for (let round = 0; round < count; round++) {
    for (const statement of body) yield { ...statement, expansion };
  }
}

/** `.irp name, value, …`: the body once for each value. */
const forEachValue: RunDirective = (assembler, cursor) => {
  const body = assembler.collectBlock(LOOPS, ".endr");
  const name = takeLoopName(cursor);
  const values = takeList(cursor);
  // Without values the body is assembled once, with nothing in place of the name.
  iterate(assembler, ".irp", body, name, values.length === 0 ? [""] : values);
};

/** `.irpc name, characters`: the body once for each character. */
const forEachCharacter: RunDirective = (assembler, cursor) => {
  const body = assembler.collectBlock(LOOPS, ".endr");
  const name = takeLoopName(cursor);
  const characters = takeArgument(cursor);
  iterate(assembler, ".irpc", body, name, characters === "" ? [""] : [...characters]);
};

function takeLoopName(cursor: Cursor): string {
  const name = cursor.expectName("the name that stands for the values");
  cursor.take(",");
  return name;
}

function iterate(
  assembler: Assembler,
  directive: string,
  body: readonly Statement[],
  name: string,
  values: readonly string[],
): void {
  assembler.expand(directive, function* (expansion) {
    for (const value of values) {
      yield* expandBody(body, new Map([[name, value]]), assembler.macroCount, expansion);
    }
  });
}

const exitMacro: RunDirective = (assembler, cursor) => {
  const conditionals = assembler.reader.exitExpansion();
  if (conditionals === undefined) throw cursor.error(".exitm outside of a macro or loop", 0);
  assembler.conditionals.unwind(conditionals);
};

const purge: RunDirective = (assembler, cursor) => {
  do {
    cursor.skipSpace();
    const at = cursor.at;
    const name = cursor.expectName("the name of a macro");
    if (!assembler.macros.delete(name)) throw cursor.error(`no macro '${name}' is defined`, at);
  } while (cursor.take(","));
};

const unopened =
  (opening: string): RunDirective =>
  (_, cursor, name) => {
    throw cursor.error(`${name} without ${opening}`, 0);
  };

export const MACRO_DIRECTIVES: DirectiveTable = {
  ".macro": defineMacro,
  ".endm": unopened(".macro"),
  ".exitm": exitMacro,
  ".purgem": purge,
  ".rept": repeat,
  ".rep": repeat,
  ".irp": forEachValue,
  ".irpc": forEachCharacter,
  ".endr": unopened(".rept, .irp or .irpc"),
};
