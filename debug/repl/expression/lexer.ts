/** Cuts an expression into tokens. */
import { ExpressionError } from "./errors.ts";

export type TokenKind = "number" | "name" | "variable" | "operator" | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Of "number": its value. */
  readonly value: number;
  /** From 0. */
  readonly column: number;
}

/** Longer ones first. */
const OPERATORS = [
  ...["<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->"],
  ...["+", "-", "*", "/", "%", "&", "|", "^", "~", "!", "<", ">", "?", ":", ".", ",", "(", ")", "[", "]"],
];

const NUMBER = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9][0-9_]*)/;
const NAME = /^[A-Za-z_.][A-Za-z0-9_$]*/;
const VARIABLE = /^\$[A-Za-z0-9_]*/;
const CHARACTER = /^'(\\?.)'/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0", "\\": "\\", "'": "'" };

/** @throws ExpressionError at the first character that begins no token */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let column = 0;
  while (column < text.length) {
    const rest = text.slice(column);
    const space = /^\s+/.exec(rest);
    if (space !== null) {
      column += space[0].length;
      continue;
    }
    const token = tokenAt(rest, column, text, tokens.at(-1));
    tokens.push(token);
    column += token.text.length;
  }
  tokens.push({ kind: "end", text: "", value: 0, column: text.length });
  return tokens;
}

function tokenAt(rest: string, column: number, text: string, previous: Token | undefined): Token {
  const token = (kind: TokenKind, spelling: string, value = 0): Token => ({ kind, text: spelling, value, column });
  const variable = VARIABLE.exec(rest);
  if (variable !== null) return token("variable", variable[0]);
  const number = NUMBER.exec(rest);
  if (number !== null) {
    const end = rest.slice(number[0].length);
    if (/^[A-Za-z_]/.test(end)) {
      throw new ExpressionError("not a number: decimal, 0x hexadecimal or 0b binary is expected", text, column);
    }
    return token("number", number[0], Number(number[0].replaceAll("_", "")));
  }
  const character = CHARACTER.exec(rest);
  if (character !== null) {
    const inner = character[1]!;
    const meant = inner.length === 1 ? inner : ESCAPES[inner[1]!];
    if (meant === undefined) throw new ExpressionError(`unknown escape ${inner}`, text, column);
    return token("number", character[0], meant.charCodeAt(0));
  }
  // A dot behind a value selects a member; elsewhere it may begin a symbol such as .LC0.
  const selects =
    previous !== undefined && (previous.kind !== "operator" || previous.text === ")" || previous.text === "]");
  const name = NAME.exec(rest);
  if (name !== null && !(rest[0] === "." && (selects || !/^\.[A-Za-z_]/.test(rest)))) return token("name", name[0]);
  const operator = OPERATORS.find((candidate) => rest.startsWith(candidate));
  if (operator !== undefined) return token("operator", operator);
  throw new ExpressionError(`'${rest[0]}' means nothing in an expression`, text, column);
}
