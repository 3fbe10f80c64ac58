/** Small questions about the syntax of an expression. */
import ts from "typescript-api";

/** Without parentheses and what is said of types. */
export function bare(node: ts.Expression): ts.Expression {
  return is_wrapper(node) ? bare(node.expression) : node;
}

export type Wrapper =
  | ts.ParenthesizedExpression
  | ts.AsExpression
  | ts.TypeAssertion
  | ts.SatisfiesExpression
  | ts.NonNullExpression;

/** Whether a node is parentheses, or says something of a type only. */
export function is_wrapper(node: ts.Node): node is Wrapper {
  return (
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isTypeAssertionExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isNonNullExpression(node)
  );
}

export function is_within(node: ts.Node, outer: ts.Node): boolean {
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) if (at === outer) return true;
  return false;
}

/** A function that is written where its value is needed. */
export function is_function_literal(node: ts.Node | undefined): node is ts.ArrowFunction | ts.FunctionExpression {
  return node !== undefined && (ts.isArrowFunction(node) || ts.isFunctionExpression(node));
}

/** Whether a node is a `function*`. */
export function is_generator(node: ts.Node): boolean {
  return "asteriskToken" in node && node.asteriskToken !== undefined && ts.isFunctionLike(node);
}

/** The function that a node is in. */
export function enclosing_function(node: ts.Node): ts.Node | undefined {
  return ts.findAncestor(node.parent, ts.isFunctionLike);
}

/** Whether a name stands for its value: it is no property's name, no declaration's, no label. */
export function is_value_name(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isMetaProperty(parent)) return parent.name !== node;
  if (ts.isQualifiedName(parent) || ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent))
    return false;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isShorthandPropertyAssignment(parent)) return parent.name === node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isImportClause(parent)) return false;
  const named = parent as { readonly name?: ts.Node };
  return named.name !== node;
}
