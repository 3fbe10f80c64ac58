/** Refuses what hosted code would keep on the host: a snapshot of the guest does not have it, and going back does not undo it. */
import ts from "typescript-api";
import { plain_function } from "./bounded.ts";
import { is_at_module_level } from "./imports.ts";
import type { Meaning } from "./meaning.ts";
import { on_host, place_of, type RefusedPlace } from "./refusal.ts";
import { is_target } from "./render.ts";

/** Methods of arrays, maps and sets that change them. */
const changing_methods = new Set([
  ...["push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin"],
  ...["set", "add", "delete", "clear"],
]);
/** Sources whose functions are the host's business. */
const HOST = /\/host\/[a-z-]+(\.d)?\.ts$/;

/** What is said against the statements of a hosted function, and against the plain functions and macros that they use. */
export function check_host_state(hosted: ts.FunctionLikeDeclaration, meaning: Meaning): RefusedPlace[] {
  const refused: RefusedPlace[] = [];
  const seen = new Set<ts.Node>();
  const refuse = (node: ts.Node, why: string): void => void refused.push({ ...place_of(node), why });
  const look = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.text === "globalThis")
      refuse(node, "`globalThis` is the host's; hosted code has nothing but the guest");
    const kept = kept_on_host(node, meaning);
    if (kept !== undefined) refuse(node, on_host(kept.text));
    if (ts.isCallExpression(node)) {
      const used = plain_function(node, meaning) ?? expanded(node, meaning);
      if (used?.body !== undefined && !seen.has(used) && !HOST.test(used.getSourceFile().fileName)) {
        seen.add(used);
        look(used.body);
      }
    }
    ts.forEachChild(node, look);
  };
  if (hosted.body !== undefined) look(hosted.body);
  return refused;
}

/** The generator function whose text takes the place of a call: all others that step are looked at for themselves. */
function expanded(call: ts.CallExpression, meaning: Meaning): ts.FunctionDeclaration | undefined {
  const generator = meaning.generator_of(call.expression);
  if (generator === undefined) return undefined;
  return meaning.is_macro(generator) || meaning.yields(generator) === "values" ? generator : undefined;
}

/** The variable of a module that an expression changes. */
function kept_on_host(node: ts.Node, meaning: Meaning): ts.Identifier | undefined {
  if (ts.isCallExpression(node)) {
    const { expression } = node;
    if (!ts.isPropertyAccessExpression(expression) || !changing_methods.has(expression.name.text)) return undefined;
    return module_variable(expression.expression, meaning);
  }
  if (ts.isDeleteExpression(node)) return module_variable(node.expression, meaning);
  if (ts.isIdentifier(node)) return is_target(node) ? module_variable(node, meaning) : undefined;
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return undefined;
  if (!is_target(node) || meaning.is_guest_place(node)) return undefined;
  return module_variable(node.expression, meaning);
}

/** The variable of a module that a value on the host is reached from. */
function module_variable(value: ts.Expression, meaning: Meaning): ts.Identifier | undefined {
  const node = bare(value);
  if (ts.isIdentifier(node)) {
    const declaration = meaning.symbol_of(node)?.valueDeclaration;
    if (declaration === undefined || !ts.isVariableDeclaration(declaration) || !is_at_module_level(declaration))
      return undefined;
    return HOST.test(declaration.getSourceFile().fileName) ? undefined : node;
  }
  if (meaning.fields_of(meaning.type_of(node)) !== undefined || meaning.element_type(node) !== undefined)
    return undefined;
  return ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)
    ? module_variable(node.expression, meaning)
    : undefined;
}

/** Without parentheses and what is said of types. */
function bare(node: ts.Expression): ts.Expression {
  const is_wrapped =
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isNonNullExpression(node);
  return is_wrapped ? bare(node.expression) : node;
}
