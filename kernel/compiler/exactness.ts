/** Which values are sure to fit the kind that is inferred for them. */
import ts from "typescript-api";
import { constant_value } from "./constants.ts";
import type { Environment } from "./environment.ts";
import { Variable } from "./environment.ts";
import type { Meaning } from "./meaning.ts";
import { is_wrapper } from "./syntax.ts";

const { SyntaxKind } = ts;
const exact_results = new Set(["clz32", "imul", "read8", "read16", "read32"]);
const exact_operators: ReadonlySet<ts.SyntaxKind> = new Set([
  SyntaxKind.AmpersandToken,
  SyntaxKind.BarToken,
  SyntaxKind.CaretToken,
  SyntaxKind.LessThanLessThanToken,
  SyntaxKind.GreaterThanGreaterThanToken,
  SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
]);
const joining_operators: ReadonlySet<ts.SyntaxKind> = new Set([
  SyntaxKind.AmpersandAmpersandToken,
  SyntaxKind.BarBarToken,
  SyntaxKind.QuestionQuestionToken,
]);

/** Whether an expression is sure to give a value of its kind: no sum, which might be too large for it. */
export function gives_exact(node: ts.Expression, env: Environment, meaning: Meaning): boolean {
  const exact = (inner: ts.Expression) => gives_exact(inner, env, meaning);
  if (is_wrapper(node)) return exact(node.expression);
  if (ts.isConditionalExpression(node)) return exact(node.whenTrue) && exact(node.whenFalse);
  if (ts.isPrefixUnaryExpression(node))
    return node.operator === SyntaxKind.TildeToken || ts.isNumericLiteral(node.operand);
  if (ts.isBinaryExpression(node)) {
    if (exact_operators.has(node.operatorToken.kind)) return true;
    return joining_operators.has(node.operatorToken.kind) && exact(node.left) && exact(node.right);
  }
  if (ts.isIdentifier(node)) {
    const bound = env.get(meaning.symbol_of(node));
    if (bound !== undefined)
      return "argument" in bound ? gives_exact(bound.argument, bound.env, meaning) : bound instanceof Variable;
    return constant_value(node, meaning) !== undefined;
  }
  if (ts.isPropertyAccessExpression(node)) return node.name.text === "address" || meaning.is_guest_place(node);
  if (ts.isCallExpression(node))
    return ts.isPropertyAccessExpression(node.expression) && exact_results.has(node.expression.name.text);
  return ts.isNumericLiteral(node) || (ts.isYieldExpression(node) && node.asteriskToken !== undefined);
}
