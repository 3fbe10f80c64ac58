/**
 * Compiles a source file: the bodies of its hosted functions become steps, and everything it declares goes into one
 * object of the module, which it exports as `$object`.
 */
import ts from "typescript-api";
import { Bounds, check_plain_calls } from "./bounded.ts";
import { context_tags, needed_context, stray_contexts } from "./context-tag.ts";
import { type CompiledFunction, type Convention, FunctionCompiler } from "./function.ts";
import { companion, ModuleNames, relative_specifier } from "./imports.ts";
import { declaring_functions, Meaning } from "./meaning.ts";
import { ModuleVariables } from "./module-variables.ts";
import { Output } from "./output.ts";
import { Reach } from "./reach.ts";
import { in_order, place_of, Refusal, type RefusedPlace, refuse } from "./refusal.ts";
import { is_generator } from "./syntax.ts";
import { trusted_files } from "./trusted.ts";
import { counts_of } from "./turns.ts";

/** Where the runtime of compiled functions is imported from, and what files are called in tables. */
export interface Surroundings {
  /** Module specifier, or absolute path of a file. */
  readonly runtime: string;
  /** A file's name in the object's tables, such as kernel/kernel/sched.ts. */
  readonly name_of: (file: string) => string;
  /** Whether a file is a package's, whose names are imported from the package. */
  readonly is_of_package: (file: string) => boolean;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  /** What stands there instead: text, or a function. */
  readonly text: string | CompiledFunction;
}

/** What a text must hold to be worth a look: declarations, or generator functions. */
export const INTERESTING =
  /\b(kernel_function|asm_function|smp_function|config_function|kernel_variable|kernel_table|per_cpu|per_cpu_table|cstring|struct)\(|\bfunction\s*\*/;

/** What was found out of each program, for all of its files. */
const known_of_programs = new WeakMap<ts.Program, Known>();

interface Known {
  readonly meaning: Meaning;
  readonly bounds: Bounds;
  readonly reach: Reach;
}

/**
 * The compiled text and its source map (JSON); undefined when nothing in it is to be changed.
 * @param is_kernel_code whether it is known to be, even if it declares nothing
 * @throws Refusal
 */
export function compile_module(
  program: ts.Program,
  file: string,
  surroundings: Surroundings,
  is_kernel_code: boolean,
): { readonly code: string; readonly map: string } | undefined {
  const source = program.getSourceFile(file);
  if (source === undefined) return undefined;
  let known = known_of_programs.get(program);
  if (known === undefined) {
    const meaning = new Meaning(program.getTypeChecker());
    const is_trusted = trusted_files(program.getSourceFiles().map(({ fileName }) => fileName));
    known = { meaning, bounds: new Bounds(meaning), reach: new Reach(meaning, is_trusted) };
    known_of_programs.set(program, known);
  }
  return new ModuleCompiler(known, source, surroundings, is_kernel_code).compile();
}

class ModuleCompiler {
  private readonly meaning: Meaning;
  private readonly bounds: Bounds;
  private readonly reach: Reach;
  readonly #names: ModuleNames;
  readonly #edits: Edit[] = [];
  readonly #taken: ReadonlySet<string>;
  readonly #variables: ModuleVariables;
  readonly #companions = new Set<string>();
  readonly #refused: RefusedPlace[] = [];
  /** Tags that were read. */
  readonly #contexts = new Set<ts.JSDocTag>();
  #declares = false;
  /** What counts what plain functions do. */
  readonly #counts: Edit[] = [];

  constructor(
    { meaning, bounds, reach }: Known,
    private readonly source: ts.SourceFile,
    private readonly surroundings: Surroundings,
    private readonly is_kernel_code: boolean,
  ) {
    this.meaning = meaning;
    this.bounds = bounds;
    this.reach = reach;
    this.#names = new ModuleNames(meaning, source, surroundings.is_of_package);
    this.#taken = module_names(source);
    this.#variables = new ModuleVariables(this.#taken);
  }

  compile(): { readonly code: string; readonly map: string } | undefined {
    for (const statement of this.source.statements) this.#noting(() => this.#statement(statement));
    for (const { places } of stray_contexts(this.source, this.#contexts)) this.#refused.push(...places);
    if (this.is_kernel_code) {
      // What steps may not do has been said.
      const said = new Set(this.#refused.map(({ line, column }) => `${line}:${column}`));
      const loading = this.reach.refusals_of_loading(this.source);
      this.#refused.push(...loading.filter(({ line, column }) => !said.has(`${line}:${column}`)));
    }
    if (this.#refused.length > 0) throw new Refusal(in_order(this.#refused));
    // A file that declares nothing may be ordinary code.
    if (this.#declares || this.is_kernel_code) this.#edits.push(...this.#counts);
    if (this.#edits.length === 0 && this.#companions.size === 0) return undefined;
    const output = new Output(this.source);
    if (this.#edits.length > 0) output.made(this.#runtime());
    if (this.#declares) output.made(this.#header());
    output.made(this.#names.text + this.#variables.declaration);
    let at = 0;
    // What is put in front of something comes before what stands instead of it.
    for (const edit of this.#edits.sort((a, b) => a.start - b.start || a.end - b.end)) {
      output.copy(at, edit.start);
      if (typeof edit.text === "string") output.made(edit.text, edit.start);
      else for (const { text, node } of edit.text.lines) output.made(`${text}\n`, node.getStart());
      at = edit.end;
    }
    output.copy(at, this.source.text.length);
    const { assignments } = this.#variables;
    if (assignments !== "") output.made(`\n$m.before_steps(() => { ${assignments} });`);
    if (this.#declares) output.made("\nexport { $m as $object };");
    const companions = [...this.#companions].sort().map((name) => `${name} as ${companion(name)}`);
    if (companions.length > 0) output.made(`\nexport { ${companions.join(", ")} };`);
    return { code: output.text, map: output.map };
  }

  #runtime(): string {
    const { runtime } = this.surroundings;
    const specifier =
      runtime.startsWith("/") || /^[A-Za-z]:/.test(runtime)
        ? relative_specifier(this.source.fileName, runtime)
        : runtime;
    return `import * as $k from ${JSON.stringify(specifier)};`;
  }

  #header(): string {
    const file = this.surroundings.name_of(this.source.fileName);
    return `const $m = $k.module(${JSON.stringify(file)}, ${JSON.stringify(this.#exported())});`;
  }

  /** The names in guest memory of what the module exports; the others are static. */
  #exported(): string[] {
    const exported: string[] = [];
    const look = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && this.#declaring(node) !== undefined) {
        const [name] = node.arguments;
        if (name !== undefined && ts.isStringLiteral(name)) exported.push(name.text);
      }
      if (!ts.isFunctionLike(node)) ts.forEachChild(node, look);
    };
    for (const symbol of this.meaning.checker.getSymbolAtLocation(this.source)?.exports?.values() ?? []) {
      const declaration = this.meaning.behind_import(symbol).valueDeclaration;
      if (declaration === undefined || declaration.getSourceFile() !== this.source) continue;
      if (ts.isFunctionDeclaration(declaration)) exported.push(declaration.name?.text ?? "");
      else look(declaration);
    }
    return exported;
  }

  #noting(body: () => void): void {
    try {
      body();
    } catch (error) {
      // The other functions may have something to be said about, too.
      if (!(error instanceof Refusal)) throw error;
      this.#refused.push(...error.places);
    }
  }

  #statement(statement: ts.Statement): void {
    if (ts.isFunctionDeclaration(statement) && statement.asteriskToken !== undefined && statement.body !== undefined) {
      if (this.meaning.yields(statement) === "values" || this.meaning.is_macro(statement)) {
        this.#note_companions(statement);
        this.#count(statement);
      } else this.#helper(statement);
      return;
    }
    if (ts.isFunctionDeclaration(statement)) this.#plain_context(statement);
    this.#look(statement);
  }

  /** What a plain function needs is checked when it is called, as part of the statement that calls it. */
  #plain_context(declaration: ts.FunctionDeclaration): void {
    const [tag, another] = context_tags(declaration);
    const { body } = declaration;
    if (tag === undefined || body === undefined || declaration.asteriskToken !== undefined) return;
    this.#contexts.add(tag);
    if (another !== undefined) refuse(another, "`@context` is written once, with all that is needed");
    const table = {
      file: this.surroundings.name_of(this.source.fileName),
      context: needed_context(tag, declaration, this.meaning),
    };
    const parameters = declaration.parameters.map(({ name }) => (ts.isIdentifier(name) ? name.text : "undefined"));
    const at = body.getStart() + 1;
    this.#edits.push({ start: at, end: at, text: ` $k.entered(${JSON.stringify(table)}, [${parameters}]);` });
  }

  /** Finds declarations of kernel functions and variables. */
  #look(node: ts.Node): void {
    if (ts.isFunctionLike(node) && is_generator(node)) this.#check_inner(node);
    if (ts.isCallExpression(node)) {
      const declaring = this.#declaring(node);
      if (declaring !== undefined) {
        this.#declares = true;
        const { expression } = node;
        this.#edits.push({
          start: expression.getStart(),
          end: expression.getEnd(),
          text: `${this.#is_for_its_symbol(node) ? "$m.exporting()" : "$m"}.${declaring}`,
        });
        if (declaring === "kernel_function") {
          this.#kernel_function(node);
          return;
        }
      }
    }
    this.#counting(node, () => ts.forEachChild(node, (child) => this.#look(child)));
  }

  #count(node: ts.Node): void {
    this.#counting(node, () => ts.forEachChild(node, (child) => this.#count(child)));
  }

  #counting(node: ts.Node, inner: () => void): void {
    const { before, behind } = counts_of(node, this.source, this.meaning);
    const note = ({ at, text }: { readonly at: number; readonly text: string }) =>
      this.#counts.push({ start: at, end: at, text });
    before.forEach(note);
    inner();
    behind.forEach(note);
  }

  /** Notes a generator function that steps and is not at module level, where it would be compiled. */
  #check_inner(node: ts.SignatureDeclaration): void {
    const look = (inner: ts.Node): ts.Node | undefined => {
      if (ts.isYieldExpression(inner) && inner.asteriskToken !== undefined && inner.expression !== undefined)
        if (ts.isCallExpression(inner.expression) && this.meaning.steps(inner.expression.expression)) return inner;
      return ts.isFunctionLike(inner) ? undefined : ts.forEachChild(inner, look);
    };
    const call = ts.forEachChild(node, look);
    if (call === undefined) return;
    const { file, line, column } = place_of(call);
    const why =
      "this call is in a `function*` that is not at module level, and so is not compiled; move the function there";
    this.#refused.push({ file, line, column, why });
  }

  /** A declaration that nothing in its module holds is there for its symbol. */
  #is_for_its_symbol(node: ts.CallExpression): boolean {
    return ts.isExpressionStatement(node.parent);
  }

  #declaring(node: ts.CallExpression): string | undefined {
    const name = this.meaning.host_function(node.expression);
    return name !== undefined && (declaring_functions as readonly string[]).includes(name) ? name : undefined;
  }

  #kernel_function(node: ts.CallExpression): void {
    const [, parameters, returns, body, options] = node.arguments;
    if (parameters === undefined || !ts.isArrayLiteralExpression(parameters))
      refuse(parameters ?? node, "the parameter types of a kernel function are written out as a list");
    if (body === undefined || !(ts.isFunctionExpression(body) || ts.isArrowFunction(body)))
      refuse(body ?? node, "the body of a kernel function is written where it is declared: `function* (…) { … }`");
    const fastcall = options !== undefined && /\bfastcall:\s*true\b/.test(options.getText());
    this.#compiled(
      body,
      { kind: "kernel", parameters: parameters.elements, returns, fastcall },
      body.getStart(),
      body.getEnd(),
    );
  }

  #helper(declaration: ts.FunctionDeclaration): void {
    this.#declares = true;
    const name = declaration.name?.text;
    if (name === undefined) refuse(declaration, "a function that steps needs a name");
    const is_exported = ts.getModifiers(declaration)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
    const defaults = declaration.parameters.map(({ initializer }) => initializer?.getText() ?? "undefined");
    const start = declaration.getStart();
    this.#edits.push({
      start,
      end: start,
      text: `${is_exported ? "export " : ""}const ${name} = $m.helper(${JSON.stringify(name)}, `,
    });
    this.#compiled(declaration, { kind: "helper", declaration }, start, declaration.getEnd());
    this.#edits.push({ start: declaration.getEnd(), end: declaration.getEnd(), text: `, [${defaults}]);` });
  }

  #compiled(node: ts.FunctionLikeDeclaration, convention: Convention, start: number, end: number): void {
    const file = this.surroundings.name_of(this.source.fileName);
    const [context, another] = context_tags(node);
    for (const tag of [context, another]) if (tag !== undefined) this.#contexts.add(tag);
    this.#refused.push(...check_plain_calls(node, this.meaning, this.bounds), ...this.reach.refusals(node));
    this.#noting(() => {
      if (another !== undefined) refuse(another, "`@context` is written once, with all that is needed");
      const compiler = new FunctionCompiler(this.meaning, this.#names, this.#taken, this.#variables);
      this.#edits.push({ start, end, text: compiler.compile(node, convention, file, context) });
    });
  }

  /** What a macro names of its module that the module does not export: expansions elsewhere import it. */
  #note_companions(macro: ts.FunctionDeclaration): void {
    const exports = this.meaning.checker.getSymbolAtLocation(this.source)?.exports;
    const look = (node: ts.Node): void => {
      if (ts.isTypeNode(node)) return;
      if (ts.isIdentifier(node) && this.#taken.has(node.text)) {
        const symbol = this.meaning.symbol_of(node);
        const declaration = symbol?.declarations?.[0];
        const is_own = declaration?.getSourceFile() === this.source && !exports?.has(symbol!.escapedName);
        if (is_own && is_value(declaration)) this.#companions.add(node.text);
      }
      ts.forEachChild(node, look);
    };
    if (macro.body !== undefined) look(macro.body);
  }
}

function is_value(declaration: ts.Declaration): boolean {
  if (ts.isFunctionDeclaration(declaration)) return ts.isSourceFile(declaration.parent);
  return ts.isVariableDeclaration(declaration) && ts.isSourceFile(declaration.parent.parent.parent);
}

/** Every name that a module binds at its top level. */
function module_names(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const bind = (name: ts.BindingName): void => {
    if (ts.isIdentifier(name)) names.add(name.text);
    else for (const element of name.elements) if (ts.isBindingElement(element)) bind(element.name);
  };
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement)) for (const { name } of statement.declarationList.declarations) bind(name);
    if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name)
      names.add(statement.name.text);
    if (!ts.isImportDeclaration(statement)) continue;
    const clause = statement.importClause;
    if (clause?.name !== undefined) names.add(clause.name.text);
    const bindings = clause?.namedBindings;
    if (bindings !== undefined && ts.isNamespaceImport(bindings)) names.add(bindings.name.text);
    if (bindings !== undefined && ts.isNamedImports(bindings))
      for (const { name } of bindings.elements) names.add(name.text);
  }
  return names;
}
