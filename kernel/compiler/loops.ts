/** Turns loops into steps. */
import ts from "typescript-api";
import { code, type Label } from "./code.ts";
import type { Context, LoopSteps } from "./context.ts";
import type { Environment } from "./environment.ts";
import type { Flow } from "./flow.ts";
import { said_of_namespace } from "./imports.ts";
import { SMALL } from "./kinds.ts";
import { refuse } from "./refusal.ts";

export class Loops implements LoopSteps {
  constructor(private readonly context: Context) {}

  while(node: ts.WhileStatement, env: Environment, flow: Flow): void {
    const { emitter, expressions, statements } = this.context;
    const again = emitter.label();
    const end = emitter.label();
    emitter.place(again);
    if (node.expression.kind !== ts.SyntaxKind.TrueKeyword) expressions.condition(node.expression, env, false, end);
    statements.body(node.statement, env, this.#loop(node, flow, end, again));
    emitter.jump(again, node.expression);
    emitter.place(end);
  }

  do(node: ts.DoStatement, env: Environment, flow: Flow): void {
    const { emitter, expressions, statements } = this.context;
    const again = emitter.label();
    const test = emitter.label();
    const end = emitter.label();
    emitter.place(again);
    statements.body(node.statement, env, this.#loop(node, flow, end, test));
    emitter.place(test);
    expressions.condition(node.expression, env, true, again);
    emitter.place(end);
  }

  for(node: ts.ForStatement, env: Environment, flow: Flow): void {
    const { emitter, expressions, statements, declarations } = this.context;
    const { initializer, condition, incrementor, statement } = node;
    if (initializer !== undefined) {
      if (ts.isVariableDeclarationList(initializer)) declarations.all(initializer, env);
      else expressions.effect(initializer, env);
    }
    const again = emitter.label();
    const next = emitter.label();
    const end = emitter.label();
    emitter.place(again);
    if (condition !== undefined) expressions.condition(condition, env, false, end);
    statements.body(statement, env, this.#loop(node, flow, end, next));
    emitter.place(next);
    if (incrementor !== undefined) expressions.effect(incrementor, env);
    emitter.jump(again, incrementor ?? node);
    emitter.place(end);
  }

  for_of(node: ts.ForOfStatement, env: Environment, flow: Flow): void {
    const { emitter, macros, statements, declarations } = this.context;
    const { initializer, expression, statement } = node;
    if (!ts.isVariableDeclarationList(initializer))
      refuse(initializer, "the variable of this loop is declared in it: `for (const x of …)`");
    const { name } = initializer.declarations[0];
    const end = emitter.label();
    const outside = emitter.use_site;
    if (ts.isCallExpression(expression)) {
      const expanded = macros.iterate(expression, env, flow, (value, inner) => {
        const next = emitter.label();
        emitter.in_scope(() => {
          declarations.produced(name, value, inner, env);
          const expanding = emitter.use_site;
          emitter.use_site = outside;
          statements.body(statement, env, this.#loop(node, flow, end, next));
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

  /** A loop over a table of the module: the index is in the frame, the element is looked up where it is used. */
  #for_of_constant(node: ts.ForOfStatement, name: ts.BindingName, env: Environment, flow: Flow, end: Label): void {
    const { emitter, renderer, statements, declarations, meaning } = this.context;
    const { expression, statement } = node;
    if (!this.#is_module_constant(expression))
      refuse(
        expression,
        said_of_namespace(ts.isCallExpression(expression) ? expression.expression : expression, meaning) ??
          "this loop would keep an iterator on the host; loop over a `function*` that yields, over a table of the module, or count with `for (let i = 0; …)`",
      );
    const table = renderer.render(expression, env);
    const index = emitter.variable(undefined, expression, { kind: SMALL });
    emitter.emit(code`${emitter.target(index)} = 0;`, expression);
    const again = emitter.label();
    const next = emitter.label();
    emitter.place(again);
    emitter.branch(code`${emitter.use(index)} < (${table}).length`, false, end, expression);
    emitter.in_scope(() => {
      declarations.element(name, code`(${table})[${emitter.use(index)}]`, env);
      statements.body(statement, env, this.#loop(node, flow, end, next));
    });
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
    const labels = new Map(flow.labels ?? []);
    for (let { parent } = node; ts.isLabeledStatement(parent); parent = parent.parent)
      labels.set(parent.label.text, { break_to, continue_to });
    return { ...flow, break_to, continue_to, labels };
  }
}
