/** What the parts of the assembler share while they work through one source. */
import type Long from "long";
import { AssemblyError, type Diagnostic, type Position, StatementError } from "../diagnostics.ts";
import { encodeInstruction, isMnemonic, isPrefix } from "../encoder.ts";
import type { ConstantOf, Encoding, Instruction } from "../instruction.ts";
import { CallFrames } from "./call-frames.ts";
import { isNamePart, withoutCharacters } from "./characters.ts";
import { Conditionals } from "./conditionals.ts";
import { Cursor } from "./cursor.ts";
import { type Assembly, DIRECTIVES, unknownDirective } from "./directives.ts";
import { Evaluator } from "./evaluator.ts";
import type { ExplicitRelocation } from "./explicit-relocations.ts";
import { ExpressionParser, integer } from "./expression-parser.ts";
import { argumentEvaluator, bodyOptions } from "./macro-directives.ts";
import type { Macro } from "./macros.ts";
import { bindArguments, expandBody } from "./macros.ts";
import { parseOperands } from "./operand-parser.ts";
import { type Include, Preprocessor } from "./preprocessor.ts";
import type { Origin } from "./section-builder.ts";
import { SectionSet } from "./section-set.ts";
import { describeExpansion, type Expansion, positionIn, type Statement, unclosedMessage } from "./statement.ts";
import { RunawayError, StatementReader, statementsOf } from "./statement-reader.ts";
import { Symbols } from "./symbols.ts";
import { numberExpression } from "./wide-arithmetic.ts";

export interface AssemblerOptions {
  /** The source's name, for messages. */
  readonly file: string;
  /** Constants: usable in expressions, `.ifdef`, `#ifdef` and `#if`. */
  readonly defines?: Readonly<Record<string, number>>;
  /** Finds what `.include` and `#include` name; without it nothing can be included. */
  readonly include?: Include;
  /** Finds the bytes of what `.incbin` names; without it nothing can be. */
  readonly includeBytes?: (name: string, from: string) => Uint8Array | undefined;
  /** Receives warnings: values that are cut off, `.warning`. */
  readonly onWarning?: (warning: Diagnostic) => void;
}

/** After this many errors the rest of the source is not read. */
const MAX_ERRORS = 1000;

interface OrderedDiagnostic extends Diagnostic {
  readonly order: number;
}

const NO_STATEMENT: Statement = { text: "", file: "", line: 1, column: 1, expansion: undefined };

export class Assembler implements Assembly {
  readonly sections = new SectionSet();
  readonly symbols: Symbols;
  readonly evaluator: Evaluator;
  readonly expressions: ExpressionParser;
  readonly conditionals = new Conditionals<Statement>({ if: ".if", elseif: ".elseif", else: ".else", endif: ".endif" });
  readonly reader = new StatementReader();
  readonly macros = new Map<string, Macro>();
  readonly callFrames = new CallFrames();
  readonly relocations: ExplicitRelocation[] = [];
  codeSize: 16 | 32 = 32;
  stackSize: 16 | 32 = 32;
  /** How many macros were expanded so far: what `\@` stands for. */
  macroCount = 0;
  alternate = false;
  localCount = 0;
  /** As `.file` gave it. */
  sourceName: string | undefined;

  /** The statement being assembled and its number. */
  statement = NO_STATEMENT;
  order = 0;

  private readonly preprocessor: Preprocessor;
  private readonly errors: OrderedDiagnostic[] = [];
  private readonly constantOf: ConstantOf = (expression) => {
    const constant = this.evaluator.constant(expression);
    return constant?.toNumber();
  };

  constructor(readonly options: AssemblerOptions) {
    const defines = options.defines ?? {};
    const constants = new Map(Object.entries(defines).map(([name, value]) => [name, integer(value)]));
    this.symbols = new Symbols(constants, () => this.sections.here(this));
    this.evaluator = new Evaluator(this.symbols);
    this.expressions = new ExpressionParser(this.symbols);
    this.preprocessor = new Preprocessor(defines, options.include);
  }

  /** Reads the whole source. Errors are kept; `finish` throws them. */
  read(source: string): void {
    this.reader.push(statementsOf(this.preprocessor.process(source, this.options.file)), undefined, 0);
    for (;;) {
      try {
        const statement = this.reader.next();
        if (statement === undefined) break;
        this.order++;
        this.statement = statement;
        this.assembleStatement(statement);
      } catch (error) {
        this.recover(error);
      }
    }
    this.nameSections();
    for (const opened of this.conditionals.unclosed()) {
      this.order++;
      this.report(positionIn(opened, 0), unclosedMessage(opened, ".endif"));
    }
    for (const { opened, origin } of this.callFrames.unclosed()) {
      this.report(opened, "no .cfi_endproc in this section ends what this .cfi_startproc begins", origin);
    }
  }

  /** The name of a section that nothing else is called by stands for its start. */
  private nameSections(): void {
    for (const section of this.sections.all()) {
      if (!this.symbols.isUndefined(section.name)) continue;
      const first = section.inOrder()[0] ?? section.subsection(0);
      const fragment = first.fragments[0] ?? first.data(this);
      this.symbols.defineSection(section.name, { section, fragment, offset: 0 });
    }
  }

  /** @throws AssemblyError if there were errors */
  finish(): void {
    if (this.errors.length === 0) return;
    this.errors.sort((a, b) => a.order - b.order);
    throw new AssemblyError(this.errors.map(({ position, message }) => ({ position, message })));
  }

  /** Keeps an error of the present statement, or of an earlier one that `origin` names. */
  report(position: Position, message: string, origin: Origin = this): void {
    if (this.errors.length >= MAX_ERRORS) return;
    const where = describeExpansion(origin.statement.expansion);
    this.errors.push({ position, message: message + where, order: origin.order });
    if (this.errors.length < MAX_ERRORS) return;
    this.errors.push({ position, message: `more than ${MAX_ERRORS} errors`, order: Number.POSITIVE_INFINITY });
    this.reader.stop();
  }

  warn(position: Position, message: string, statement = this.statement): void {
    this.options.onWarning?.({ position, message: message + describeExpansion(statement.expansion) });
  }

  /** Parses an expression that must be a constant known here. `what` names it in messages. */
  constant(cursor: Cursor, what: string): Long {
    cursor.skipSpace();
    const at = cursor.at;
    const value = this.evaluator.constant(this.expressions.parse(cursor));
    if (value === undefined) {
      throw cursor.error(`${what} must be a constant known at this point, but ${this.evaluator.reason}`, at);
    }
    return value;
  }

  /** Like `constant`, as a JavaScript number between the given bounds. */
  integer(cursor: Cursor, what: string, minimum: number, maximum: number): number {
    cursor.skipSpace();
    const at = cursor.at;
    const value = this.constant(cursor, what).toNumber();
    if (value < minimum || value > maximum) {
      throw cursor.error(`${what} must be from ${minimum} to ${maximum}, not ${value}`, at);
    }
    return value;
  }

  /** Reads the statements of a block: up to the directive that closes it, which is taken too. */
  collectBlock(opening: readonly string[], closing: string): Statement[] {
    const opened = this.statement;
    const body: Statement[] = [];
    for (let depth = 1; ; ) {
      const statement = this.reader.next();
      if (statement === undefined) {
        throw new StatementError(unclosedMessage(opened, closing), positionIn(opened, 0));
      }
      this.order++;
      const name = /^\.\w+/.exec(statement.text)?.[0];
      if (name === closing) {
        if (--depth === 0) return body;
      } else if (name !== undefined && opening.includes(name)) {
        depth++;
      }
      // Character constants have their value before anything is put into a body, as in GNU as.
      body.push(statement.text.includes("'") ? { ...statement, text: withoutCharacters(statement.text) } : statement);
    }
  }

  /** Reads the body of a macro or loop next. */
  expand(name: string, bodies: (expansion: Expansion) => Iterable<Statement>): void {
    const { statement } = this;
    const outer = statement.expansion;
    const expansion = { name, position: positionIn(statement, 0), outer };
    this.reader.push(bodies(expansion), expansion, this.conditionals.depth);
  }

  includeFile(name: string): void {
    const lines = this.preprocessor.processFile(name, this.statement.file);
    this.reader.push(statementsOf(lines), undefined, this.conditionals.depth);
  }

  /** The bytes of another file. @throws StatementError if there is none of that name */
  readBytes(name: string): Uint8Array {
    const bytes = this.options.includeBytes?.(name, this.statement.file);
    if (bytes === undefined) throw new StatementError(`no file '${name}' to include`);
    return bytes;
  }

  /** Adds data at the present place. */
  append(bytes: ArrayLike<number>): void {
    this.sections.current.append(bytes, this);
  }

  private recover(error: unknown): void {
    if (!(error instanceof StatementError)) throw error;
    this.report(error.position ?? positionIn(this.statement, 0), error.message);
    if (error instanceof RunawayError) this.reader.stop();
  }

  private assembleStatement(statement: Statement): void {
    const cursor = new Cursor(statement);
    if (!this.conditionals.active) {
      this.skipStatement(cursor);
      return;
    }
    if (statement.fault !== undefined) throw cursor.error(statement.fault);
    for (;;) {
      if (cursor.atEnd()) return;
      const at = cursor.at;
      if (cursor.nextIsDigit()) {
        this.numericLabel(cursor);
        continue;
      }
      const name = cursor.peek() === '"' ? cursor.expectName("a symbol") : cursor.takeName();
      if (name === "")
        throw cursor.error(`expected a label, an instruction or a directive, found ${cursor.describeNext()}`);
      if (cursor.take(":")) {
        this.symbols.defineLabel(name, cursor.position(at));
        continue;
      }
      if (cursor.peek() === "=") this.assignment(name, cursor, at);
      else this.operation(name, cursor, at);
      return;
    }
  }

  /** In a dead branch only the conditionals matter. */
  private skipStatement(cursor: Cursor): void {
    const name = cursor.takeName();
    const directive = DIRECTIVES.get(name.toLowerCase());
    if (directive?.isConditional) directive.run(this, cursor, name.toLowerCase());
  }

  private numericLabel(cursor: Cursor): void {
    const at = cursor.at;
    const label = /^[0-9]+(?=\s*:)/.exec(cursor.text.slice(at))?.[0];
    if (label === undefined) {
      throw cursor.error(`expected a label, an instruction or a directive, found ${cursor.describeNext()}`);
    }
    cursor.at += label.length;
    cursor.take(":");
    this.symbols.defineNumericLabel(String(Number(label)), cursor.position(at));
  }

  /** `name = expression`, `name == expression` */
  private assignment(name: string, cursor: Cursor, at: number): void {
    const once = cursor.take("==");
    if (!once) cursor.take("=");
    this.assign(name, cursor, at, once);
  }

  /** Gives `name` the value of the expression at the cursor. With `once` it must not have had one before. */
  assign(name: string, cursor: Cursor, at: number, once: boolean): void {
    if (name === ".") {
      this.sections.origin(this.expressions.parse(cursor), 0, cursor.position(at), this);
      cursor.expectEnd();
      return;
    }
    if (once && this.symbols.isDefined(name)) throw cursor.error(`'${name}' is already defined`, at);
    if (cursor.peek() === "%") throw cursor.error("a symbol can't stand for a register; use #define");
    const parsed = this.expressions.parse(cursor);
    cursor.expectEnd();
    const value = this.evaluator.evaluate(parsed);
    const position = cursor.position(at);
    const base = value?.add && value.subtract === undefined ? this.evaluator.locate(value.add) : undefined;
    if (value !== undefined && base !== undefined) {
      const location = { ...base, offset: base.offset + value.constant.toInt() };
      this.symbols.assign(name, { kind: "place", location, position });
      this.symbols.inherit(name, value.add!);
      return;
    }
    const isConstant = value !== undefined && value.add === undefined && value.subtract === undefined;
    const expression = isConstant ? numberExpression(value.constant) : parsed;
    this.symbols.assign(name, { kind: "value", expression, position, origin: this.origin() });
  }

  /** The present statement, to be remembered for later errors. */
  origin(): Origin {
    return { statement: this.statement, order: this.order };
  }

  private operation(name: string, cursor: Cursor, at: number): void {
    const macro = this.macros.get(name);
    if (macro !== undefined) {
      this.expandMacro(macro, cursor);
      return;
    }
    const lower = name.toLowerCase();
    if (lower.charCodeAt(0) !== 0x2e) {
      this.instruction(lower, cursor, at);
      return;
    }
    const directive = DIRECTIVES.get(lower);
    if (directive === undefined) throw cursor.error(unknownDirective(lower, this.macros.keys()), at);
    directive.run(this, cursor, lower);
    cursor.expectEnd();
  }

  private expandMacro(macro: Macro, cursor: Cursor): void {
    const values = bindArguments(macro, cursor, argumentEvaluator(this));
    const options = bodyOptions(this, this.macroCount++);
    this.expand(`macro ${macro.name}`, (expansion) => expandBody(macro.body, values, options, expansion));
  }

  private instruction(first: string, cursor: Cursor, at: number): void {
    const prefixes: string[] = [];
    let mnemonic = first;
    let start = at;
    while (isPrefix(mnemonic) && !cursor.atEnd()) {
      const next = cursor.at;
      const name = cursor.takeName().toLowerCase();
      if (name === "" || (cursor.at < cursor.text.length && isNamePart(cursor.text.charCodeAt(cursor.at)))) {
        cursor.at = next;
        break;
      }
      prefixes.push(mnemonic);
      mnemonic = name;
      start = next;
    }
    if (!isMnemonic(mnemonic)) {
      // Operands of what is no instruction say nothing; the encoder explains.
      cursor.at = cursor.text.length;
    }
    const { operands, positions } = parseOperands(cursor, this.expressions);
    const instruction: Instruction = {
      position: cursor.position(start),
      prefixes,
      mnemonic,
      operands,
      operandPositions: positions,
      codeSize: this.codeSize,
      stackSize: this.stackSize,
    };
    this.emit(encodeInstruction(instruction, this.constantOf), cursor.position(start));
  }

  private emit(encoding: Encoding, position: Position): void {
    const { current } = this.sections;
    const { bytes, fixups, short } = encoding;
    if (short !== undefined) {
      current.add({ kind: "jump", long: encoding, short, position, form: "short" }, this);
      return;
    }
    const start = current.data(this).size;
    current.append(bytes, this);
    for (const { offset, size, kind, expression, isDisplacement, isRelaxable } of fixups) {
      const relativeTo = kind === "relative" ? start + bytes.length : undefined;
      const operand = { inInstruction: offset, isDisplacement, isRelaxable };
      current.addField({ offset: start + offset, size, relativeTo, ...operand, expression, position }, this);
    }
  }
}
