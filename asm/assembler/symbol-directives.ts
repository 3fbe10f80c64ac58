/** `.globl`, `.set`, `.type`, `.comm` and their kin: what symbols are. */
import type { Position } from "../diagnostics.ts";
import type { ObjectSymbol } from "../object-file.ts";
import type { Assembler } from "./assembler.ts";
import type { Cursor } from "./cursor.ts";
import type { DirectiveTable, RunDirective } from "./directives.ts";
import { MAX_OBJECT_SIZE } from "./section-builder.ts";
import type { AssemblerSymbol } from "./symbols.ts";

const TYPES: Readonly<Record<string, ObjectSymbol["type"]>> = {
  function: "function",
  object: "object",
  notype: "notype",
  STT_FUNC: "function",
  STT_OBJECT: "object",
  STT_NOTYPE: "notype",
};

function takeSymbol(assembler: Assembler, cursor: Cursor): AssemblerSymbol {
  cursor.skipSpace();
  const position = cursor.position();
  const name = cursor.expectName("the name of a symbol");
  return assembler.symbols.mention(name, position);
}

function eachSymbol(change: (symbol: AssemblerSymbol) => void): RunDirective {
  return (assembler, cursor) => {
    do change(takeSymbol(assembler, cursor));
    while (cursor.take(","));
  };
}

/** `.set name, expression` */
function set(once: boolean): RunDirective {
  return (assembler, cursor, directive) => {
    cursor.skipSpace();
    const at = cursor.at;
    const name = cursor.expectName("the name of a symbol");
    cursor.expect(",", `between the name and the value of ${directive}`);
    assembler.assign(name, cursor, at, once);
  };
}

const type: RunDirective = (assembler, cursor) => {
  const symbol = takeSymbol(assembler, cursor);
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

const size: RunDirective = (assembler, cursor) => {
  const symbol = takeSymbol(assembler, cursor);
  cursor.expect(",", "between the symbol and its size");
  cursor.skipSpace();
  const position = cursor.position();
  symbol.size = { expression: assembler.expressions.parse(cursor), position, origin: assembler.origin() };
};

/** `.comm name, size[, alignment]`: shared between objects, or after `.local name` room in .bss. */
const common: RunDirective = (assembler, cursor) => {
  const { name, position, bytes, alignment } = takeCommon(assembler, cursor);
  const blockAlignment = alignment ?? (bytes === 0 ? 1 : Math.min(16, 2 ** Math.ceil(Math.log2(bytes))));
  if (assembler.symbols.mention(name, position).declaredLocal) {
    reserve(assembler, name, position, bytes, blockAlignment);
    return;
  }
  const definition = { kind: "common", size: bytes, alignment: blockAlignment, position } as const;
  const symbol = assembler.symbols.define(name, definition);
  if (symbol.binding === "local") symbol.binding = "global";
  symbol.type = "object";
};

/** `.lcomm name, size[, alignment]`: room in .bss. */
const localCommon: RunDirective = (assembler, cursor) => {
  const { name, position, bytes, alignment } = takeCommon(assembler, cursor);
  reserve(assembler, name, position, bytes, alignment ?? localAlignment(bytes));
};

interface CommonBlock {
  readonly name: string;
  readonly position: Position;
  readonly bytes: number;
  readonly alignment: number | undefined;
}

function takeCommon(assembler: Assembler, cursor: Cursor): CommonBlock {
  cursor.skipSpace();
  const position = cursor.position();
  const name = cursor.expectName("the name of a symbol");
  cursor.expect(",", "between the symbol and its size");
  const bytes = assembler.integer(cursor, "the size", 0, MAX_OBJECT_SIZE);
  return { name, position, bytes, alignment: cursor.take(",") ? takeAlignment(assembler, cursor) : undefined };
}

/** Zeroed room in .bss. */
function reserve(assembler: Assembler, name: string, position: Position, bytes: number, alignment: number): void {
  const { sections, symbols } = assembler;
  sections.push();
  sections.switchTo(sections.find(".bss"));
  try {
    sections.align(alignment, 0, 1, Number.POSITIVE_INFINITY, 32, assembler);
    const symbol = symbols.defineLabel(name, position);
    symbol.type = "object";
    symbol.size = { expression: { kind: "number", value: bytes }, position, origin: assembler.origin() };
    sections.current.appendFill(bytes, 0, assembler);
  } finally {
    sections.pop();
  }
}

/** The largest power of two up to the size, at most 8. */
function localAlignment(bytes: number): number {
  return bytes >= 8 ? 8 : bytes >= 4 ? 4 : bytes >= 2 ? 2 : 1;
}

function takeAlignment(assembler: Assembler, cursor: Cursor): number {
  cursor.skipSpace();
  const at = cursor.at;
  const alignment = assembler.integer(cursor, "the alignment", 1, MAX_OBJECT_SIZE);
  if ((alignment & (alignment - 1)) !== 0)
    throw cursor.error(`the alignment must be a power of two, not ${alignment}`, at);
  return alignment;
}

const makeGlobal = eachSymbol((symbol) => {
  if (symbol.binding !== "weak") symbol.binding = "global";
});

/** Visibility means nothing in a static link. */
const visibility = eachSymbol(() => {});

export const SYMBOL_DIRECTIVES: DirectiveTable = {
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
  ".hidden": visibility,
  ".internal": visibility,
  ".protected": visibility,
  ".set": set(false),
  ".equ": set(false),
  ".equiv": set(true),
  ".eqv": set(true),
  ".type": type,
  ".size": size,
  ".comm": common,
  ".lcomm": localCommon,
};
