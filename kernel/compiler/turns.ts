/**
 * Counts what happens within one statement, so that what has no end becomes an oops: turns of loops in plain functions,
 * calls of functions that are passed on, lists and texts that are gone through, and the length of texts that are put
 * together.
 */
import ts from "typescript-api";
import { is_global, library_member } from "./library.ts";
import type { Meaning } from "./meaning.ts";
import { enclosing_function, is_function_literal, is_generator } from "./syntax.ts";

/** Text to be put in: where, and what. Nothing, or in front and behind. */
export interface Insertions {
  readonly before: readonly Insertion[];
  readonly behind: readonly Insertion[];
}

interface Insertion {
  readonly at: number;
  readonly text: string;
}

const NOTHING: Insertions = { before: [], behind: [] };

/** What counts a node; `file` is the node's. */
export function counts_of(node: ts.Node, file: ts.SourceFile, meaning: Meaning): Insertions {
  if (ts.isIterationStatement(node, false)) return in_block(node.statement, file);
  if (is_function_literal(node) && is_passed_on(node, meaning))
    return ts.isBlock(node.body) ? in_block(node.body, file) : around(node.body, file, "($k.turn(), ");
  const whole = walked_by(node, meaning);
  if (whole !== undefined) return around(whole, file, "$k.walked(");
  return is_text(node, meaning) ? around(node, file, "$k.text(") : NOTHING;
}

function in_block(statement: ts.Statement, file: ts.SourceFile): Insertions {
  const at = statement.getStart(file);
  if (ts.isBlock(statement)) return { before: [{ at: at + 1, text: " $k.turn();" }], behind: [] };
  return { before: [{ at, text: "{ $k.turn(); " }], behind: [{ at: statement.getEnd(), text: " }" }] };
}

function around(node: ts.Node, file: ts.SourceFile, text: string): Insertions {
  return { before: [{ at: node.getStart(file), text }], behind: [{ at: node.getEnd(), text: ")" }] };
}

/** Whether a function is an argument of a call that is part of a statement; what a macro gets takes the place of its call. */
function is_passed_on(node: ts.ArrowFunction | ts.FunctionExpression, meaning: Meaning): boolean {
  const { parent } = node;
  if (!ts.isCallExpression(parent) || parent.expression === node || node.asteriskToken !== undefined) return false;
  return (
    meaning.generator_of(parent.expression) === undefined && meaning.host_function(parent.expression) === undefined
  );
}

/** Members of lists, texts, maps and sets that do not take longer for longer ones. */
const quick: ReadonlySet<string> = new Set([
  ...["add", "at", "charAt", "charCodeAt", "clear", "codePointAt", "delete", "entries", "get", "has", "keys", "pop"],
  ...["push", "set", "values"],
]);
const WALKING = /^(Readonly)?(Array|Map|Set)$|^String$|^U?[Ii]nt\d+Array$/;

/** What a node goes through at once, or makes: a list, text, map or set. In steps, that is once a statement. */
function walked_by(node: ts.Node, meaning: Meaning): ts.Expression | undefined {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node) && !ts.isSpreadElement(node)) return undefined;
  const around = enclosing_function(node);
  if (around !== undefined && is_generator(around)) return undefined;
  if (ts.isSpreadElement(node)) return node.expression;
  const callee = node.expression;
  if (ts.isNewExpression(node)) {
    const makes = ts.isIdentifier(callee) && /^(Array|Map|Set)$/.test(callee.text) && is_global_name(callee, meaning);
    return makes ? node : undefined;
  }
  if (!ts.isPropertyAccessExpression(callee)) return undefined;
  const owner = library_member(callee.name, meaning) ?? "";
  if (owner === "ArrayConstructor") return node;
  if (owner === "ObjectConstructor") return callee.name.text === "fromEntries" ? node.arguments[0] : node;
  return WALKING.test(owner) && !quick.has(callee.name.text) ? callee.expression : undefined;
}

function is_global_name(name: ts.Identifier, meaning: Meaning): boolean {
  const declaration = meaning.symbol_of(name)?.declarations?.[0];
  return declaration !== undefined && is_global(declaration);
}

/** Whether a node puts a text together that may be part of a longer one: steps themselves keep none. */
function is_text(node: ts.Node, meaning: Meaning): boolean {
  if (!ts.isTemplateExpression(node) && !is_sum(node)) return false;
  const around = enclosing_function(node);
  if (around === undefined || is_generator(around)) return false;
  // The outermost sum is as long as those in it.
  if (is_sum(node.parent) && node.parent.operatorToken.kind === ts.SyntaxKind.PlusToken) return false;
  return (meaning.type_of(node).flags & ts.TypeFlags.StringLike) !== 0;
}

function is_sum(node: ts.Node): node is ts.BinaryExpression {
  if (!ts.isBinaryExpression(node)) return false;
  const { kind } = node.operatorToken;
  return kind === ts.SyntaxKind.PlusToken || kind === ts.SyntaxKind.PlusEqualsToken;
}
