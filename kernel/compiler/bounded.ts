/**
 * Refuses steps that would not end soon: a plain function runs within the statement that calls it, in one instruction, so
 * one that loops over guest memory has to step instead.
 */
import ts from "typescript-api";
import { is_at_module_level } from "./imports.ts";
import type { Meaning } from "./meaning.ts";
import { place_of, Refusal, type RefusedPlace, refuse } from "./refusal.ts";

/** A plain function may loop over guest memory if it says that, and by what, its loop is bounded: `@bounded by …`. */
const BOUNDED = "bounded";
/** Methods of lists that call a function for each element. */
const looping_methods = new Set([
  "forEach",
  "map",
  "filter",
  "find",
  "findIndex",
  "some",
  "every",
  "reduce",
  "from",
  "flatMap",
]);

/** What is said against the statements of a hosted function: calls of plain functions that loop over guest memory. */
export function check_plain_calls(
  hosted: ts.FunctionLikeDeclaration,
  meaning: Meaning,
  bounds: Bounds,
): RefusedPlace[] {
  const refused: RefusedPlace[] = [];
  const check = (node: ts.Node): void => {
    const called =
      ts.isCallExpression(node) && !ts.isYieldExpression(node.parent) ? plain_function(node, meaning) : undefined;
    const loop = called && bounds.loop_in(called);
    if (loop !== undefined) {
      const { file, line } = place_of(loop);
      refuse(
        node,
        `${(node as ts.CallExpression).expression.getText()} is a plain function, and loops over guest memory (${file}:${line}): it would be one ` +
          "instruction that nothing can interrupt; make it a `function*` and call it with `yield*`, or use memcpy and the like",
      );
    }
    if (ts.isCallExpression(node) && bounds.is_loop(node) && is_within_statement(node, hosted))
      refuse(
        node,
        "this loops over guest memory within one statement, which would be one instruction that nothing can interrupt; write it as a `for` loop",
      );
  };
  const look = (node: ts.Node): void => {
    try {
      check(node);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refused.push(...error.places);
      return;
    }
    ts.forEachChild(node, look);
  };
  if (hosted.body !== undefined) look(hosted.body);
  return refused;
}

/** Whether no generator function is in between: those that a macro gets step. */
function is_within_statement(node: ts.Node, hosted: ts.Node): boolean {
  for (let at = node.parent; at !== hosted; at = at.parent)
    if (ts.isFunctionExpression(at) && at.asteriskToken !== undefined) return false;
  return true;
}

/** The function that a call runs within its statement. */
export function plain_function(call: ts.CallExpression, meaning: Meaning): ts.FunctionDeclaration | undefined {
  const { expression } = call;
  const declaration = ts.isIdentifier(expression) ? meaning.symbol_of(expression)?.valueDeclaration : undefined;
  if (declaration === undefined || !ts.isFunctionDeclaration(declaration)) return undefined;
  return declaration.asteriskToken === undefined && declaration.body !== undefined ? declaration : undefined;
}

/** What is known of plain functions: whether and where they loop over guest memory. */
export class Bounds {
  readonly #loops = new Map<ts.Node, ts.Node | undefined>();
  readonly #touches = new Map<ts.Node, boolean>();
  readonly #open: ts.Node[] = [];

  constructor(private readonly meaning: Meaning) {}

  /** A loop that touches guest memory in a plain function, or in one that it calls; one that calls itself is a loop, too. */
  loop_in(declaration: ts.FunctionDeclaration): ts.Node | undefined {
    if (this.#open.includes(declaration)) return this.#touches_memory(declaration.body!) ? declaration : undefined;
    if (this.#loops.has(declaration)) return this.#loops.get(declaration);
    if (ts.getJSDocTags(declaration).some(({ tagName }) => tagName.text === BOUNDED)) {
      this.#loops.set(declaration, undefined);
      return undefined;
    }
    this.#open.push(declaration);
    let found: ts.Node | undefined;
    const look = (node: ts.Node): void => {
      if (found !== undefined) return;
      if (this.is_loop(node)) found = node;
      if (ts.isCallExpression(node)) {
        const called = plain_function(node, this.meaning);
        if (called !== undefined) found ??= this.loop_in(called);
      }
      ts.forEachChild(node, look);
    };
    look(declaration.body!);
    this.#open.pop();
    this.#loops.set(declaration, found);
    return found;
  }

  /** Whether a node is a loop that touches guest memory: a statement, or `list.forEach(…)`. */
  is_loop(node: ts.Node): boolean {
    if (ts.isIterationStatement(node, false)) return this.#touches_memory(node);
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
    if (!looping_methods.has(node.expression.name.text) || this.#is_short_list(node.expression.expression))
      return false;
    return node.arguments.some((argument) => {
      if (ts.isArrowFunction(argument) || ts.isFunctionExpression(argument)) return this.#touches_memory(argument.body);
      const named = ts.isIdentifier(argument) ? this.meaning.symbol_of(argument)?.valueDeclaration : undefined;
      return (
        named !== undefined &&
        ts.isFunctionDeclaration(named) &&
        named.body !== undefined &&
        this.#touches_memory(named.body)
      );
    });
  }

  /** A list that is written out. */
  #is_short_list(node: ts.Expression): boolean {
    if (ts.isArrayLiteralExpression(node)) return !node.elements.some((element) => ts.isSpreadElement(element));
    const declaration = ts.isIdentifier(node) ? this.meaning.symbol_of(node)?.valueDeclaration : undefined;
    return declaration !== undefined && ts.isVariableDeclaration(declaration) && is_at_module_level(declaration);
  }

  #touches_memory(node: ts.Node): boolean {
    const known = this.#touches.get(node);
    if (known !== undefined) return known;
    this.#touches.set(node, false);
    const touches =
      this.#touches_itself(node) ||
      (ts.forEachChild(node, (child) => this.#touches_memory(child) || undefined) ?? false);
    this.#touches.set(node, touches);
    return touches;
  }

  #touches_itself(node: ts.Node): boolean {
    if (ts.isPropertyAccessExpression(node)) return this.meaning.is_guest_place(node);
    if (!ts.isCallExpression(node)) return false;
    const { expression } = node;
    if (ts.isPropertyAccessExpression(expression)) {
      const { text } = expression.name;
      if (/^(read|write)(8|16|32)$/.test(text)) return true;
      return (text === "get" || text === "set") && this.meaning.element_type(expression.expression) !== undefined;
    }
    const called = plain_function(node, this.meaning) ?? this.meaning.generator_of(expression);
    return called?.body !== undefined && this.#touches_memory(called.body);
  }
}
