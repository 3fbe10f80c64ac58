/** `#define` macros, as the C standard has them (ISO C99 6.10.3), one line at a time. */
import { StatementError } from "../diagnostics.ts";

export interface Definition {
  /** Undefined for macros without a parameter list. */
  readonly parameters: readonly string[] | undefined;
  readonly variadic: boolean;
  readonly body: readonly string[];
}

/** What hostile definitions may make of one line, tokens. */
const MAX_TOKENS = 50_000;
const MAX_DEPTH = 100;

const TOKEN = /[A-Za-z_]\w*|\.?[0-9][\w.]*|"(?:[^"\\]|\\.)*"?|'(?:\\.|[^\\])'?|##|\s+|./gsy;
const NAME = /^[A-Za-z_]/;

function tokenize(text: string): string[] {
  TOKEN.lastIndex = 0;
  return text.match(TOKEN) ?? [];
}

/** Parses what follows `#define`. */
export function parseDefinition(rest: string): [name: string, definition: Definition] {
  const match = /^\s+([A-Za-z_]\w*)(\(([^)]*)\))?(.*)$/s.exec(rest);
  if (match === null) throw new StatementError(`expected a name after #define, found '${rest.trim()}'`);
  const [, name, list, names, body] = match;
  let parameters = list === undefined ? undefined : names.split(",").map((parameter) => parameter.trim());
  if (parameters?.length === 1 && parameters[0] === "") parameters = [];
  const variadic = parameters?.at(-1) === "...";
  if (variadic) parameters![parameters!.length - 1] = "__VA_ARGS__";
  for (const parameter of parameters ?? []) {
    if (!NAME.test(parameter)) throw new StatementError(`'${parameter}' can't be the name of a parameter of ${name}`);
  }
  return [name, { parameters, variadic, body: tokenize(body.trim()) }];
}

/** The line with its macros replaced, undefined if it uses none. */
export function expandMacros(line: string, definitions: ReadonlyMap<string, Definition>): string | undefined {
  const tokens = tokenize(line);
  if (!tokens.some((token) => definitions.has(token))) return undefined;
  return new Expansion(definitions).expand(tokens, new Set(), 0).join("");
}

class Expansion {
  private produced = 0;

  constructor(private readonly definitions: ReadonlyMap<string, Definition>) {}

  /** `active` holds the macros being replaced, which do not replace themselves again. */
  expand(tokens: readonly string[], active: ReadonlySet<string>, depth: number): string[] {
    if (depth > MAX_DEPTH) throw new StatementError(`macros are nested more than ${MAX_DEPTH} deep`);
    const output: string[] = [];
    for (let index = 0; index < tokens.length; index++) {
      const name = tokens[index];
      const definition = active.has(name) ? undefined : this.definitions.get(name);
      let replacement: readonly string[];
      if (definition === undefined) {
        replacement = [name];
      } else if (definition.parameters === undefined) {
        replacement = this.expand(paste(definition.body, new Map(), new Map()), new Set(active).add(name), depth + 1);
      } else {
        const open = nextVisible(tokens, index + 1);
        if (tokens[open] !== "(") {
          output.push(name);
          continue;
        }
        const { values, end } = collectArguments(name, tokens, open);
        replacement = this.call(name, definition, values, active, depth);
        index = end;
      }
      this.produced += replacement.length;
      if (this.produced > MAX_TOKENS) throw new StatementError(`the line expands to more than ${MAX_TOKENS} tokens`);
      for (const token of replacement) output.push(token);
    }
    return output;
  }

  private call(
    name: string,
    { parameters, variadic, body }: Definition,
    values: string[][],
    active: ReadonlySet<string>,
    depth: number,
  ): string[] {
    const expected = parameters!.length;
    if (expected === 0 && values.length === 1 && values[0].length === 0) values.pop();
    if (variadic && values.length >= expected) {
      const rest = values.splice(expected - 1);
      values.push(rest.flatMap((value, index) => (index === 0 ? value : [",", ...value])));
    }
    if (variadic && values.length === expected - 1) values.push([]);
    if (values.length !== expected) {
      throw new StatementError(
        `${name} takes ${expected} argument${expected === 1 ? "" : "s"}, ${values.length} given`,
      );
    }
    const raw = new Map(parameters!.map((parameter, index) => [parameter, values[index]]));
    const expanded = new Map(
      parameters!.map((parameter, index) => [parameter, this.expand(values[index], active, depth + 1)]),
    );
    return this.expand(paste(body, raw, expanded), new Set(active).add(name), depth + 1);
  }
}

function nextVisible(tokens: readonly string[], from: number): number {
  let at = from;
  while (at < tokens.length && /^\s/.test(tokens[at])) at++;
  return at;
}

/** The arguments in parentheses at `open`, split at commas outside of inner parentheses. */
function collectArguments(name: string, tokens: readonly string[], open: number): { values: string[][]; end: number } {
  const values: string[][] = [[]];
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === "(" && depth++ === 0) continue;
    if (token === ")" && --depth === 0) return { values: values.map(trim), end: at };
    if (token === "," && depth === 1) values.push([]);
    else values[values.length - 1].push(token);
  }
  throw new StatementError(`the arguments of ${name} have no closing ')' on this line`);
}

function trim(tokens: readonly string[]): string[] {
  let start = 0;
  let end = tokens.length;
  while (start < end && /^\s/.test(tokens[start])) start++;
  while (end > start && /^\s/.test(tokens[end - 1])) end--;
  return tokens.slice(start, end);
}

/** The body with arguments in place of parameters: raw beside `##` and after `#`, expanded elsewhere. */
function paste(
  body: readonly string[],
  raw: ReadonlyMap<string, readonly string[]>,
  expanded: ReadonlyMap<string, readonly string[]>,
): string[] {
  const output: string[] = [];
  let glue = false;
  for (let at = 0; at < body.length; at++) {
    const token = body[at];
    const next = nextVisible(body, at + 1);
    if (token === "##") {
      while (output.length > 0 && /^\s*$/.test(output[output.length - 1])) output.pop();
      glue = true;
      at = next - 1;
      continue;
    }
    if (token === "#" && raw.has(body[next])) {
      output.push(JSON.stringify(raw.get(body[next])!.join("")));
      at = next;
      continue;
    }
    const besidePaste = glue || body[next] === "##";
    const pieces = (besidePaste ? raw : expanded).get(token) ?? [token];
    pieces.forEach((piece, index) => {
      if (glue && index === 0 && output.length > 0) output.push(output.pop()! + piece);
      else output.push(piece);
    });
    glue = false;
  }
  return output;
}
