/** A statement of the source and the place it came from. */
import type { Position } from "../diagnostics.ts";

/** Where a macro (or .rept, .irp) was expanded; `outer` if that was itself inside an expansion. */
export interface Expansion {
  /** `macro NAME`, or the directive. */
  readonly name: string;
  readonly position: Position;
  readonly outer: Expansion | undefined;
}

/** The text of one statement, without comments. */
export interface Statement {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  /** Column of the first character of `text`. */
  readonly column: number;
  readonly expansion: Expansion | undefined;
  /** A preprocessor error that stands in the statement's place. */
  readonly fault?: string;
}

/** The position of the character at `offset` of a statement. */
export function positionIn(statement: Statement, offset: number): Position {
  return { file: statement.file, line: statement.line, column: statement.column + offset };
}

/** Where a statement stands in its file; of one that a macro made, where the file uses the macro. As GNU as has it. */
export function sourcePosition(statement: Statement): { readonly file: string; readonly line: number } {
  let position: { readonly file: string; readonly line: number } = statement;
  for (let use = statement.expansion; use !== undefined; use = use.outer) {
    // The statements of a loop stand where they are read.
    if (!isLoop(use)) position = use.position;
  }
  return position;
}

function isLoop({ name }: Expansion): boolean {
  return name.startsWith(".");
}

/** The macro uses that led to a statement, as an addition to an error message. */
export function describeExpansion(expansion: Expansion | undefined): string {
  let text = "";
  let shown = 0;
  for (let use = expansion; use !== undefined; use = use.outer) {
    if (++shown > 5) return `${text}, and so on`;
    const { file, line, column } = use.position;
    text += `${text === "" ? " (in" : ", in"} ${use.name} used at ${file}:${line}:${column}`;
  }
  return text === "" ? "" : `${text})`;
}

/** The message for a block that nothing closes. */
export function unclosedMessage(opened: Statement, closing: string): string {
  const { file, line } = positionIn(opened, 0);
  const name = /^\S+/.exec(opened.text)?.[0] ?? opened.text;
  return `${name} at ${file}:${line} has no ${closing}${describeExpansion(opened.expansion)}`;
}
