/**
 * The part of the C preprocessor that `.S` files use: comments, continued lines, `#define` (with arguments, `##` and
 * `#x`), `#undef`, `#include`, conditionals, and the macros that gcc defines.
 */
import { StatementError } from "../diagnostics.ts";
import { evaluateCondition } from "./condition.ts";
import { Conditionals } from "./conditionals.ts";
import { Cursor } from "./cursor.ts";
import { type Directive, type Line, logicalLines, matchDirective, withoutHashComment } from "./logical-lines.ts";
import { PREDEFINED } from "./predefined-macros.ts";
import { type Definition, expandMacros, parseDefinition, UnclosedCallError } from "./preprocessor-macros.ts";

/** Finds the source text that `name` means in a file `from`, undefined if there is none. */
export type Include = (name: string, from: string) => { file: string; text: string } | undefined;

const MAX_INCLUDE_DEPTH = 64;

/** What hostile input may make us read, lines of all includes together. */
const MAX_LINES = 1_000_000;

/** Lines that one macro call may take. */
const MAX_CALL_LINES = 200;

/** Every predefined name holds one of these. */
const PREDEFINED_NAME = /__|_ILP32/;

/** What asks in a condition for features of gcc's C that assembler sources have no use for. */
const FEATURE_TEST = /\b__has_(?:attribute|builtin|c_attribute|cpp_attribute|feature|extension)\s*\([^)]*\)/g;
const INCLUDE_TEST = /\b__has_include(?:_next)?\s*\(\s*(?:"([^"]*)"|<([^>]*)>)\s*\)/g;
const FEATURE_TESTS: ReadonlySet<string> = new Set(["__has_include", "__has_attribute", "__has_builtin"]);

const INCLUDED = /^\s*(?:"([^"]+)"|<([^>]+)>)\s*$/;

const PLACE_MACROS: ReadonlySet<string> = new Set([
  "__LINE__",
  "__FILE__",
  "__BASE_FILE__",
  "__INCLUDE_LEVEL__",
  "__COUNTER__",
]);

const CONDITIONAL_NAMES = { if: "#if", elseif: "#elif", else: "#else", endif: "#endif" };

/** The lines of one file; those that were read in vain can be put back. */
class LineReader {
  private returned: Line[] = [];

  constructor(private readonly lines: Iterator<Line, void>) {}

  next(): Line | undefined {
    return this.returned.shift() ?? (this.lines.next().value || undefined);
  }

  putBack(lines: readonly Line[]): void {
    this.returned = [...lines, ...this.returned];
  }
}

export class Preprocessor {
  /** What the sources have defined; undefined for what they took back. */
  private readonly definitions = new Map<string, Definition | undefined>();
  /** Files that `#pragma once` keeps from being read again. */
  private readonly once = new Set<string>();
  private depth = 0;
  private lineCount = 0;
  /** Uses of `__COUNTER__` so far. */
  private counter = 0;
  private baseFile: string | undefined;
  /** The line being read. */
  private line: Line | undefined;

  constructor(
    private readonly constants: Readonly<Record<string, number>>,
    private readonly include: Include | undefined,
  ) {}

  /** The lines of a file with everything replaced, included files among them. */
  process(text: string, file: string): Line[] {
    this.baseFile ??= file;
    const output: Line[] = [];
    const conditionals = new Conditionals<Line>(CONDITIONAL_NAMES);
    const lines = new LineReader(logicalLines(text, file));
    for (let line = lines.next(); line !== undefined; line = lines.next()) {
      if (++this.lineCount > MAX_LINES) {
        output.push(fault(line, `the source and its includes have more than ${MAX_LINES} lines`));
        return output;
      }
      try {
        this.processLine(line, lines, conditionals, output);
      } catch (error) {
        if (!(error instanceof StatementError)) throw error;
        output.push(fault(line, error.message, error.position?.column));
      }
    }
    for (const line of conditionals.unclosed()) output.push(fault(line, "this #if has no #endif"));
    return output;
  }

  private processLine(line: Line, lines: LineReader, conditionals: Conditionals<Line>, output: Line[]): void {
    if (line.fault !== undefined) {
      output.push(line);
      return;
    }
    this.line = line;
    const directive = line.text.includes("#") ? matchDirective(line.text) : undefined;
    if (directive === undefined) {
      if (conditionals.active) output.push(this.expand(line, lines));
    } else if (!this.processConditional(directive, line, conditionals) && conditionals.active) {
      this.processDirective(directive, line, output);
    }
  }

  /** The line with its macros replaced. A call that is not closed in it takes the following lines. */
  private expand(line: Line, lines: LineReader): Line {
    if (this.definitions.size === 0 && !PREDEFINED_NAME.test(line.text)) return line;
    let whole = withoutHashComment(line.text);
    const taken: Line[] = [];
    for (;;) {
      try {
        const text = expandMacros(whole, this.find);
        return text === undefined
          ? line
          : { ...line, text, column: 1 + line.text.length - line.text.trimStart().length };
      } catch (error) {
        if (!(error instanceof UnclosedCallError)) throw error;
        const following = taken.length < MAX_CALL_LINES ? lines.next() : undefined;
        if (following !== undefined) taken.push(following);
        if (following === undefined || following.fault !== undefined || matchDirective(following.text) !== undefined) {
          lines.putBack(taken);
          throw error;
        }
        whole += ` ${withoutHashComment(following.text)}`;
      }
    }
  }

  private readonly find = (name: string): Definition | undefined =>
    this.definitions.has(name) ? this.definitions.get(name) : (PREDEFINED.get(name) ?? this.placeMacro(name));

  /** The macros that tell where they stand. */
  private placeMacro(name: string): Definition | undefined {
    switch (name) {
      case "__LINE__":
        return constant(String(this.line?.line ?? 0));
      case "__FILE__":
        return constant(quoted(this.line?.file ?? ""));
      case "__BASE_FILE__":
        return constant(quoted(this.baseFile ?? ""));
      case "__INCLUDE_LEVEL__":
        return constant(String(this.depth));
      case "__COUNTER__":
        return constant(String(this.counter++));
      default:
        return undefined;
    }
  }

  /** Handles `#if` and its kin; false for other directives. */
  private processConditional({ name, rest }: Directive, line: Line, conditionals: Conditionals<Line>): boolean {
    switch (name) {
      case "if":
      case "ifdef":
      case "ifndef":
        conditionals.begin(line, () => this.condition(name, rest, line));
        return true;
      case "elif":
        conditionals.otherwiseIf(() => this.condition("if", rest, line));
        return true;
      case "else":
        conditionals.otherwise();
        return true;
      case "endif":
        conditionals.end();
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
    const isMacro = this.definitions.has(name)
      ? this.definitions.get(name) !== undefined
      : PREDEFINED.has(name) || PLACE_MACROS.has(name);
    return isMacro || FEATURE_TESTS.has(name) || Object.hasOwn(this.constants, name);
  }

  private evaluate(text: string, line: Line): boolean {
    const known = text
      .replace(INCLUDE_TEST, (_, a, b) => (this.include?.(a ?? b, line.file) === undefined ? "0" : "1"))
      .replace(FEATURE_TEST, "0");
    const expanded = expandMacros(known, this.find, true) ?? known;
    // The text's columns are those of the line if nothing was replaced.
    const column = line.column + Math.max(0, line.text.indexOf(expanded));
    return evaluateCondition(new Cursor({ ...line, text: expanded, column, expansion: undefined }), {
      isDefined: (name) => this.isDefined(name),
      // Names that nothing defines count as 0, as in C.
      valueOf: (name) => (Object.hasOwn(this.constants, name) ? Math.trunc(this.constants[name]) : 0),
    });
  }

  private processDirective({ name, rest }: Directive, line: Line, output: Line[]): void {
    switch (name) {
      case "define": {
        const [symbol, definition] = parseDefinition(rest);
        this.definitions.set(symbol, definition);
        return;
      }
      case "undef":
        this.definitions.set(rest.trim(), undefined);
        return;
      case "include":
        this.processInclude(rest, line, output);
        return;
      case "error":
        throw new StatementError(`#error${rest}`);
      case "pragma":
        if (rest.trim() === "once") this.once.add(line.file);
        return;
      default:
        // #warning and #line have nothing to say to an assembler.
        return;
    }
  }

  private processInclude(rest: string, line: Line, output: Line[]): void {
    const name = INCLUDED.exec(rest) ?? INCLUDED.exec(expandMacros(rest, this.find) ?? "");
    if (name === null) throw new StatementError(`expected #include "file", found '#include${rest}'`);
    for (const included of this.processFile(name[1] ?? name[2], line.file)) output.push(included);
  }

  /** The lines of another file. @throws StatementError if there is none of that name */
  processFile(name: string, from: string): Line[] {
    const found = this.include?.(name, from);
    if (found === undefined) throw new StatementError(`no file '${name}' to include`);
    if (this.once.has(found.file)) return [];
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

function fault(line: Line, message: string, column = line.column): Line {
  return { text: "", file: line.file, line: line.line, column, fault: message };
}

function constant(token: string): Definition {
  return { parameters: undefined, variadic: false, body: [token] };
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}
