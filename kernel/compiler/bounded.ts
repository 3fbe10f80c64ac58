/**
 * Refuses steps that would not end soon: a plain function runs within the statement that calls it, in one instruction, so
 * one that loops over guest memory has to step instead.
 */
import ts from "typescript-api";
import type { Meaning } from "./meaning.ts";
import { place_of, refuse } from "./refusal.ts";

/** A plain function may loop over guest memory if it says that, and by what, its loop is bounded: `@bounded by …`. */
const BOUNDED = "bounded";

/** @throws Refusal for a call in a hosted function of a plain function that loops over guest memory */
export function check_plain_calls(hosted: ts.FunctionLikeDeclaration, meaning: Meaning, bounds: Bounds): void {
  const look = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && !ts.isYieldExpression(node.parent)) {
      const called = plain_function(node, meaning);
      const loop = called && bounds.loop_in(called);
      if (called !== undefined && loop !== undefined) {
        const { file, line } = place_of(loop);
        refuse(
          node,
          `${node.expression.getText()} is a plain function, and loops over guest memory (${file}:${line}): it would be one instruction that ` +
            "nothing can interrupt; make it a `function*` and call it with `yield*`, or use memcpy and the like",
        );
      }
    }
    ts.forEachChild(node, look);
  };
  if (hosted.body !== undefined) look(hosted.body);
}

function plain_function(call: ts.CallExpression, meaning: Meaning): ts.FunctionDeclaration | undefined {
  const { expression } = call;
  const declaration = ts.isIdentifier(expression) ? meaning.symbol_of(expression)?.valueDeclaration : undefined;
  if (declaration === undefined || !ts.isFunctionDeclaration(declaration)) return undefined;
  return declaration.asteriskToken === undefined && declaration.body !== undefined ? declaration : undefined;
}

/** What is known of plain functions: whether and where they loop over guest memory. */
export class Bounds {
  readonly #loops = new Map<ts.Node, ts.Node | undefined>();
  readonly #touches = new Map<ts.Node, boolean>();

  constructor(private readonly meaning: Meaning) {}

  /** A loop that touches guest memory in a plain function, or in one that it calls. */
  loop_in(declaration: ts.FunctionDeclaration): ts.Node | undefined {
    if (this.#loops.has(declaration)) return this.#loops.get(declaration);
    this.#loops.set(declaration, undefined);
    if (ts.getJSDocTags(declaration).some(({ tagName }) => tagName.text === BOUNDED)) return undefined;
    let found: ts.Node | undefined;
    const look = (node: ts.Node): void => {
      if (found !== undefined) return;
      if (ts.isIterationStatement(node, false) && this.#touches_memory(node)) found = node;
      if (ts.isCallExpression(node)) {
        const called = plain_function(node, this.meaning);
        if (called !== undefined) found ??= this.loop_in(called);
      }
      ts.forEachChild(node, look);
    };
    if (declaration.body !== undefined) look(declaration.body);
    this.#loops.set(declaration, found);
    return found;
  }

  #touches_memory(node: ts.Node): boolean {
    const known = this.#touches.get(node);
    if (known !== undefined) return known;
    this.#touches.set(node, false);
    let touches = ts.isPropertyAccessExpression(node) && this.meaning.is_guest_place(node);
    if (!touches && ts.isCallExpression(node)) {
      const { expression } = node;
      const type = ts.isPropertyAccessExpression(expression) && this.meaning.type_of(expression.expression);
      touches = type !== false && this.meaning.property(type, "read32") !== undefined;
      touches ||=
        ts.isPropertyAccessExpression(expression) && this.meaning.element_type(expression.expression) !== undefined;
      const called = touches ? undefined : plain_function(node, this.meaning);
      if (called?.body !== undefined) touches = this.#touches_memory(called.body);
    }
    touches ||= ts.forEachChild(node, (child) => this.#touches_memory(child) || undefined) ?? false;
    this.#touches.set(node, touches);
    return touches;
  }
}
