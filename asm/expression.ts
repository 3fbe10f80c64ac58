import type { Position } from "./diagnostics.ts";

/** An assembler expression. Values are 32-bit two's complement unless a 64-bit directive asks for more. */
export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "symbol"; readonly name: string; readonly position: Position }
  | { readonly kind: "unary"; readonly operator: "-" | "~" | "!" | "+"; readonly operand: Expression }
  | { readonly kind: "binary"; readonly operator: BinaryOperator; readonly left: Expression; readonly right: Expression };

export type BinaryOperator =
  | "+" | "-" | "*" | "/" | "%" | "<<" | ">>" | "&" | "|" | "^" | "!"
  | "==" | "!=" | "<" | "<=" | ">" | ">=" | "&&" | "||";
