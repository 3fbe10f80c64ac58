/**
 * Looks at all that runs within the statements of a hosted function: its own text, and that of the plain functions and
 * macros that it uses, in whichever file they are.
 */
import ts from "typescript-api";
import { said_of_change } from "./host-state.ts";
import { HostUse } from "./host-use.ts";
import { LoadingUse } from "./loading-use.ts";
import type { Meaning } from "./meaning.ts";
import { place_of, type RefusedPlace } from "./refusal.ts";
import { is_generator, is_within } from "./syntax.ts";
import { UsedFunctions } from "./used-functions.ts";

/** Calls of functions that one statement may come to, its loops gone round once. */
const MOST_CALLS = 10_000;

/** What was found in a function, and in all that it uses. */
interface Found {
  readonly refused: ReadonlySet<RefusedPlace>;
  readonly calls: number;
}

export class Reach {
  readonly #found = new Map<ts.Node, Found>();
  readonly #open: ts.Node[] = [];
  readonly #use: HostUse;
  readonly #loading_use: LoadingUse;
  readonly #used: UsedFunctions;

  constructor(
    private readonly meaning: Meaning,
    is_trusted: (file: string) => boolean,
  ) {
    this.#use = new HostUse(meaning);
    this.#loading_use = new LoadingUse(meaning);
    this.#used = new UsedFunctions(meaning, is_trusted);
  }

  /** What is said against a hosted function. */
  refusals(hosted: ts.FunctionLikeDeclaration): RefusedPlace[] {
    return [...this.#function(hosted, hosted, true).refused];
  }

  /** What is said against a module as a whole, where it is loaded. */
  refusals_of_loading(source: ts.SourceFile): RefusedPlace[] {
    const refused: RefusedPlace[] = [];
    const open: ts.Node[] = [];
    const done = new Set<ts.Node>();
    const look = (node: ts.Node): void => {
      if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
      const said = this.#loading_use.said(node);
      if (said !== undefined) refused.push({ ...place_of(said.node), why: said.why });
      for (const used of this.#used.of(node, source).functions) {
        if (open.includes(used) && !this.#is_macro(used)) refused.push({ ...place_of(node), why: itself(node) });
        if (!is_within(used, source) || done.has(used)) continue;
        done.add(used);
        within(used);
      }
      if (ts.isFunctionLike(node) && !done.has(node)) {
        done.add(node);
        within(node);
      } else if (!ts.isFunctionLike(node)) ts.forEachChild(node, look);
    };
    const within = (node: ts.Node): void => {
      open.push(node);
      ts.forEachChild(node, look);
      open.pop();
    };
    ts.forEachChild(source, look);
    return refused;
  }

  /**
   * @param root the outermost function around it that a call of it is part of: its variables are the call's
   * @param steps whether its statements are steps
   */
  #function(node: ts.FunctionLikeDeclaration, root: ts.Node, steps: boolean): Found {
    const known = this.#found.get(node);
    if (known !== undefined) return known;
    const refused = new Set<RefusedPlace>();
    const refuse = (at: ts.Node, why: string): void => void refused.add({ ...place_of(at), why });
    let calls = 1;
    const look = (inner: ts.Node): void => {
      if (ts.isTypeNode(inner)) return;
      const said = this.#use.said(inner, root, steps ? node : undefined);
      if (said !== undefined) refuse(said.node, said.why);
      const changed = said_of_change(inner, root, this.meaning);
      if (changed !== undefined) refuse(inner, changed);
      const { functions, unseen } = this.#used.of(inner, root);
      if (unseen !== undefined && said === undefined) refuse(unseen.node, unseen.why);
      for (const used of functions) {
        if (this.#open.includes(used)) {
          // The expansion of a macro that has no end says so itself.
          if (!this.#is_macro(used)) refuse(inner, itself(inner));
          continue;
        }
        const is_inner = is_within(used, root);
        const found = this.#function(used, is_inner ? root : used, is_generator(used));
        calls += found.calls;
        for (const place of found.refused) refused.add(place);
      }
      ts.forEachChild(inner, look);
    };
    const itself_said = this.#use.said(node, root, undefined);
    if (itself_said !== undefined) refuse(itself_said.node, itself_said.why);
    this.#open.push(node);
    for (const parameter of node.parameters) look(parameter);
    if (node.body !== undefined) look(node.body);
    this.#open.pop();
    if (calls > MOST_CALLS && refused.size === 0)
      refuse(
        node.name ?? node,
        `this comes to more than ${MOST_CALLS.toLocaleString("en-US")} calls of plain functions within one statement; ` +
          "what takes that long has to step: make them `function*`s, called with `yield*`",
      );
    const found = { refused, calls };
    this.#found.set(node, found);
    return found;
  }

  #is_macro(node: ts.Node): boolean {
    return ts.isFunctionDeclaration(node) && is_generator(node) && this.meaning.is_macro(node);
  }
}

function itself(node: ts.Node): string {
  return (
    `\`${node.getText()}\` comes to be called by itself, which would be on the host's stack, within one statement; ` +
    "make it a `function*` and call it with `yield*`, or write a loop"
  );
}
