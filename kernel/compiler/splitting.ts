/** Which parts of the source are more than one step. */
import ts from "typescript-api";
import { is_assignment } from "./inference.ts";
import type { Meaning } from "./meaning.ts";

/** The places at which an expression is cut: calls, and changes of guest memory that read it first. */
export class Splitting {
  readonly #known = new Map<ts.Node, boolean>();

  constructor(private readonly meaning: Meaning) {}

  /** Whether a node is more than one step. What inner functions do is theirs. */
  has_split(node: ts.Node): boolean {
    let known = this.#known.get(node);
    if (known === undefined) {
      known =
        !ts.isFunctionLike(node) &&
        !ts.isTypeNode(node) &&
        (ts.isYieldExpression(node) ||
          this.is_guest_update(node) ||
          (ts.forEachChild(node, (child) => this.has_split(child) || undefined) ?? false));
      this.#known.set(node, known);
    }
    return known;
  }

  /** `place op= value`, `place++` and the like, where the place is in guest memory. */
  is_guest_update(node: ts.Node): node is ts.BinaryExpression | ts.PrefixUnaryExpression | ts.PostfixUnaryExpression {
    if (ts.isBinaryExpression(node)) {
      const { kind } = node.operatorToken;
      return is_assignment(kind) && kind !== ts.SyntaxKind.EqualsToken && this.meaning.is_guest_place(node.left);
    }
    return is_step_operator(node) && this.meaning.is_guest_place(node.operand);
  }
}

export function is_step_operator(node: ts.Node): node is ts.PrefixUnaryExpression | ts.PostfixUnaryExpression {
  if (!ts.isPrefixUnaryExpression(node) && !ts.isPostfixUnaryExpression(node)) return false;
  return node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken;
}
