/** `.if` in all its forms. */
import type { Cursor } from "./cursor.ts";
import type { Definitions, DirectiveTable, RunDirective, Source, Values } from "./directive.ts";

type Needs = Values & Definitions & Source;

type Condition = (assembly: Needs, cursor: Cursor) => boolean;

function when(condition: Condition): RunDirective<Needs> {
  return (assembly, cursor) => {
    assembly.conditionals.begin(assembly.statement, () => condition(assembly, cursor));
    if (!assembly.conditionals.active) cursor.takeRest();
  };
}

/** Compares the expression with zero. */
function compared(test: (sign: number) => boolean): Condition {
  return (assembly, cursor) => {
    const result = test(assembly.constant(cursor, "the condition").compare(0));
    cursor.expectEnd();
    return result;
  };
}

function defined(wanted: boolean): Condition {
  return (assembly, cursor) => {
    const name = cursor.expectName("the name of a symbol");
    cursor.expectEnd();
    return assembly.symbols.isDefined(name) === wanted;
  };
}

function blank(wanted: boolean): Condition {
  return (_, cursor) => (cursor.takeRest() === "") === wanted;
}

/** `.ifc text, text`: the texts as written, with or without quotes. */
function sameText(wanted: boolean): Condition {
  return (_, cursor) => {
    const left = takeText(cursor, ",");
    cursor.expect(",", "between the texts to compare");
    return (left === takeText(cursor, undefined)) === wanted;
  };
}

function takeText(cursor: Cursor, end: string | undefined): string {
  const { text } = cursor;
  if (cursor.peek() === "'") {
    const close = text.indexOf("'", cursor.at + 1);
    if (close > 0) {
      const quoted = text.slice(cursor.at + 1, close);
      cursor.at = close + 1;
      return quoted;
    }
  }
  const comma = end === undefined ? -1 : text.indexOf(end, cursor.at);
  const stop = comma < 0 ? text.length : comma;
  const taken = text.slice(cursor.at, stop).trim();
  cursor.at = stop;
  return taken;
}

/** `.ifeqs "text", "text"` */
function sameString(wanted: boolean): Condition {
  return (_, cursor) => {
    const left = cursor.takeString();
    cursor.expect(",", "between the strings to compare");
    const right = cursor.takeString();
    return (left.join() === right.join()) === wanted;
  };
}

const isNonZero = compared((sign) => sign !== 0);

export const CONDITIONAL_DIRECTIVES: DirectiveTable<Needs> = {
  ".if": when(isNonZero),
  ".ifne": when(isNonZero),
  ".ifeq": when(compared((sign) => sign === 0)),
  ".ifgt": when(compared((sign) => sign > 0)),
  ".ifge": when(compared((sign) => sign >= 0)),
  ".iflt": when(compared((sign) => sign < 0)),
  ".ifle": when(compared((sign) => sign <= 0)),
  ".ifdef": when(defined(true)),
  ".ifndef": when(defined(false)),
  ".ifnotdef": when(defined(false)),
  ".ifb": when(blank(true)),
  ".ifnb": when(blank(false)),
  ".ifc": when(sameText(true)),
  ".ifnc": when(sameText(false)),
  ".ifeqs": when(sameString(true)),
  ".ifnes": when(sameString(false)),
  ".elseif": (assembly, cursor) => {
    assembly.conditionals.otherwiseIf(() => isNonZero(assembly, cursor));
    if (!assembly.conditionals.active) cursor.takeRest();
  },
  ".else": (assembly) => assembly.conditionals.otherwise(),
  ".endif": (assembly) => assembly.conditionals.end(),
};
