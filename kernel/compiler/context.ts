/** The parts that compile one function, as they see each other. */
import type ts from "typescript-api";
import type { Assignments } from "./assignments.ts";
import type { Code, Label } from "./code.ts";
import type { Emitter } from "./emitter.ts";
import type { Environment } from "./environment.ts";
import type { Fields } from "./fields.ts";
import type { Flow } from "./flow.ts";
import type { ModuleNames } from "./imports.ts";
import type { Inference } from "./inference.ts";
import type { Kind } from "./kinds.ts";
import type { Meaning } from "./meaning.ts";
import type { RefusedPlace } from "./refusal.ts";
import type { Renderer } from "./render.ts";
import type { Splitting } from "./splitting.ts";

export interface Context {
  readonly meaning: Meaning;
  readonly inference: Inference;
  readonly assignments: Assignments;
  readonly splitting: Splitting;
  readonly names: ModuleNames;
  readonly fields: Fields;
  readonly renderer: Renderer;
  readonly emitter: Emitter;
  readonly expressions: ExpressionSteps;
  readonly statements: StatementSteps;
  readonly calls: CallSteps;
  readonly macros: MacroSteps;
  readonly places: PlaceSteps;
  readonly declarations: DeclarationSteps;
  readonly loops: LoopSteps;
  /** What was refused so far. */
  readonly refused: RefusedPlace[];
}

export interface ExpressionSteps {
  /**
   * Emits the steps of an expression that come before its value is known. Returns the value's text, to be evaluated in
   * the next step that is emitted.
   */
  value(node: ts.Expression, env: Environment): Code;

  /** Emits the steps of an expression whose value is not needed. */
  effect(node: ts.Expression, env: Environment): void;

  /** Goes to a label if the condition is as wanted. */
  condition(node: ts.Expression, env: Environment, wanted: boolean, label: Label): void;

  /** The value of an operand, kept in a variable of its own unless what the operands behind it do cannot change it. */
  keep_unless_settled(operand: ts.Expression, env: Environment, behind: readonly ts.Node[]): Code;
}

export interface StatementSteps {
  block(block: ts.Block, env: Environment, flow: Flow): void;
  statement(node: ts.Statement, env: Environment, flow: Flow): void;
  /** A statement that is a branch's or a loop's: a block of its own. */
  body(node: ts.Statement, env: Environment, flow: Flow): void;
}

export interface CallSteps {
  /** Emits `yield* callee(…)`. Returns the result's text, good in the next step only. */
  call(node: ts.YieldExpression, env: Environment, wants_result: boolean): Code;

  /** Text that gives a value's words, for the callee's parameter of that kind. */
  words(value: Code, kind: Kind): Code[];

  /** Text of a value of a kind that lies in registers. */
  from_registers(kind: Kind, node: ts.Node): Code;
}

export interface MacroSteps {
  /** Expands a call of a macro; undefined for calls of anything else. */
  call(call: ts.CallExpression, env: Environment, wants_result: boolean): Code | undefined;

  /** Expands `for (const x of generator(…))`. @returns false when it is no iteration over a generator function */
  iterate(
    call: ts.CallExpression,
    env: Environment,
    flow: Flow,
    produce: (value: ts.Expression, inner: Environment) => void,
  ): boolean;
}

export interface PlaceSteps {
  /** `place = value` and `place op= value`, with a call in it. */
  assignment(node: ts.BinaryExpression, env: Environment): Code;

  /** `place op= value`, `place++` in guest memory: a load, and a store. */
  update(node: ts.Expression, env: Environment, wants_result: boolean): Code;

  /** Whether evaluating an expression again gives the same place: a constant, a variable that is not assigned meanwhile. */
  is_stable(node: ts.Expression, env: Environment): boolean;
}

export interface DeclarationSteps {
  /** Compiles `let` and `const`. */
  all(declarations: ts.VariableDeclarationList, env: Environment): void;

  /** The variable of a loop over a generator: stands for the value if that stays the same, else takes it. */
  produced(name: ts.BindingName, value: ts.Expression, inner: Environment, env: Environment): void;

  /** The variable of a loop over a table: looked up in each step, or taken out of it where it is changed. */
  element(name: ts.BindingName, value: Code, env: Environment): void;
}

export interface LoopSteps {
  while(node: ts.WhileStatement, env: Environment, flow: Flow): void;
  do(node: ts.DoStatement, env: Environment, flow: Flow): void;
  for(node: ts.ForStatement, env: Environment, flow: Flow): void;
  for_of(node: ts.ForOfStatement, env: Environment, flow: Flow): void;
}
