/** The types that expressions name: C's own, those of the programs' debugging information. */

import { type CType, type DebugInformation, integer, VOID } from "../../../asm/dwarf/reader/index.ts";
import { didYouMean, nearNames } from "../../../asm/index.ts";

export const INT = integer("int", 4, true);
export const UNSIGNED = integer("unsigned int", 4, false);
export const LONG = integer("long long", 8, true);
export const UNSIGNED_LONG = integer("unsigned long long", 8, false);
export const CHAR = integer("char", 1, true, "character");
export const DOUBLE: CType = { kind: "float", name: "double", size: 8 };
/** A word that may be a number, an address or bits: a register. */
export const WORD = integer("u32", 4, false);
export const CODE: CType = { kind: "code", size: 1 };
export const UNTYPED: CType = { kind: "untyped", size: 4 };

const BUILT_IN: Readonly<Record<string, CType>> = {
  u8: integer("u8", 1, false),
  u16: integer("u16", 2, false),
  u32: WORD,
  i8: integer("i8", 1, true),
  i16: integer("i16", 2, true),
  i32: integer("i32", 4, true),
  char: CHAR,
  "signed char": integer("signed char", 1, true, "character"),
  "unsigned char": integer("unsigned char", 1, false, "character"),
  short: integer("short", 2, true),
  "unsigned short": integer("unsigned short", 2, false),
  int: INT,
  "unsigned int": UNSIGNED,
  long: integer("long", 4, true),
  "unsigned long": integer("unsigned long", 4, false),
  "long long": LONG,
  "unsigned long long": UNSIGNED_LONG,
  _Bool: integer("_Bool", 1, false, "boolean"),
  float: { kind: "float", name: "float", size: 4 },
  double: DOUBLE,
  "long double": { kind: "float", name: "long double", size: 12 },
  void: VOID,
};
const KEYWORDS = ["struct", "union", "enum"];
const QUALIFIERS: ReadonlySet<string> = new Set(["const", "volatile"]);
/** Words that C's own types are made of. */
export const TYPE_WORDS: ReadonlySet<string> = new Set([
  ...[...KEYWORDS, ...QUALIFIERS],
  ...["char", "short", "int", "long", "signed", "unsigned", "float", "double", "void", "_Bool"],
]);

/** `unsigned` and `long unsigned int` under one name each. */
function canonical(words: readonly string[]): string {
  const has = (word: string) => words.includes(word);
  const longs = words.filter((word) => word === "long").length;
  if (has("double")) return longs > 0 ? "long double" : "double";
  if (has("float") || has("void") || has("_Bool")) return words.join(" ");
  const sign = has("unsigned") ? "unsigned " : has("signed") && has("char") ? "signed " : "";
  const size = has("char") ? "char" : has("short") ? "short" : longs > 1 ? "long long" : longs === 1 ? "long" : "int";
  return sign + size;
}

export class TypeNames {
  readonly #programs: () => Iterable<DebugInformation>;

  /** @param programs those whose types have names, the likeliest first */
  constructor(programs: () => Iterable<DebugInformation> = () => []) {
    this.#programs = programs;
  }

  /** The type of a name such as `struct page`, `unsigned long`, `pid_t`, `task_struct`; undefined when there is none. */
  find(name: string): CType | undefined {
    const words = name.split(/\s+/).filter((word) => word !== "" && !QUALIFIERS.has(word));
    if (words.length === 0) return undefined;
    if (words.every((word) => TYPE_WORDS.has(word)) && !KEYWORDS.includes(words[0])) return BUILT_IN[canonical(words)];
    const plain = words.join(" ");
    return this.#ofPrograms(plain) ?? BUILT_IN[plain];
  }

  /** What is said of a name that `find` does not find. */
  unknown(name: string): string {
    const near = nearNames(withoutKeyword(name), this.names());
    return `no type ${name}${didYouMean(near, ", ")}`;
  }

  has(name: string): boolean {
    return TYPE_WORDS.has(name) || this.find(name) !== undefined;
  }

  /** Every name, for completion and suggestions. */
  names(): string[] {
    const ofPrograms = [...this.#programs()].flatMap((program) => [...program.typeNames]);
    return [...new Set([...Object.keys(BUILT_IN), ...ofPrograms.map(withoutKeyword)])];
  }

  #ofPrograms(name: string): CType | undefined {
    for (const program of this.#programs()) {
      // A tag will do without its keyword, where no typedef has the name.
      for (const candidate of [name, ...KEYWORDS.map((keyword) => `${keyword} ${name}`)]) {
        const found = program.type(candidate);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }
}

function withoutKeyword(name: string): string {
  return name.replace(/^(struct|union|enum) /, "");
}
