/** Collects the steps of one function, with the scopes of its variables. */
import ts from "typescript-api";
import { Code, code, Label, Marks, type Used } from "./code.ts";
import type { Environment } from "./environment.ts";
import { AddressOf, Recomputed, type Source, Variable } from "./environment.ts";
import { Scope } from "./frame.ts";
import type { ModuleVariables } from "./module-variables.ts";

/** One `hostcall`: what is done before the variables it assigned are written back, and after. */
export interface Step {
  body: Code;
  tail: Code;
  /** Where it is from. */
  readonly node: ts.Node;
  /** Whether control does not simply go on behind it, so that no jump can be added to it. */
  ends: boolean;
  /** Whether it ends in a call, whose pushes may fault after the variables are written. */
  calls: boolean;
  /** What a kernel is configured by that does not leave it out, when it is nothing but a call of a `config_function`. */
  configured_by: string | undefined;
}

export class Emitter {
  readonly steps: Step[] = [];
  readonly marks = new Marks();
  readonly root = new Scope();
  /** Structs that lie in the frame: texts of their types. */
  readonly local_types: Code[] = [];
  /** Behind the last step. */
  readonly end = new Label();
  #scope = this.root;
  #pending = Code.EMPTY;
  #pending_node: ts.Node | undefined;
  /** No jump may be added to the step before a label: others come to the place behind it. */
  #labelled = -1;
  readonly #addresses = new Map<Variable, AddressOf>();
  readonly #names = new Set<string>(["$c", "$b", "$g", "$s", "$k", "$m", "$a", "$n", "$r", "$v", "$w"]);

  #layout: string | undefined;

  /** @param taken names that mean something else where the steps stand */
  constructor(
    taken: Iterable<string>,
    private readonly module_variables: ModuleVariables,
  ) {
    for (const name of taken) this.#names.add(name);
  }

  // ---- Variables ----

  /** The variable of the module that holds the function's layout (CompiledCode), once it is asked for. */
  get layout(): string {
    this.#layout ??= this.module_variables.another("$f");
    return this.#layout;
  }

  /** The beginning of an assignment to that variable; nothing when no step needs it. */
  get sets_layout(): string {
    return this.#layout === undefined ? "" : `${this.#layout} = `;
  }

  /** A name that nothing else has in the text of the function. */
  unique(name: string): string {
    let unique = name;
    for (let i = 1; this.#names.has(unique); i++) unique = `${name}$${i}`;
    this.#names.add(unique);
    return unique;
  }

  /** @param name for debuggers; undefined for a temporary value */
  variable(name: string | undefined, node: ts.Node, ...sources: Source[]): Variable {
    const own = name ?? (ts.isIdentifier(node) ? node.text : "$t");
    // `$o` and the like are the module's.
    const text = name?.startsWith("$") === true ? `$u${name}` : own;
    const variable = new Variable(this.unique(text), name, node);
    variable.sources.push(...sources);
    this.#scope.variables.push(variable);
    return variable;
  }

  /** Something that each step makes anew. */
  recomputed(name: string, text: Code): Recomputed {
    return new Recomputed(this.unique(name), text.text, text.uses, undefined);
  }

  /** A struct in the frame. @param type text of its type */
  local(name: string, type: Code): Recomputed {
    const index = this.local_types.length;
    this.local_types.push(type);
    const text = `$k.local(${type.text}, $b + ${this.layout}.at[${index}])`;
    const local = new Recomputed(this.unique(name), text, type.uses, { name, index });
    this.#scope.locals.push(local);
    return local;
  }

  /** Compiles a block with variables of its own. */
  in_scope(body: () => void): void {
    const outer = this.#scope;
    this.#scope = new Scope();
    outer.children.push(this.#scope);
    this.#scope.start = this.steps.length;
    body();
    this.flush();
    this.#scope.end = this.steps.length;
    this.#scope = outer;
  }

  // ---- Steps ----

  /** Something to be done at the beginning of the next step. */
  before_next(text: Code, node: ts.Node): void {
    this.#pending = this.#pending.followed_by(text);
    this.#pending_node = node;
  }

  /** Makes a step of what is pending. */
  flush(): void {
    if (this.#pending.is_empty) return;
    this.emit(Code.EMPTY, this.#pending_node!);
  }

  /** Where steps are said to be from while a macro is expanded. */
  use_site: ts.Node | undefined;

  /** A step after which the next one comes. */
  emit(body: Code, node: ts.Node): Step {
    const step: Step = {
      body: this.#pending.followed_by(body),
      tail: Code.EMPTY,
      node: this.use_site ?? node,
      ends: false,
      calls: false,
      configured_by: undefined,
    };
    this.#pending = Code.EMPTY;
    this.steps.push(step);
    return step;
  }

  /** A step that ends in a call, whose return address is that of the next step. */
  call(body: Code, tail: Code, node: ts.Node, configured_by: string | undefined): void {
    const step = this.emit(body, node);
    step.tail = tail;
    step.ends = true;
    step.calls = true;
    step.configured_by = configured_by;
  }

  label(): Label {
    return new Label();
  }

  place(label: Label): void {
    this.flush();
    label.index = this.steps.length;
    this.#labelled = this.steps.length;
  }

  jump(label: Label, node: ts.Node): void {
    const last = this.steps.at(-1);
    const text = new Code(this.marks.jump(label));
    if (last !== undefined && this.#pending.is_empty && !last.ends && this.#labelled !== this.steps.length) {
      last.tail = last.tail.followed_by(text);
      last.ends = true;
      return;
    }
    const step = this.emit(Code.EMPTY, node);
    step.tail = text;
    step.ends = true;
  }

  /** Goes to a label if `condition` is as wanted, else on. */
  branch(condition: Code, wanted: boolean, label: Label, node: ts.Node): void {
    const step = this.emit(code`const $w = ${condition};`, node);
    step.tail = new Code(`if (${wanted ? "" : "!"}$w) { ${this.marks.jump(label)} }`);
    step.ends = true;
  }

  /** Keeps a value and goes to a label if the text `test`, which calls the value `$n`, is true; else goes on. */
  branch_keeping(variable: Variable, value: Code, test: string, label: Label, node: ts.Node): void {
    const step = this.emit(code`const $n = ${value}; const $w = ${test};`, node);
    const { js } = variable;
    step.tail = new Code(`if ($w) { const ${js} = $n; ${this.marks.write(variable)} ${this.marks.jump(label)} }`);
    step.ends = true;
    this.written_aside.add(variable);
  }

  /** Variables that `branch_keeping` writes. */
  readonly written_aside = new Set<Used>();

  /** A variable for a value that later steps need. */
  temporary(node: ts.Node, ...sources: Source[]): Variable {
    const variable = this.variable(undefined, node, ...sources);
    variable.is_temporary = true;
    return variable;
  }

  /** The value of an expression, kept for later steps. */
  keep(value: Code, expression: ts.Expression, env: Environment): Code {
    return this.store(this.temporary(expression, { expression, env }), value, expression);
  }

  /** Assigns to a variable at the beginning of the next step. Returns the variable as an expression. */
  store(variable: Variable, value: Code, node: ts.Node): Code {
    this.before_next(code`${this.target(variable)} = ${value};`, node);
    return this.use(variable);
  }

  /** The address of what a variable is a view of. */
  address_of(variable: Variable): Code {
    let address = this.#addresses.get(variable);
    if (address === undefined) {
      address = new AddressOf(this.unique(`${variable.js}$a`), variable);
      this.#addresses.set(variable, address);
    }
    return new Code(this.marks.address(address), new Set([address]));
  }

  use(variable: Used): Code {
    return new Code(variable.js, new Set([variable]));
  }

  target(variable: Variable): Code {
    return new Code(variable.js, undefined, new Set([variable]));
  }
}
