/** The symbols of one source: labels, assigned values, common blocks, and names that others must define. */
import { type Position, StatementError } from "../diagnostics.ts";
import type { Expression } from "../expression.ts";
import type { ObjectSymbol } from "../object-file.ts";
import type { Cursor } from "./cursor.ts";
import type { Names } from "./expression-parser.ts";
import type { Fragment, Origin, SectionBuilder } from "./section-builder.ts";

/** A place in a section: final when the fragments have their addresses. */
export interface Location {
  readonly section: SectionBuilder;
  readonly fragment: Fragment;
  /** Bytes from the start of the fragment. */
  readonly offset: number;
}

export type Definition =
  | { readonly kind: "label"; readonly location: Location; readonly position: Position }
  /** Assigned a place that is known: like a label, but may be assigned again. */
  | { readonly kind: "place"; readonly location: Location; readonly position: Position }
  | { readonly kind: "value"; readonly expression: Expression; readonly position: Position; readonly origin: Origin }
  | { readonly kind: "common"; readonly size: number; readonly alignment: number; readonly position: Position };

export type Assigned = Extract<Definition, { kind: "place" | "value" }>;

/** An expression to be evaluated at the end, and the statement it stands in. */
export interface DeferredExpression {
  readonly expression: Expression;
  readonly position: Position;
  readonly origin: Origin;
}

/** `.symver symbol, name[, fate]` */
export interface SymbolVersion {
  /** `symbol@VERSION`; with `@@` that version is meant where none is named, with `@@@` so if the symbol is defined here. */
  readonly name: string;
  /** What becomes of the name without a version. */
  readonly fate: "kept" | "local" | "hidden" | "remove";
  readonly position: Position;
  readonly origin: Origin;
}

export interface AssemblerSymbol {
  readonly name: string;
  definition: Definition | undefined;
  binding: ObjectSymbol["binding"];
  visibility: NonNullable<ObjectSymbol["visibility"]>;
  /** Named by an expression. */
  isReferenced: boolean;
  /** The target of a `.weakref`: not needed if nothing else names it. */
  isWeaklyReferenced: boolean;
  /** The name that stands for another symbol by `.weakref`. */
  readonly isWeakReference: boolean;
  /** Names with a version that `.symver` gives it. */
  readonly versions: SymbolVersion[];
  /** By `.local`: a common block of that name is room in .bss. */
  declaredLocal: boolean;
  type: ObjectSymbol["type"];
  /** As .size gave it. */
  size: DeferredExpression | undefined;
  /** Of the first mention. */
  readonly position: Position;
  /** Made by the assembler or named `.L…`: not for the object's symbol table. */
  readonly temporary: boolean;
}

/** Separates the parts of the names that the assembler makes up; no source text contains it. */
const PRIVATE = "\u0001";

export class Symbols implements Names {
  private readonly byName = new Map<string, AssemblerSymbol>();
  /** Names assigned anew after having stood for something that is no constant: the key of the present meaning. */
  private readonly presentKeys = new Map<string, string>();
  private readonly labelCounts = new Map<string, number>();
  private anonymousCount = 0;
  /** Changes when a symbol gets another meaning. */
  revision = 0;

  constructor(
    private readonly constants: ReadonlyMap<string, Expression>,
    private readonly currentLocation: () => Location,
  ) {}

  /** In order of first mention. */
  all(): Iterable<AssemblerSymbol> {
    return this.byName.values();
  }

  /** The symbol that an expression's symbol node names. */
  byKey(key: string): AssemblerSymbol | undefined {
    return this.byName.get(key);
  }

  /** The symbol `name`, created on first mention. */
  mention(name: string, position: Position): AssemblerSymbol {
    const key = this.presentKeys.get(name) ?? name;
    let symbol = this.byName.get(key);
    if (symbol === undefined) {
      symbol = createSymbol(name, position, name.startsWith(".L") || name.includes(PRIVATE));
      this.byName.set(key, symbol);
    }
    return symbol;
  }

  isDefined(name: string): boolean {
    const symbol = this.byName.get(this.presentKeys.get(name) ?? name);
    return symbol?.definition !== undefined || this.constants.has(name);
  }

  reference(name: string, cursor: Cursor, at: number): Expression {
    const key = this.presentKeys.get(name) ?? name;
    let symbol = this.byName.get(key);
    if (symbol === undefined) {
      const constant = this.constants.get(name);
      if (constant !== undefined) return constant;
      symbol = this.mention(name, cursor.position(at));
    } else if (symbol.definition?.kind === "value") {
      const { expression } = symbol.definition;
      if (expression.kind === "number" || symbol.isWeakReference) return expression;
    }
    symbol.isReferenced = true;
    return { kind: "symbol", name: key, position: cursor.position(at) };
  }

  here(cursor: Cursor, at: number): Expression {
    const position = cursor.position(at);
    const name = `.${PRIVATE}${this.anonymousCount++}`;
    const symbol = createSymbol(name, position, true);
    symbol.definition = { kind: "label", location: this.currentLocation(), position };
    this.byName.set(name, symbol);
    return { kind: "symbol", name, position };
  }

  numericLabel(label: string, forward: boolean, cursor: Cursor, at: number): Expression {
    const count = this.labelCounts.get(label) ?? 0;
    if (!forward && count === 0) throw cursor.error(`no label '${label}:' stands before this '${label}b'`, at);
    const name = `${label}${PRIVATE}${forward ? count + 1 : count}`;
    const position = cursor.position(at);
    this.mention(name, position);
    return { kind: "symbol", name, position };
  }

  defineNumericLabel(label: string, position: Position): void {
    const count = (this.labelCounts.get(label) ?? 0) + 1;
    this.labelCounts.set(label, count);
    this.defineLabel(`${label}${PRIVATE}${count}`, position);
  }

  /** @throws StatementError if the name is taken */
  defineLabel(name: string, position: Position): AssemblerSymbol {
    return this.define(name, { kind: "label", location: this.currentLocation(), position });
  }

  /** Defines a symbol that has no definition yet. @throws StatementError if it has */
  define(name: string, definition: Definition): AssemblerSymbol {
    if (this.constants.has(name)) {
      throw new StatementError(`'${name}' is already a constant given to the assembler`, definition.position);
    }
    const symbol = this.mention(name, definition.position);
    if (symbol.definition !== undefined) {
      const { file, line } = symbol.definition.position;
      throw new StatementError(`'${name}' is already defined at ${file}:${line}`, definition.position);
    }
    symbol.definition = definition;
    this.revision++;
    return symbol;
  }

  /** Gives a name what is known of the symbol that it was assigned, as GNU as does, unless it has its own. */
  inherit(name: string, source: AssemblerSymbol): void {
    const symbol = this.byName.get(this.presentKeys.get(name) ?? name)!;
    if (symbol.type === "notype") symbol.type = source.type;
    symbol.size ??= source.size;
  }

  /** Whether the name was mentioned and means nothing yet. */
  isUndefined(name: string): boolean {
    const symbol = this.byName.get(name);
    return symbol !== undefined && symbol.definition === undefined;
  }

  /** Lets the name of a section stand for its start. */
  defineSection(name: string, location: Location): void {
    const symbol = this.byName.get(name)!;
    const definition: Definition = { kind: "place", location, position: symbol.position };
    this.byName.set(name, { ...symbol, definition, temporary: true });
    this.revision++;
  }

  /** `.weakref name, target`: the name means the target, which need not be defined anywhere. */
  defineWeakReference(name: string, target: string, position: Position, origin: Origin): void {
    const meant = this.mention(target, position);
    meant.isWeaklyReferenced = true;
    const key = this.presentKeys.get(target) ?? target;
    const expression: Expression = { kind: "symbol", name: key, position };
    const symbol = this.define(name, { kind: "value", expression, position, origin });
    this.byName.set(symbol.name, { ...symbol, isWeakReference: true, temporary: true });
  }

  /**
   * `.set name, expression`. May be done again; expressions before keep the meaning they had.
   * @throws StatementError if the name is a label
   */
  assign(name: string, definition: Assigned): void {
    const symbol = this.mention(name, definition.position);
    const old = symbol.definition;
    if (old?.kind === "label" || old?.kind === "common") {
      const { file, line } = old.position;
      throw new StatementError(
        `'${name}' is already defined at ${file}:${line} and can't be assigned`,
        definition.position,
      );
    }
    this.revision++;
    if (old === undefined || (old.kind === "value" && old.expression.kind === "number")) {
      symbol.definition = definition;
      return;
    }
    const key = `${name}${PRIVATE}${PRIVATE}${this.anonymousCount++}`;
    this.byName.set(key, { ...symbol, definition });
    this.presentKeys.set(name, key);
  }

  /** Whether `symbol` is what its name means at the end of the source. */
  isPresent(symbol: AssemblerSymbol): boolean {
    return this.byName.get(this.presentKeys.get(symbol.name) ?? symbol.name) === symbol;
  }
}

/** The name as the programmer wrote it. */
export function displayName(key: string): string {
  const end = key.indexOf(PRIVATE);
  return end < 0 ? key : key.slice(0, end);
}

function createSymbol(name: string, position: Position, temporary: boolean): AssemblerSymbol {
  return {
    name,
    definition: undefined,
    binding: "local",
    visibility: "default",
    isReferenced: false,
    isWeaklyReferenced: false,
    isWeakReference: false,
    versions: [],
    declaredLocal: false,
    type: "notype",
    size: undefined,
    position,
    temporary,
  };
}
