/** Counts the turns of loops in plain functions, so that a loop without end becomes an oops: it is within one statement. */
import ts from "typescript-api";

/** Text to be put in: where, and what. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

const COUNT = "$k.turn();";

/** What counts the turns of a loop; `file` is the node's. */
export function turn_count(loop: ts.IterationStatement, file: ts.SourceFile): readonly Insertion[] {
  const { statement } = loop;
  const at = statement.getStart(file);
  if (ts.isBlock(statement)) return [{ at: at + 1, text: ` ${COUNT}` }];
  return [
    { at, text: `{ ${COUNT} ` },
    { at: statement.getEnd(), text: " }" },
  ];
}
