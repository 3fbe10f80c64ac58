/**
 * `@context WORD… [holds LOCK]… [if PARAMETER & CONSTANT]`: what a hosted function needs of its caller, as a tag of its doc comment
 * that debug kernels check with its first statement. LOCK is a variable, `VARIABLE.FIELD` or `STRUCT.FIELD of PARAMETER`, and may be followed by `for
 * reading` or `for writing`. A plain function may have one, too: it is checked when it is called.
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

const GRAMMAR =
  "`holds LOCK`, `holds VARIABLE.FIELD`, `holds STRUCT.FIELD of PARAMETER`, all possibly with `for reading` or `for writing`, and possibly `if PARAMETER & CONSTANT`";
const NAME = /^[A-Za-z_]\w*$/;
const FIELD = /^([A-Za-z_]\w*)\.([\w.]+)$/;
/** Where a comment goes on in the next line, and its end. */
const DECORATION = /\n[ \t]*\*?|\*\/$/g;

/** A lock that is needed: a variable, a field of one, or a field of the struct that a parameter points to. */
interface NeededLock {
  readonly name: string;
  readonly field?: string;
  /** Bytes from EBP, for a function with steps; else the number of the parameter. */
  readonly parameter?: number;
  readonly mode?: "reading" | "writing";
}

/** What the tables say of it; see kernel/host/needed-context.ts. */
export interface NeededContext {
  readonly needs: readonly string[];
  readonly at: readonly [line: number, column: number];
  readonly holds?: readonly NeededLock[];
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

/** A word of a tag, and where it stands in the file. */
interface Word {
  readonly text: string;
  readonly at: number;
}

/**
 * What the tag says of a function with this body.
 * @param env where its parameters are; undefined for a plain function
 * @throws Refusal for what it cannot say
 */
export function needed_context(
  tag: ts.JSDocTag,
  hosted: ts.FunctionLikeDeclaration,
  meaning: Meaning,
  env?: Environment,
): NeededContext {
  return new TagReader(tag, hosted, meaning, env).read();
}

class TagReader {
  readonly #source: ts.SourceFile;
  readonly #words: readonly Word[];
  #next = 0;

  constructor(
    private readonly tag: ts.JSDocTag,
    private readonly hosted: ts.FunctionLikeDeclaration,
    private readonly meaning: Meaning,
    private readonly env: Environment | undefined,
  ) {
    this.#source = tag.getSourceFile();
    const start = tag.tagName.getEnd();
    const text = this.#source.text.slice(start, tag.getEnd()).replace(DECORATION, ({ length }) => " ".repeat(length));
    this.#words = [...text.matchAll(/&|[^\s&]+/g)].map(({ 0: word, index }) => ({ text: word, at: start + index }));
  }

  read(): NeededContext {
    const needs: string[] = [];
    const holds: NeededLock[] = [];
    let when: NeededContext["when"];
    if (this.#words.length === 0) refuse(this.tag, `\`@context\` is followed by ${list(CONTEXT_WORDS)}, ${GRAMMAR}`);
    while (this.#peek() !== undefined) {
      if (this.#take("holds")) holds.push(this.#lock());
      else if (this.#take("if")) when = this.#condition();
      else needs.push(this.#context_word());
    }
    const { line, character } = this.#source.getLineAndCharacterOfPosition(this.tag.getStart(this.#source));
    return {
      needs,
      at: [line + 1, character + 1],
      ...(holds.length > 0 ? { holds } : {}),
      ...(when === undefined ? {} : { when }),
    };
  }

  #peek(): Word | undefined {
    return this.#words[this.#next];
  }

  #take(text: string): boolean {
    if (this.#peek()?.text !== text) return false;
    this.#next++;
    return true;
  }

  /** The next word. @throws Refusal when there is none, or it does not look like that */
  #expect(what: RegExp): Word {
    const word = this.#peek();
    if (word === undefined || !what.test(word.text))
      refuse(this.tag, `\`@context\` is followed by ${list(CONTEXT_WORDS)}, ${GRAMMAR}`);
    this.#next++;
    return word;
  }

  #context_word(): string {
    const { text, at } = this.#expect(/./);
    if ((CONTEXT_WORDS as readonly string[]).includes(text)) return text;
    refuse_at(this.#source, at, `\`@context\`: there is no ${text}; there is ${list(CONTEXT_WORDS)}, and \`holds\``);
  }

  #lock(): NeededLock {
    const word = this.#expect(/^[A-Za-z_]/);
    const lock = FIELD.test(word.text) ? this.#field(word) : this.#variable(word);
    if (!this.#take("for")) return lock;
    return { ...lock, mode: this.#expect(/^(reading|writing)$/).text as "reading" | "writing" };
  }

  #variable({ text, at }: Word): NeededLock {
    if (this.#known(text) === undefined)
      refuse_at(
        this.#source,
        at,
        `\`@context\`: neither this module nor one that it imports from has a lock ${text}; one in a struct is STRUCT.FIELD of PARAMETER`,
      );
    return { name: this.#symbol(text) };
  }

  #field({ text, at }: Word): NeededLock {
    const [, name, field] = FIELD.exec(text) ?? [];
    const named = this.#type_of(name);
    let type = this.#is_variable(name) ? named && this.meaning.property(named, "type") : named;
    for (const part of field.split(".")) {
      const fields: ts.Type | undefined = type && this.meaning.property(type, "fields");
      type = fields && this.meaning.property(fields, part);
    }
    if (type === undefined)
      refuse_at(
        this.#source,
        at,
        `\`@context\`: neither this module nor one that it imports from has a struct or variable ${name} with a field ${field}`,
      );
    if (this.#is_variable(name)) return { name: this.#symbol(name), field };
    if (!this.#take("of")) refuse_at(this.#source, at, `\`@context\`: ${text} of which parameter?`);
    return { name, field, parameter: this.#parameter(this.#expect(NAME)) };
  }

  #type_of(name: string): ts.Type | undefined {
    const symbol = this.#known(name);
    return symbol && this.meaning.checker.getTypeOfSymbol(symbol);
  }

  /** What a variable is called in guest memory: the first argument of its declaration. */
  #symbol(name: string): string {
    const declaration = this.#known(name)?.valueDeclaration;
    const made = declaration && ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
    const argument = made && ts.isCallExpression(made) ? made.arguments[0] : undefined;
    return argument && ts.isStringLiteral(argument) ? argument.text : name;
  }

  /** Whether a name is a variable's, not a struct's. */
  #is_variable(name: string): boolean {
    const type = this.#type_of(name);
    return type !== undefined && this.meaning.property(type, "symbol") !== undefined;
  }

  #condition(): readonly [offset: number, mask: number] {
    const parameter = this.#parameter(this.#expect(NAME));
    this.#expect(/^&$/);
    const mask = this.#expect(/^\w+$/);
    const value = this.#constant(mask.text);
    if (value === undefined)
      refuse_at(
        this.#source,
        mask.at,
        `\`@context\`: neither this module nor one that it imports from has a constant ${mask.text}`,
      );
    return [parameter, value];
  }

  /** Where a parameter is. */
  #parameter({ text, at }: Word): number {
    const number = this.hosted.parameters.findIndex(({ name }) => ts.isIdentifier(name) && name.text === text);
    if (number < 0) refuse_at(this.#source, at, `\`@context\`: the function has no parameter ${text}`);
    if (this.env === undefined) return number;
    const variable = this.env.get(this.meaning.checker.getSymbolAtLocation(this.hosted.parameters[number].name));
    if (!(variable instanceof Variable && variable.is_parameter && variable.place === undefined))
      refuse(this.tag, `\`@context\`: ${text} is in a register or behind a struct, where a check does not find it`);
    return variable.offset;
  }

  /** What a name means in the function's module, or in one that it imports from. */
  #known(name: string): ts.Symbol | undefined {
    const { checker } = this.meaning;
    const imported = this.#source.statements
      .filter(ts.isImportDeclaration)
      .map(({ moduleSpecifier }) =>
        checker.getSymbolAtLocation(moduleSpecifier)?.exports?.get(ts.escapeLeadingUnderscores(name)),
      );
    const symbols = [checker.resolveName(name, this.hosted, ts.SymbolFlags.Value, false), ...imported];
    const symbol = symbols.find((found) => found !== undefined);
    return symbol && this.meaning.behind_import(symbol);
  }

  #constant(name: string): number | undefined {
    if (/^\d/.test(name)) return Number(name);
    const declaration = this.#known(name)?.valueDeclaration;
    if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return undefined;
    return declaration.initializer && constant_value(declaration.initializer, this.meaning);
  }
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
      "`@context` is of a kernel function, of a `function*` that steps and is no macro, or of a plain function at the top level: nothing would check it here",
    );
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
