/** Cuts expressions at their calls, in the order in which they are evaluated. */
import ts from "typescript-api";
import { Code, code } from "./code.ts";
import type { Context } from "./context.ts";
import type { Environment } from "./environment.ts";
import { Variable } from "./frame.ts";
import { is_assignment } from "./inference.ts";
import type { Meaning } from "./meaning.ts";
import { refuse } from "./refusal.ts";
import { is_target } from "./render.ts";
import { is_step_operator } from "./splitting.ts";

const { SyntaxKind } = ts;

export class Expressions {
  constructor(private readonly context: Context) {}

  /**
   * Emits the steps of an expression that come before its value is known. Returns the value's text, to be evaluated in
   * the next step that is emitted.
   */
  value(node: ts.Expression, env: Environment): Code {
    const { splitting, renderer, calls, emitter } = this.context;
    if (!splitting.has_split(node)) return renderer.render(node, env);
    if (ts.isParenthesizedExpression(node)) return code`(${this.value(node.expression, env)})`;
    if (ts.isYieldExpression(node)) return this.#yield(node, env);
    if (splitting.is_guest_update(node)) return this.#update(node as ts.BinaryExpression, env);
    if (ts.isBinaryExpression(node)) {
      const { kind } = node.operatorToken;
      if (kind === SyntaxKind.AmpersandAmpersandToken || kind === SyntaxKind.BarBarToken || kind === SyntaxKind.QuestionQuestionToken)
        return this.#short_circuit(node, env);
      if (kind === SyntaxKind.CommaToken) {
        this.effect(node.left, env);
        return this.value(node.right, env);
      }
      if (is_assignment(kind)) return this.#assignment(node, env);
    }
    if (ts.isConditionalExpression(node)) {
      const kept = emitter.variable(undefined, node, { expression: node, env });
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
    if (ts.isCallExpression(node) && calls.is_guest_call(node)) refuse(node, "a kernel function is called with `yield*`");
    return this.#operands(node, env);
  }

  /** Emits the steps of an expression whose value is not needed. */
  effect(node: ts.Expression, env: Environment): void {
    const { emitter, splitting, calls } = this.context;
    const plain = ts.isParenthesizedExpression(node) ? node.expression : node;
    if (ts.isYieldExpression(plain) && plain.asteriskToken !== undefined) {
      calls.call(plain, env, false);
      return;
    }
    if (ts.isYieldExpression(plain)) {
      this.#yield(plain, env);
      return;
    }
    if (splitting.is_guest_update(plain)) {
      this.#update(plain as ts.BinaryExpression, env);
      return;
    }
    if (ts.isBinaryExpression(plain) && splitting.has_split(plain)) {
      const { kind } = plain.operatorToken;
      if (kind === SyntaxKind.AmpersandAmpersandToken || kind === SyntaxKind.BarBarToken) {
        const end = emitter.label();
        this.condition(plain.left, env, kind === SyntaxKind.BarBarToken, end);
        this.effect(plain.right, env);
        emitter.place(end);
        return;
      }
    }
    const text = this.value(plain, env);
    emitter.emit(code`${text};`, plain);
  }

  /** Goes to a label if the condition is as wanted. */
  condition(node: ts.Expression, env: Environment, wanted: boolean, label: ReturnType<Context["emitter"]["label"]>): void {
    const { emitter, splitting } = this.context;
    if (ts.isParenthesizedExpression(node)) {
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

  #short_circuit(node: ts.BinaryExpression, env: Environment): Code {
    const { emitter } = this.context;
    const kept = emitter.variable(undefined, node, { expression: node, env });
    const end = emitter.label();
    emitter.store(kept, this.value(node.left, env), node.left);
    const { kind } = node.operatorToken;
    if (kind === SyntaxKind.QuestionQuestionToken) emitter.branch(code`${emitter.use(kept)} != null`, true, end, node.left);
    else emitter.branch(emitter.use(kept), kind === SyntaxKind.BarBarToken, end, node.left);
    emitter.store(kept, this.value(node.right, env), node.right);
    emitter.place(end);
    return emitter.use(kept);
  }

  #assignment(node: ts.BinaryExpression, env: Environment): Code {
    const { renderer } = this.context;
    const { left, right, operatorToken } = node;
    if (operatorToken.kind === SyntaxKind.EqualsToken) {
      const place = this.#place(left, env);
      return code`${place} = ${this.value(right, env)}`;
    }
    const operator = operatorToken.getText(env.file).slice(0, -1);
    if (operator === "&&" || operator === "||" || operator === "??")
      refuse(node, `\`${operator}=\` with a call; write it as an \`if\``);
    const before = this.#keep_unless_settled(left, env, [right]);
    const value = this.value(right, env);
    const target = renderer.render(left, env);
    const assigned = ts.isIdentifier(left) ? this.#assigned(left, env) : target;
    return code`${assigned} = ${before} ${operator} (${value})`;
  }

  /** A place to be assigned after a call. What it depends on is kept, unless it is constant. */
  #place(left: ts.Expression, env: Environment): Code {
    const { renderer, splitting, emitter, meaning } = this.context;
    if (ts.isIdentifier(left)) return this.#assigned(left, env);
    if (splitting.has_split(left)) refuse(left, "a call in the place that is assigned; call first and keep the result in a variable");
    if (ts.isPropertyAccessExpression(left) && meaning.fields_of(meaning.type_of(left.expression)) !== undefined) {
      if (this.is_stable(left.expression, env)) return renderer.render(left, env);
      const object = emitter.keep(renderer.render(left.expression, env), left.expression, env);
      return code`${object}.${left.name.text}`;
    }
    return renderer.render(left, env);
  }

  #assigned(left: ts.Identifier, env: Environment): Code {
    const { meaning, emitter, renderer } = this.context;
    const binding = env.get(meaning.symbol_of(left));
    return binding instanceof Variable ? emitter.target(binding) : renderer.render(left, env);
  }

  /** `place op= value` in guest memory: a load, and a store. */
  #update(node: ts.BinaryExpression | ts.PrefixUnaryExpression | ts.PostfixUnaryExpression, env: Environment): Code {
    const { renderer, emitter } = this.context;
    const is_step = is_step_operator(node);
    const left = (is_step ? node.operand : (node as ts.BinaryExpression).left) as ts.PropertyAccessExpression;
    let object = renderer.render(left.expression, env);
    if (!this.is_stable(left.expression, env)) object = emitter.keep(this.value(left.expression, env), left.expression, env);
    const place = code`${object}.${left.name.text}`;
    const before = emitter.keep(place, left, env);
    emitter.flush();
    if (is_step) {
      const operator = node.operator === SyntaxKind.PlusPlusToken ? "+" : "-";
      emitter.emit(code`${place} = ${before} ${operator} 1;`, node);
      return ts.isPostfixUnaryExpression(node) ? before : code`(${before} ${operator} 1)`;
    }
    const { operatorToken, right } = node as ts.BinaryExpression;
    const operator = operatorToken.getText(env.file).slice(0, -1);
    const value = this.value(right, env);
    emitter.emit(code`${place} = ${before} ${operator} (${value});`, node);
    return place;
  }

  /** Whether evaluating a view's expression again gives the same one: a constant, a variable that is not assigned meanwhile. */
  is_stable(node: ts.Expression, env: Environment): boolean {
    const { meaning } = this.context;
    if (ts.isIdentifier(node)) {
      const symbol = meaning.symbol_of(node);
      const binding = env.get(symbol);
      if (binding instanceof Variable) return !this.context.assignments.changes(symbol!, symbol!.valueDeclaration!);
      if (binding !== undefined && "argument" in binding) return this.is_stable(binding.argument, binding.env);
      return true;
    }
    if (ts.isPropertyAccessExpression(node)) {
      const type = meaning.type_of(node);
      // A struct within a struct, or a kernel variable, is at a fixed place.
      return this.is_stable(node.expression, env) && (meaning.fields_of(type) !== undefined || node.name.text === "value");
    }
    return false;
  }

  /** Anything whose operands are evaluated one after the other. */
  #operands(node: ts.Expression, env: Environment): Code {
    const { splitting, renderer } = this.context;
    const operands = operands_of(node);
    if (operands === undefined) refuse(node, "a call of a kernel function cannot stand here; keep its result in a variable first");
    const last = operands.findLastIndex((operand) => splitting.has_split(operand));
    const replacements = operands.flatMap((operand, i) => {
      if (i > last) return [];
      if (i === last) return [renderer.replacement(operand, env, code`(${this.value(operand, env)})`)];
      if (is_constant(operand)) return [];
      return [renderer.replacement(operand, env, this.#keep_unless_settled(operand, env, operands.slice(i + 1, last + 1)))];
    });
    const rest = operands.slice(last + 1).map((operand) => renderer.replacement(operand, env, renderer.render(operand, env)));
    const head = this.#head(node, env);
    return renderer.splice(node, env, [...head, ...replacements, ...rest].filter(({ start, end }) => start < end));
  }

  /** The value of an operand, kept in a variable of its own unless it is one that the operands behind it do not assign. */
  #keep_unless_settled(operand: ts.Expression, env: Environment, behind: readonly ts.Node[]): Code {
    const { emitter, meaning } = this.context;
    if (ts.isIdentifier(operand)) {
      const symbol = meaning.symbol_of(operand);
      const binding = env.get(symbol);
      if (binding instanceof Variable && !behind.some((node) => assigns(node, symbol!, meaning))) return emitter.use(binding);
    }
    return emitter.keep(this.value(operand, env), operand, env);
  }

  /** The names in a node that are no operands: what a plain call calls. */
  #head(node: ts.Expression, env: Environment) {
    const { renderer } = this.context;
    if (!ts.isCallExpression(node)) return [];
    return [renderer.replacement(node.expression, env, renderer.render(node.expression, env))];
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

/** The operands of an expression in order of evaluation; undefined for forms that have none. */
function operands_of(node: ts.Expression): readonly ts.Expression[] | undefined {
  if (ts.isBinaryExpression(node)) return [node.left, node.right];
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) return [node.operand];
  if (ts.isCallExpression(node)) return node.arguments;
  if (ts.isNewExpression(node)) return node.arguments ?? [];
  if (ts.isTemplateExpression(node)) return node.templateSpans.map(({ expression }) => expression);
  if (ts.isArrayLiteralExpression(node)) return node.elements;
  if (ts.isPropertyAccessExpression(node)) return [node.expression];
  if (ts.isElementAccessExpression(node)) return [node.expression, node.argumentExpression];
  if (ts.isObjectLiteralExpression(node)) {
    const values = node.properties.map((property) => (ts.isPropertyAssignment(property) ? property.initializer : undefined));
    return values.every((value) => value !== undefined) ? values : undefined;
  }
  if (
    ts.isAsExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isTypeOfExpression(node) ||
    ts.isVoidExpression(node) ||
    ts.isSpreadElement(node)
  )
    return [node.expression];
  return undefined;
}
