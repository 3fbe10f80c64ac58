/** `.globl`, `.set`, `.type`, `.comm` and their kin: what symbols are. */
import type { Position } from "../diagnostics.ts";
import type { ObjectSymbol } from "../object-file.ts";
import type { Cursor } from "./cursor.ts";
import type { Contents, Definitions, DirectiveTable, RunDirective, Values } from "./directive.ts";
import { MAX_OBJECT_SIZE } from "./section-builder.ts";
import type { AssemblerSymbol } from "./symbols.ts";

type Needs = Values & Contents & Definitions;

const TYPES: Readonly<Record<string, ObjectSymbol["type"]>> = {
  function: "function",
  object: "object",
  notype: "notype",
  STT_FUNC: "function",
  STT_OBJECT: "object",
  STT_NOTYPE: "notype",
  tls_object: "tls",
  STT_TLS: "tls",
  common: "object",
  STT_COMMON: "object",
};

function takeSymbol(assembly: Needs, cursor: Cursor): AssemblerSymbol {
  cursor.skipSpace();
  const position = cursor.position();
  const name = cursor.expectName("the name of a symbol");
  return assembly.symbols.mention(name, position);
}

function eachSymbol(change: (symbol: AssemblerSymbol) => void): RunDirective<Needs> {
  return (assembly, cursor) => {
    do change(takeSymbol(assembly, cursor));
    while (cursor.take(","));
  };
}

/** `.set name, expression` */
function set(once: boolean): RunDirective<Needs> {
  return (assembly, cursor, directive) => {
    cursor.skipSpace();
    const at = cursor.at;
    const name = cursor.expectName("the name of a symbol");
    cursor.expect(",", `between the name and the value of ${directive}`);
    assembly.assign(name, cursor, at, once);
  };
}

const type: RunDirective<Needs> = (assembly, cursor) => {
  const symbol = takeSymbol(assembly, cursor);
  cursor.take(",");
  cursor.skipSpace();
  const at = cursor.at;
  if (!cursor.take("@") && !cursor.take("%")) cursor.take("#");
  const name = cursor.expectName("@function or @object");
  const found = TYPES[name];
  if (found === undefined)
    throw cursor.error(`unknown symbol type '${name}'; known are @function, @object, @notype`, at);
  symbol.type = found;
};

const size: RunDirective<Needs> = (assembly, cursor) => {
  const symbol = takeSymbol(assembly, cursor);
  cursor.expect(",", "between the symbol and its size");
  cursor.skipSpace();
  const position = cursor.position();
  symbol.size = { expression: assembly.expressions.parse(cursor), position, origin: assembly.origin() };
};

/** `.comm name, size[, alignment]`: shared between objects, or after `.local name` room in .bss. */
const common: RunDirective<Needs> = (assembly, cursor) => {
  const { name, position, bytes, alignment } = takeCommon(assembly, cursor);
  const blockAlignment = alignment ?? (bytes === 0 ? 1 : Math.min(16, 2 ** Math.ceil(Math.log2(bytes))));
  if (assembly.symbols.mention(name, position).declaredLocal) {
    reserve(assembly, name, position, bytes, blockAlignment);
    return;
  }
  const definition = { kind: "common", size: bytes, alignment: blockAlignment, position } as const;
  const symbol = assembly.symbols.define(name, definition);
  if (symbol.binding === "local") symbol.binding = "global";
  symbol.type = "object";
};

/** `.lcomm name, size[, alignment]`: room in .bss. */
const localCommon: RunDirective<Needs> = (assembly, cursor) => {
  const { name, position, bytes, alignment } = takeCommon(assembly, cursor);
  reserve(assembly, name, position, bytes, alignment ?? localAlignment(bytes));
};

interface CommonBlock {
  readonly name: string;
  readonly position: Position;
  readonly bytes: number;
  readonly alignment: number | undefined;
}

function takeCommon(assembly: Needs, cursor: Cursor): CommonBlock {
  cursor.skipSpace();
  const position = cursor.position();
  const name = cursor.expectName("the name of a symbol");
  cursor.expect(",", "between the symbol and its size");
  const bytes = assembly.integer(cursor, "the size", 0, MAX_OBJECT_SIZE);
  return { name, position, bytes, alignment: cursor.take(",") ? takeAlignment(assembly, cursor) : undefined };
}

/** Zeroed room in .bss. */
function reserve(assembly: Needs, name: string, position: Position, bytes: number, alignment: number): void {
  const { sections, symbols } = assembly;
  sections.push();
  sections.switchTo(sections.find(".bss"));
  try {
    sections.align(alignment, 0, 1, Number.POSITIVE_INFINITY, 32, assembly);
    const symbol = symbols.defineLabel(name, position);
    symbol.type = "object";
    symbol.size = { expression: { kind: "number", value: bytes }, position, origin: assembly.origin() };
    sections.current.appendFill(bytes, 0, assembly);
  } finally {
    sections.pop();
  }
}

/** The largest power of two up to the size, at most 8. */
function localAlignment(bytes: number): number {
  return bytes >= 8 ? 8 : bytes >= 4 ? 4 : bytes >= 2 ? 2 : 1;
}

function takeAlignment(assembly: Needs, cursor: Cursor): number {
  cursor.skipSpace();
  const at = cursor.at;
  const alignment = assembly.integer(cursor, "the alignment", 1, MAX_OBJECT_SIZE);
  if ((alignment & (alignment - 1)) !== 0)
    throw cursor.error(`the alignment must be a power of two, not ${alignment}`, at);
  return alignment;
}

const makeGlobal = eachSymbol((symbol) => {
  if (symbol.binding !== "weak") symbol.binding = "global";
});

const visible = (visibility: AssemblerSymbol["visibility"]): RunDirective<Needs> =>
  eachSymbol((symbol) => {
    symbol.visibility = visibility;
  });

/** `.weakref name, target` */
const weakReference: RunDirective<Needs> = (assembly, cursor, directive) => {
  cursor.skipSpace();
  const position = cursor.position();
  const name = cursor.expectName("the name that stands for the symbol");
  cursor.expect(",", `between the names of ${directive}`);
  const target = cursor.expectName("the name of a symbol");
  assembly.symbols.defineWeakReference(name, target, position, assembly.origin());
};

export const SYMBOL_DIRECTIVES: DirectiveTable<Needs> = {
  ".globl": makeGlobal,
  ".global": makeGlobal,
  ".local": eachSymbol((symbol) => {
    symbol.declaredLocal = true;
    symbol.binding = "local";
  }),
  ".weak": eachSymbol((symbol) => {
    symbol.binding = "weak";
  }),
  ".extern": (_, cursor) => {
    cursor.takeRest();
  },
  ".hidden": visible("hidden"),
  ".internal": visible("internal"),
  ".protected": visible("protected"),
  ".weakref": weakReference,
  ".set": set(false),
  ".equ": set(false),
  ".equiv": set(true),
  ".eqv": set(true),
  ".type": type,
  ".size": size,
  ".comm": common,
  ".lcomm": localCommon,
};
