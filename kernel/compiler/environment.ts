/** What the names of a piece of hosted source stand for: the function's own, or a macro's where it is expanded. */
import type ts from "typescript-api";
import type { Recomputed, Variable } from "./frame.ts";

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
