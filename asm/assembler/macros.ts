/** `.macro`, `.rept`, `.irp` and `.irpc`: definitions, arguments and substitution (GNU as manual, ".macro"). */
import { StatementError } from "../diagnostics.ts";
import {
  APOSTROPHE,
  BACKSLASH,
  endOfCharacter,
  endOfString,
  isNamePart,
  isNameStart,
  isSpace,
  QUOTE,
} from "./characters.ts";
import type { Cursor } from "./cursor.ts";
import type { Expansion, Statement } from "./statement.ts";
import { splitStatements } from "./statement-reader.ts";

export interface Parameter {
  readonly name: string;
  readonly default: string;
  readonly required: boolean;
  /** Takes all the rest of the arguments. */
  readonly variadic: boolean;
}

export interface Macro {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

const AMPERSAND = 0x26;

/** Longest statement that substitution may produce, characters. */
const MAX_LENGTH = 65536;

/** Reads `a, b=5, c:req, d:vararg` (commas or spaces between). */
export function parseParameters(cursor: Cursor): Parameter[] {
  const parameters: Parameter[] = [];
  while (!cursor.atEnd()) {
    const at = cursor.at;
    const name = cursor.takeName();
    if (name === "") throw cursor.error(`expected the name of a parameter, found ${cursor.describeNext()}`);
    if (parameters.some((parameter) => parameter.name === name)) {
      throw cursor.error(`the macro already has a parameter '${name}'`, at);
    }
    if (parameters.at(-1)?.variadic) throw cursor.error("nothing can follow a :vararg parameter", at);
    let qualifier = "";
    if (cursor.take(":")) {
      qualifier = cursor.takeName();
      if (qualifier !== "req" && qualifier !== "vararg") {
        throw cursor.error(`expected :req or :vararg, found ':${qualifier}'`, at);
      }
    }
    const value = cursor.take("=") ? takeArgument(cursor) : "";
    parameters.push({ name, default: value, required: qualifier === "req", variadic: qualifier === "vararg" });
    cursor.take(",");
  }
  return parameters;
}

/** `.altmacro`: computes the expression of a `%expression` argument at the cursor. */
export type EvaluateArgument = (cursor: Cursor) => string;

/**
 * Binds the arguments at the cursor to the parameters of a macro.
 * @param evaluate given while `.altmacro` is in force
 */
export function bindArguments(macro: Macro, cursor: Cursor, evaluate?: EvaluateArgument): Map<string, string> {
  const { name: macroName, parameters } = macro;
  const values = new Map<string, string>();
  let next = 0;
  while (!cursor.atEnd()) {
    const at = cursor.at;
    const keyword = takeKeyword(cursor, parameters);
    if (keyword !== undefined) {
      values.set(keyword.name, keyword.variadic ? cursor.takeRest() : takeArgument(cursor, evaluate));
      // Keywords end the run of positional arguments, as in GNU as.
      next = parameters.length;
    } else if (next >= parameters.length) {
      const limit =
        parameters.length === 0 ? "no arguments" : `at most ${parameters.length} (${listNames(parameters)})`;
      throw cursor.error(`too many arguments: macro ${macroName} takes ${limit}`, at);
    } else {
      const parameter = parameters[next++];
      values.set(parameter.name, parameter.variadic ? cursor.takeRest() : takeArgument(cursor, evaluate));
    }
    cursor.take(",");
  }
  for (const parameter of parameters) {
    if ((values.get(parameter.name) ?? "") !== "") continue;
    if (parameter.required)
      throw cursor.error(`macro ${macroName} needs a value for its parameter '${parameter.name}'`);
    values.set(parameter.name, parameter.default);
  }
  return values;
}

/** Takes `name=` if `name` is one of the parameters. */
function takeKeyword(cursor: Cursor, parameters: readonly Parameter[]): Parameter | undefined {
  const start = cursor.at;
  const name = cursor.takeName();
  if (name !== "" && cursor.peek() === "=" && cursor.text.charAt(cursor.at + 1) !== "=") {
    const parameter = parameters.find((candidate) => candidate.name === name);
    if (parameter !== undefined) {
      cursor.at++;
      return parameter;
    }
  }
  cursor.at = start;
  return undefined;
}

/**
 * Takes one argument: to the next comma (also one in parentheses, as in GNU as), or to a space between two operands
 * outside of parentheses. A string that is the whole argument loses its quotes, but with `.altmacro` keeps them; there
 * `<…>` is a string too, and `%…` an expression.
 */
export function takeArgument(cursor: Cursor, evaluate?: EvaluateArgument): string {
  cursor.skipSpace();
  const { text } = cursor;
  const start = cursor.at;
  if (evaluate !== undefined) {
    if (cursor.take("%")) return evaluate(cursor);
    if (text.charAt(start) === "<") return takeBracketed(cursor);
  }
  if (text.charCodeAt(start) === QUOTE) {
    const end = endOfString(text, start);
    if (text.charCodeAt(end - 1) !== QUOTE || end === start + 1) throw cursor.error('the string has no closing "');
    const after = text.charAt(end);
    if (after === "" || after === "," || isSpace(after.charCodeAt(0))) {
      cursor.at = end;
      return evaluate === undefined ? text.slice(start + 1, end - 1) : text.slice(start, end);
    }
  }
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === APOSTROPHE) at = endOfCharacter(text, at);
    else {
      if (code === 0x28) depth++;
      else if (code === 0x29) depth--;
      else if (
        code === 0x2c ||
        (code === 0x3c && evaluate !== undefined) ||
        (isSpace(code) && depth <= 0 && separates(text, at))
      )
        break;
      at++;
    }
  }
  cursor.at = at;
  return text.slice(start, at).trim();
}

/** Takes `<text>`; brackets may be nested, and `!` takes the next character as it is. */
function takeBracketed(cursor: Cursor): string {
  const { text } = cursor;
  const start = cursor.at;
  let result = "";
  let depth = 0;
  for (let at = start + 1; at < text.length; at++) {
    let character = text.charAt(at);
    if (character === "!") character = text.charAt(++at);
    else if (character === "<") depth++;
    else if (character === ">" && depth-- === 0) {
      cursor.at = at + 1;
      return result;
    }
    result += character;
  }
  throw cursor.error("the string in <> has no closing >", start);
}

/** What may end an operand before a space, and begin one after it; others are operators. */
const OPERAND_END = /[^\s~!@^&=+|;:,.<>?/`#[({}\]\\]|\./;
const OPERAND_START = /[^\s~!@^&=+|;:,<>?/`#)}\]]/;

/** Whether the space at `at` stands between two operands rather than beside an operator. */
function separates(text: string, at: number): boolean {
  let next = at;
  while (next < text.length && isSpace(text.charCodeAt(next))) next++;
  return at > 0 && OPERAND_END.test(text.charAt(at - 1)) && OPERAND_START.test(text.charAt(next));
}

/** How a body is expanded. */
export interface BodyOptions {
  /** What `\@` stands for. */
  readonly number: number;
  /** Names of its own for the `LOCAL` names of `.altmacro`; undefined while that is not in force. */
  readonly localName: (() => string) | undefined;
}

const LOCAL = /^LOCAL\s+/i;

/** The body with its arguments put in: `\name`, `&name`, `\()`, `\@`, with `.altmacro` also `name` itself. */
export function* expandBody(
  body: readonly Statement[],
  values: ReadonlyMap<string, string>,
  { number, localName }: BodyOptions,
  expansion: Expansion,
): Generator<Statement> {
  const isAlternate = localName !== undefined;
  let present = values;
  for (const statement of body) {
    const { text, fault } = statement;
    if (fault === undefined && isAlternate && LOCAL.test(text)) {
      const names = text.replace(LOCAL, "").split(/[\s,]+/);
      present = new Map([...present, ...names.map((name): [string, string] => [name, localName()])]);
    } else if (fault !== undefined || !(isAlternate || text.includes("\\") || text.includes("&"))) {
      yield { ...statement, expansion };
    } else {
      yield* splitStatements(substitute(text, present, number, isAlternate), statement, expansion);
    }
  }
}

function substitute(text: string, values: ReadonlyMap<string, string>, number: number, isAlternate: boolean): string {
  let result = "";
  let copied = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    const isMarked = code === BACKSLASH || code === AMPERSAND;
    if (!isMarked && !(isAlternate && isNameStart(code))) {
      at++;
      continue;
    }
    let end = isMarked ? at + 1 : at;
    let value: string | undefined;
    if (code === BACKSLASH && text.charAt(end) === "@") {
      value = String(number);
      end++;
    } else if (code === BACKSLASH && text.charAt(end) === "(" && text.includes(")", end)) {
      const close = text.indexOf(")", end);
      value = text.slice(end + 1, close);
      end = close + 1;
    } else if (isNameStart(text.charCodeAt(end))) {
      const start = end;
      while (end < text.length && isNamePart(text.charCodeAt(end))) end++;
      value = values.get(text.slice(start, end));
      if (value !== undefined && isAlternate && text.charCodeAt(end) === AMPERSAND) end++;
    }
    if (value !== undefined) {
      result += text.slice(copied, at) + value;
      copied = end;
      if (result.length > MAX_LENGTH)
        throw new StatementError(`the expanded statement has more than ${MAX_LENGTH} characters`);
    }
    at = end;
  }
  return result + text.slice(copied);
}

const listNames = (parameters: readonly Parameter[]): string => parameters.map(({ name }) => name).join(", ");

/** The arguments of `.irp` as a list. */
export function takeList(cursor: Cursor, evaluate?: EvaluateArgument): string[] {
  const values: string[] = [];
  while (!cursor.atEnd()) {
    values.push(takeArgument(cursor, evaluate));
    cursor.take(",");
  }
  return values;
}
