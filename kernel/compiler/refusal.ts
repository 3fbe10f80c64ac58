/** What the compiler refuses, with its place and what to write instead. */
import type ts from "typescript-api";

/** Hosted code that cannot be compiled. `message` holds a line for each place: `file:line:column: why`. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(readonly places: readonly RefusedPlace[]) {
    super(places.map(({ file, line, column, why }) => `${file}:${line}:${column}: ${why}`).join("\n"));
  }
}

export interface RefusedPlace {
  /** Below the project's root, once the project has it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly why: string;
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
  throw new Refusal([{ file, line, column, why }]);
}

/** Why hosted code does not change a variable of a module. */
export function on_host(name: string): string {
  return `\`${name}\` is a variable on the host, which no snapshot of the guest has; declare it with kernel_variable`;
}

/** Places in the order of the text, each once. */
export function in_order(places: readonly RefusedPlace[]): RefusedPlace[] {
  const unique = new Map(places.map((place) => [JSON.stringify(place), place]));
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}
