/**
 * The part of the C preprocessor that `.S` files use: comments, continued lines, `#define` (with arguments, `##` and
 * `#x`), `#undef`, `#include`, and conditionals on integer expressions.
 */
import { StatementError } from "../diagnostics.ts";
import { APOSTROPHE, endOfCharacter, endOfString, isNamePart, QUOTE } from "./characters.ts";
import { Cursor } from "./cursor.ts";
import { ExpressionParser, integer } from "./expression-parser.ts";
import { type Definition, expandMacros, parseDefinition } from "./preprocessor-macros.ts";
import { longOf } from "./wide-arithmetic.ts";

/** A line of text as the assembler reads it. */
export interface Line {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  /** Column of the first character of `text`. */
  readonly column: number;
  /** An error that stands in the line's place. */
  readonly fault?: string;
}

/** Finds the source text that `name` means in a file `from`, undefined if there is none. */
export type Include = (name: string, from: string) => { file: string; text: string } | undefined;

const MAX_INCLUDE_DEPTH = 64;

/** What hostile input may make us read, lines of all includes together. */
const MAX_LINES = 1_000_000;

/**
 * A directive. After `# ` with a space only what can be nothing else counts, as `# if this fails …` is a comment.
 */
const DIRECTIVE = /^\s*#(define|undef|include|ifdef|ifndef|if|elif|else|endif|error|warning|pragma|line)\b(.*)$/;
const SPACED_DIRECTIVE = /^\s*#\s+(define|undef|include|ifdef|ifndef|else|endif|if|elif)\b(.*)$/;
const SPACED_SHAPES: Readonly<Record<string, RegExp>> = {
  define: /^\s+[A-Za-z_]\w*/,
  undef: /^\s+[A-Za-z_]\w*\s*$/,
  include: /^\s*["<]/,
  ifdef: /^\s+[A-Za-z_]\w*\s*$/,
  ifndef: /^\s+[A-Za-z_]\w*\s*$/,
  if: /^\s+!?\s*defined\b/,
  elif: /^\s+!?\s*defined\b/,
  else: /^\s*$/,
  endif: /^\s*$/,
};

interface Conditional {
  readonly line: Line;
  active: boolean;
  /** A branch was chosen, or the block lies in a dead branch. */
  settled: boolean;
  sawElse: boolean;
}

export class Preprocessor {
  private readonly definitions = new Map<string, Definition>();
  private depth = 0;
  private lineCount = 0;

  constructor(
    private readonly constants: Readonly<Record<string, number>>,
    private readonly include: Include | undefined,
  ) {}

  /** The lines of a file with everything replaced, included files among them. */
  process(text: string, file: string): Line[] {
    const output: Line[] = [];
    const conditionals: Conditional[] = [];
    for (const line of logicalLines(text, file)) {
      if (++this.lineCount > MAX_LINES) {
        output.push(fault(line, `the source and its includes have more than ${MAX_LINES} lines`));
        return output;
      }
      try {
        this.processLine(line, conditionals, output);
      } catch (error) {
        if (!(error instanceof StatementError)) throw error;
        output.push(fault(line, error.message, error.position?.column));
      }
    }
    for (const { line } of conditionals) output.push(fault(line, "this #if has no #endif"));
    return output;
  }

  private processLine(line: Line, conditionals: Conditional[], output: Line[]): void {
    if (line.fault !== undefined) {
      output.push(line);
      return;
    }
    const directive = line.text.includes("#") ? matchDirective(line.text) : undefined;
    const active = conditionals.length === 0 || conditionals[conditionals.length - 1].active;
    if (directive === undefined) {
      if (active) output.push(this.expand(line));
    } else if (!this.processConditional(directive, line, conditionals, active) && active) {
      this.processDirective(directive, line, output);
    }
  }

  private expand(line: Line): Line {
    if (this.definitions.size === 0) return line;
    const text = expandMacros(withoutHashComment(line.text), this.definitions);
    return text === undefined ? line : { ...line, text, column: 1 + line.text.length - line.text.trimStart().length };
  }

  /** Handles `#if` and its kin; false for other directives. */
  private processConditional(
    { name, rest }: Directive,
    line: Line,
    conditionals: Conditional[],
    active: boolean,
  ): boolean {
    switch (name) {
      case "if":
      case "ifdef":
      case "ifndef": {
        const entry = { line, active: false, settled: true, sawElse: false };
        conditionals.push(entry);
        if (active) entry.settled = entry.active = this.condition(name, rest, line);
        return true;
      }
      case "elif": {
        const entry = innermost(conditionals, name);
        entry.active = false;
        if (entry.sawElse) throw new StatementError("#elif stands after #else");
        if (!entry.settled) entry.settled = entry.active = this.condition("if", rest, line);
        return true;
      }
      case "else": {
        const entry = innermost(conditionals, name);
        if (entry.sawElse) throw new StatementError("this #if already has an #else");
        entry.active = !entry.settled;
        entry.settled = entry.sawElse = true;
        return true;
      }
      case "endif":
        innermost(conditionals, name);
        conditionals.pop();
        return true;
      default:
        return false;
    }
  }

  private condition(name: string, rest: string, line: Line): boolean {
    if (name === "if") return this.evaluate(rest, line);
    const symbol = /^\s*([A-Za-z_]\w*)/.exec(rest)?.[1];
    if (symbol === undefined) throw new StatementError(`expected a name after #${name}`);
    return this.isDefined(symbol) === (name === "ifdef");
  }

  private isDefined(name: string): boolean {
    return this.definitions.has(name) || Object.hasOwn(this.constants, name);
  }

  private evaluate(text: string, line: Line): boolean {
    const known = text.replace(/\bdefined\s*(?:\(\s*(\w+)\s*\)|(\w+))/g, (_, a, b) =>
      this.isDefined(a ?? b) ? "1" : "0",
    );
    const expanded = expandMacros(known, this.definitions) ?? known;
    // The text's columns are those of the line if nothing was replaced.
    const column = line.column + Math.max(0, line.text.indexOf(expanded));
    const cursor = new Cursor({ ...line, text: expanded, column, expansion: undefined });
    // Names that nothing defines count as 0, as in C.
    const value = new ExpressionParser({
      reference: (name) => integer(Object.hasOwn(this.constants, name) ? this.constants[name] : 0),
      numericLabel: (label) => integer(Number(label)),
      here: () => integer(0),
    }).parse(cursor);
    cursor.expectEnd();
    return value.kind === "number" && !longOf(value).isZero();
  }

  private processDirective({ name, rest }: Directive, line: Line, output: Line[]): void {
    switch (name) {
      case "define": {
        const [symbol, definition] = parseDefinition(rest);
        this.definitions.set(symbol, definition);
        return;
      }
      case "undef":
        this.definitions.delete(rest.trim());
        return;
      case "include":
        this.processInclude(rest, line, output);
        return;
      case "error":
        throw new StatementError(`#error${rest}`);
      default:
        // #warning, #pragma and #line have nothing to say to an assembler.
        return;
    }
  }

  private processInclude(rest: string, line: Line, output: Line[]): void {
    const name = /^\s*(?:"([^"]+)"|<([^>]+)>)\s*$/.exec(rest);
    if (name === null) throw new StatementError(`expected #include "file", found '#include${rest}'`);
    for (const included of this.processFile(name[1] ?? name[2], line.file)) output.push(included);
  }

  /** The lines of another file. @throws StatementError if there is none of that name */
  processFile(name: string, from: string): Line[] {
    const found = this.include?.(name, from);
    if (found === undefined) throw new StatementError(`no file '${name}' to include`);
    if (this.depth >= MAX_INCLUDE_DEPTH) {
      throw new StatementError(`'${name}' is included more than ${MAX_INCLUDE_DEPTH} files deep`);
    }
    this.depth++;
    try {
      return this.process(found.text, found.file);
    } finally {
      this.depth--;
    }
  }
}

interface Directive {
  readonly name: string;
  readonly rest: string;
}

function matchDirective(text: string): Directive | undefined {
  const match = DIRECTIVE.exec(text);
  if (match !== null) return { name: match[1], rest: match[2] };
  const spaced = SPACED_DIRECTIVE.exec(text);
  if (spaced === null || !SPACED_SHAPES[spaced[1]].test(spaced[2])) return undefined;
  return { name: spaced[1], rest: spaced[2] };
}

function innermost(conditionals: readonly Conditional[], name: string): Conditional {
  const entry = conditionals.at(-1);
  if (entry === undefined) throw new StatementError(`#${name} without #if`);
  return entry;
}

function fault(line: Line, message: string, column = line.column): Line {
  return { text: "", file: line.file, line: line.line, column, fault: message };
}

/** Lines without C comments; those that end in a backslash joined with the next. */
function* logicalLines(text: string, file: string): Generator<Line> {
  const physical = text.split("\n");
  for (let index = 0; index < physical.length; index++) {
    const first = index;
    let joined = physical[index];
    if (joined.endsWith("\r")) joined = joined.slice(0, -1);
    if (joined.endsWith("\\")) {
      const parts: string[] = [];
      while (joined.endsWith("\\") && index + 1 < physical.length) {
        parts.push(joined.slice(0, -1));
        joined = physical[++index].replace(/\r$/, "");
      }
      joined = parts.join("") + joined;
    }
    if (joined.includes("/")) {
      const parts: string[] = [];
      let at = skipToComment(joined, 0);
      parts.push(joined.slice(0, at));
      while (at < joined.length && joined.charAt(at + 1) === "*") {
        let end = joined.indexOf("*/", at + 2);
        while (end < 0 && index + 1 < physical.length) {
          joined = physical[++index];
          end = joined.indexOf("*/");
          at = 0;
        }
        if (end < 0) {
          yield { text: "", file, line: first + 1, column: 1, fault: "the comment opened here has no */" };
          return;
        }
        const next = skipToComment(joined, end + 2);
        // Spaces keep the columns of what follows on the comment's line.
        parts.push(" ".repeat(Math.max(1, end + 2 - at)), joined.slice(end + 2, next));
        at = next;
      }
      joined = parts.join("");
    }
    yield { text: joined, file, line: first + 1, column: 1 };
  }
}

/** The offset of the next C comment outside of strings and `#` comments; the text's length if there is none. */
function skipToComment(text: string, start: number): number {
  const isDirective = start === 0 && matchDirective(text) !== undefined;
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === APOSTROPHE && (at === 0 || !isNamePart(text.charCodeAt(at - 1)))) at = endOfCharacter(text, at);
    else if (code === 0x23 && !isDirective) return text.length;
    else if (code === 0x2f && (text.charAt(at + 1) === "*" || text.charAt(at + 1) === "/")) return at;
    else at++;
  }
  return text.length;
}

/** The line up to its `#` comment. */
function withoutHashComment(text: string): string {
  if (!text.includes("#")) return text;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === APOSTROPHE && (at === 0 || !isNamePart(text.charCodeAt(at - 1)))) at = endOfCharacter(text, at);
    else if (code === 0x23) return text.slice(0, at);
    else at++;
  }
  return text;
}
