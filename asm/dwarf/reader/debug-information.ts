/** What an ELF file tells a debugger, in DWARF of versions 2 to 5: lines, functions, variables, types, call frames. */
import { ElfError } from "../../elf-format.ts";
import type { ElfFile } from "../../elf-reader.ts";
import {
  DW_AT_language,
  DW_AT_producer,
  DW_AT_stmt_list,
  DW_LANG_Mips_Assembler,
  DW_TAG_base_type,
  DW_TAG_structure_type,
  DW_TAG_subprogram,
  DW_TAG_typedef,
  DW_TAG_variable,
} from "../dwarf-format.ts";
import { readLineFiles } from "../line-reader.ts";
import type { CType } from "./c-types.ts";
import { CallFrames } from "./call-frames.ts";
import { DebugContents } from "./debug-contents.ts";
import * as N from "./dwarf-numbers.ts";
import { type DebugEntry, type Unit, UnitTable } from "./entries.ts";
import { type CodeLine, codeLines } from "./line-table.ts";
import { type AddressRange, contains, rangesOf } from "./ranges.ts";
import { Scope, Variable } from "./scopes.ts";
import { TypeReader } from "./type-reader.ts";

/** A value of an enumeration by its name. */
export interface EnumeratorValue {
  readonly type: CType;
  readonly value: number;
}

/** Where code comes from. */
export interface CodeSource {
  readonly name: string;
  readonly directory: string;
  readonly isAssembly: boolean;
  /** Whether it is told where variables are from a function's first instruction on. */
  readonly isOptimized: boolean;
}

/** What the units define, by name. */
interface Names {
  readonly functions: Map<string, Scope[]>;
  readonly variables: Map<string, Variable[]>;
  /** `struct x`, `union x`, `enum x`, or the name of a typedef or a base type. */
  readonly types: Map<string, DebugEntry>;
  readonly enumerators: Map<string, DebugEntry>;
}

interface CodeUnit {
  readonly unit: Unit;
  readonly ranges: readonly AddressRange[];
}

/** The keyword that goes before the names of types with a tag. */
const KEYWORDS: Readonly<Record<number, string>> = {
  [DW_TAG_structure_type]: "struct",
  [N.DW_TAG_union_type]: "union",
  [N.DW_TAG_enumeration_type]: "enum",
};

/**
 * Everything is read when it is first asked for, unit by unit. What cannot be read counts as not there: a file without
 * debugging information, or with a broken one, is no error.
 */
export class DebugInformation {
  readonly callFrames: CallFrames;
  readonly #elf: Pick<ElfFile, "sections">;
  readonly #contents: DebugContents;
  readonly #units: UnitTable;
  readonly #types: TypeReader;
  readonly #functions = new Map<Unit, readonly Scope[]>();
  #codeUnits: readonly CodeUnit[] | undefined;
  #lines: readonly CodeLine[] | undefined;
  #names: Names | undefined;
  #inlined: Map<string, Scope[]> | undefined;

  constructor(elf: Pick<ElfFile, "sections">) {
    this.#elf = elf;
    this.#contents = new DebugContents(elf);
    this.#units = new UnitTable(this.#contents);
    this.callFrames = new CallFrames(this.#contents);
    this.#types = new TypeReader((keyword, tag) => this.#allNames.types.get(`${keyword} ${tag}`));
  }

  /** The line table, by address. */
  get lines(): readonly CodeLine[] {
    this.#lines ??= codeLines(this.#elf);
    return this.#lines;
  }

  /** The function that holds an address, the blocks in it and what is inlined there, from the outside in. */
  scopesAt(pc: number): readonly Scope[] {
    return attempt([], () => {
      for (const { unit, ranges } of this.#unitsWithCode) {
        if (!contains(ranges, pc)) continue;
        for (const scope of this.#functionsOf(unit)) {
          const chain = scope.at(pc);
          if (chain.length > 0) return chain;
        }
      }
      return [];
    });
  }

  /** The source whose unit holds an address, with the directory that names of files count from. */
  unitAt(pc: number): CodeSource | undefined {
    return attempt(undefined, () => {
      const unit = this.#unitsWithCode.find(({ ranges }) => contains(ranges, pc))?.unit;
      if (unit === undefined) return undefined;
      const language = unit.root.number(DW_AT_language);
      const isAssembly = language === DW_LANG_Mips_Assembler || language === N.DW_LANG_Assembly;
      // Other compilers than gcc have no places for variables before the end of a prologue.
      const isOptimized = unit.root.string(DW_AT_producer)?.startsWith("GNU ") === true && unit.hasLocationLists;
      return { name: unit.name, directory: unit.directory, isAssembly, isOptimized };
    });
  }

  /** Directories that compilers ran in: what names of files count from. */
  get directories(): readonly string[] {
    const found = this.#units.units.flatMap((unit) => attempt([], () => [unit.directory]));
    return [...new Set(found.filter((directory) => directory !== ""))];
  }

  /** The name of a file by its number in the line table of a scope's unit. */
  fileOf(scope: Scope, number: number): string | undefined {
    return attempt(undefined, () => {
      const offset = scope.entry.unit.root.number(DW_AT_stmt_list);
      if (offset === undefined) return undefined;
      const contents = (name: string) => this.#contents.bytes(name);
      return readLineFiles(contents, offset)[number];
    });
  }

  /** Functions with code, by name: several where `static` ones have the same. */
  functions(name: string): readonly Scope[] {
    return this.#allNames.functions.get(name) ?? [];
  }

  /** Where a function has been put into others, by its name. */
  inlined(name: string): readonly Scope[] {
    this.#inlined ??= this.#readInlined();
    return this.#inlined.get(name) ?? [];
  }

  /** Variables outside of functions, by name; those that all units see first. */
  variables(name: string): readonly Variable[] {
    return this.#allNames.variables.get(name) ?? [];
  }

  get functionNames(): Iterable<string> {
    return this.#allNames.functions.keys();
  }

  get variableNames(): Iterable<string> {
    return this.#allNames.variables.keys();
  }

  /** `struct x`, `union x`, `enum x`; names of typedefs and base types as they are. */
  get typeNames(): Iterable<string> {
    return this.#allNames.types.keys();
  }

  /** A type by name, the tag of a struct, union or enum with its keyword: `struct page`. */
  type(name: string): CType | undefined {
    return attempt(undefined, () => {
      const entry = this.#allNames.types.get(name);
      return entry === undefined ? undefined : this.#types.read(entry);
    });
  }

  enumerator(name: string): EnumeratorValue | undefined {
    return attempt(undefined, () => {
      const entry = this.#allNames.enumerators.get(name);
      const type = entry === undefined ? undefined : this.#types.read(entry);
      if (type?.kind !== "enum") return undefined;
      const value = type.enumerators.find((each) => each.name === name)?.value;
      return value === undefined ? undefined : { type, value };
    });
  }

  get #unitsWithCode(): readonly CodeUnit[] {
    this.#codeUnits ??= this.#units.units.flatMap((unit) =>
      attempt([], () => {
        const own = rangesOf(unit.root);
        const ranges = own.length > 0 ? own : this.#functionsOf(unit).flatMap((scope) => scope.ranges);
        return ranges.length === 0 ? [] : [{ unit, ranges }];
      }),
    );
    return this.#codeUnits;
  }

  #functionsOf(unit: Unit): readonly Scope[] {
    let functions = this.#functions.get(unit);
    if (functions === undefined) {
      functions = attempt([], () =>
        children(unit)
          .filter(({ tag }) => tag === DW_TAG_subprogram)
          .map((entry) => new Scope(entry, this.#types))
          .filter(({ ranges }) => ranges.length > 0),
      );
      this.#functions.set(unit, functions);
    }
    return functions;
  }

  get #allNames(): Names {
    this.#names ??= this.#readNames();
    return this.#names;
  }

  #readInlined(): Map<string, Scope[]> {
    const found = new Map<string, Scope[]>();
    for (const unit of this.#units.units) {
      attempt(undefined, () => {
        for (const entry of unit.entries.values()) {
          if (entry.tag !== N.DW_TAG_inlined_subroutine) continue;
          const scope = new Scope(entry, this.#types);
          if (scope.ranges.length > 0) append(found, scope.name, scope);
        }
      });
    }
    return found;
  }

  #readNames(): Names {
    const names: Names = { functions: new Map(), variables: new Map(), types: new Map(), enumerators: new Map() };
    for (const unit of this.#units.units) attempt(undefined, () => this.#readNamesOf(unit, names));
    return names;
  }

  #readNamesOf(unit: Unit, { functions, variables, types, enumerators }: Names): void {
    for (const scope of this.#functionsOf(unit)) append(functions, scope.name, scope);
    for (const entry of children(unit)) {
      if (entry.tag === DW_TAG_variable) {
        const variable = new Variable(entry, this.#types);
        if (entry.flag(N.DW_AT_declaration) || variable.address === undefined) continue;
        append(variables, variable.name, variable);
        continue;
      }
      const keyword = KEYWORDS[entry.tag];
      if (keyword === undefined && entry.tag !== DW_TAG_typedef && entry.tag !== DW_TAG_base_type) continue;
      const { name } = entry;
      if (keyword === "enum") {
        for (const child of entry.children) {
          if (child.name !== undefined && !enumerators.has(child.name)) enumerators.set(child.name, entry);
        }
      }
      if (name === undefined) continue;
      const key = keyword === undefined ? name : `${keyword} ${name}`;
      if (!types.has(key) || types.get(key)!.flag(N.DW_AT_declaration)) types.set(key, entry);
    }
  }
}

function children(unit: Unit): readonly DebugEntry[] {
  // Reads the whole unit.
  return unit.entries.get(unit.root.offset)?.children ?? [];
}

function append<T extends { readonly isExternal: boolean }>(map: Map<string, T[]>, name: string, value: T): void {
  const list = map.get(name);
  if (name === "") return;
  if (list === undefined) map.set(name, [value]);
  else if (value.isExternal) list.unshift(value);
  else list.push(value);
}

/** What breaks the format's rules counts as not there. */
function attempt<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ElfError) return otherwise;
    throw error;
  }
}
