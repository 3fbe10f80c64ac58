/** `#define` macros, as the C standard has them (ISO C99 6.10.3) with GNU's variable arguments. */
import { StatementError } from "../diagnostics.ts";

export interface Definition {
  /** Undefined for macros without a parameter list. */
  readonly parameters: readonly string[] | undefined;
  readonly variadic: boolean;
  readonly body: readonly string[];
}

/** What a name means at this point of the source, undefined if it is no macro. */
export type FindDefinition = (name: string) => Definition | undefined;

/** Thrown when a call's closing parenthesis is not in the text: a later line may have it. */
export class UnclosedCallError extends StatementError {}

/** What hostile definitions may make of one line, tokens. */
const MAX_TOKENS = 50_000;
const MAX_DEPTH = 100;

const TOKEN = /[A-Za-z_]\w*|\.?[0-9][\w.]*|"(?:[^"\\]|\\.)*"?|'(?:\\.|[^\\])'?|##|\s+|./gsy;
const NAME = /^[A-Za-z_]/;
const SPACES = /^\s/;

export function tokenize(text: string): string[] {
  TOKEN.lastIndex = 0;
  return text.match(TOKEN) ?? [];
}

/** Parses what follows `#define`. @throws StatementError if that makes no macro */
export function parseDefinition(rest: string): [name: string, definition: Definition] {
  const match = /^\s+([A-Za-z_]\w*)(\(([^)]*)\))?(.*)$/s.exec(rest);
  if (match === null) throw new StatementError(`expected a name after #define, found '${rest.trim()}'`);
  const [, name, list, names, body] = match;
  let parameters = list === undefined ? undefined : names.split(",").map((parameter) => parameter.trim());
  if (parameters?.length === 1 && parameters[0] === "") parameters = [];
  const last = parameters?.at(-1);
  const variadic = last?.endsWith("...") === true;
  if (variadic) parameters![parameters!.length - 1] = last.slice(0, -3).trim() || "__VA_ARGS__";
  for (const parameter of parameters ?? []) {
    if (!NAME.test(parameter)) throw new StatementError(`'${parameter}' can't be the name of a parameter of ${name}`);
  }
  return [name, { parameters, variadic, body: tokenize(body.trim()) }];
}

/**
 * The line with its macros replaced, undefined if it uses none. `isCondition`: the operands of `defined` are left alone.
 * @throws UnclosedCallError if the line ends within the arguments of a macro
 * @throws StatementError if a macro is used wrongly, or without end
 */
export function expandMacros(line: string, find: FindDefinition, isCondition = false): string | undefined {
  const texts = tokenize(line);
  if (!texts.some((text) => find(text) !== undefined)) return undefined;
  const tokens = texts.map((text): Token => ({ text, hidden: NOTHING }));
  return new Expansion(find, isCondition).expand(tokens, 0).map(textOf).join("");
}

interface Token {
  readonly text: string;
  /** The macros that this token came from, which it does not use again. */
  readonly hidden: ReadonlySet<string>;
}

const NOTHING: ReadonlySet<string> = new Set();
const SPACE: Token = { text: " ", hidden: NOTHING };
const textOf = ({ text }: Token): string => text;
const isSpace = ({ text }: Token): boolean => SPACES.test(text);

/** A call's arguments: as they are written, and with their own macros replaced. */
interface Argument {
  readonly raw: readonly Token[];
  readonly expanded: readonly Token[];
}

class Expansion {
  private produced = 0;

  constructor(
    private readonly find: FindDefinition,
    private readonly isCondition: boolean,
  ) {}

  /** `depth` counts the calls whose argument this is; there a call that is not closed is none. */
  expand(tokens: readonly Token[], depth: number): Token[] {
    if (depth > MAX_DEPTH) throw new StatementError(`macros are nested more than ${MAX_DEPTH} deep`);
    // What is still to be read, the next token last.
    const input = [...tokens].reverse();
    const output: Token[] = [];
    for (let token = input.pop(); token !== undefined; token = input.pop()) {
      const { text, hidden } = token;
      if (this.isCondition && text === "defined") {
        output.push(token);
        copyOperand(input, output);
        continue;
      }
      const definition = hidden.has(text) ? undefined : this.find(text);
      if (definition === undefined) {
        output.push(token);
      } else if (definition.parameters === undefined) {
        this.replace(input, substitute(definition, new Map()), new Set(hidden).add(text));
      } else {
        const call = collectArguments(input);
        if (call === "none" || (call === "unclosed" && depth > 0)) {
          output.push(token);
        } else if (call === "unclosed") {
          throw new UnclosedCallError(`the arguments of ${text} have no closing ')'`);
        } else {
          const values = this.bind(text, definition, call.values, depth);
          const shared = [...hidden].filter((name) => call.hidden.has(name));
          this.replace(input, substitute(definition, values), new Set(shared).add(text));
        }
      }
    }
    return output;
  }

  /** Puts a replacement where the rest of the line is read next. */
  private replace(input: Token[], replacement: readonly Token[], hidden: ReadonlySet<string>): void {
    this.produced += replacement.length + 1;
    if (this.produced > MAX_TOKENS) throw new StatementError(`the line expands to more than ${MAX_TOKENS} tokens`);
    const unions = new Map<ReadonlySet<string>, ReadonlySet<string>>([[NOTHING, hidden]]);
    for (let index = replacement.length - 1; index >= 0; index--) {
      const { text, hidden: own } = replacement[index];
      let union = unions.get(own);
      if (union === undefined) {
        union = new Set([...own, ...hidden]);
        unions.set(own, union);
      }
      input.push({ text, hidden: union });
    }
  }

  private bind(
    name: string,
    { parameters, variadic }: Definition,
    values: Token[][],
    depth: number,
  ): Map<string, Argument> {
    const expected = parameters!.length;
    if (expected === 0 && values.length === 1 && values[0].length === 0) values.pop();
    if (variadic && values.length >= expected) {
      const rest = values.splice(expected - 1);
      values.push(rest.flatMap((value, index) => (index === 0 ? value : [{ text: ",", hidden: NOTHING }, ...value])));
    }
    if (variadic && values.length === expected - 1) values.push([]);
    if (values.length !== expected) {
      throw new StatementError(
        `${name} takes ${expected} argument${expected === 1 ? "" : "s"}, ${values.length} given`,
      );
    }
    return new Map(
      parameters!.map((parameter, index) => {
        const raw = values[index];
        return [parameter, { raw, expanded: this.expand(raw, depth + 1) }];
      }),
    );
  }
}

/** Moves `NAME` or `(NAME` as it is. */
function copyOperand(input: Token[], output: Token[]): void {
  for (let token = input.pop(); token !== undefined; token = input.pop()) {
    output.push(token);
    if (!isSpace(token) && token.text !== "(") return;
  }
}

interface Call {
  readonly values: Token[][];
  /** Of the closing parenthesis. */
  readonly hidden: ReadonlySet<string>;
}

/** Takes the arguments in parentheses that come next, split at commas outside of inner parentheses. */
function collectArguments(input: Token[]): Call | "none" | "unclosed" {
  let at = input.length - 1;
  while (at >= 0 && isSpace(input[at])) at--;
  if (at < 0 || input[at].text !== "(") return "none";
  const values: Token[][] = [[]];
  let depth = 0;
  for (; at >= 0; at--) {
    const token = input[at];
    if (token.text === "(" && depth++ === 0) continue;
    if (token.text === ")" && --depth === 0) {
      input.length = at;
      return { values: values.map(trim), hidden: token.hidden };
    }
    if (token.text === "," && depth === 1) values.push([]);
    else values[values.length - 1].push(isSpace(token) ? SPACE : token);
  }
  return "unclosed";
}

function trim(tokens: readonly Token[]): Token[] {
  let start = 0;
  let end = tokens.length;
  while (start < end && isSpace(tokens[start])) start++;
  while (end > start && isSpace(tokens[end - 1])) end--;
  return tokens.slice(start, end);
}

/** The body with arguments in place of parameters: raw beside `##` and after `#`, expanded elsewhere. */
function substitute({ body, parameters, variadic }: Definition, values: ReadonlyMap<string, Argument>): Token[] {
  const output: Token[] = [];
  const rest = variadic ? parameters!.at(-1) : undefined;
  let glue = false;
  for (let at = 0; at < body.length; at++) {
    const text = body[at];
    const next = nextVisible(body, at + 1);
    if (text === "##" && output.length > 0) {
      while (output.length > 0 && isSpace(output[output.length - 1])) output.pop();
      glue = true;
      at = next - 1;
      continue;
    }
    const value = values.get(text);
    if (text === "#" && values.has(body[next])) {
      output.push({ text: stringify(values.get(body[next])!.raw), hidden: NOTHING });
      at = next;
    } else if (glue && text === rest && output.at(-1)?.text === ",") {
      // GNU's `, ## arguments`: the comma goes with the last of them.
      if (value!.raw.length === 0) output.pop();
      else output.push(...value!.expanded);
    } else if (value === undefined) {
      append(output, [{ text, hidden: NOTHING }], glue);
    } else {
      append(output, glue || body[next] === "##" ? value.raw : value.expanded, glue);
    }
    glue = false;
  }
  return output;
}

function append(output: Token[], added: readonly Token[], glue: boolean): void {
  const [first, ...others] = added;
  const last = glue && first !== undefined ? output.pop() : undefined;
  if (last === undefined) {
    output.push(...added);
    return;
  }
  const hidden = new Set([...last.hidden].filter((name) => first.hidden.has(name)));
  // What makes no token together stays two.
  for (const text of tokenize(last.text + first.text)) {
    output.push({ text, hidden: hidden.size === 0 ? NOTHING : hidden });
  }
  output.push(...others);
}

function nextVisible(tokens: readonly string[], from: number): number {
  let at = from;
  while (at < tokens.length && SPACES.test(tokens[at])) at++;
  return at;
}

/** `#parameter`: quotes, and backslashes within literals, are escaped. */
function stringify(tokens: readonly Token[]): string {
  const escaped = (text: string): string => (/^["']/.test(text) ? text.replace(/[\\"]/g, "\\$&") : text);
  return `"${tokens.map((token) => (isSpace(token) ? " " : escaped(token.text))).join("")}"`;
}
