/** Assignments that are more than one step: with calls in them, or of guest memory that is read first. */
import ts from "typescript-api";
import { Code, code } from "./code.ts";
import type { Context, PlaceSteps } from "./context.ts";
import type { Environment } from "./environment.ts";
import { Variable } from "./environment.ts";
import type { GuestPlace } from "./fields.ts";
import { refuse } from "./refusal.ts";
import { is_step_operator } from "./splitting.ts";
import { is_wrapper } from "./syntax.ts";

const { SyntaxKind } = ts;
/** What a place of `place OP= value` is tested for, to see whether it is assigned. */
const logical_operators: ReadonlyMap<ts.SyntaxKind, (value: Code) => Code> = new Map([
  [SyntaxKind.AmpersandAmpersandEqualsToken, (value) => value],
  [SyntaxKind.BarBarEqualsToken, (value) => code`!${value}`],
  [SyntaxKind.QuestionQuestionEqualsToken, (value) => code`${value} == null`],
]);

/** How `branch_keeping` calls the value. */
const NEW_VALUE = new Code("$n");

/** Something that is assigned. */
interface Place extends GuestPlace {
  /** What may stand on the left of `=`. */
  readonly target: Code;
}

function by_text(target: Code): Place {
  return { target, read: target, write: (value) => code`${target} = ${value}` };
}

export class Places implements PlaceSteps {
  constructor(private readonly context: Context) {}

  assignment(node: ts.BinaryExpression, env: Environment): Code {
    const { expressions } = this.context;
    const { left, right, operatorToken } = node;
    if (operatorToken.kind === SyntaxKind.EqualsToken) {
      const place = this.#place(left, env);
      const value = expressions.value(right, env);
      return ts.isExpressionStatement(node.parent) ? place.write(value) : code`${place.target} = ${value}`;
    }
    const test = logical_operators.get(operatorToken.kind);
    if (test !== undefined) return this.#logical(left, right, test, env, node);
    if (!ts.isIdentifier(left))
      refuse(left, "a call in the value that changes this place; call first and keep the result in a variable");
    const operator = operatorToken.getText(env.file).slice(0, -1);
    const before = expressions.keep_unless_settled(left, env, [right]);
    const value = expressions.value(right, env);
    return code`${this.#assigned(left, env)} = ${before} ${operator} (${value})`;
  }

  update(node: ts.Expression, env: Environment, wants_result: boolean): Code {
    const { emitter, expressions } = this.context;
    const is_step = is_step_operator(node);
    const left = (is_step ? node.operand : (node as ts.BinaryExpression).left) as ts.PropertyAccessExpression;
    const test = is_step ? undefined : logical_operators.get((node as ts.BinaryExpression).operatorToken.kind);
    if (test !== undefined) return this.#logical(left, (node as ts.BinaryExpression).right, test, env, node);
    const place = this.#guest_place(left, env);
    const before = emitter.keep(place.read, left, env);
    emitter.flush();
    if (is_step) {
      const operator = node.operator === SyntaxKind.PlusPlusToken ? "+" : "-";
      emitter.emit(code`${place.write(code`${before} ${operator} 1`)};`, node);
      return ts.isPostfixUnaryExpression(node) ? before : code`(${before} ${operator} 1)`;
    }
    const { operatorToken, right } = node as ts.BinaryExpression;
    const operator = operatorToken.getText(env.file).slice(0, -1);
    const value = expressions.value(right, env);
    if (!wants_result) {
      emitter.emit(code`${place.write(code`${before} ${operator} (${value})`)};`, node);
      return before;
    }
    const after = emitter.store(
      emitter.temporary(node, { expression: node, env }),
      code`${before} ${operator} (${value})`,
      node,
    );
    emitter.emit(code`${place.write(after)};`, node);
    return after;
  }

  /** `place ||= value`: assigned only if the test of its value says so. */
  #logical(
    left: ts.Expression,
    right: ts.Expression,
    test: (value: Code) => Code,
    env: Environment,
    node: ts.Expression,
  ): Code {
    const { emitter, expressions, meaning, renderer } = this.context;
    const end = emitter.label();
    const is_guest = meaning.is_guest_place(left);
    const place = is_guest ? this.#guest_place(left, env) : this.#place(left, env);
    const kept = emitter.temporary(node, { expression: node, env });
    const value = is_guest ? place.read : renderer.render(left, env);
    emitter.branch_keeping(kept, value, `!(${test(NEW_VALUE).text})`, end, left);
    emitter.store(kept, expressions.value(right, env), right);
    emitter.emit(code`${place.write(emitter.use(kept))};`, node);
    emitter.place(end);
    return emitter.use(kept);
  }

  /** A place in guest memory that stays the same while calls are made: what it depends on is kept. */
  #guest_place(left: ts.PropertyAccessExpression, env: Environment): Place {
    const { renderer, emitter, expressions, fields } = this.context;
    const { expression, name } = left;
    if (this.is_stable(expression, env)) {
      const target = code`${renderer.render(expression, env)}.${name.text}`;
      return { ...by_text(target), ...renderer.place(left, env) };
    }
    const kept = emitter.temporary(expression, { expression, env });
    const view = emitter.store(kept, expressions.value(expression, env), expression);
    return { ...by_text(code`${view}.${name.text}`), ...fields.field_of(kept, expression, name.text) };
  }

  /** A place to be assigned after a call. */
  #place(left: ts.Expression, env: Environment): Place {
    const { renderer, splitting, meaning } = this.context;
    if (ts.isIdentifier(left)) return by_text(this.#assigned(left, env));
    if (meaning.is_guest_place(left)) return this.#guest_place(left, env);
    if (splitting.has_split(left))
      refuse(left, "a call in the place that is assigned; call first and keep the result in a variable");
    return by_text(renderer.render(left, env));
  }

  #assigned(left: ts.Identifier, env: Environment): Code {
    const { meaning, emitter, renderer } = this.context;
    const binding = env.get(meaning.symbol_of(left));
    return binding instanceof Variable ? emitter.target(binding) : renderer.render(left, env);
  }

  is_stable(node: ts.Expression, env: Environment): boolean {
    const { meaning } = this.context;
    if (is_wrapper(node)) return this.is_stable(node.expression, env);
    if (meaning.is_ambient(node)) return true;
    if (ts.isIdentifier(node)) {
      const symbol = meaning.symbol_of(node);
      const binding = env.get(symbol);
      if (binding instanceof Variable) return !this.context.assignments.changes(symbol!, symbol!.valueDeclaration!);
      if (binding !== undefined && "argument" in binding) return this.is_stable(binding.argument, binding.env);
      return true;
    }
    if (!ts.isPropertyAccessExpression(node) || !this.is_stable(node.expression, env)) return false;
    // A struct within a struct is at a fixed place, and so is a kernel variable; what is in them is not.
    return (
      node.name.text === "address" ||
      meaning.fields_of(meaning.type_of(node)) !== undefined ||
      meaning.element_type(node) !== undefined
    );
  }
}
