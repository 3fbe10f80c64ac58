/** What the compiler refuses, with its place and what to write instead. */
import ts from "typescript-api";

/** A statement of hosted code that cannot be compiled. `message` begins with file:line:column. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly file: string,
    /** From 1. */
    readonly line: number,
    readonly column: number,
    readonly why: string,
  ) {
    super(`${file}:${line}:${column}: ${why}`);
  }
}

/** Line and column, from 1, of the first character of a node. */
export function place_of(node: ts.Node): { readonly file: string; readonly line: number; readonly column: number } {
  const source = node.getSourceFile();
  const { line, character } = source.getLineAndCharacterOfPosition(node.getStart(source));
  return { file: source.fileName, line: line + 1, column: character + 1 };
}

/** @throws Refusal */
export function refuse(node: ts.Node, why: string): never {
  const { file, line, column } = place_of(node);
  throw new Refusal(file, line, column, why);
}
