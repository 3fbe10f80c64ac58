/** Turns statements into steps. */
import ts from "typescript-api";
import { Code, code, type Label, list } from "./code.ts";
import type { Context, StatementSteps } from "./context.ts";
import type { Environment } from "./environment.ts";
import type { Flow } from "./flow.ts";
import { Refusal, refuse } from "./refusal.ts";

export class Statements implements StatementSteps {
  constructor(private readonly context: Context) {}

  block(block: ts.Block, env: Environment, flow: Flow): void {
    for (const statement of block.statements) this.statement(statement, env, flow);
  }

  /** Compiles a statement. What is refused in it is noted, so that the statements behind it have their say, too. */
  statement(node: ts.Statement, env: Environment, flow: Flow): void {
    try {
      this.#statement(node, env, flow);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.context.refused.push(...error.places);
    }
  }

  #statement(node: ts.Statement, env: Environment, flow: Flow): void {
    const { emitter, expressions, declarations, loops } = this.context;
    if (ts.isBlock(node)) {
      emitter.in_scope(() => this.block(node, env, flow));
      return;
    }
    if (ts.isVariableStatement(node)) {
      declarations.all(node.declarationList, env);
      return;
    }
    if (ts.isExpressionStatement(node)) {
      this.#expression(node.expression, env, flow);
      return;
    }
    if (ts.isIfStatement(node)) {
      this.#if(node, env, flow);
      return;
    }
    if (ts.isWhileStatement(node)) {
      loops.while(node, env, flow);
      return;
    }
    if (ts.isDoStatement(node)) {
      loops.do(node, env, flow);
      return;
    }
    if (ts.isForStatement(node)) {
      emitter.in_scope(() => loops.for(node, env, flow));
      return;
    }
    if (ts.isForOfStatement(node)) {
      emitter.in_scope(() => loops.for_of(node, env, flow));
      return;
    }
    if (ts.isSwitchStatement(node)) {
      emitter.in_scope(() => this.#switch(node, env, flow));
      return;
    }
    if (ts.isReturnStatement(node)) {
      this.#return(node, env, flow);
      return;
    }
    if (ts.isThrowStatement(node)) {
      emitter.emit(code`throw ${expressions.value(node.expression, env)};`, node).ends = true;
      return;
    }
    if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) {
      this.#leave(node, flow);
      return;
    }
    if (ts.isLabeledStatement(node)) {
      this.#labelled(node, env, flow);
      return;
    }
    if (ts.isEmptyStatement(node) || ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node)) return;
    if (ts.isTryStatement(node))
      refuse(
        node,
        "`try` in hosted code: there is no JavaScript stack to unwind; check results, as C does, or do it in a plain function",
      );
    if (ts.isFunctionDeclaration(node))
      refuse(
        node,
        "a function within a hosted function would live across statements; move it to module level and pass what it needs",
      );
    if (ts.isForInStatement(node)) refuse(node, "`for (… in …)` in hosted code; count with `for (let i = 0; …)`");
    if (ts.isClassDeclaration(node))
      refuse(node, "a class within a hosted function would live across statements; move it to module level");
    refuse(node, "this statement has no place in hosted code");
  }

  #expression(node: ts.Expression, env: Environment, flow: Flow): void {
    const { expressions, macros } = this.context;
    const { produce } = flow;
    if (
      produce !== undefined &&
      ts.isYieldExpression(node) &&
      node.asteriskToken !== undefined &&
      ts.isCallExpression(node.expression!)
    ) {
      if (macros.iterate(node.expression, env, flow, produce)) return;
    }
    if (
      produce !== undefined &&
      ts.isYieldExpression(node) &&
      node.expression !== undefined &&
      node.asteriskToken === undefined
    ) {
      produce(node.expression, env);
      return;
    }
    expressions.effect(node, env);
  }

  // ---- Branches ----

  /** `if (tracing()) trace(…)` is one step whether anybody listens or not: listening must not change the run. */
  #is_trace_point({ expression, thenStatement, elseStatement }: ts.IfStatement): boolean {
    const { meaning, splitting } = this.context;
    const asks = ts.isCallExpression(expression) && meaning.host_function(expression.expression) === "tracing";
    return asks && elseStatement === undefined && !splitting.has_split(thenStatement);
  }

  #if(node: ts.IfStatement, env: Environment, flow: Flow): void {
    if (this.#is_trace_point(node)) {
      this.context.emitter.emit(this.context.renderer.render(node, env), node);
      return;
    }
    const { emitter, expressions } = this.context;
    const target = node.elseStatement === undefined ? this.#jump_of(node.thenStatement, flow) : undefined;
    if (target !== undefined) {
      expressions.condition(node.expression, env, true, target);
      return;
    }
    const otherwise = emitter.label();
    expressions.condition(node.expression, env, false, otherwise);
    this.body(node.thenStatement, env, flow);
    if (node.elseStatement === undefined) {
      emitter.place(otherwise);
      return;
    }
    const end = emitter.label();
    emitter.jump(end, node.thenStatement);
    emitter.place(otherwise);
    this.body(node.elseStatement, env, flow);
    emitter.place(end);
  }

  /** Where a statement goes that does nothing but go somewhere. */
  #jump_of(node: ts.Statement, flow: Flow): Label | undefined {
    if (ts.isBlock(node)) return node.statements.length === 1 ? this.#jump_of(node.statements[0], flow) : undefined;
    if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) return this.#target(node, flow);
    return ts.isReturnStatement(node) && node.expression === undefined ? flow.return_to : undefined;
  }

  body(node: ts.Statement, env: Environment, flow: Flow): void {
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
    const targets = [...labels, otherwise < 0 ? end : labels[otherwise]].map((label) => emitter.marks.jump(label));
    const cases = targets.map((jump, i) => (i === labels.length ? `default: ${jump}` : `case ${i}: ${jump} break;`));
    step.tail = new Code(`switch ($w) { ${cases.join(" ")} }`);
    step.ends = true;
    clauses.forEach((clause, i) => {
      emitter.place(labels[i]);
      for (const statement of clause.statements) this.statement(statement, env, { ...flow, break_to: end });
    });
    emitter.place(end);
  }

  // ---- Leaving ----

  #labelled(node: ts.LabeledStatement, env: Environment, flow: Flow): void {
    const { emitter } = this.context;
    let inner: ts.Statement = node;
    while (ts.isLabeledStatement(inner)) inner = inner.statement;
    if (ts.isIterationStatement(inner, false)) {
      this.#statement(inner, env, flow);
      return;
    }
    const end = emitter.label();
    const labels = new Map([...(flow.labels ?? []), [node.label.text, { break_to: end, continue_to: undefined }]]);
    this.#statement(node.statement, env, { ...flow, labels });
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
        if (flow.result.kind === undefined) flow.result.sources.push({ expression: node.expression, env });
        emitter.store(flow.result, expressions.value(node.expression, env), node);
        emitter.flush();
      }
    }
    emitter.jump(flow.return_to, node);
  }
}
