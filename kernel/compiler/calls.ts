/** Calls on the guest stack: arguments pushed, the next step as return address, the result in EAX (and EDX). */
import ts from "typescript-api";
import { annotated_result, annotated_scalar } from "./annotations.ts";
import { Code, code, list } from "./code.ts";
import type { CallSteps, Context } from "./context.ts";
import type { Environment } from "./environment.ts";
import { said_of_namespace } from "./imports.ts";
import { type Kind, NOTHING, words_of } from "./kinds.ts";
import { said_of_recursion } from "./recursion.ts";
import { place_of, refuse } from "./refusal.ts";
import { narrow_word } from "./scalars.ts";
import { bare } from "./syntax.ts";

interface Callee {
  /** Text of its address. */
  readonly address: Code;
  /** Text of the object that tells how arguments are passed; none for plain cdecl. */
  readonly convention: Code | undefined;
  readonly arguments: readonly Code[];
  readonly result: Kind;
  /** How EAX is narrowed to the result. */
  readonly from_register: string | undefined;
}

export class Calls implements CallSteps {
  constructor(private readonly context: Context) {}

  call(node: ts.YieldExpression, env: Environment, wants_result: boolean): Code {
    const { emitter, macros, meaning } = this.context;
    const call = node.expression && bare(node.expression);
    if (call === undefined || !ts.isCallExpression(call))
      refuse(node, "`yield*` takes a call of a kernel function, or of a `function*` that steps");
    const expanded = macros.call(call, env, wants_result);
    if (expanded !== undefined) return expanded;
    const callee = this.#callee(call, env);
    const words = callee.arguments.length;
    const args = list(callee.arguments);
    const fastcall = callee.convention === undefined ? new Code("false") : code`${callee.convention}.fastcall`;
    const assigned = callee.arguments.some(({ assigns }) => assigns.size > 0);
    // A call that may be left out is a step of its own.
    const configured_by = meaning.configured_by(call.expression);
    if (configured_by !== undefined) emitter.flush();
    // Arguments that assign are evaluated before the variables are written back.
    const body = assigned ? code`const $a = [${args}];` : Code.EMPTY;
    const given = assigned ? code`...$a` : args;
    emitter.call(
      body,
      words <= 3 && !assigned
        ? code`$k.call${words}($c, $g, ${fastcall}, ${callee.address}${words > 0 ? ", " : ""}${given});`
        : code`$k.call_with($c, $g, ${fastcall}, ${callee.address}, ${given});`,
      call,
      configured_by,
    );
    emitter.before_next(new Code(`$k.returned($c, $b - ${emitter.marks.frame}, ${4 * words});`), call);
    return this.#result(callee, call);
  }

  words(value: Code, kind: Kind): Code[] {
    switch (kind.kind) {
      case "nothing":
        return [];
      case "boolean":
        return [code`+(${value})`];
      case "view":
        return [kind.nullable ? code`$k.address(${value})` : code`(${value}).address`];
      case "number":
        return words_of(kind) === 1 ? [value] : [code`$k.low(${value})`, code`$k.high(${value})`];
    }
  }

  from_registers(kind: Kind, node: ts.Node): Code {
    const { names } = this.context;
    switch (kind.kind) {
      case "nothing":
        return new Code("undefined");
      case "boolean":
        return new Code("($c.r[0] !== 0)");
      case "view": {
        const struct = names.import_name(kind.struct.symbol, node);
        return new Code(kind.nullable ? `$k.nullable(${struct}, $c.r[0])` : `${struct}.at($c.r[0])`);
      }
      case "number":
        if (kind.range === "wide") return new Code("$k.wide($c.r[0], $c.r[2])");
        return new Code(kind.range === "u32" ? "($c.r[0] >>> 0)" : "$c.r[0]");
    }
  }

  #result({ result, from_register }: Callee, node: ts.Node): Code {
    if (from_register !== undefined) return new Code(`(${from_register})`);
    return this.from_registers(result, node);
  }

  #callee(call: ts.CallExpression, env: Environment): Callee {
    const { meaning, renderer, inference } = this.context;
    const { expression } = call;
    if (meaning.host_function(expression) === "call_pointer") {
      const [address, returns, ...values] = call.arguments;
      const args = this.#values(call, [address, ...values], env);
      return {
        address: args[0],
        convention: undefined,
        arguments: args.slice(1),
        ...this.#scalar_result(meaning.type_of(returns), call, code`${renderer.render(returns, env)}`),
      };
    }
    const kernel = meaning.kernel_function_result(expression);
    if (kernel !== undefined) {
      const callee = renderer.render(expression, env);
      return {
        address: code`${callee}.address`,
        convention: callee,
        arguments: this.#values(call, call.arguments, env),
        ...this.#scalar_result(kernel.result, call, code`${callee}.returns`),
      };
    }
    const helper = meaning.generator_of(expression);
    const recursion = said_of_recursion(expression, meaning);
    if (recursion !== undefined) refuse(expression, recursion);
    if (helper === undefined)
      refuse(
        expression,
        said_of_namespace(expression, meaning) ??
          "`yield*` calls kernel functions, assembly functions, and `function*`s at module level; this is none of them",
      );
    if (meaning.yields(helper) === "values")
      refuse(
        expression,
        `${expression.getText()} yields values: iterate over it with \`for (const x of ${expression.getText()}(…))\``,
      );
    const callee = renderer.render(expression, env);
    const result = inference.result_of(helper);
    if (result === undefined)
      refuse(
        call,
        `${expression.getText()} returns something that fits no register; return a number, a boolean or a view`,
      );
    return {
      address: code`${callee}.address`,
      convention: undefined,
      arguments: this.#helper_arguments(call, helper, callee, env),
      result,
      from_register: narrowed(annotated_scalar(annotated_result(helper.type))),
    };
  }

  #scalar_result(
    type: ts.Type | undefined,
    call: ts.CallExpression,
    returns: Code,
  ): Pick<Callee, "result" | "from_register"> {
    const { meaning, inference } = this.context;
    const name = meaning.scalar_name(type);
    if (name !== undefined) return { result: inference.call_result(call)!, from_register: narrowed(name) };
    const is_nothing = type === undefined || (type.flags & ts.TypeFlags.Undefined) !== 0;
    if (is_nothing) return { result: NOTHING, from_register: undefined };
    // Its declaration hides the type (`KernelFunction<[number], number>`): ask when it runs.
    return { result: { kind: "number", range: "wide" }, from_register: `${returns.text}.from_register($c.r[0])` };
  }

  /** Values of arguments in order, those before a call kept. */
  #values(call: ts.CallExpression, args: readonly ts.Expression[], env: Environment): Code[] {
    const { splitting, expressions, emitter, meaning } = this.context;
    for (const argument of args) {
      if (ts.isSpreadElement(argument)) refuse(argument, "`...` in a call on the guest stack; write the arguments out");
    }
    const last = args.findLastIndex((argument) => splitting.has_split(argument));
    return args.map((argument, i) => {
      const value = expressions.value(argument, env);
      const type = meaning.type_of(argument);
      if (meaning.struct_of(type) !== undefined)
        refuse(argument, `${call.expression.getText()} takes a number here; pass \`.address\``);
      if (i >= last || ts.isLiteralExpression(argument) || this.context.places.is_stable(argument, env)) return value;
      return emitter.keep(value, argument, env);
    });
  }

  #helper_arguments(call: ts.CallExpression, helper: ts.FunctionDeclaration, callee: Code, env: Environment): Code[] {
    const { splitting, expressions, emitter, inference } = this.context;
    const last = call.arguments.findLastIndex((argument) => splitting.has_split(argument));
    return helper.parameters.flatMap((parameter, i) => {
      const kind = inference.parameter(parameter);
      const name = parameter.name.getText();
      if (kind === undefined) {
        const { file, line } = place_of(parameter);
        refuse(
          call,
          `parameter \`${name}\` (${file}:${line}) cannot be passed on the guest stack; it takes numbers, booleans and views`,
        );
      }
      const argument = call.arguments[i];
      if (argument === undefined) return this.words(code`${callee}.defaults[${i}]`, kind);
      const value = expressions.value(argument, env);
      const is_wide = words_of(kind) === 2 && !ts.isIdentifier(argument) && !ts.isLiteralExpression(argument);
      const is_settled = i >= last || ts.isLiteralExpression(argument) || this.context.places.is_stable(argument, env);
      return this.words(is_settled && !is_wide ? value : emitter.keep(value, argument, env), kind);
    });
  }
}

/** Text of a result of a type that is smaller than a register. */
function narrowed(name: string | undefined): string | undefined {
  const narrow = narrow_word[name ?? ""];
  return narrow === undefined ? undefined : `$c.r[0]${narrow}`;
}
