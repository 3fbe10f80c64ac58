/** Expressions that are parsed once, to be evaluated often: conditions. */
import type { Environment } from "./environment.ts";
import { evaluateTree } from "./evaluate.ts";
import { parseExpression } from "./parser.ts";
import type { Node } from "./syntax.ts";
import type { Value } from "./value.ts";

/**
 * Parses once, to evaluate often.
 * @param known where names are looked up to begin with, if not where they are evaluated
 * @throws ExpressionError when the text is no expression, or a name in it is unknown
 */
export function compile(
  text: string,
  environment: Environment,
  known: (name: string) => boolean = () => false,
): (environment: Environment) => Value {
  const tree = parseExpression(text, (name) => environment.types.has(name));
  const assigned = tree.kind === "assignment" ? tree.left : undefined;
  for (const node of namesIn(tree)) {
    const look = node.kind === "name" ? environment.name : environment.variable;
    if (node.kind === "name" && known(node.name)) continue;
    if (node.kind === "variable" && node === assigned) continue;
    if (!isKnown(() => look(node.name))) evaluateTree(text, node, environment);
  }
  return (later) => evaluateTree(text, tree, later);
}

/** A name whose value cannot be had now, such as `current` before there are tasks, is known too. */
function isKnown(look: () => Value | undefined): boolean {
  try {
    return look() !== undefined;
  } catch {
    return true;
  }
}

function* namesIn(node: Node): Generator<Node & { kind: "name" | "variable" }> {
  switch (node.kind) {
    case "name":
    case "variable":
      yield node;
      break;
    case "unary":
    case "cast":
      yield* namesIn(node.operand);
      break;
    case "binary":
    case "assignment":
      yield* namesIn(node.left);
      yield* namesIn(node.right);
      break;
    case "conditional":
      for (const part of [node.condition, node.then, node.otherwise]) yield* namesIn(part);
      break;
    case "member":
      yield* namesIn(node.object);
      break;
    case "index":
      yield* namesIn(node.object);
      yield* namesIn(node.index);
      break;
    case "sizeof":
      if (node.operand !== undefined) yield* namesIn(node.operand);
      break;
    case "call":
      // The member that container_of() takes is no name of its own.
      for (const argument of node.args.slice(0, 1)) if ("node" in argument) yield* namesIn(argument.node);
      break;
  }
}
