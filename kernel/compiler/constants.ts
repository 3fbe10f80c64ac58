/** Values of constant expressions: what a module writes as `4 * 1024` is as good as 4096. */
import ts from "typescript-api";
import type { Meaning } from "./meaning.ts";
import { is_wrapper } from "./syntax.ts";

const { SyntaxKind } = ts;

const operators: ReadonlyMap<ts.SyntaxKind, (a: number, b: number) => number> = new Map([
  [SyntaxKind.PlusToken, (a, b) => a + b],
  [SyntaxKind.MinusToken, (a, b) => a - b],
  [SyntaxKind.AsteriskToken, (a, b) => a * b],
  [SyntaxKind.SlashToken, (a, b) => a / b],
  [SyntaxKind.PercentToken, (a, b) => a % b],
  [SyntaxKind.AsteriskAsteriskToken, (a, b) => a ** b],
  [SyntaxKind.LessThanLessThanToken, (a, b) => a << b],
  [SyntaxKind.GreaterThanGreaterThanToken, (a, b) => a >> b],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanToken, (a, b) => a >>> b],
  [SyntaxKind.AmpersandToken, (a, b) => a & b],
  [SyntaxKind.BarToken, (a, b) => a | b],
  [SyntaxKind.CaretToken, (a, b) => a ^ b],
]);

const MOST_DEPTH = 32;

/** The number that an expression always is; undefined for any other. */
export function constant_value(node: ts.Expression, meaning: Meaning, depth = 0): number | undefined {
  if (depth > MOST_DEPTH) return undefined;
  const value = (inner: ts.Expression) => constant_value(inner, meaning, depth + 1);
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (is_wrapper(node)) return value(node.expression);
  if (ts.isPrefixUnaryExpression(node)) {
    const operand = value(node.operand);
    if (operand === undefined) return undefined;
    if (node.operator === SyntaxKind.MinusToken) return -operand;
    if (node.operator === SyntaxKind.TildeToken) return ~operand;
    return node.operator === SyntaxKind.PlusToken ? operand : undefined;
  }
  if (ts.isBinaryExpression(node)) {
    const operator = operators.get(node.operatorToken.kind);
    const left = operator && value(node.left);
    const right = left === undefined ? undefined : value(node.right);
    return right === undefined ? undefined : operator!(left!, right);
  }
  if (!ts.isIdentifier(node)) return undefined;
  const declaration = meaning.symbol_of(node)?.valueDeclaration;
  if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return undefined;
  const is_constant = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  if (!is_constant) return undefined;
  if (declaration.initializer !== undefined) return value(declaration.initializer);
  const type = meaning.type_of(node);
  return type.isNumberLiteral() ? type.value : undefined;
}
