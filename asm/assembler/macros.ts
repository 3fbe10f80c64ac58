/** `.macro`, `.rept`, `.irp` and `.irpc`: definitions, arguments and substitution (GNU as manual, ".macro"). */
import { StatementError } from "../diagnostics.ts";
import { APOSTROPHE, endOfCharacter, endOfString, isNamePart, isNameStart, isSpace, QUOTE } from "./characters.ts";
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

/** Binds the arguments at the cursor to the parameters of a macro. */
export function bindArguments(macro: Macro, cursor: Cursor): Map<string, string> {
  const { name: macroName, parameters } = macro;
  const values = new Map<string, string>();
  let next = 0;
  while (!cursor.atEnd()) {
    const at = cursor.at;
    const keyword = takeKeyword(cursor, parameters);
    if (keyword !== undefined) {
      values.set(keyword.name, keyword.variadic ? cursor.takeRest() : takeArgument(cursor));
      // Keywords end the run of positional arguments, as in GNU as.
      next = parameters.length;
    } else if (next >= parameters.length) {
      const limit =
        parameters.length === 0 ? "no arguments" : `at most ${parameters.length} (${listNames(parameters)})`;
      throw cursor.error(`too many arguments: macro ${macroName} takes ${limit}`, at);
    } else {
      const parameter = parameters[next++];
      values.set(parameter.name, parameter.variadic ? cursor.takeRest() : takeArgument(cursor));
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
 * outside of parentheses. A string that is the whole argument loses its quotes.
 */
export function takeArgument(cursor: Cursor): string {
  cursor.skipSpace();
  const { text } = cursor;
  const start = cursor.at;
  if (text.charCodeAt(start) === QUOTE) {
    const end = endOfString(text, start);
    if (text.charCodeAt(end - 1) !== QUOTE || end === start + 1) throw cursor.error('the string has no closing "');
    const after = text.charAt(end);
    if (after === "" || after === "," || isSpace(after.charCodeAt(0))) {
      cursor.at = end;
      return text.slice(start + 1, end - 1);
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
      else if (code === 0x2c || (isSpace(code) && depth <= 0 && separates(text, at))) break;
      at++;
    }
  }
  cursor.at = at;
  return text.slice(start, at).trim();
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

/** The body with its arguments put in: `\name`, `\()`, `\@`. */
export function* expandBody(
  body: readonly Statement[],
  values: ReadonlyMap<string, string>,
  number: number,
  expansion: Expansion,
): Generator<Statement> {
  for (const statement of body) {
    if (statement.fault !== undefined || !statement.text.includes("\\")) {
      yield { ...statement, expansion };
    } else {
      yield* splitStatements(substitute(statement.text, values, number), statement, expansion);
    }
  }
}

function substitute(text: string, values: ReadonlyMap<string, string>, number: number): string {
  let result = "";
  let copied = 0;
  let at = text.indexOf("\\");
  while (at >= 0) {
    const next = text.charCodeAt(at + 1);
    let end = at + 2;
    let value: string | undefined;
    if (next === 0x40) {
      value = String(number);
    } else if (next === 0x28 && text.charAt(at + 2) === ")") {
      value = "";
      end = at + 3;
    } else if (isNameStart(next)) {
      while (end < text.length && isNamePart(text.charCodeAt(end))) end++;
      value = values.get(text.slice(at + 1, end));
    }
    if (value !== undefined) {
      result += text.slice(copied, at) + value;
      copied = end;
      if (result.length > MAX_LENGTH)
        throw new StatementError(`the expanded statement has more than ${MAX_LENGTH} characters`);
    } else if (next === 0x5c) {
      end = at + 2;
    } else {
      end = at + 1;
    }
    at = text.indexOf("\\", end);
  }
  return result + text.slice(copied);
}

const listNames = (parameters: readonly Parameter[]): string => parameters.map(({ name }) => name).join(", ");

/** The arguments of `.irp` as a list. */
export function takeList(cursor: Cursor): string[] {
  const values: string[] = [];
  while (!cursor.atEnd()) {
    values.push(takeArgument(cursor));
    cursor.take(",");
  }
  return values;
}
