/** Variables of hosted source, and what names stand for: the function's own, or a macro's where it is expanded. */
import type ts from "typescript-api";
import type { Used } from "./code.ts";
import type { Kind } from "./kinds.ts";

/** Something assigned to a variable: its kind follows from all of these. */
export type Source =
  | { readonly expression: ts.Expression; readonly env: Environment }
  /** `exact`: whether all that is assigned is sure to fit. */
  | { readonly kind: Kind; readonly exact?: boolean }
  /** It gets smaller: what fits any kind of number before may be negative then. */
  | { readonly decreases: true };

/** A variable with a slot: a local, a parameter, or a value kept for a later step. */
export class Variable implements Used {
  /** Known from the start for parameters and annotated variables. */
  kind: Kind | undefined;
  readonly sources: Source[] = [];
  /** Bytes from EBP; set by `allocate`, or by whoever declares a parameter. */
  offset = 0;
  is_parameter = false;
  /** Text of the linear address, where that is no fixed distance from EBP. */
  place: string | undefined;
  /** How a parameter narrower than a word is read from its word: text behind the word's. */
  narrow: string | undefined;
  /** Kept by the compiler for later steps: assigned before it is used, in whichever step does both. */
  is_temporary = false;
  /** Not in the frame at all: a temporary of a single step. */
  is_elided = false;
  /** Whether values are cut to the kind, as C converts on assignment, rather than refused when they do not fit. */
  converts = false;

  /**
   * @param node where it is declared, for messages
   */
  constructor(
    readonly js: string,
    /** For debuggers; that of a generator's own variable is the name of the loop's that takes it. */
    public name: string | undefined,
    readonly node: ts.Node,
  ) {}
}

/** What is made anew in each step that uses it: a struct in the frame, an element of a constant table. */
export class Recomputed implements Used {
  constructor(
    readonly js: string,
    /** The expression. */
    readonly text: string,
    readonly uses: ReadonlySet<Used>,
    /** For debuggers: name and number of the struct in the frame. */
    readonly local: { readonly name: string; readonly index: number } | undefined,
  ) {}
}

/** The address of what a variable is a view of, in steps that need no view. */
export class AddressOf implements Used {
  constructor(
    readonly js: string,
    readonly variable: Variable,
  ) {}
}

export type Binding =
  | Variable
  | Recomputed
  /** A macro's parameter whose argument is used as it stands. */
  | { readonly argument: ts.Expression; readonly env: Environment }
  /** A macro's parameter that is a function. */
  | { readonly callback: ts.ArrowFunction | ts.FunctionExpression; readonly env: Environment };

/** The bindings of one function body or one expansion of a macro. */
export class Environment {
  readonly #bindings = new Map<ts.Symbol, Binding>();

  constructor(
    /** The file that the text is from. */
    readonly file: ts.SourceFile,
    /** The macros under expansion, outermost first. */
    readonly expanding: readonly ts.Node[] = [],
  ) {}

  get(symbol: ts.Symbol | undefined): Binding | undefined {
    return symbol && this.#bindings.get(symbol);
  }

  /** Takes over what another environment binds: that of a function's text, where the function is expanded. */
  inherit(lexical: Environment): void {
    for (const [symbol, binding] of lexical.#bindings) this.#bindings.set(symbol, binding);
  }

  set(symbol: ts.Symbol, binding: Binding): void {
    this.#bindings.set(symbol, binding);
  }
}
