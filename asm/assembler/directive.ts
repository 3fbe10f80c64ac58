/** What a directive is, and what it may use of the assembler that runs it. */
import type Long from "long";
import type { Position } from "../diagnostics.ts";
import type { CallFrames } from "./call-frames.ts";
import type { Conditionals } from "./conditionals.ts";
import type { Cursor } from "./cursor.ts";
import type { Evaluator } from "./evaluator.ts";
import type { ExplicitRelocation } from "./explicit-relocations.ts";
import type { ExpressionParser } from "./expression-parser.ts";
import type { Macro } from "./macros.ts";
import type { Origin } from "./section-builder.ts";
import type { SectionSet } from "./section-set.ts";
import type { Expansion, Statement } from "./statement.ts";
import type { StatementReader } from "./statement-reader.ts";
import type { Symbols } from "./symbols.ts";

/**
 * Carries out a directive; the cursor stands after its name. It must read the statement to its end.
 * @throws StatementError if something is wrong with the statement
 */
export type RunDirective<Needs> = (assembly: Needs, cursor: Cursor, name: string) => void;

/** Directives by name, with the dot. */
export type DirectiveTable<Needs> = Readonly<Record<string, RunDirective<Needs>>>;

/** Operands. */
export interface Values {
  readonly expressions: ExpressionParser;
  readonly evaluator: Evaluator;
  /** Parses an expression that must be a constant known here. `what` names it in messages. */
  constant(cursor: Cursor, what: string): Long;
  /** Like `constant`, as a JavaScript number between the given bounds. */
  integer(cursor: Cursor, what: string, minimum: number, maximum: number): number;
}

/** Bytes and where they go. It is itself the origin of what is added now. */
export interface Contents extends Origin {
  readonly sections: SectionSet;
  codeSize: 16 | 32;
  /** See `Instruction.stackSize`. */
  stackSize: 16 | 32;
  /** What `.reloc` asked for. */
  readonly relocations: ExplicitRelocation[];
  /** Adds data at the present place. */
  append(bytes: ArrayLike<number>): void;
}

export interface Definitions {
  readonly symbols: Symbols;
  /** Gives `name` the value of the expression at the cursor. With `once` it must not have had one before. */
  assign(name: string, cursor: Cursor, at: number, once: boolean): void;
  /** The present statement, to be remembered for later errors. */
  origin(): Origin;
}

export interface Messages {
  warn(position: Position, message: string): void;
}

/** The source: which statements come next. */
export interface Source {
  /** The statement that the directive is. */
  readonly statement: Statement;
  readonly reader: StatementReader;
  readonly conditionals: Conditionals<Statement>;
  readonly macros: Map<string, Macro>;
  /** How many macros were expanded so far: what `\@` stands for. */
  macroCount: number;
  /** Whether `.altmacro` is in force. */
  alternate: boolean;
  /** How many names `LOCAL` has made so far. */
  localCount: number;
  /** As `.file` gave it. */
  sourceName: string | undefined;
  /** Reads the statements of a block: up to the directive that closes it, which is taken too. */
  collectBlock(opening: readonly string[], closing: string): Statement[];
  /** Reads the body of a macro or loop next. */
  expand(name: string, bodies: (expansion: Expansion) => Iterable<Statement>): void;
  includeFile(name: string): void;
  /** The bytes of a file. @throws StatementError if there is none of that name */
  readBytes(name: string): Uint8Array;
}

export interface Frames {
  readonly callFrames: CallFrames;
}
