/** Refuses what hosted code would keep on the host: a snapshot of the guest does not have it, and going back does not undo it. */
import ts from "typescript-api";
import { constant_value } from "./constants.ts";
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
export function said_of_change(node: ts.Node, root: ts.Node, meaning: Meaning): string | undefined {
  if (ts.isDeleteExpression(node)) return said_of_place(bare(node.expression), root, meaning);
  if (ts.isIdentifier(node)) {
    if (!is_target(node)) return undefined;
    const declaration = meaning.symbol_of(node)?.valueDeclaration;
    return declaration === undefined || is_within(declaration, root) ? undefined : on_host(node.text);
  }
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return undefined;
  if (!is_target(node) || meaning.is_guest_place(node) || is_register(node, meaning)) return undefined;
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

/** Whether a place is a register of the machine that may be written: `cpu().eip`, `cpu().r[EAX]`. */
function is_register(node: ts.PropertyAccessExpression | ts.ElementAccessExpression, meaning: Meaning): boolean {
  const member = ts.isPropertyAccessExpression(node) ? node : bare(node.expression);
  if (!ts.isPropertyAccessExpression(member) || !is_core(member.expression, meaning)) return false;
  return member.name.text === (member === node ? "eip" : "r");
}

/** Why a part of the core is none that kernel code may see; undefined for those that are, and for parts of anything else. */
export function said_of_core(node: ts.Node, meaning: Meaning): string | undefined {
  if (ts.isPropertyAccessExpression(node) && is_core(node.expression, meaning)) {
    if (meaning.checker.getSymbolAtLocation(node.name) !== undefined) return undefined;
    return `the core has no \`${node.name.text}\` that kernel code could see: ${OF_CORE}`;
  }
  if (!ts.isElementAccessExpression(node)) return undefined;
  const array = bare(node.expression);
  if (is_core(array, meaning)) return `a part of the core is named: ${OF_CORE}`;
  if (!ts.isPropertyAccessExpression(array) || array.name.text !== "r" || !is_core(array.expression, meaning))
    return undefined;
  const number = constant_value(node.argumentExpression, meaning);
  if (number !== undefined && Number.isInteger(number) && number >= 0 && number < 8) return undefined;
  return "the general registers are `r[0]` to `r[7]`, by constants";
}

const OF_CORE =
  "`r[0]` to `r[7]`, `eip`, `cr0` to `cr4`, `getEflags()`, `setEflags()`, `segSelector()`, `segBase()`, `ports`, `id`";

function is_core(node: ts.Expression, meaning: Meaning): boolean {
  const { symbol } = meaning.type_of(node);
  return symbol?.name === "HostedCore" && is_host_file(symbol.declarations?.[0]?.getSourceFile().fileName ?? "");
}
