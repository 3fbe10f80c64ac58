/** Functions that come to call themselves and do not say what they give, so that TypeScript takes it for `any`. */
import ts from "typescript-api";
import type { Meaning } from "./meaning.ts";
import { bare, is_function_literal } from "./syntax.ts";

/** What is said of a call of such a function; undefined for any other callee. */
export function said_of_recursion(callee: ts.Expression, meaning: Meaning): string | undefined {
  if (!ts.isIdentifier(callee)) return undefined;
  const declaration = meaning.symbol_of(callee)?.valueDeclaration;
  if (declaration === undefined || !is_any(declaration, meaning)) return undefined;
  const wanted = missing_result(declaration, meaning);
  return wanted === undefined
    ? undefined
    : `\`${callee.text}\` comes to call itself, so what it gives has to be declared: ${wanted}`;
}

/** The name of what a function around a node declares for the kernel, if it is one of those. */
export function recursive_around(node: ts.Node, meaning: Meaning): ts.Identifier | undefined {
  const declaration = ts.findAncestor(
    node,
    (at): at is ts.VariableDeclaration | ts.FunctionDeclaration =>
      (ts.isVariableDeclaration(at) || ts.isFunctionDeclaration(at)) && missing_result(at, meaning) !== undefined,
  );
  return declaration?.name !== undefined && ts.isIdentifier(declaration.name) ? declaration.name : undefined;
}

function is_any(declaration: ts.Declaration, meaning: Meaning): boolean {
  if (ts.isVariableDeclaration(declaration)) return (meaning.type_of(declaration).flags & ts.TypeFlags.Any) !== 0;
  const signature = ts.isFunctionDeclaration(declaration) && meaning.checker.getSignatureFromDeclaration(declaration);
  if (!signature) return false;
  const result = meaning.checker.getReturnTypeOfSignature(signature);
  const [, returned] =
    result.flags & ts.TypeFlags.Any ? [] : meaning.checker.getTypeArguments(result as ts.TypeReference);
  return ((returned ?? result).flags & ts.TypeFlags.Any) !== 0;
}

/** How a `function*` without a declared result would declare it; undefined for what is none. */
function missing_result(declaration: ts.Node, meaning: Meaning): string | undefined {
  if (ts.isFunctionDeclaration(declaration)) {
    const { asteriskToken, name, type } = declaration;
    if (asteriskToken === undefined || name === undefined || type !== undefined) return undefined;
    return `\`function* ${name.text}(…): Steps<u32>\`, or \`Steps<void>\`, or what else it is`;
  }
  const call = ts.isVariableDeclaration(declaration) && declaration.initializer && bare(declaration.initializer);
  if (!call || !ts.isCallExpression(call) || meaning.host_function(call.expression) !== "kernel_function")
    return undefined;
  const [, , result, body] = call.arguments;
  if (!is_function_literal(body) || body.type !== undefined) return undefined;
  const names = body.parameters.map(({ name }) => name.getText()).join(", ");
  return `\`function* (${names}): Steps<${result.getText() === "undefined" ? "void" : "number"}>\``;
}
