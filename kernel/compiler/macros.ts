/** Expands generator functions where they are used: those that take functions, and those that are iterated over. */
import ts from "typescript-api";
import { Code } from "./code.ts";
import type { Context, MacroSteps } from "./context.ts";
import { annotate } from "./declarations.ts";
import type { Variable } from "./environment.ts";
import { Environment } from "./environment.ts";
import type { Flow } from "./flow.ts";
import { place_of, refuse } from "./refusal.ts";

const DEEPEST = 16;

export class Macros implements MacroSteps {
  constructor(private readonly context: Context) {}

  call(call: ts.CallExpression, env: Environment, wants_result: boolean): Code | undefined {
    const { meaning, emitter, statements } = this.context;
    const callback = this.#callback(call, env);
    const definition = callback?.callback ?? meaning.generator_of(call.expression);
    if (definition === undefined) return undefined;
    if (callback === undefined && !meaning.is_macro(definition as ts.FunctionDeclaration)) return undefined;
    if (definition.body === undefined)
      refuse(
        call,
        `${call.expression.getText()} is expanded where it is used, but only its type is known here, not its text`,
      );
    const inner = this.#environment(call, definition, env, callback?.env);
    this.#bind(call, definition, env, inner);
    const result = wants_result ? this.#result(call, definition) : undefined;
    const end = emitter.label();
    const outside = emitter.use_site;
    emitter.use_site = outside ?? call;
    const flow: Flow = { return_to: end, result, break_to: undefined, continue_to: undefined, produce: undefined };
    if (ts.isBlock(definition.body)) emitter.in_scope(() => statements.block(definition.body as ts.Block, inner, flow));
    else if (result !== undefined) {
      result.sources.push({ expression: definition.body, env: inner });
      emitter.store(result, this.context.expressions.value(definition.body, inner), call);
    } else this.context.expressions.effect(definition.body, inner);
    emitter.place(end);
    emitter.use_site = outside;
    return result === undefined ? new Code("undefined") : emitter.use(result);
  }

  /** Where the result goes: of the kind that the definition says, or of that of what is returned. */
  #result(call: ts.CallExpression, definition: ts.SignatureDeclaration): Variable {
    const { inference, emitter } = this.context;
    const result = emitter.temporary(call);
    if (ts.isFunctionDeclaration(definition)) result.kind = inference.result_of(definition);
    return result;
  }

  iterate(
    call: ts.CallExpression,
    env: Environment,
    flow: Flow,
    produce: (value: ts.Expression, inner: Environment) => void,
  ): boolean {
    const { meaning, emitter, statements } = this.context;
    const definition = meaning.generator_of(call.expression);
    if (definition === undefined || meaning.yields(definition) !== "values") return false;
    if (definition.body === undefined)
      refuse(
        call,
        `${call.expression.getText()} is expanded where it is used, but only its type is known here, not its text`,
      );
    const inner = this.#environment(call, definition, env, undefined);
    const end = emitter.label();
    const outside = emitter.use_site;
    emitter.use_site = outside ?? call;
    emitter.in_scope(() => {
      this.#bind(call, definition, env, inner);
      statements.block(definition.body!, inner, {
        ...flow,
        return_to: end,
        result: undefined,
        break_to: undefined,
        continue_to: undefined,
        return_value: undefined,
        labels: undefined,
        produce,
      });
    });
    emitter.place(end);
    emitter.use_site = outside;
    return true;
  }

  #callback(call: ts.CallExpression, env: Environment) {
    const binding = ts.isIdentifier(call.expression)
      ? env.get(this.context.meaning.symbol_of(call.expression))
      : undefined;
    return binding !== undefined && "callback" in binding ? binding : undefined;
  }

  #environment(
    call: ts.CallExpression,
    definition: ts.Node,
    env: Environment,
    lexical: Environment | undefined,
  ): Environment {
    // What a macro got is expanded where it was written, not where it is called: it may use the macro again.
    const { expanding } = lexical ?? env;
    if (expanding.includes(definition) || expanding.length >= DEEPEST) {
      const { file, line } = place_of(definition);
      refuse(call, `the expansion of ${call.expression.getText()} (${file}:${line}) has no end: it uses itself`);
    }
    const inner = new Environment(definition.getSourceFile(), [...expanding, definition]);
    if (lexical !== undefined) inner.inherit(lexical);
    return inner;
  }

  /** Binds parameters: functions and texts as they stand, everything else evaluated once. */
  #bind(call: ts.CallExpression, definition: ts.SignatureDeclaration, env: Environment, inner: Environment): void {
    const { meaning, emitter, expressions, assignments } = this.context;
    definition.parameters.forEach((parameter, i) => {
      if (!ts.isIdentifier(parameter.name)) refuse(parameter, "a parameter of hosted code is a name");
      const symbol = meaning.checker.getSymbolAtLocation(parameter.name)!;
      const argument = call.arguments[i] ?? parameter.initializer;
      if (argument === undefined)
        refuse(call, `${call.expression.getText()} needs an argument for \`${parameter.name.text}\``);
      const from = call.arguments[i] === undefined ? inner : env;
      if (ts.isArrowFunction(argument) || ts.isFunctionExpression(argument)) {
        inner.set(symbol, { callback: argument, env: from });
        return;
      }
      const passed = ts.isIdentifier(argument) ? from.get(meaning.symbol_of(argument)) : undefined;
      if (passed !== undefined && "callback" in passed) {
        inner.set(symbol, passed);
        return;
      }
      const is_assigned = assignments.changes(symbol, parameter);
      const is_text = (meaning.type_of(parameter).flags & ts.TypeFlags.StringLike) !== 0;
      const stands =
        !this.context.splitting.has_split(argument) &&
        (is_text || ts.isLiteralExpression(argument) || this.context.places.is_stable(argument, from));
      if (stands && !is_assigned) {
        inner.set(symbol, { argument, env: from });
        return;
      }
      const variable = emitter.variable(undefined, parameter.name, { expression: argument, env: from });
      annotate(variable, parameter.type);
      emitter.store(variable, expressions.value(argument, from), argument);
      emitter.flush();
      inner.set(symbol, variable);
      variable.sources.push(...assignments.of(symbol, parameter, inner));
    });
  }
}
