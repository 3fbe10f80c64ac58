/**
 * `@context WORD… [if PARAMETER & CONSTANT]`: what a hosted function needs of its caller, as a tag of its doc comment that
 * debug kernels check with its first statement.
 */
import ts from "typescript-api";
import { constant_value } from "./constants.ts";
import { type Environment, Variable } from "./environment.ts";
import type { Meaning } from "./meaning.ts";
import { Refusal, refuse } from "./refusal.ts";

const TAG = "context";
/** Linux's own predicates, and `any` for what needs nothing. kernel/running/entry-check.ts says what each demands. */
export const CONTEXT_WORDS = [
  "any",
  "might_sleep",
  "in_task",
  "in_irq",
  "in_softirq",
  "in_interrupt",
  "irqs_disabled",
  "irqs_enabled",
] as const;

const TEXT = /^\s*(?<words>\S+(?:\s+(?!if\b)\S+)*)(?:\s+if\s+(?<parameter>\w+)\s*&\s*(?<mask>\w+))?\s*$/;
/** Where a comment goes on in the next line, and its end. */
const DECORATION = /\n[ \t]*\*?|\*\/$/g;

/** What the tables say of it; see kernel/host/compiled-code.ts. */
interface NeededContext {
  readonly needs: readonly string[];
  readonly at: readonly [line: number, column: number];
  readonly when?: readonly [offset: number, mask: number];
}

/** The tags of a doc comment of a declaration: of what holds it, when it is a call. */
export function context_tags(declaration: ts.Node): readonly ts.JSDocTag[] {
  let holder = declaration;
  while (!ts.isStatement(holder) && !ts.isVariableDeclaration(holder)) holder = holder.parent;
  return ts.getJSDocTags(holder).filter(is_context);
}

function is_context({ tagName }: ts.JSDocTag): boolean {
  return tagName.text === TAG;
}

/**
 * What the tag says of a function with this body.
 * @param env where its parameters are
 * @throws Refusal for what it cannot say
 */
export function needed_context(
  tag: ts.JSDocTag,
  hosted: ts.FunctionLikeDeclaration,
  meaning: Meaning,
  env: Environment,
): NeededContext {
  const source = tag.getSourceFile();
  const start = tag.tagName.getEnd();
  const text = source.text.slice(start, tag.getEnd()).replace(DECORATION, ({ length }) => " ".repeat(length));
  const { words, parameter, mask } = TEXT.exec(text)?.groups ?? {};
  if (words === undefined)
    refuse(tag, `\`@context\` is followed by ${list(CONTEXT_WORDS)}, and possibly \`if PARAMETER & CONSTANT\``);
  const needs = words.split(/\s+/);
  for (const word of needs) {
    if ((CONTEXT_WORDS as readonly string[]).includes(word)) continue;
    refuse_at(source, start + text.indexOf(word), `\`@context\`: there is no ${word}; there is ${list(CONTEXT_WORDS)}`);
  }
  const { line, character } = source.getLineAndCharacterOfPosition(tag.getStart(source));
  const at = [line + 1, character + 1] as const;
  if (parameter === undefined || mask === undefined) return { needs, at };
  const found = hosted.parameters.find(({ name }) => ts.isIdentifier(name) && name.text === parameter)?.name;
  if (found === undefined)
    refuse_at(source, start + text.indexOf(parameter), `\`@context\`: the function has no parameter ${parameter}`);
  const value = constant_of(mask, hosted, meaning);
  if (value === undefined)
    refuse_at(
      source,
      start + text.lastIndexOf(mask),
      `\`@context\`: neither this module nor one that it imports from has a constant ${mask}`,
    );
  const variable = env.get(meaning.checker.getSymbolAtLocation(found));
  if (!(variable instanceof Variable && variable.is_parameter && variable.place === undefined))
    refuse(tag, `\`@context\`: ${parameter} is in a register or behind a struct, where a check does not find it`);
  return { needs, at, when: [variable.offset, value] };
}

/** Refuses the tags of a file that belong to no function whose steps could check them. */
export function* stray_contexts(source: ts.SourceFile, read: ReadonlySet<ts.JSDocTag>): Generator<Refusal> {
  if (!source.text.includes(`@${TAG}`)) return;
  const stray: ts.JSDocTag[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) stray.push(...(node.tags ?? []).filter((tag) => is_context(tag) && !read.has(tag)));
    for (const child of node.getChildren(source)) look(child);
  };
  look(source);
  for (const tag of stray)
    yield refusal_at(
      source,
      tag.getStart(source),
      "`@context` is of a function with statements of its own, a kernel function or a `function*` that steps and is no macro: nothing would check it here",
    );
}

/** The constant of that name in the function's module, or in one that it imports from. */
function constant_of(name: string, hosted: ts.Node, meaning: Meaning): number | undefined {
  if (/^\d/.test(name)) return Number(name);
  const { checker } = meaning;
  const imported = hosted
    .getSourceFile()
    .statements.filter(ts.isImportDeclaration)
    .map(({ moduleSpecifier }) =>
      checker.getSymbolAtLocation(moduleSpecifier)?.exports?.get(ts.escapeLeadingUnderscores(name)),
    );
  const symbols = [checker.resolveName(name, hosted, ts.SymbolFlags.Value, false), ...imported];
  const symbol = symbols.find((found) => found !== undefined);
  const declaration = symbol && meaning.behind_import(symbol).valueDeclaration;
  if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return undefined;
  return declaration.initializer && constant_value(declaration.initializer, meaning);
}

function refusal_at(source: ts.SourceFile, position: number, why: string): Refusal {
  const { line, character } = source.getLineAndCharacterOfPosition(position);
  return new Refusal([{ file: source.fileName, line: line + 1, column: character + 1, why }]);
}

function refuse_at(source: ts.SourceFile, position: number, why: string): never {
  throw refusal_at(source, position, why);
}

function list(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
