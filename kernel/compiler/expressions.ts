/** Cuts expressions at their calls, in the order in which they are evaluated. */
import ts from "typescript-api";
import { Code, code, type Label } from "./code.ts";
import type { Context, ExpressionSteps } from "./context.ts";
import type { Environment } from "./environment.ts";
import { Variable } from "./environment.ts";
import { is_assignment } from "./inference.ts";
import type { Meaning } from "./meaning.ts";
import { refuse } from "./refusal.ts";
import { is_target } from "./render.ts";
import { is_wrapper } from "./syntax.ts";

const { SyntaxKind } = ts;
/** When the left operand is the value of the whole, by operator: text about `$n`. */
const decided_by: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [SyntaxKind.AmpersandAmpersandToken, "!$n"],
  [SyntaxKind.BarBarToken, "$n"],
  [SyntaxKind.QuestionQuestionToken, "$n != null"],
]);

/** What begins a statement of another kind when it stands at the beginning of a text. */
const STATEMENT = /^(\{|function\b|class\b|let\b)/;

export class Expressions implements ExpressionSteps {
  constructor(private readonly context: Context) {}

  value(node: ts.Expression, env: Environment): Code {
    const { splitting, renderer, places, meaning } = this.context;
    if (!splitting.has_split(node)) return renderer.render(node, env);
    if (ts.isParenthesizedExpression(node)) return code`(${this.value(node.expression, env)})`;
    if (ts.isYieldExpression(node)) return this.#yield(node, env);
    if (splitting.is_guest_update(node)) return places.update(node, env, true);
    if (ts.isBinaryExpression(node)) {
      const { kind } = node.operatorToken;
      if (decided_by.has(kind)) return this.#short_circuit(node, env);
      if (kind === SyntaxKind.CommaToken) {
        this.effect(node.left, env);
        return this.value(node.right, env);
      }
      if (is_assignment(kind)) return places.assignment(node, env);
    }
    if (ts.isConditionalExpression(node)) return this.#conditional(node, env);
    if (ts.isCallExpression(node)) meaning.check_plain_call(node);
    return this.#operands(node, env);
  }

  effect(node: ts.Expression, env: Environment): void {
    const { emitter, splitting, calls, places } = this.context;
    if (is_wrapper(node)) {
      this.effect(node.expression, env);
      return;
    }
    if (ts.isYieldExpression(node) && node.asteriskToken !== undefined) {
      calls.call(node, env, false);
      return;
    }
    if (ts.isYieldExpression(node)) {
      this.#yield(node, env);
      return;
    }
    if (splitting.is_guest_update(node)) {
      places.update(node, env, false);
      return;
    }
    if (ts.isBinaryExpression(node) && splitting.has_split(node)) {
      const { kind } = node.operatorToken;
      if (kind === SyntaxKind.AmpersandAmpersandToken || kind === SyntaxKind.BarBarToken) {
        const end = emitter.label();
        this.condition(node.left, env, kind === SyntaxKind.BarBarToken, end);
        this.effect(node.right, env);
        emitter.place(end);
        return;
      }
    }
    if (ts.isConditionalExpression(node) && splitting.has_split(node)) {
      const otherwise = emitter.label();
      const end = emitter.label();
      this.condition(node.condition, env, false, otherwise);
      this.effect(node.whenTrue, env);
      emitter.jump(end, node.whenTrue);
      emitter.place(otherwise);
      this.effect(node.whenFalse, env);
      emitter.place(end);
      return;
    }
    const text = this.value(node, env);
    emitter.emit(STATEMENT.test(text.text) ? code`(${text});` : code`${text};`, node);
  }

  condition(node: ts.Expression, env: Environment, wanted: boolean, label: Label): void {
    const { emitter, splitting } = this.context;
    if (is_wrapper(node)) {
      this.condition(node.expression, env, wanted, label);
      return;
    }
    if (splitting.has_split(node)) {
      if (ts.isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken) {
        this.condition(node.operand, env, !wanted, label);
        return;
      }
      if (ts.isBinaryExpression(node)) {
        const { kind } = node.operatorToken;
        const is_and = kind === SyntaxKind.AmpersandAmpersandToken;
        if (is_and || kind === SyntaxKind.BarBarToken) {
          if (is_and !== wanted) {
            this.condition(node.left, env, wanted, label);
            this.condition(node.right, env, wanted, label);
          } else {
            const no = emitter.label();
            this.condition(node.left, env, !wanted, no);
            this.condition(node.right, env, wanted, label);
            emitter.place(no);
          }
          return;
        }
      }
    }
    emitter.branch(this.value(node, env), wanted, label, node);
  }

  #yield(node: ts.YieldExpression, env: Environment): Code {
    const { calls, emitter } = this.context;
    if (node.asteriskToken !== undefined) return calls.call(node, env, true);
    if (node.expression !== undefined)
      refuse(node, "a hosted function yields calls (`yield* f()`), or nothing for an instruction that does nothing");
    emitter.emit(Code.EMPTY, node);
    return new Code("undefined");
  }

  /** `a && b`, `a || b`, `a ?? b` where b has a call. */
  #short_circuit(node: ts.BinaryExpression, env: Environment): Code {
    const { emitter } = this.context;
    const kept = emitter.temporary(node, { expression: node, env });
    const end = emitter.label();
    emitter.branch_keeping(kept, this.value(node.left, env), decided_by.get(node.operatorToken.kind)!, end, node.left);
    emitter.store(kept, this.value(node.right, env), node.right);
    emitter.place(end);
    return emitter.use(kept);
  }

  #conditional(node: ts.ConditionalExpression, env: Environment): Code {
    const { emitter } = this.context;
    const kept = emitter.temporary(node, { expression: node, env });
    const otherwise = emitter.label();
    const end = emitter.label();
    this.condition(node.condition, env, false, otherwise);
    emitter.store(kept, this.value(node.whenTrue, env), node.whenTrue);
    emitter.flush();
    emitter.jump(end, node.whenTrue);
    emitter.place(otherwise);
    emitter.store(kept, this.value(node.whenFalse, env), node.whenFalse);
    emitter.place(end);
    return emitter.use(kept);
  }

  /** Anything whose operands are evaluated one after the other. */
  #operands(node: ts.Expression, env: Environment): Code {
    const { splitting, renderer } = this.context;
    const operands = operands_of(node);
    if (operands === undefined || is_optional(node))
      refuse(node, "a call of a kernel function cannot stand here; keep its result in a variable first");
    const last = operands.findLastIndex((operand) => splitting.has_split(operand));
    const replacements = operands.flatMap((operand, i) => {
      if (i > last) return [];
      if (i === last) return [renderer.replacement(operand, env, code`(${this.value(operand, env)})`)];
      if (is_constant(operand)) return [];
      return [
        renderer.replacement(operand, env, this.keep_unless_settled(operand, env, operands.slice(i + 1, last + 1))),
      ];
    });
    const rest = operands
      .slice(last + 1)
      .map((operand) => renderer.replacement(operand, env, renderer.render(operand, env)));
    const callee =
      ts.isCallExpression(node) && !is_method(node)
        ? [renderer.replacement(node.expression, env, renderer.render(node.expression, env))]
        : [];
    return renderer.splice(
      node,
      env,
      [...callee, ...replacements, ...rest].filter(({ start, end }) => start < end),
    );
  }

  keep_unless_settled(operand: ts.Expression, env: Environment, behind: readonly ts.Node[]): Code {
    const { emitter, meaning, renderer, places } = this.context;
    if (ts.isIdentifier(operand)) {
      const symbol = meaning.symbol_of(operand);
      const binding = env.get(symbol);
      if (binding instanceof Variable && !behind.some((node) => assigns(node, symbol!, meaning)))
        return emitter.use(binding);
    }
    if (places.is_stable(operand, env)) return renderer.render(operand, env);
    return emitter.keep(this.value(operand, env), operand, env);
  }
}

/** Whether an expression assigns a variable. */
function assigns(node: ts.Node, symbol: ts.Symbol, meaning: Meaning): boolean {
  if (ts.isIdentifier(node) && is_target(node) && meaning.symbol_of(node) === symbol) return true;
  return ts.forEachChild(node, (child) => assigns(child, symbol, meaning) || undefined) ?? false;
}

function is_constant(node: ts.Expression): boolean {
  return ts.isLiteralExpression(node) || (ts.isPrefixUnaryExpression(node) && ts.isLiteralExpression(node.operand));
}

/** A call of a method: what it is a method of is evaluated first. */
function is_method(
  node: ts.CallExpression,
): node is ts.CallExpression & { readonly expression: ts.PropertyAccessExpression } {
  return ts.isPropertyAccessExpression(node.expression);
}

/** Whether an expression may end before its operands are evaluated: `p?.f(yield* g())`. */
function is_optional(node: ts.Expression): boolean {
  return ts.isOptionalChain(node) && (ts.isCallExpression(node) || ts.isElementAccessExpression(node));
}

/** The operands of an expression in order of evaluation; undefined for forms that have none. */
function operands_of(node: ts.Expression): readonly ts.Expression[] | undefined {
  if (ts.isBinaryExpression(node)) return [node.left, node.right];
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) return [node.operand];
  if (ts.isCallExpression(node))
    return is_method(node) ? [node.expression.expression, ...node.arguments] : node.arguments;
  if (ts.isNewExpression(node)) return node.arguments ?? [];
  if (ts.isTemplateExpression(node)) return node.templateSpans.map(({ expression }) => expression);
  if (ts.isArrayLiteralExpression(node)) return node.elements;
  if (ts.isPropertyAccessExpression(node)) return [node.expression];
  if (ts.isElementAccessExpression(node)) return [node.expression, node.argumentExpression];
  if (ts.isObjectLiteralExpression(node)) {
    const values = node.properties.map((property) =>
      ts.isPropertyAssignment(property) ? property.initializer : undefined,
    );
    return values.every((value) => value !== undefined) ? values : undefined;
  }
  if (is_wrapper(node) || ts.isTypeOfExpression(node) || ts.isVoidExpression(node) || ts.isSpreadElement(node))
    return [node.expression];
  return undefined;
}
