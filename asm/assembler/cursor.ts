/** Reads the parts of one statement: names, numbers, strings, punctuation. */
import Long from "long";
import { type Position, StatementError } from "../diagnostics.ts";
import type { Expression } from "../expression.ts";
import {
  BACKSLASH,
  characterValue,
  endOfCharacter,
  endOfString,
  isDigit,
  isNamePart,
  isNameStart,
  isSpace,
  QUOTE,
} from "./characters.ts";
import { positionIn, type Statement } from "./statement.ts";
import { numberExpression } from "./wide-arithmetic.ts";

const ESCAPES: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };
const NUMBER = /0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+/y;
const MAX_UNSIGNED_DIGITS: Readonly<Record<number, number>> = { 2: 64, 8: 22, 10: 20, 16: 16 };
const CONTROL = /\p{Cc}/gu;
const encoder = new TextEncoder();

export class Cursor {
  readonly text: string;

  constructor(
    readonly statement: Statement,
    /** Offset of the next character in the text. */
    public at = 0,
  ) {
    this.text = statement.text;
  }

  /** The position of the next character, or of `offset`. */
  position(offset = this.at): Position {
    return positionIn(this.statement, offset);
  }

  /** A StatementError at the next character, or at `offset`. */
  error(message: string, offset = this.at): StatementError {
    return new StatementError(message, this.position(offset));
  }

  skipSpace(): void {
    while (this.at < this.text.length && isSpace(this.text.charCodeAt(this.at))) this.at++;
  }

  /** The next character that is no space, or "" at the end; it is not taken. */
  peek(): string {
    this.skipSpace();
    return this.text.charAt(this.at);
  }

  atEnd(): boolean {
    this.skipSpace();
    return this.at >= this.text.length;
  }

  /** Takes `symbol` (after spaces) if it comes next. */
  take(symbol: string): boolean {
    this.skipSpace();
    if (!this.text.startsWith(symbol, this.at)) return false;
    this.at += symbol.length;
    return true;
  }

  expect(symbol: string, where: string): void {
    if (!this.take(symbol)) throw this.error(`expected '${symbol}' ${where}, found ${this.describeNext()}`);
  }

  /** Throws unless the whole statement was read. */
  expectEnd(): void {
    if (!this.atEnd()) throw this.error(`expected the end of the statement, found ${this.describeNext()}`);
  }

  /** What comes next, for messages. */
  describeNext(): string {
    if (this.atEnd()) return "the end of the statement";
    const rest = this.text.slice(this.at).trimEnd().replaceAll(CONTROL, "\ufffd");
    return `'${rest.length > 24 ? `${rest.slice(0, 24)}…` : rest}'`;
  }

  /** Takes a name; "" if none comes next. */
  takeName(): string {
    this.skipSpace();
    const start = this.at;
    if (start >= this.text.length || !isNameStart(this.text.charCodeAt(start))) return "";
    let end = start + 1;
    while (end < this.text.length && isNamePart(this.text.charCodeAt(end))) end++;
    this.at = end;
    return this.text.slice(start, end);
  }

  /** Takes a name, bare or in double quotes. */
  expectName(what: string): string {
    if (this.peek() === '"') return new TextDecoder().decode(Uint8Array.from(this.takeString()));
    const name = this.takeName();
    if (name === "") throw this.error(`expected ${what}, found ${this.describeNext()}`);
    return name;
  }

  /** Takes everything to the end of the statement, without the spaces around it. */
  takeRest(): string {
    this.skipSpace();
    const rest = this.text.slice(this.at).trimEnd();
    this.at = this.text.length;
    return rest;
  }

  nextIsDigit(): boolean {
    this.skipSpace();
    return this.at < this.text.length && isDigit(this.text.charCodeAt(this.at));
  }

  /** Takes a number that starts with a digit: decimal, 0octal, 0xhex or 0bbinary; at most 64 bits. */
  takeNumber(): Expression {
    const start = this.at;
    NUMBER.lastIndex = start;
    const literal = NUMBER.exec(this.text)![0];
    this.at = start + literal.length;
    if (this.at < this.text.length && isNamePart(this.text.charCodeAt(this.at))) {
      while (this.at < this.text.length && isNamePart(this.text.charCodeAt(this.at))) this.at++;
      throw this.error(
        `'${this.text.slice(start, this.at)}' is no number (write 10, 0x1f, 0b101, 017 or 0f1.5)`,
        start,
      );
    }
    if (literal.length <= 9 && !(literal.charCodeAt(0) === 0x30 && literal.length > 1)) {
      return { kind: "number", value: Number(literal) };
    }
    const marker = literal.charAt(1).toLowerCase();
    const radix = marker === "x" ? 16 : marker === "b" ? 2 : literal.startsWith("0") ? 8 : 10;
    const digits = (radix === 16 || radix === 2 ? literal.slice(2) : literal).replace(/^0+(?=.)/, "");
    if (radix === 8 && /[89]/.test(digits)) {
      throw this.error(`'${literal}' is octal because of its leading 0, and has no digits 8 and 9`, start);
    }
    const value = digits.length > MAX_UNSIGNED_DIGITS[radix] ? undefined : Long.fromString(digits, true, radix);
    // Long wraps silently: a number of the largest length fits if it reads back as itself.
    if (value === undefined || value.toString(radix) !== digits.toLowerCase()) {
      throw this.error(`${literal} does not fit in 64 bits`, start);
    }
    return numberExpression(value.toSigned(), value);
  }

  /** Takes a character constant: 'a  'a'  '\n  '\'' */
  takeCharacter(): number {
    const start = this.at;
    const end = endOfCharacter(this.text, start);
    if (end < start + 2) throw this.error("expected a character after '", start);
    const constant = this.text.slice(start, end);
    if (constant === "'\\") throw this.error("nothing follows the \\", start + 1);
    this.at = end;
    return characterValue(constant);
  }

  /** Takes a string literal and gives its bytes, escapes replaced (GNU as manual, "Strings"). */
  takeString(): number[] {
    this.skipSpace();
    const start = this.at;
    if (this.text.charCodeAt(start) !== QUOTE) {
      throw this.error(`expected a string in double quotes, found ${this.describeNext()}`);
    }
    const end = endOfString(this.text, start);
    const bytes: number[] = [];
    this.at = start + 1;
    while (this.at < end) {
      const code = this.text.charCodeAt(this.at);
      if (code === QUOTE) {
        this.at++;
        return bytes;
      }
      if (code === BACKSLASH) {
        this.takeEscape(bytes);
      } else if (code < 128) {
        bytes.push(code);
        this.at++;
      } else {
        const character = String.fromCodePoint(this.text.codePointAt(this.at)!);
        bytes.push(...encoder.encode(character));
        this.at += character.length;
      }
    }
    throw this.error('the string has no closing "', start);
  }

  private takeEscape(bytes: number[]): void {
    const start = ++this.at;
    const letter = this.text.charAt(start);
    if (letter === "") throw this.error("nothing follows the \\", start - 1);
    if (letter >= "0" && letter <= "7") {
      while (this.at < start + 3 && /^[0-7]$/.test(this.text.charAt(this.at))) this.at++;
      bytes.push(Number.parseInt(this.text.slice(start, this.at), 8) & 0xff);
    } else if (letter === "x" || letter === "X") {
      this.at++;
      while (/^[0-9a-fA-F]$/.test(this.text.charAt(this.at))) this.at++;
      bytes.push(
        this.at === start + 1 ? 0 : Number.parseInt(this.text.slice(this.at - 2, this.at).replace(/^[xX]/, ""), 16),
      );
    } else {
      this.at++;
      bytes.push(ESCAPES[letter] ?? letter.charCodeAt(0) & 0xff);
    }
  }
}
