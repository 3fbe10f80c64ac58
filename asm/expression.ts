import type Long from "long";
import type { Position } from "./diagnostics.ts";

/** An assembler expression. Values are 64-bit two's complement, as in GNU as; fields take the low bits. */
export type Expression =
  | {
      readonly kind: "number";
      readonly value: number;
      /** The exact value where a JavaScript number cannot hold it (beyond 2^53). */
      readonly wide?: Long;
    }
  | {
      readonly kind: "symbol";
      readonly name: string;
      readonly position: Position;
      /** `@PLT`, `@GOTOFF` …: what of the symbol is meant, instead of its address. */
      readonly via?: SymbolOperator;
    }
  | { readonly kind: "unary"; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    };

/** What can stand behind a symbol and `@` (System V ABI, i386 supplement; "ELF Handling For Thread-Local Storage"). */
export const SYMBOL_OPERATORS = [
  "PLT",
  "GOT",
  "GOTOFF",
  "TPOFF",
  "NTPOFF",
  "DTPOFF",
  "GOTTPOFF",
  "GOTNTPOFF",
  "INDNTPOFF",
  "TLSGD",
  "TLSLDM",
  "TLSDESC",
  "TLSCALL",
  "SIZE",
] as const;

export type SymbolOperator = (typeof SYMBOL_OPERATORS)[number];

export type UnaryOperator = "-" | "~" | "!" | "+";

export type BinaryOperator =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "<<"
  | ">>"
  | "&"
  | "|"
  | "^"
  | "!"
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "&&"
  | "||";
