/** Gives the statements of a source one by one: files, and pushed on top of them includes and macro expansions. */
import { StatementError } from "../diagnostics.ts";
import { APOSTROPHE, endOfCharacter, endOfString, opensCharacter, QUOTE } from "./characters.ts";
import type { Line } from "./logical-lines.ts";
import type { Expansion, Statement } from "./statement.ts";

/** Macros, loops and includes may be nested this deep. */
const MAX_NESTING = 100;

/** What hostile input may make us read: statements, counting every expansion. */
const MAX_STATEMENTS = 1_000_000;

/** Thrown when going on is pointless: the source expands without end. */
export class RunawayError extends StatementError {}

interface Frame {
  readonly statements: Iterator<Statement>;
  /** Of the macro or loop whose body this is. */
  readonly expansion: Expansion | undefined;
  /** Open conditionals when the frame was pushed. */
  readonly conditionals: number;
}

export class StatementReader {
  private readonly frames: Frame[] = [];
  private count = 0;

  /** The next statement, undefined at the end of everything. */
  next(): Statement | undefined {
    for (;;) {
      const frame = this.frames.at(-1);
      if (frame === undefined) return undefined;
      const { value, done } = frame.statements.next();
      if (done !== true) {
        if (++this.count > MAX_STATEMENTS) {
          this.frames.length = 0;
          throw new RunawayError(`the source expands to more than ${MAX_STATEMENTS} statements`);
        }
        return value;
      }
      this.frames.pop();
    }
  }

  /** Reads `statements` before going on with the present ones. */
  push(statements: Iterable<Statement>, expansion: Expansion | undefined, conditionals: number): void {
    if (this.frames.length >= MAX_NESTING) {
      this.frames.length = 0;
      throw new RunawayError(
        `macros, loops and includes are nested more than ${MAX_NESTING} deep (endless recursion?)`,
      );
    }
    this.frames.push({ statements: statements[Symbol.iterator](), expansion, conditionals });
  }

  /** Leaves the innermost macro or loop. Returns how many conditionals were open at its start, undefined outside. */
  exitExpansion(): number | undefined {
    const index = this.frames.findLastIndex((frame) => frame.expansion !== undefined);
    if (index < 0) return undefined;
    const { conditionals } = this.frames[index];
    this.frames.length = index;
    return conditionals;
  }

  /** Forgets everything that is still to be read. */
  stop(): void {
    this.frames.length = 0;
  }
}

/** Splits preprocessed lines at semicolons and drops `#` comments. */
export function* statementsOf(lines: Iterable<Line>): Generator<Statement> {
  for (const line of lines) {
    if (line.fault !== undefined) {
      yield {
        text: "",
        file: line.file,
        line: line.line,
        column: line.column,
        expansion: undefined,
        fault: line.fault,
      };
    } else {
      yield* splitStatements(line.text, line, undefined);
    }
  }
}

const SPECIAL = /[;#"']/;

/** The statements in one line of text. */
export function splitStatements(
  text: string,
  place: { readonly file: string; readonly line: number; readonly column: number },
  expansion: Expansion | undefined,
): Statement[] {
  const statements: Statement[] = [];
  let start = 0;
  const add = (end: number): void => {
    const piece = text.slice(start, end);
    const trimmed = piece.trim();
    if (trimmed !== "") {
      const column = place.column + start + (piece.length - piece.trimStart().length);
      statements.push({ text: trimmed, file: place.file, line: place.line, column, expansion });
    }
    start = end + 1;
  };
  if (SPECIAL.test(text)) {
    let at = 0;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        at = endOfString(text, at);
      } else if (code === APOSTROPHE && opensCharacter(text, at)) {
        at = endOfCharacter(text, at);
      } else if (code === 0x23) {
        break;
      } else {
        if (code === 0x3b) add(at);
        at++;
      }
    }
    add(at);
  } else {
    add(text.length);
  }
  return statements;
}
