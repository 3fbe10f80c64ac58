/** The types that expressions name: C's own, those of the programs' debugging information, the kernel's structs. */
import {
  arrayOf,
  type CType,
  type DebugInformation,
  integer,
  type Member,
  pointerTo,
  type StructType as StructOfC,
  VOID,
} from "../../../asm/dwarf/reader/index.ts";
import type { Type as KernelType, StructType } from "../../../kernel/inspect.ts";

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

/** Where types are looked for. */
export interface TypeSources {
  /** Structs that a kernel declares, by name. */
  readonly structs: ReadonlyMap<string, StructType>;
  /** Programs, the likeliest first; `early` before the kernel's structs, `late` when nothing else has the name. */
  readonly early: () => Iterable<DebugInformation>;
  readonly late: () => Iterable<DebugInformation>;
}

const NO_PROGRAMS: readonly DebugInformation[] = [];

export class TypeNames {
  readonly #sources: TypeSources;
  readonly #kernel = new Map<string, CType>();

  constructor({ structs = new Map(), early = () => NO_PROGRAMS, late = () => NO_PROGRAMS }: Partial<TypeSources> = {}) {
    this.#sources = { structs, early, late };
  }

  /** The type of a name such as `struct page`, `unsigned long`, `pid_t`, `task_struct`; undefined when there is none. */
  find(name: string): CType | undefined {
    const words = name.split(/\s+/).filter((word) => word !== "" && !QUALIFIERS.has(word));
    if (words.length === 0) return undefined;
    if (words.every((word) => TYPE_WORDS.has(word)) && !KEYWORDS.includes(words[0]!)) return BUILT_IN[canonical(words)];
    const plain = words.join(" ");
    return (
      this.#ofPrograms(this.#sources.early(), plain) ??
      this.#ofItself(plain) ??
      this.#ofPrograms(this.#sources.late(), plain)
    );
  }

  has(name: string): boolean {
    return TYPE_WORDS.has(name) || this.find(name) !== undefined;
  }

  /** Every name, for completion and suggestions. */
  names(): string[] {
    const { structs, early, late } = this.#sources;
    const ofPrograms = [...new Set([...early(), ...late()])].flatMap((program) => [...program.typeNames]);
    return [...new Set([...Object.keys(BUILT_IN), ...structs.keys(), ...ofPrograms.map(withoutKeyword)])];
  }

  #ofPrograms(programs: Iterable<DebugInformation>, name: string): CType | undefined {
    for (const program of programs) {
      // A tag will do without its keyword, where no typedef has the name.
      for (const candidate of [name, ...KEYWORDS.map((keyword) => `${keyword} ${name}`)]) {
        const found = program.type(candidate);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  #ofItself(name: string): CType | undefined {
    const plain = withoutKeyword(name);
    const struct = this.#sources.structs.get(plain);
    return struct === undefined ? BUILT_IN[name] : this.ofKernel(struct);
  }

  /** A type of the kernel's. */
  ofKernel(type: KernelType): CType {
    switch (type.kind) {
      case "struct":
        return this.#struct(type);
      case "chars":
        return arrayOf(CHAR, type.size);
      case "array":
        return arrayOf(this.ofKernel(type.element), type.length);
      case "scalar":
        if (type.name.endsWith("*")) return this.#pointer(type.name);
        return BUILT_IN[type.name] ?? integer(type.name, type.size, type.from_register(-1) < 0);
    }
  }

  #pointer(name: string): CType {
    const to = name.replace(/\s*\*$/, "");
    if (to.endsWith("*")) return pointerTo(this.#pointer(to));
    const struct = this.#sources.structs.get(to);
    if (struct !== undefined) return pointerTo(this.#struct(struct));
    return pointerTo(
      BUILT_IN[to] ?? { kind: "struct", keyword: "struct", tag: to, size: 0, members: [], isIncomplete: true },
    );
  }

  #struct(struct: StructType): CType {
    const known = this.#kernel.get(struct.name);
    if (known !== undefined) return known;
    let members: readonly Member[] | undefined;
    const read = (): readonly Member[] => {
      members ??= Object.entries(struct.fields).map(([name, type]) => ({
        name,
        type: this.ofKernel(type),
        offset: struct.offset(name),
      }));
      return members;
    };
    const made: StructOfC = {
      kind: "struct",
      keyword: "struct",
      tag: struct.name,
      size: struct.size,
      get members() {
        return read();
      },
      isIncomplete: false,
    };
    this.#kernel.set(struct.name, made);
    return made;
  }
}

function withoutKeyword(name: string): string {
  return name.replace(/^(struct|union|enum) /, "");
}
