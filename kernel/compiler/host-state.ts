/** Refuses what hosted code would keep on the host: a snapshot of the guest does not have it, and going back does not undo it. */
import ts from "typescript-api";
import { is_at_module_level } from "./imports.ts";
import type { Meaning } from "./meaning.ts";
import { on_host } from "./refusal.ts";
import { is_target } from "./render.ts";
import { bare, is_within } from "./syntax.ts";
import { is_host_file } from "./trusted.ts";

/**
 * Why a node may not be assigned, changed or deleted; undefined for all that may, and for what changes nothing. Only
 * variables of the function itself may, objects that it has made, and what is the guest's.
 * @param root the function, whose call the node is part of
 */
export function said_of_change(
  node: ts.Node,
  root: ts.Node,
  meaning: Meaning,
  is_trusted: (file: string) => boolean,
): string | undefined {
  if (ts.isDeleteExpression(node)) return said_of_place(bare(node.expression), root, meaning);
  if (ts.isIdentifier(node)) {
    if (!is_target(node)) return undefined;
    const declaration = meaning.symbol_of(node)?.valueDeclaration;
    return declaration === undefined || is_within(declaration, root) ? undefined : on_host(node.text);
  }
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return undefined;
  if (!is_target(node) || meaning.is_guest_place(node) || is_of_machine(node, meaning, is_trusted)) return undefined;
  return said_of_place(node, root, meaning);
}

/** The variable of a module that a value on the host is reached from. */
export function module_variable(value: ts.Expression, meaning: Meaning): ts.Identifier | undefined {
  const node = bare(value);
  if (ts.isIdentifier(node)) {
    const declaration = meaning.symbol_of(node)?.valueDeclaration;
    return declaration !== undefined && is_at_module_level(declaration) ? node : undefined;
  }
  if (meaning.fields_of(meaning.type_of(node)) !== undefined || meaning.element_type(node) !== undefined)
    return undefined;
  if (ts.isCallExpression(node)) {
    const callee = bare(node.expression);
    return ts.isPropertyAccessExpression(callee) ? module_variable(callee.expression, meaning) : undefined;
  }
  return ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)
    ? module_variable(node.expression, meaning)
    : undefined;
}

function said_of_place(place: ts.Expression, root: ts.Node, meaning: Meaning): string | undefined {
  if (!ts.isPropertyAccessExpression(place) && !ts.isElementAccessExpression(place)) return undefined;
  if (made_here(place.expression, root, meaning) === "object") return undefined;
  // That is refused for itself.
  if (bare(place.expression).kind === ts.SyntaxKind.ThisKeyword) return undefined;
  const variable = module_variable(place, meaning);
  if (variable !== undefined) return on_host(variable.text);
  if (made_here(place.expression, root, meaning) === "list")
    return `\`${place.getText()}\`: a list of hosted code grows by \`push\`, and its elements stay; use \`map\`, or \`local\` with \`array(…)\``;
  return (
    `\`${place.getText()}\` is in an object on the host, which no snapshot of the guest has; ` +
    "use a variable of its own, a view of a struct, or a kernel_variable"
  );
}

/** Whether a name stands for an object or a list that is written out in the function itself, and always for that. */
export function made_here(value: ts.Expression, root: ts.Node, meaning: Meaning): "object" | "list" | undefined {
  const node = bare(value);
  const declaration = ts.isIdentifier(node) ? meaning.symbol_of(node)?.valueDeclaration : undefined;
  if (declaration === undefined || !ts.isVariableDeclaration(declaration) || !is_within(declaration, root))
    return undefined;
  const { initializer } = declaration;
  if (initializer === undefined || (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) === 0) return undefined;
  if (ts.isArrayLiteralExpression(initializer)) return "list";
  return ts.isObjectLiteralExpression(initializer) ? "object" : undefined;
}

/** Whether a place is in a register of the machine: `cpu().cr2`, `cpu().r[EAX]`. */
function is_of_machine(
  node: ts.PropertyAccessExpression | ts.ElementAccessExpression,
  meaning: Meaning,
  is_trusted: (file: string) => boolean,
): boolean {
  const member = ts.isPropertyAccessExpression(node) ? node : bare(node.expression);
  if (!ts.isPropertyAccessExpression(member)) return false;
  const declaration = meaning.checker.getSymbolAtLocation(member.name)?.declarations?.[0];
  if (declaration === undefined || ts.isMethodDeclaration(declaration) || ts.isMethodSignature(declaration))
    return false;
  const { fileName } = declaration.getSourceFile();
  if (is_host_file(fileName) || !is_trusted(fileName)) return false;
  return member !== node || (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Readonly) === 0;
}
