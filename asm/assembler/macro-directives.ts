/** `.macro`, `.exitm`, `.rept`, `.irp`, `.irpc`, `.altmacro`. */
import type { Cursor } from "./cursor.ts";
import type { DirectiveTable, RunDirective, Source, Values } from "./directive.ts";
import {
  type BodyOptions,
  type EvaluateArgument,
  expandBody,
  parseParameters,
  takeArgument,
  takeList,
} from "./macros.ts";
import type { Expansion, Statement } from "./statement.ts";

type Needs = Values & Source;

const LOOPS = [".rept", ".rep", ".irp", ".irpc"];
const MAX_REPETITIONS = 0xffffffff;

const defineMacro: RunDirective<Needs> = (assembly, cursor) => {
  cursor.skipSpace();
  const at = cursor.at;
  // The body is read even if the first line is faulty: it makes no sense outside of a macro.
  const body = assembly.collectBlock([".macro"], ".endm");
  const name = cursor.expectName("the name of the macro");
  cursor.take(",");
  const parameters = parseParameters(cursor);
  if (assembly.macros.has(name))
    throw cursor.error(`macro '${name}' is already defined; .purgem ${name} removes it`, at);
  assembly.macros.set(name, { name, parameters, body });
};

const repeat: RunDirective<Needs> = (assembly, cursor) => {
  const body = assembly.collectBlock(LOOPS, ".endr");
  const count = assembly.integer(cursor, "the count of .rept", 0, MAX_REPETITIONS);
  cursor.expectEnd();
  assembly.expand(".rept", (expansion) => repeated(body, count, expansion));
};

function* repeated(body: readonly Statement[], count: number, expansion: Expansion): Generator<Statement> {
  if (body.length === 0) return;
  for (let round = 0; round < count; round++) {
    for (const statement of body) yield { ...statement, expansion };
  }
}

/** `.irp name, value, …`: the body once for each value. */
const forEachValue: RunDirective<Needs> = (assembly, cursor) => {
  const body = assembly.collectBlock(LOOPS, ".endr");
  const name = takeLoopName(cursor);
  const values = takeList(cursor, argumentEvaluator(assembly));
  // Without values the body is assembled once, with nothing in place of the name.
  iterate(assembly, ".irp", body, name, values.length === 0 ? [""] : values);
};

/** `.irpc name, characters`: the body once for each character. */
const forEachCharacter: RunDirective<Needs> = (assembly, cursor) => {
  const body = assembly.collectBlock(LOOPS, ".endr");
  const name = takeLoopName(cursor);
  const characters = takeArgument(cursor, argumentEvaluator(assembly));
  iterate(assembly, ".irpc", body, name, characters === "" ? [""] : [...characters]);
};

function takeLoopName(cursor: Cursor): string {
  const name = cursor.expectName("the name that stands for the values");
  cursor.take(",");
  return name;
}

function iterate(
  assembly: Needs,
  directive: string,
  body: readonly Statement[],
  name: string,
  values: readonly string[],
): void {
  assembly.expand(directive, function* (expansion) {
    for (const value of values) {
      yield* expandBody(body, new Map([[name, value]]), bodyOptions(assembly, assembly.macroCount), expansion);
    }
  });
}

/** What computes `%expression` arguments, while `.altmacro` is in force. */
export function argumentEvaluator(assembly: Needs): EvaluateArgument | undefined {
  return assembly.alternate ? (cursor) => assembly.constant(cursor, "an argument after %").toString() : undefined;
}

/** How the body of the macro with that number, or of a loop, is expanded at present. */
export function bodyOptions(assembly: Needs, number: number): BodyOptions {
  const localName = (): string => `.LL${(++assembly.localCount).toString(16).padStart(4, "0")}`;
  return { number, localName: assembly.alternate ? localName : undefined };
}

const exitMacro: RunDirective<Needs> = (assembly, cursor) => {
  const conditionals = assembly.reader.exitExpansion();
  if (conditionals === undefined) throw cursor.error(".exitm outside of a macro or loop", 0);
  assembly.conditionals.unwind(conditionals);
};

const purge: RunDirective<Needs> = (assembly, cursor) => {
  do {
    cursor.skipSpace();
    const at = cursor.at;
    const name = cursor.expectName("the name of a macro");
    if (!assembly.macros.delete(name)) throw cursor.error(`no macro '${name}' is defined`, at);
  } while (cursor.take(","));
};

const unopened =
  (opening: string): RunDirective<Needs> =>
  (_, cursor, name) => {
    throw cursor.error(`${name} without ${opening}`, 0);
  };

export const MACRO_DIRECTIVES: DirectiveTable<Needs> = {
  ".macro": defineMacro,
  ".endm": unopened(".macro"),
  ".exitm": exitMacro,
  ".purgem": purge,
  ".altmacro": (assembly) => {
    assembly.alternate = true;
  },
  ".noaltmacro": (assembly) => {
    assembly.alternate = false;
  },
  ".rept": repeat,
  ".rep": repeat,
  ".irp": forEachValue,
  ".irpc": forEachCharacter,
  ".endr": unopened(".rept, .irp or .irpc"),
};
