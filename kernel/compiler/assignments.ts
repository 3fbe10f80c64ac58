/** What is assigned to each variable of a function, beside its initializer. */
import ts from "typescript-api";
import type { Environment, Source } from "./environment.ts";
import { is_assignment } from "./inference.ts";
import { I32, type Kind, SMALL, U32, WIDE } from "./kinds.ts";
import type { Meaning } from "./meaning.ts";
import { is_wrapper } from "./syntax.ts";

const { SyntaxKind } = ts;

type Assigned =
  | { readonly expression: ts.Expression }
  | { readonly kind: Kind; readonly exact?: boolean }
  | { readonly decreases: true };

const kinds_of_operators: ReadonlyMap<ts.SyntaxKind, Kind> = new Map([
  [SyntaxKind.AmpersandEqualsToken, I32],
  [SyntaxKind.BarEqualsToken, I32],
  [SyntaxKind.CaretEqualsToken, I32],
  [SyntaxKind.LessThanLessThanEqualsToken, I32],
  [SyntaxKind.GreaterThanGreaterThanEqualsToken, I32],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanEqualsToken, U32],
]);

/** Those that change a number, so that the result may not fit. */
const changing_operators: ReadonlySet<ts.SyntaxKind> = new Set([
  SyntaxKind.PlusEqualsToken,
  SyntaxKind.MinusEqualsToken,
  SyntaxKind.AsteriskEqualsToken,
  SyntaxKind.AsteriskAsteriskEqualsToken,
  SyntaxKind.SlashEqualsToken,
  SyntaxKind.PercentEqualsToken,
]);

export class Assignments {
  readonly #by_function = new Map<ts.Node, Map<ts.Symbol, Assigned[]>>();

  constructor(private readonly meaning: Meaning) {}

  /** What the function around `node` assigns to a variable. */
  of(symbol: ts.Symbol, node: ts.Node, env: Environment): Source[] {
    const found = this.#in_function(outermost_function(node)).get(symbol) ?? [];
    return found.map((assigned) => ("expression" in assigned ? { ...assigned, env } : assigned));
  }

  #in_function(root: ts.Node): Map<ts.Symbol, Assigned[]> {
    let found = this.#by_function.get(root);
    if (found === undefined) {
      found = new Map();
      this.#by_function.set(root, found);
      this.#look(root, found);
    }
    return found;
  }

  #look(node: ts.Node, found: Map<ts.Symbol, Assigned[]>): void {
    if (ts.isBinaryExpression(node) && is_assignment(node.operatorToken.kind)) {
      const operator = node.operatorToken.kind;
      const kind = kinds_of_operators.get(operator);
      this.#note(node.left, kind === undefined ? { expression: node.right } : { kind, exact: true }, found);
      if (changing_operators.has(operator)) this.#note(node.left, { kind: SMALL }, found);
      if (operator === SyntaxKind.MinusEqualsToken) this.#note(node.left, { decreases: true }, found);
    }
    if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      if (node.operator === SyntaxKind.PlusPlusToken) this.#note(node.operand, { kind: SMALL }, found);
      if (node.operator === SyntaxKind.MinusMinusToken) this.#note(node.operand, { decreases: true }, found);
    }
    ts.forEachChild(node, (child) => this.#look(child, found));
  }

  #note(target: ts.Expression, assigned: Assigned, found: Map<ts.Symbol, Assigned[]>): void {
    if (is_wrapper(target)) {
      this.#note(target.expression, assigned, found);
    } else if (ts.isArrayLiteralExpression(target)) {
      const values = "expression" in assigned ? written_out(assigned.expression) : undefined;
      target.elements.forEach((element, i) => {
        this.#note(element, values?.[i] === undefined ? this.#by_type(element) : { expression: values[i] }, found);
      });
    } else if (ts.isObjectLiteralExpression(target)) {
      for (const property of target.properties) {
        if (ts.isPropertyAssignment(property))
          this.#note(property.initializer, this.#by_type(property.initializer), found);
        if (ts.isShorthandPropertyAssignment(property))
          this.#add(this.meaning.symbol_of(property.name), this.#by_type(property.name), found);
      }
    } else if (ts.isIdentifier(target)) {
      this.#add(this.meaning.symbol_of(target), assigned, found);
    }
  }

  #add(symbol: ts.Symbol | undefined, assigned: Assigned, found: Map<ts.Symbol, Assigned[]>): void {
    if (symbol === undefined) return;
    const list = found.get(symbol) ?? [];
    list.push(assigned);
    found.set(symbol, list);
  }

  /** What a pattern assigns is of the type of its target; numbers may be any. */
  #by_type(target: ts.Expression): Assigned {
    const { flags } = this.meaning.type_of(target);
    return (flags & ts.TypeFlags.NumberLike) !== 0 ? { kind: WIDE } : { expression: target };
  }

  /** Whether the function around `node` changes a variable after its declaration. */
  changes(symbol: ts.Symbol, node: ts.Node): boolean {
    return this.#in_function(outermost_function(node)).has(symbol);
  }
}

function outermost_function(node: ts.Node): ts.Node {
  let outermost = node;
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) if (ts.isFunctionLike(at)) outermost = at;
  return outermost;
}

/** The values of a list without spread elements. */
function written_out(node: ts.Expression): readonly ts.Expression[] | undefined {
  if (!ts.isArrayLiteralExpression(node)) return undefined;
  return node.elements.some((element) => ts.isSpreadElement(element)) ? undefined : node.elements;
}
