/**
 * The part of the C preprocessor that `.S` files use: comments, continued lines, `#define` (with arguments, `##` and
 * `#x`), `#undef`, `#include`, and conditionals on integer expressions.
 */
import { StatementError } from "../diagnostics.ts";
import { Conditionals } from "./conditionals.ts";
import { Cursor } from "./cursor.ts";
import { ExpressionParser, integer } from "./expression-parser.ts";
import { type Directive, type Line, logicalLines, matchDirective, withoutHashComment } from "./logical-lines.ts";
import { type Definition, expandMacros, parseDefinition } from "./preprocessor-macros.ts";
import { longOf } from "./wide-arithmetic.ts";

/** Finds the source text that `name` means in a file `from`, undefined if there is none. */
export type Include = (name: string, from: string) => { file: string; text: string } | undefined;

const MAX_INCLUDE_DEPTH = 64;

/** What hostile input may make us read, lines of all includes together. */
const MAX_LINES = 1_000_000;

const CONDITIONAL_NAMES = { if: "#if", elseif: "#elif", else: "#else", endif: "#endif" };

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
    const conditionals = new Conditionals<Line>(CONDITIONAL_NAMES);
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
    for (const line of conditionals.unclosed()) output.push(fault(line, "this #if has no #endif"));
    return output;
  }

  private processLine(line: Line, conditionals: Conditionals<Line>, output: Line[]): void {
    if (line.fault !== undefined) {
      output.push(line);
      return;
    }
    const directive = line.text.includes("#") ? matchDirective(line.text) : undefined;
    if (directive === undefined) {
      if (conditionals.active) output.push(this.expand(line));
    } else if (!this.processConditional(directive, line, conditionals) && conditionals.active) {
      this.processDirective(directive, line, output);
    }
  }

  private expand(line: Line): Line {
    if (this.definitions.size === 0) return line;
    const text = expandMacros(withoutHashComment(line.text), this.definitions);
    return text === undefined ? line : { ...line, text, column: 1 + line.text.length - line.text.trimStart().length };
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

function fault(line: Line, message: string, column = line.column): Line {
  return { text: "", file: line.file, line: line.line, column, fault: message };
}
