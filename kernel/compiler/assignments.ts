/** What is assigned to each variable of a function, beside its initializer. */
import ts from "typescript-api";
import type { Environment } from "./environment.ts";
import type { Source } from "./frame.ts";
import { is_assignment } from "./inference.ts";
import { I32, type Kind, U32, WIDE } from "./kinds.ts";

const { SyntaxKind } = ts;

type Assigned = { readonly expression: ts.Expression } | { readonly kind: Kind };

const kinds_of_operators: ReadonlyMap<ts.SyntaxKind, Kind> = new Map([
  [SyntaxKind.AmpersandEqualsToken, I32],
  [SyntaxKind.BarEqualsToken, I32],
  [SyntaxKind.CaretEqualsToken, I32],
  [SyntaxKind.LessThanLessThanEqualsToken, I32],
  [SyntaxKind.GreaterThanGreaterThanEqualsToken, I32],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanEqualsToken, U32],
]);

export class Assignments {
  readonly #by_function = new Map<ts.Node, Map<ts.Symbol, Assigned[]>>();

  constructor(private readonly checker: ts.TypeChecker) {}

  /** What the function around `node` assigns to a variable. */
  of(symbol: ts.Symbol, node: ts.Node, env: Environment): Source[] {
    const found = this.#in_function(outermost_function(node)).get(symbol) ?? [];
    return found.map((assigned) => ("kind" in assigned ? assigned : { ...assigned, env }));
  }

  #in_function(root: ts.Node): Map<ts.Symbol, Assigned[]> {
    let found = this.#by_function.get(root);
    if (found === undefined) {
      found = new Map();
      this.#by_function.set(root, found);
      this.#look(root, found);
    }
    return found;
  }

  #look(node: ts.Node, found: Map<ts.Symbol, Assigned[]>): void {
    if (ts.isBinaryExpression(node) && is_assignment(node.operatorToken.kind)) {
      const kind = kinds_of_operators.get(node.operatorToken.kind);
      this.#note(node.left, kind === undefined ? { expression: node.right } : { kind }, found);
    }
    if ((ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) && ts.isIdentifier(node.operand)) {
      if (node.operator === SyntaxKind.PlusPlusToken || node.operator === SyntaxKind.MinusMinusToken)
        this.#note(node.operand, undefined, found);
    }
    ts.forEachChild(node, (child) => this.#look(child, found));
  }

  /** @param assigned undefined when the kind does not change */
  #note(target: ts.Expression, assigned: Assigned | undefined, found: Map<ts.Symbol, Assigned[]>): void {
    if (ts.isParenthesizedExpression(target)) {
      this.#note(target.expression, assigned, found);
    } else if (ts.isArrayLiteralExpression(target)) {
      for (const element of target.elements) this.#note(element, { kind: WIDE }, found);
    } else if (ts.isIdentifier(target)) {
      const symbol = this.checker.getSymbolAtLocation(target);
      if (symbol === undefined) return;
      const list = found.get(symbol) ?? [];
      if (assigned !== undefined) list.push(assigned);
      found.set(symbol, list);
    }
  }

  /** Whether the function around `node` changes a variable after its declaration. */
  changes(symbol: ts.Symbol, node: ts.Node): boolean {
    return this.#in_function(outermost_function(node)).has(symbol);
  }
}

function outermost_function(node: ts.Node): ts.Node {
  let outermost = node;
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) if (ts.isFunctionLike(at)) outermost = at;
  return outermost;
}
