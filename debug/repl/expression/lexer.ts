/** Cuts an expression into tokens. */
import type { CType } from "../../../asm/dwarf/reader/index.ts";
import { ExpressionError } from "./errors.ts";
import { CHAR, DOUBLE, INT, LONG, UNSIGNED, UNSIGNED_LONG } from "./types.ts";
import type { Scalar } from "./value.ts";

export type TokenKind = "number" | "name" | "variable" | "operator" | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Of "number": its value, and its type where the spelling says it. */
  readonly value: Scalar;
  readonly type: CType | undefined;
  /** From 0. */
  readonly column: number;
}

/** Longer ones first. */
const OPERATORS = [
  ...["<<=", ">>=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->"],
  ...["+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="],
  ...["+", "-", "*", "/", "%", "&", "|", "^", "~", "!", "<", ">", "?", ":", ".", ",", "(", ")", "[", "]", "@", "="],
];

const NUMBER = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9][0-9_]*)/;
const FLOAT = /^([0-9]+\.[0-9]*([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)/;
/** The suffix of an integer: unsigned, long, long long. */
const SUFFIX = /^([uU]?[lL]{0,2}|[lL]{1,2}[uU])(?![A-Za-z0-9_])/;
/** A variable by the file or function that it is in: `sched.c::jiffies`, `'my-file.c'::x`. */
const SCOPED = /^('[^']+'|[A-Za-z_][\w.]*)::[A-Za-z_]\w*/;
const NAME = /^[A-Za-z_.][A-Za-z0-9_$]*/;
const VARIABLE = /^\$\$?[A-Za-z0-9_]*/;
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
  tokens.push({ kind: "end", text: "", value: 0, type: undefined, column: text.length });
  return tokens;
}

function tokenAt(rest: string, column: number, text: string, previous: Token | undefined): Token {
  const token = (kind: TokenKind, spelling: string, value: Scalar = 0, type?: CType): Token => ({
    kind,
    text: spelling,
    value,
    type,
    column,
  });
  const scoped = SCOPED.exec(rest);
  if (scoped !== null) return token("name", scoped[0]);
  const variable = VARIABLE.exec(rest);
  if (variable !== null) return token("variable", variable[0]);
  const float = FLOAT.exec(rest);
  if (float !== null) return token("number", float[0], Number(float[0]), DOUBLE);
  const number = NUMBER.exec(rest);
  if (number !== null) {
    const suffix = SUFFIX.exec(rest.slice(number[0].length));
    if (suffix === null) {
      throw new ExpressionError("not a number: decimal, 0x hexadecimal or 0b binary is expected", text, column);
    }
    const [value, type] = integerOf(number[0].replaceAll("_", ""), suffix[0].toLowerCase());
    return token("number", number[0] + suffix[0], value, type);
  }
  const character = CHARACTER.exec(rest);
  if (character !== null) {
    const inner = character[1];
    const meant = inner.length === 1 ? inner : ESCAPES[inner[1]];
    if (meant === undefined) throw new ExpressionError(`unknown escape ${inner}`, text, column);
    return token("number", character[0], meant.charCodeAt(0), CHAR);
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

/** An integer with the type that its suffix says, or the first that holds it. */
function integerOf(digits: string, suffix: string): [value: Scalar, type: CType | undefined] {
  const whole = BigInt(digits);
  const number = Number(whole);
  const value = Number.isSafeInteger(number) ? number : BigInt.asUintN(64, whole);
  if (suffix === "") return [value, undefined];
  const isUnsigned = suffix.includes("u");
  const isWide = suffix.includes("ll") || number >= 2 ** 32;
  if (isWide) return [value, isUnsigned ? UNSIGNED_LONG : LONG];
  return [value, isUnsigned || number >= 2 ** 31 ? UNSIGNED : INT];
}
