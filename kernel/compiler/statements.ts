/** Turns statements into steps. */
import ts from "typescript-api";
import { Code, code, type Label, list } from "./code.ts";
import type { Context } from "./context.ts";
import type { Environment } from "./environment.ts";
import type { Variable } from "./frame.ts";
import { annotated_kind } from "./inference.ts";
import { SMALL } from "./kinds.ts";
import { refuse } from "./refusal.ts";

/** Where control goes from a statement that leaves its block. */
export interface Flow {
  /** Behind the function, or behind the expansion of a macro. */
  readonly return_to: Label;
  /** Where a macro's result goes; undefined when it has none, or when the function returns in EAX. */
  readonly result: Variable | undefined;
  readonly break_to: Label | undefined;
  readonly continue_to: Label | undefined;
  /** In an iteration: what is done with a value that the generator yields. */
  readonly produce: ((value: ts.Expression, env: Environment) => void) | undefined;
  /** How the function itself returns a value; undefined within a macro. */
  readonly return_value?: ((node: ts.ReturnStatement, env: Environment) => void) | undefined;
  /** Labelled statements around: where `break` and `continue` with a label go. */
  readonly labels?: ReadonlyMap<string, { readonly break_to: Label; readonly continue_to: Label | undefined }> | undefined;
}

export class Statements {
  constructor(private readonly context: Context) {}

  block(block: ts.Block, env: Environment, flow: Flow): void {
    for (const statement of block.statements) this.statement(statement, env, flow);
  }

  statement(node: ts.Statement, env: Environment, flow: Flow): void {
    const { emitter, expressions } = this.context;
    if (ts.isBlock(node)) return emitter.in_scope(() => this.block(node, env, flow));
    if (ts.isVariableStatement(node)) return this.#declarations(node.declarationList, env);
    if (ts.isExpressionStatement(node)) return this.#expression(node.expression, env, flow);
    if (ts.isIfStatement(node)) return this.#if(node, env, flow);
    if (ts.isWhileStatement(node)) return this.#while(node, env, flow);
    if (ts.isDoStatement(node)) return this.#do(node, env, flow);
    if (ts.isForStatement(node)) return emitter.in_scope(() => this.#for(node, env, flow));
    if (ts.isForOfStatement(node)) return emitter.in_scope(() => this.#for_of(node, env, flow));
    if (ts.isSwitchStatement(node)) return emitter.in_scope(() => this.#switch(node, env, flow));
    if (ts.isReturnStatement(node)) return this.#return(node, env, flow);
    if (ts.isThrowStatement(node)) {
      emitter.emit(code`throw ${expressions.value(node.expression, env)};`, node).ends = true;
      return;
    }
    if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) return this.#leave(node, flow);
    if (ts.isLabeledStatement(node)) return this.#labelled(node, env, flow);
    if (ts.isEmptyStatement(node) || ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node)) return;
    if (ts.isTryStatement(node))
      refuse(node, "`try` in hosted code: there is no JavaScript stack to unwind; check results, as C does, or use a plain function");
    if (ts.isFunctionDeclaration(node))
      refuse(node, "a function within a hosted function would live across statements; move it to module level and pass what it needs");
    if (ts.isForInStatement(node)) refuse(node, "`for (… in …)` in hosted code; count with `for (let i = 0; …)`");
    refuse(node, "this statement has no place in hosted code");
  }

  #expression(node: ts.Expression, env: Environment, flow: Flow): void {
    const { expressions } = this.context;
    if (flow.produce !== undefined && ts.isYieldExpression(node) && node.expression !== undefined && node.asteriskToken === undefined) {
      flow.produce(node.expression, env);
      return;
    }
    expressions.effect(node, env);
  }

  // ---- Variables ----

  #declarations(declarations: ts.VariableDeclarationList, env: Environment): void {
    for (const declaration of declarations.declarations) this.#declaration(declaration, env);
  }

  #declaration(node: ts.VariableDeclaration, env: Environment): void {
    const { meaning, emitter, expressions, renderer } = this.context;
    const { name, initializer } = node;
    if (ts.isIdentifier(name)) {
      const symbol = meaning.checker.getSymbolAtLocation(name)!;
      if (initializer !== undefined && ts.isCallExpression(initializer) && meaning.host_function(initializer.expression) === "local") {
        env.set(symbol, emitter.local(name.text, renderer.render(initializer.arguments[0], env)));
        return;
      }
      if (initializer !== undefined && meaning.is_ambient(initializer)) {
        env.set(symbol, emitter.recomputed(name.text, renderer.render(initializer, env)));
        return;
      }
      const variable = this.declare(name, env, initializer, node.type);
      if (initializer === undefined) return;
      const value = expressions.value(initializer, env);
      emitter.emit(code`${emitter.target(variable)} = ${value};`, node);
      return;
    }
    if (initializer === undefined) return;
    this.#pattern(name, initializer, env, node);
  }

  /** Makes the variable of a name. */
  declare(name: ts.Identifier, env: Environment, initializer: ts.Expression | undefined, type?: ts.TypeNode): Variable {
    const { meaning, emitter, assignments } = this.context;
    const symbol = meaning.checker.getSymbolAtLocation(name)!;
    const variable = emitter.variable(visible_name(name, env), name);
    const annotated = annotated_kind(type);
    if (annotated !== undefined) {
      variable.kind = annotated;
      variable.converts = true;
    }
    if (initializer !== undefined) variable.sources.push({ expression: initializer, env });
    variable.sources.push(...assignments.of(symbol, name, env));
    env.set(symbol, variable);
    return variable;
  }

  /** `const { a, b: c } = value`: one step that assigns all of them. */
  #pattern(pattern: ts.BindingPattern, initializer: ts.Expression, env: Environment, node: ts.Node): void {
    const { emitter, expressions } = this.context;
    const value = expressions.value(initializer, env);
    emitter.emit(this.#destructure(pattern, value, env), node);
  }

  /** Text that assigns the names of a pattern. */
  #destructure(pattern: ts.BindingPattern, value: Code, env: Environment): Code {
    const { emitter, meaning } = this.context;
    const targets = pattern.elements.map((element) => {
      if (!ts.isBindingElement(element)) return Code.EMPTY;
      if (!ts.isIdentifier(element.name) || element.dotDotDotToken !== undefined || element.initializer !== undefined)
        refuse(element, "only plain names in this pattern; read the rest in statements of their own");
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

  // ---- Branches ----

  #if(node: ts.IfStatement, env: Environment, flow: Flow): void {
    const { emitter, expressions } = this.context;
    const target = node.elseStatement === undefined ? this.#jump_of(node.thenStatement, flow) : undefined;
    if (target !== undefined) {
      expressions.condition(node.expression, env, true, target);
      return;
    }
    const otherwise = emitter.label();
    expressions.condition(node.expression, env, false, otherwise);
    this.#body(node.thenStatement, env, flow);
    if (node.elseStatement === undefined) {
      emitter.place(otherwise);
      return;
    }
    const end = emitter.label();
    emitter.jump(end, node.thenStatement);
    emitter.place(otherwise);
    this.#body(node.elseStatement, env, flow);
    emitter.place(end);
  }

  /** Where a statement goes that does nothing but go somewhere. */
  #jump_of(node: ts.Statement, flow: Flow): Label | undefined {
    if (ts.isBlock(node)) return node.statements.length === 1 ? this.#jump_of(node.statements[0], flow) : undefined;
    if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) return this.#target(node, flow);
    return ts.isReturnStatement(node) && node.expression === undefined ? flow.return_to : undefined;
  }

  #body(node: ts.Statement, env: Environment, flow: Flow): void {
    if (ts.isBlock(node)) this.statement(node, env, flow);
    else this.context.emitter.in_scope(() => this.statement(node, env, flow));
  }

  #switch(node: ts.SwitchStatement, env: Environment, flow: Flow): void {
    const { emitter, expressions, renderer, splitting } = this.context;
    const end = emitter.label();
    const { clauses } = node.caseBlock;
    const labels = clauses.map(() => emitter.label());
    const value = expressions.value(node.expression, env);
    const tests = clauses.map((clause, i) => {
      if (ts.isDefaultClause(clause)) return Code.EMPTY;
      if (splitting.has_split(clause.expression)) refuse(clause.expression, "a call in a `case`; use `if`");
      return code`$v === (${renderer.render(clause.expression, env)}) ? ${i} : `;
    });
    const otherwise = clauses.findIndex((clause) => ts.isDefaultClause(clause));
    const step = emitter.emit(code`const $v = ${value}; const $w = ${list(tests, "")}-1;`, node.expression);
    const targets = [...labels, otherwise < 0 ? end : labels[otherwise]].map((label) => emitter.labels.jump(label));
    const cases = targets.map((jump, i) => (i === labels.length ? `default: ${jump}` : `case ${i}: ${jump} break;`));
    step.tail = new Code(`switch ($w) { ${cases.join(" ")} }`);
    step.ends = true;
    clauses.forEach((clause, i) => {
      emitter.place(labels[i]);
      for (const statement of clause.statements) this.statement(statement, env, { ...flow, break_to: end });
    });
    emitter.place(end);
  }

  // ---- Loops ----

  #while(node: ts.WhileStatement, env: Environment, flow: Flow): void {
    const { emitter, expressions } = this.context;
    const again = emitter.label();
    const end = emitter.label();
    emitter.place(again);
    if (node.expression.kind !== ts.SyntaxKind.TrueKeyword) expressions.condition(node.expression, env, false, end);
    this.#body(node.statement, env, this.#loop(node, flow, end, again));
    emitter.jump(again, node.expression);
    emitter.place(end);
  }

  #do(node: ts.DoStatement, env: Environment, flow: Flow): void {
    const { emitter, expressions } = this.context;
    const again = emitter.label();
    const test = emitter.label();
    const end = emitter.label();
    emitter.place(again);
    this.#body(node.statement, env, this.#loop(node, flow, end, test));
    emitter.place(test);
    expressions.condition(node.expression, env, true, again);
    emitter.place(end);
  }

  #for(node: ts.ForStatement, env: Environment, flow: Flow): void {
    const { emitter, expressions } = this.context;
    const { initializer, condition, incrementor, statement } = node;
    if (initializer !== undefined) {
      if (ts.isVariableDeclarationList(initializer)) this.#declarations(initializer, env);
      else expressions.effect(initializer, env);
    }
    const again = emitter.label();
    const next = emitter.label();
    const end = emitter.label();
    emitter.place(again);
    if (condition !== undefined) expressions.condition(condition, env, false, end);
    this.#body(statement, env, this.#loop(node, flow, end, next));
    emitter.place(next);
    if (incrementor !== undefined) expressions.effect(incrementor, env);
    emitter.jump(again, incrementor ?? node);
    emitter.place(end);
  }

  #for_of(node: ts.ForOfStatement, env: Environment, flow: Flow): void {
    const { emitter, macros } = this.context;
    const { initializer, expression, statement } = node;
    if (!ts.isVariableDeclarationList(initializer)) refuse(initializer, "the variable of this loop is declared in it: `for (const x of …)`");
    const { name } = initializer.declarations[0];
    const end = emitter.label();
    const outside = emitter.use_site;
    if (ts.isCallExpression(expression)) {
      const expanded = macros.iterate(expression, env, flow, (value, inner) => {
        const next = emitter.label();
        emitter.in_scope(() => {
          if (ts.isIdentifier(name)) this.#bind_produced(name, value, inner, env);
          else this.#produced_pattern(name, value, inner, env, node);
          const expanding = emitter.use_site;
          emitter.use_site = outside;
          this.#body(statement, env, this.#loop(node, flow, end, next));
          emitter.use_site = expanding;
        });
        emitter.place(next);
      });
      if (expanded) {
        emitter.place(end);
        return;
      }
    }
    this.#for_of_constant(node, name, env, flow, end);
  }

  #bind_produced(name: ts.Identifier, value: ts.Expression, inner: Environment, env: Environment): void {
    const { emitter, expressions, meaning, assignments } = this.context;
    const symbol = meaning.checker.getSymbolAtLocation(name)!;
    if (!assignments.changes(symbol, name) && expressions.is_stable(value, inner)) {
      env.set(symbol, { argument: value, env: inner });
      return;
    }
    const variable = emitter.variable(name.text, name, { expression: value, env: inner });
    variable.sources.push(...assignments.of(symbol, name, env));
    env.set(symbol, variable);
    emitter.emit(code`${emitter.target(variable)} = ${expressions.value(value, inner)};`, name);
  }

  #produced_pattern(pattern: ts.BindingPattern, value: ts.Expression, inner: Environment, env: Environment, node: ts.Node): void {
    const { emitter, expressions } = this.context;
    const text = expressions.value(value, inner);
    emitter.emit(this.#destructure(pattern, text, env), node);
  }

  /** A loop over a table of the module: the index is in the frame, the element is looked up where it is used. */
  #for_of_constant(node: ts.ForOfStatement, name: ts.BindingName, env: Environment, flow: Flow, end: Label): void {
    const { emitter, renderer, meaning } = this.context;
    const { expression, statement } = node;
    if (!this.#is_module_constant(expression))
      refuse(
        expression,
        "this loop would keep an iterator on the host; loop over a `function*` that yields, over a table of the module, or count with `for (let i = 0; …)`",
      );
    const table = renderer.render(expression, env);
    const index = emitter.variable(undefined, expression, { kind: SMALL });
    emitter.emit(code`${emitter.target(index)} = 0;`, expression);
    const again = emitter.label();
    const next = emitter.label();
    emitter.place(again);
    emitter.branch(code`${emitter.use(index)} < (${table}).length`, false, end, expression);
    const element = code`(${table})[${emitter.use(index)}]`;
    const bind = (target: ts.BindingName, value: Code): void => {
      if (ts.isIdentifier(target)) {
        env.set(meaning.checker.getSymbolAtLocation(target)!, emitter.recomputed(target.text, value));
        return;
      }
      target.elements.forEach((inner, i) => {
        if (!ts.isBindingElement(inner)) return;
        const property = inner.propertyName?.getText(env.file) ?? inner.name.getText(env.file);
        bind(inner.name, ts.isArrayBindingPattern(target) ? code`${value}[${i}]` : code`${value}.${property}`);
      });
    };
    bind(name, element);
    this.#body(statement, env, this.#loop(node, flow, end, next));
    emitter.place(next);
    emitter.emit(code`${emitter.target(index)} = ${emitter.use(index)} + 1;`, expression);
    emitter.jump(again, expression);
    emitter.place(end);
  }

  #is_module_constant(node: ts.Expression): boolean {
    if (ts.isPropertyAccessExpression(node)) return this.#is_module_constant(node.expression);
    if (!ts.isIdentifier(node)) return false;
    const declaration = this.context.meaning.symbol_of(node)?.valueDeclaration;
    return (
      declaration !== undefined &&
      ts.isVariableDeclaration(declaration) &&
      (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0 &&
      ts.isSourceFile(declaration.parent.parent.parent)
    );
  }

  #loop(node: ts.Statement, flow: Flow, break_to: Label, continue_to: Label): Flow {
    const name = ts.isLabeledStatement(node.parent) ? node.parent.label.text : undefined;
    const labels = name === undefined ? flow.labels : new Map([...(flow.labels ?? []), [name, { break_to, continue_to }]]);
    return { ...flow, break_to, continue_to, labels };
  }

  // ---- Leaving ----

  #labelled(node: ts.LabeledStatement, env: Environment, flow: Flow): void {
    const { emitter } = this.context;
    if (ts.isIterationStatement(node.statement, false)) {
      this.statement(node.statement, env, flow);
      return;
    }
    const end = emitter.label();
    const labels = new Map([...(flow.labels ?? []), [node.label.text, { break_to: end, continue_to: undefined }]]);
    this.statement(node.statement, env, { ...flow, labels });
    emitter.place(end);
  }

  #leave(node: ts.BreakOrContinueStatement, flow: Flow): void {
    this.context.emitter.jump(this.#target(node, flow), node);
  }

  #target(node: ts.BreakOrContinueStatement, flow: Flow): Label {
    const target = node.label === undefined ? flow : flow.labels?.get(node.label.text);
    const label = ts.isBreakStatement(node) ? target?.break_to : target?.continue_to;
    if (label === undefined) refuse(node, "there is nothing to leave here");
    return label;
  }

  #return(node: ts.ReturnStatement, env: Environment, flow: Flow): void {
    const { emitter, expressions } = this.context;
    if (flow.return_value !== undefined) flow.return_value(node, env);
    else if (node.expression !== undefined) {
      if (flow.result === undefined) expressions.effect(node.expression, env);
      else {
        emitter.store(flow.result, expressions.value(node.expression, env), node);
        emitter.flush();
      }
    }
    emitter.jump(flow.return_to, node);
  }
}

/** The name that debuggers show: a macro's own variables have none. */
function visible_name(name: ts.Identifier, env: Environment): string | undefined {
  return env.expanding.length === 0 ? name.text : undefined;
}
