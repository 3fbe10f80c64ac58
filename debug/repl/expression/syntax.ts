/** Expressions as trees. Every node knows its column in the text. */

import type { CType } from "../../../asm/dwarf/reader/index.ts";
import type { Scalar } from "./value.ts";

/** A type as it is written in a cast: `struct page *`, `u32[4]`. */
export interface TypeName {
  readonly name: string;
  /** Number of `*`. */
  readonly stars: number;
  /** Elements, if it is an array; of an array of arrays several. */
  readonly lengths: readonly number[];
  readonly column: number;
}

export type Node = { readonly column: number } & (
  | { readonly kind: "number"; readonly value: Scalar; readonly type: CType | undefined }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "unary"; readonly operator: string; readonly operand: Node }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Node; readonly right: Node }
  /** `left operator= right`; the operator is empty for a plain `=`. */
  | { readonly kind: "assignment"; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly kind: "conditional"; readonly condition: Node; readonly then: Node; readonly otherwise: Node }
  | { readonly kind: "member"; readonly object: Node; readonly field: string }
  | { readonly kind: "index"; readonly object: Node; readonly index: Node }
  | { readonly kind: "cast"; readonly type: TypeName; readonly operand: Node }
  | { readonly kind: "sizeof"; readonly type: TypeName | undefined; readonly operand: Node | undefined }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Argument[] }
);

/** An argument of a built-in function: an expression or, for `container_of`, a type. */
export type Argument = { readonly type: TypeName } | { readonly node: Node };
