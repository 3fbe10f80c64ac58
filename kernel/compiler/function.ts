/** Compiles one hosted function: its steps as text, and the tables that describe them. */
import ts from "typescript-api";
import { annotated_scalar } from "./annotations.ts";
import { Assignments } from "./assignments.ts";
import { Calls } from "./calls.ts";
import { Code, code, digest_of, type Used } from "./code.ts";
import type { Context } from "./context.ts";
import { needed_context } from "./context-tag.ts";
import { Declarations } from "./declarations.ts";
import { Emitter, type Step } from "./emitter.ts";
import { AddressOf, Environment, Recomputed, Variable } from "./environment.ts";
import { Expressions } from "./expressions.ts";
import { Fields } from "./fields.ts";
import { allocate, block_table, type Scope } from "./frame.ts";
import type { ModuleNames } from "./imports.ts";
import { Inference } from "./inference.ts";
import { type Kind, kind_name, scalar_kind, words_of } from "./kinds.ts";
import { Loops } from "./loops.ts";
import { Macros } from "./macros.ts";
import type { Meaning } from "./meaning.ts";
import type { ModuleVariables } from "./module-variables.ts";
import { Places } from "./places.ts";
import { said_of_recursion } from "./recursion.ts";
import { place_of, Refusal, refuse } from "./refusal.ts";
import { Renderer } from "./render.ts";
import { narrow_word } from "./scalars.ts";
import { Splitting } from "./splitting.ts";
import { Statements } from "./statements.ts";
import { StepTexts } from "./step-text.ts";

/** The text of a function, line by line, with where each line is from. */
export interface CompiledFunction {
  readonly lines: readonly { readonly text: string; readonly node: ts.Node }[];
}

/** A function's parameters and how it returns: those of a kernel function are declared, those of a helper inferred. */
export type Convention =
  | {
      readonly kind: "kernel";
      readonly parameters: readonly ts.Expression[];
      readonly returns: ts.Expression;
      readonly fastcall: boolean;
    }
  | { readonly kind: "helper"; readonly declaration: ts.FunctionDeclaration };

const FASTCALL_REGISTERS = [0, 2, 1];

export class FunctionCompiler {
  readonly #context: Context;
  readonly #parameters: [name: string, kind: string][] = [];

  constructor(
    private readonly meaning: Meaning,
    names: ModuleNames,
    taken: Iterable<string>,
    variables: ModuleVariables,
  ) {
    const context = { meaning, names } as { -readonly [K in keyof Context]: Context[K] };
    context.inference = new Inference(meaning);
    context.assignments = new Assignments(meaning);
    context.splitting = new Splitting(meaning);
    context.emitter = new Emitter(taken, variables);
    context.fields = new Fields(meaning, names, context.emitter, variables);
    context.renderer = new Renderer(meaning, names, context.fields);
    context.expressions = new Expressions(context);
    context.statements = new Statements(context);
    context.calls = new Calls(context);
    context.macros = new Macros(context);
    context.places = new Places(context);
    context.declarations = new Declarations(context);
    context.loops = new Loops(context);
    context.refused = [];
    this.#context = context;
  }

  /**
   * @param node the function: a generator function, or a plain one, whose statements are steps all the same
   * @param file name of its source in tables for debuggers
   * @param context its `@context`
   * @throws Refusal
   */
  compile(
    node: ts.FunctionLikeDeclaration,
    convention: Convention,
    file: string,
    context?: ts.JSDocTag,
  ): CompiledFunction {
    const { emitter, statements, expressions } = this.#context;
    const env = new Environment(node.getSourceFile());
    if (node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword))
      refuse(node, "`async` in hosted code: there is no event loop to wait in; sleep on a wait queue");
    this.#bind_parameters(node, convention, env);
    const flow = {
      return_to: emitter.end,
      result: undefined,
      break_to: undefined,
      continue_to: undefined,
      produce: undefined,
      return_value: (statement: ts.ReturnStatement) => {
        if (statement.expression === undefined) return;
        const kind = this.#result_kind(convention);
        if (kind === undefined) expressions.effect(statement.expression, env);
        else this.#return_value(statement.expression, kind, env);
      },
    };
    if (node.body === undefined) refuse(node, "a hosted function needs a body");
    if (ts.isBlock(node.body)) statements.block(node.body, env, flow);
    else {
      const kind = this.#result_kind(convention);
      if (kind === undefined) expressions.effect(node.body, env);
      else this.#return_value(node.body, kind, env);
    }
    emitter.place(emitter.end);
    emitter.root.end = emitter.steps.length;
    this.#check_kinds();
    if (this.#context.refused.length > 0) throw new Refusal(this.#context.refused);
    const needs = context && needed_context(context, node, this.meaning, env);
    return this.#text(node, file, this.#result_kind(convention), needs);
  }

  // ---- Parameters and results ----

  #bind_parameters(node: ts.FunctionLikeDeclaration, convention: Convention, env: Environment): void {
    const { emitter, inference, renderer } = this.#context;
    let offset = 8;
    let after_struct = false;
    const registers: Code[] = [];
    node.parameters.forEach((parameter, i) => {
      const { name } = parameter;
      if (!ts.isIdentifier(name) || parameter.dotDotDotToken !== undefined)
        refuse(parameter, "a parameter of a hosted function is a name; take it apart in a statement");
      const symbol = this.meaning.checker.getSymbolAtLocation(name)!;
      const make = (kind: Kind) => {
        const variable = emitter.variable(name.text, name);
        variable.kind = kind;
        variable.converts = true;
        env.set(symbol, variable);
        this.#parameters.push([name.text, kind_name(kind)]);
        return variable;
      };
      if (convention.kind === "helper") {
        const kind = inference.parameter(parameter);
        if (kind === undefined) {
          const type = this.meaning.checker.typeToString(this.meaning.type_of(parameter));
          const unnamed = this.meaning.said_of_view(this.meaning.type_of(parameter));
          if (unnamed !== undefined) refuse(parameter, `\`${name.text}\` ${unnamed}`);
          refuse(
            parameter,
            `a parameter of type ${type} cannot be passed on the guest stack; only numbers, booleans and views can`,
          );
        }
        const variable = make(kind);
        variable.is_parameter = true;
        variable.narrow = narrow_word[annotated_scalar(parameter.type) ?? ""];
        variable.offset = offset;
        offset += 4 * words_of(kind);
        return;
      }
      const declared = convention.parameters[i];
      if (declared === undefined) refuse(parameter, `\`${name.text}\` has no type in the list of parameter types`);
      const type = this.meaning.type_of(declared);
      if (this.meaning.literal_of(type, "kind") === "by_value" && ts.isCallExpression(declared)) {
        const struct = renderer.render(declared.arguments[0], env);
        const at = after_struct ? `${emitter.layout}.parameters[${i}]` : String(offset);
        env.set(symbol, emitter.recomputed(name.text, code`${struct}.at($b + ${at})`));
        this.#parameters.push([name.text, "by_value"]);
        after_struct = true;
        return;
      }
      const scalar = this.meaning.scalar_name(type);
      const variable = make(scalar === undefined ? { kind: "number", range: "u32" } : scalar_kind(scalar));
      variable.narrow = scalar === undefined ? undefined : narrow_word[scalar];
      if (convention.fastcall && registers.length < FASTCALL_REGISTERS.length) {
        registers.push(code`${emitter.target(variable)} = $c.r[${FASTCALL_REGISTERS[registers.length]}];`);
        return;
      }
      variable.is_parameter = true;
      if (after_struct) variable.place = `$b + ${emitter.layout}.parameters[${i}]`;
      variable.offset = offset;
      offset += 4;
    });
    if (registers.length > 0)
      emitter.emit(
        registers.reduce((a, b) => a.followed_by(b)),
        node,
      );
  }

  /** The kind that a function returns; undefined for none. */
  #result_kind(convention: Convention): Kind | undefined {
    const { inference } = this.#context;
    if (convention.kind === "helper") {
      const kind = inference.result_of(convention.declaration);
      if (kind === undefined) {
        const { declaration } = convention;
        const recursion = declaration.name && said_of_recursion(declaration.name, this.#context.meaning);
        refuse(
          declaration.name ?? declaration,
          recursion ?? "what this function returns fits no register; return a number, a boolean or a view",
        );
      }
      return kind.kind === "nothing" ? undefined : kind;
    }
    const type = this.meaning.type_of(convention.returns);
    if (type.flags & ts.TypeFlags.Undefined) return undefined;
    return scalar_kind(this.meaning.scalar_name(type) ?? "u32");
  }

  #return_value(node: ts.Expression, kind: Kind, env: Environment): void {
    const { emitter, expressions, calls } = this.#context;
    const value = expressions.value(node, env);
    const [low, high] = calls.words(words_of(kind) === 2 ? new Code("$r") : value, kind);
    if (high !== undefined) {
      emitter.emit(code`const $r = ${value}; $c.r[0] = ${low}; $c.r[2] = ${high};`, node);
      return;
    }
    if (low === undefined) return;
    emitter.emit(code`$c.r[0] = ${low};`, node);
  }

  /** Notes the variables that no slot could hold. */
  #check_kinds(): void {
    const { emitter, inference, refused } = this.#context;
    this.#elide();
    const look = (scope: Scope): void => {
      for (const variable of scope.variables) {
        if (variable.is_elided) continue;
        try {
          inference.variable(variable);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          refused.push(...error.places);
        }
      }
      scope.children.forEach(look);
    };
    look(emitter.root);
  }

  // ---- Text ----

  #text(
    node: ts.FunctionLikeDeclaration,
    file: string,
    result: Kind | undefined,
    context: object | undefined,
  ): CompiledFunction {
    const { emitter, inference } = this.#context;
    const kind_of = (variable: Variable) => inference.variable(variable);
    const frame = allocate(emitter.root, kind_of);
    // Only when the kernel is linked is it known how large a struct in the frame is.
    const has_structs = emitter.local_types.length > 0;
    const texts = new StepTexts(this.#context, has_structs ? `${emitter.layout}.frame` : String(frame));
    const steps = emitter.steps.map((step, index) => ({ text: texts.of(step, index), node: step.node }));
    const positions = emitter.steps.flatMap((step) => {
      const { line, column } = place_of(step.node);
      return [line, column];
    });
    const optional_calls = emitter.steps.flatMap(({ configured_by }, index) =>
      configured_by === undefined ? [] : [[index, configured_by] as const],
    );
    const start = place_of(node.name ?? node);
    const last = node.getSourceFile().getLineAndCharacterOfPosition(node.getEnd() - 1);
    const table = {
      file,
      start: [start.line, start.column],
      end: [last.line + 1, last.character + 1],
      positions,
      parameters: this.#parameters,
      returns: result === undefined ? "" : kind_name(result),
      block: block_table(emitter.root, kind_of),
      context,
      optional_calls: optional_calls.length > 0 ? optional_calls : undefined,
    };
    const head = `${emitter.sets_layout}$k.code(($c, $b, $g, $s) => { $l: for (;;) switch ($s) {`;
    const structs = emitter.local_types.map(({ text }) => text).join(", ");
    const tail = `default: return; } }, ${frame}, ${has_structs ? `() => [${structs}]` : "undefined"}, () => (${JSON.stringify(table)})`;
    const digest = digest_of([head, ...this.#context.fields.offsets, ...steps.map(({ text }) => text), tail]);
    return { lines: [{ text: head, node }, ...steps, { text: `${tail}, ${steps.length}, ${digest})`, node }] };
  }

  /** Takes temporaries that only one step knows out of the frame. */
  #elide(): void {
    const { steps, written_aside } = this.#context.emitter;
    const steps_of = new Map<Used, Set<Step>>();
    const note = (used: Used, step: Step): void => {
      const known = steps_of.get(used);
      if (known === undefined) steps_of.set(used, new Set([step]));
      else known.add(step);
      if (used instanceof Recomputed) for (const inner of used.uses) note(inner, step);
      if (used instanceof AddressOf) note(used.variable, step);
    };
    for (const step of steps)
      for (const part of [step.body, step.tail]) for (const used of [...part.uses, ...part.assigns]) note(used, step);
    for (const [used, { size }] of steps_of)
      if (used instanceof Variable && used.is_temporary && size === 1 && !written_aside.has(used))
        used.is_elided = true;
  }
}
