/** Turns declarations of variables into steps. */
import ts from "typescript-api";
import { annotated_kind, annotated_scalar } from "./annotations.ts";
import { Code, code, list } from "./code.ts";
import type { Context, DeclarationSteps } from "./context.ts";
import type { Environment } from "./environment.ts";
import { Variable } from "./environment.ts";
import { NOTHING, WIDE } from "./kinds.ts";
import { refuse } from "./refusal.ts";
import { narrow_word } from "./scalars.ts";

const PLAIN_PATTERN = "only plain names in this pattern; read the rest in statements of their own";

export class Declarations implements DeclarationSteps {
  constructor(private readonly context: Context) {}

  all(declarations: ts.VariableDeclarationList, env: Environment): void {
    if (
      !(declarations.flags & (ts.NodeFlags.Let | ts.NodeFlags.Const)) ||
      (declarations.flags & ts.NodeFlags.Using) === ts.NodeFlags.Using
    )
      refuse(declarations, "variables of hosted code are declared with `let` or `const`");
    for (const declaration of declarations.declarations) this.#declaration(declaration, env);
  }

  #declaration(node: ts.VariableDeclaration, env: Environment): void {
    const { meaning, emitter, expressions, renderer } = this.context;
    const { name, initializer } = node;
    if (!ts.isIdentifier(name)) {
      emitter.emit(this.#destructure(name, expressions.value(initializer!, env), env), node);
      return;
    }
    const symbol = meaning.checker.getSymbolAtLocation(name)!;
    if (
      initializer !== undefined &&
      ts.isCallExpression(initializer) &&
      meaning.host_function(initializer.expression) === "local"
    ) {
      this.#refuse_changes(name, symbol, "a local in the frame");
      env.set(symbol, emitter.local(name.text, renderer.render(initializer.arguments[0], env)));
      return;
    }
    if (initializer !== undefined && meaning.is_ambient(initializer)) {
      this.#refuse_changes(name, symbol, initializer.getText());
      env.set(symbol, emitter.recomputed(name.text, renderer.render(initializer, env)));
      return;
    }
    const variable = this.#declare(name, env, initializer, node.type);
    if (initializer !== undefined) {
      const value = expressions.value(initializer, env);
      emitter.emit(code`${emitter.target(variable)} = ${value};`, node);
    } else if (meaning.may_be_undefined(name)) {
      // It may be asked for before anything is assigned; the slot holds what was there before.
      variable.sources.push({ kind: NOTHING });
      emitter.emit(code`${emitter.target(variable)} = undefined;`, node);
    }
  }

  #refuse_changes(name: ts.Identifier, symbol: ts.Symbol, what: string): void {
    if (this.context.assignments.changes(symbol, name))
      refuse(name, `${what} cannot be assigned to later; declare \`${name.text}\` with \`const\``);
  }

  /** Makes the variable of a name. */
  #declare(
    name: ts.Identifier,
    env: Environment,
    initializer: ts.Expression | undefined,
    type?: ts.TypeNode,
  ): Variable {
    const { meaning, emitter, assignments } = this.context;
    const symbol = meaning.checker.getSymbolAtLocation(name)!;
    const variable = emitter.variable(visible_name(name, env), name);
    annotate(variable, type);
    if (initializer !== undefined) variable.sources.push({ expression: initializer, env });
    variable.sources.push(...assignments.of(symbol, name, env));
    env.set(symbol, variable);
    return variable;
  }

  produced(name: ts.BindingName, value: ts.Expression, inner: Environment, env: Environment): void {
    const { emitter, expressions, meaning, assignments, places } = this.context;
    if (!ts.isIdentifier(name)) {
      emitter.emit(this.#destructure(name, expressions.value(value, inner), env), name);
      return;
    }
    const symbol = meaning.checker.getSymbolAtLocation(name)!;
    const yielded = ts.isIdentifier(value) ? inner.get(meaning.symbol_of(value)) : undefined;
    if (yielded instanceof Variable && places.is_stable(value, inner) && !assignments.changes(symbol, name)) {
      yielded.name ??= visible_name(name, env);
      env.set(symbol, yielded);
      return;
    }
    const variable = emitter.variable(visible_name(name, env), name, { expression: value, env: inner });
    variable.sources.push(...assignments.of(symbol, name, env));
    env.set(symbol, variable);
    emitter.emit(code`${emitter.target(variable)} = ${expressions.value(value, inner)};`, name);
  }

  element(name: ts.BindingName, value: Code, env: Environment): void {
    const { emitter, meaning, assignments, inference } = this.context;
    if (ts.isIdentifier(name)) {
      const symbol = meaning.checker.getSymbolAtLocation(name)!;
      if (!assignments.changes(symbol, name)) {
        env.set(symbol, emitter.recomputed(name.text, value));
        return;
      }
      const kind = inference.declared(name);
      if (kind === undefined)
        refuse(
          name,
          `\`${name.text}\` cannot be changed: its value cannot live across statements; use another variable`,
        );
      const variable = emitter.variable(visible_name(name, env), name, { kind }, ...assignments.of(symbol, name, env));
      env.set(symbol, variable);
      emitter.emit(code`${emitter.target(variable)} = ${value};`, name);
      return;
    }
    name.elements.forEach((inner, i) => {
      if (!ts.isBindingElement(inner)) return;
      if (inner.dotDotDotToken !== undefined || inner.initializer !== undefined) refuse(inner, PLAIN_PATTERN);
      const property = (inner.propertyName ?? inner.name).getText(env.file);
      const is_index = ts.isArrayBindingPattern(name);
      this.element(inner.name, is_index ? code`${value}[${i}]` : code`${value}${member(property)}`, env);
    });
  }

  /** Text that assigns the names of a pattern. */
  #destructure(pattern: ts.BindingPattern, value: Code, env: Environment): Code {
    const { emitter, meaning } = this.context;
    const targets = pattern.elements.map((element) => {
      if (!ts.isBindingElement(element)) return Code.EMPTY;
      if (!ts.isIdentifier(element.name) || element.dotDotDotToken !== undefined || element.initializer !== undefined)
        refuse(element, PLAIN_PATTERN);
      const { name } = element;
      const symbol = meaning.checker.getSymbolAtLocation(name)!;
      const kind = this.context.inference.binding(element);
      if (kind === undefined)
        refuse(
          name,
          `\`${name.text}\` is of type ${meaning.checker.typeToString(meaning.type_of(name))} and cannot live across statements; read it where it is used`,
        );
      const variable = emitter.variable(visible_name(name, env), name, { kind });
      variable.sources.push(...this.context.assignments.of(symbol, name, env));
      env.set(symbol, variable);
      const target = emitter.target(variable);
      if (ts.isArrayBindingPattern(pattern)) return target;
      const property = element.propertyName?.getText(env.file) ?? name.text;
      return code`${property}: ${target}`;
    });
    return ts.isArrayBindingPattern(pattern)
      ? code`[${list(targets)}] = ${value};`
      : code`({ ${list(targets)} } = ${value});`;
  }
}

/** Gives a variable the type of its annotation: values are converted to it, as C does, but for `number`, the widest. */
export function annotate(variable: Variable, type: ts.TypeNode | undefined): void {
  if (type?.kind === ts.SyntaxKind.NumberKeyword) variable.kind = WIDE;
  const kind = annotated_kind(type);
  if (kind === undefined) return;
  variable.kind = kind;
  variable.converts = true;
  variable.narrow = narrow_word[annotated_scalar(type) ?? ""];
}

/** The name that debuggers show: a macro's own variables have none. */
function visible_name(name: ts.Identifier, env: Environment): string | undefined {
  return env.expanding.length === 0 ? name.text : undefined;
}

/** Text behind an object that takes a property whose name is written as `text`. */
function member(text: string): string {
  return /^[A-Za-z_$]/.test(text) ? `.${text}` : `[${text}]`;
}
