/** Where statements lead to. */
import type ts from "typescript-api";
import type { Label } from "./code.ts";
import type { Environment, Variable } from "./environment.ts";

/** Where control goes from a statement that leaves its block. */
export interface Flow {
  /** Behind the function, or behind the expansion of a macro. */
  readonly return_to: Label;
  /** Where a macro's result goes; undefined when it has none, or when the function returns in EAX. */
  readonly result: Variable | undefined;
  readonly break_to: Label | undefined;
  readonly continue_to: Label | undefined;
  /** In an iteration: what is done with a value that the generator yields. */
  readonly produce: ((value: ts.Expression, env: Environment) => void) | undefined;
  /** How the function itself returns a value; undefined within a macro. */
  readonly return_value?: ((node: ts.ReturnStatement, env: Environment) => void) | undefined;
  /** Labelled statements around: where `break` and `continue` with a label go. */
  readonly labels?:
    | ReadonlyMap<string, { readonly break_to: Label; readonly continue_to: Label | undefined }>
    | undefined;
}
