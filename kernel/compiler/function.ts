/** Compiles one hosted function: its steps as text, and the tables that describe them. */
import ts from "typescript-api";
import { Assignments } from "./assignments.ts";
import { Calls } from "./calls.ts";
import { Code, code, type Used } from "./code.ts";
import type { Context } from "./context.ts";
import { Emitter, type Step } from "./emitter.ts";
import { Environment } from "./environment.ts";
import { Expressions } from "./expressions.ts";
import { allocate, block_table, Recomputed, Variable } from "./frame.ts";
import type { ModuleNames } from "./imports.ts";
import { Inference } from "./inference.ts";
import { type Kind, kind_name, scalar_kind, words_of } from "./kinds.ts";
import { Macros } from "./macros.ts";
import type { Meaning } from "./meaning.ts";
import { place_of, refuse } from "./refusal.ts";
import { Renderer } from "./render.ts";
import { narrow_word } from "./scalars.ts";
import { Splitting } from "./splitting.ts";
import { Statements } from "./statements.ts";

/** The text of a function, line by line, with where each line is from. */
export interface CompiledFunction {
  readonly lines: readonly { readonly text: string; readonly node: ts.Node }[];
}

/** A function's parameters and how it returns: those of a kernel function are declared, those of a helper inferred. */
export type Convention =
  | { readonly kind: "kernel"; readonly parameters: readonly ts.Expression[]; readonly returns: ts.Expression; readonly fastcall: boolean }
  | { readonly kind: "helper"; readonly declaration: ts.FunctionDeclaration };

const FASTCALL_REGISTERS = [0, 2, 1];

export class FunctionCompiler {
  readonly #context: Context;
  readonly #parameters: [name: string, kind: string][] = [];

  constructor(
    private readonly meaning: Meaning,
    private readonly names: ModuleNames,
    taken: Iterable<string>,
  ) {
    const context = { meaning, names } as { -readonly [K in keyof Context]: Context[K] };
    context.inference = new Inference(meaning);
    context.assignments = new Assignments(meaning);
    context.splitting = new Splitting(meaning);
    context.renderer = new Renderer(meaning, names);
    context.emitter = new Emitter(taken);
    context.expressions = new Expressions(context);
    context.statements = new Statements(context);
    context.calls = new Calls(context);
    context.macros = new Macros(context);
    this.#context = context;
  }

  /**
   * @param node the function: a generator function, or a plain one, whose statements are steps all the same
   * @param file name of its source in tables for debuggers
   * @throws Refusal
   */
  compile(node: ts.FunctionLikeDeclaration, convention: Convention, file: string): CompiledFunction {
    const { emitter, statements, expressions } = this.#context;
    const env = new Environment(node.getSourceFile());
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
    return this.#text(node, file);
  }

  // ---- Parameters and results ----

  #bind_parameters(node: ts.FunctionLikeDeclaration, convention: Convention, env: Environment): void {
    const { emitter, inference, renderer, assignments } = this.#context;
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
          refuse(parameter, `a parameter of type ${type} cannot be passed on the guest stack; only numbers, booleans and views can`);
        }
        const variable = make(kind);
        variable.is_parameter = true;
        variable.offset = offset;
        offset += 4 * words_of(kind);
        return;
      }
      const declared = convention.parameters[i];
      if (declared === undefined) refuse(parameter, `\`${name.text}\` has no type in the list of parameter types`);
      const type = this.meaning.type_of(declared);
      if (this.meaning.literal_of(type, "kind") === "by_value" && ts.isCallExpression(declared)) {
        const struct = renderer.render(declared.arguments[0], env);
        const at = after_struct ? `$f.parameters[${i}]` : String(offset);
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
      if (after_struct) variable.place = `$b + $f.parameters[${i}]`;
      variable.offset = offset;
      offset += 4;
      if (assignments.changes(symbol, name)) variable.converts = true;
    });
    if (registers.length > 0) emitter.emit(registers.reduce((a, b) => a.then(b)), node);
  }

  /** The kind that a function returns; undefined for none. */
  #result_kind(convention: Convention): Kind | undefined {
    const { inference } = this.#context;
    if (convention.kind === "helper") {
      const kind = inference.result_of(convention.declaration);
      if (kind === undefined) {
        const { declaration } = convention;
        refuse(declaration.name ?? declaration, "what this function returns fits no register; return a number, a boolean or a view");
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
    const [low, high] = words_of(kind) === 2 ? [code`$k.low($r)`, code`$k.high($r)`] : calls.words(value, kind);
    if (high !== undefined) {
      emitter.emit(code`const $r = ${value}; $c.r[0] = ${low}; $c.r[2] = ${high};`, node);
      return;
    }
    if (low === undefined) return;
    emitter.emit(code`$c.r[0] = ${low};`, node);
  }

  // ---- Text ----

  #text(node: ts.FunctionLikeDeclaration, file: string): CompiledFunction {
    const { emitter, inference } = this.#context;
    const kind_of = (variable: Variable) => inference.variable(variable);
    const frame = allocate(emitter.root, kind_of);
    const steps = emitter.steps.map((step, index) => ({ text: `${this.#step(step, index)},`, node: step.node }));
    const positions = emitter.steps.flatMap((step) => {
      const { line, column } = place_of(step.node);
      return [line, column];
    });
    const start = place_of(name_of(node) ?? node);
    const last = node.getSourceFile().getLineAndCharacterOfPosition(node.getEnd() - 1);
    const table = {
      file,
      start: [start.line, start.column],
      end: [last.line + 1, last.character + 1],
      parameters: this.#parameters,
      block: block_table(emitter.root, kind_of),
    };
    const locals = emitter.local_types.map(({ text }) => text).join(", ");
    return {
      lines: [
        { text: `$k.code(($f) => ({ frame: ${frame}, locals: () => [${locals}], steps: [`, node },
        ...steps,
        { text: `], positions: [${positions}], table: ${JSON.stringify(table)} }))`, node },
      ],
    };
  }

  #step({ body, tail }: Step, index: number): string {
    const { labels } = this.#context.emitter;
    const uses = new Set([...body.uses, ...tail.uses]);
    const assigns = new Set([...body.assigns, ...tail.assigns]);
    const loaded = new Set<Used>();
    const prelude: string[] = [];
    const load = (used: Used): void => {
      if (loaded.has(used)) return;
      loaded.add(used);
      if (used instanceof Recomputed) {
        for (const inner of used.uses) load(inner);
        prelude.push(`const ${used.js} = ${used.text};`);
      } else prelude.push(`let ${used.js} = ${this.#read(used as Variable)};`);
    };
    for (const used of uses) load(used);
    for (const assigned of assigns) if (!loaded.has(assigned)) prelude.push(`let ${assigned.js};`);
    const writes = [...assigns].map((assigned) => this.#write(assigned as Variable));
    const text = [...prelude, body.text, ...writes, tail.text].filter((part) => part !== "").join(" ");
    return `($c, $b) => { ${labels.resolve(text, index)} }`;
  }

  #at(variable: Variable): string {
    if (variable.place !== undefined) return variable.place;
    return variable.offset < 0 ? `$b - ${-variable.offset}` : `$b + ${variable.offset}`;
  }

  #read(variable: Variable): string {
    const kind = this.#context.inference.variable(variable);
    const at = this.#at(variable);
    const word = `$c.read32(${at})`;
    switch (kind.kind) {
      case "nothing":
        return "undefined";
      case "boolean":
        return `${word} !== 0`;
      case "view": {
        const struct = this.names.import_name(kind.struct.symbol, variable.node);
        return kind.nullable ? `$k.nullable(${struct}, ${word})` : `${struct}.at(${word})`;
      }
      case "number":
        if (kind.range === "wide") return `$k.wide(${word}, $c.read32(${at} + 4))`;
        if (variable.narrow !== undefined) return word + variable.narrow;
        return kind.range === "u32" ? `${word} >>> 0` : word;
    }
  }

  #write(variable: Variable): string {
    const kind = this.#context.inference.variable(variable);
    const at = this.#at(variable);
    const { js } = variable;
    switch (kind.kind) {
      case "nothing":
        return "";
      case "boolean":
        return `$c.write32(${at}, +${js});`;
      case "view":
        return `$c.write32(${at}, ${kind.nullable ? `$k.address(${js})` : `${js}.address`});`;
      case "number":
        if (kind.range === "wide") return `$k.store_wide($c, ${at}, ${js});`;
        if (variable.converts) return `$c.write32(${at}, ${js});`;
        return `$k.store_${kind.range === "u32" ? "u32" : "i32"}($c, ${at}, ${js});`;
    }
  }
}

function name_of(node: ts.FunctionLikeDeclaration): ts.Node | undefined {
  return node.name;
}
