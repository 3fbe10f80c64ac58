/** Names of other modules that the generated text needs: imports added, and what a module offers to those that expand its macros. */
import { dirname, relative } from "node:path";
import ts from "typescript-api";
import type { Environment } from "./environment.ts";
import type { Meaning } from "./meaning.ts";
import { Refusal, refuse } from "./refusal.ts";

/** The name under which a module exports something that only expansions of its macros need. */
export function companion(name: string): string {
  return `$${name}`;
}

/** The name under which a file exports something of its own; undefined when it does not. */
export function exported_as(symbol: ts.Symbol, source: ts.SourceFile, meaning: Meaning): string | undefined {
  const exports = meaning.checker.getSymbolAtLocation(source)?.exports;
  if (exports === undefined) return undefined;
  if (exports.has(symbol.escapedName) && meaning.behind_import(exports.get(symbol.escapedName)!) === symbol)
    return symbol.name;
  for (const exported of exports.values()) if (meaning.behind_import(exported) === symbol) return exported.name;
  return undefined;
}

/** What is said of a name that is reached through all of a module, `import * as lib`, where it has to be known. */
export function said_of_namespace(node: ts.Expression, meaning: Meaning): string | undefined {
  if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return undefined;
  const imported = meaning.checker.getSymbolAtLocation(node.expression)?.declarations?.[0];
  if (imported === undefined || !ts.isNamespaceImport(imported)) return undefined;
  const { moduleSpecifier } = imported.parent.parent as ts.ImportDeclaration;
  const whole = node.expression.text;
  return (
    `\`${node.getText()}\` is not found behind \`import * as ${whole}\`; ` +
    `import it by its name: \`import { ${node.name.text} } from ${moduleSpecifier.getText()}\``
  );
}

export class ModuleNames {
  readonly #imports = new Map<string, string>();

  constructor(
    private readonly meaning: Meaning,
    private readonly file: ts.SourceFile,
    /** Whether a file's names are imported from the package that it is in. */
    private readonly is_of_package: (file: string) => boolean,
  ) {}

  /** `import` statements for what was asked for. */
  get text(): string {
    return [...this.#imports.values()].join("");
  }

  /** The name that stands for a module's symbol in the generated text; undefined for what is no module's. */
  name_of(symbol: ts.Symbol, node: ts.Node, env: Environment): string | undefined {
    const declaration = symbol.declarations?.[0];
    if (declaration === undefined || !is_at_module_level(declaration)) return undefined;
    if (env.file === this.file) return undefined;
    return this.import_name(symbol, node);
  }

  /** The name of a struct, function or constant of any module. */
  import_name(symbol: ts.Symbol, node: ts.Node): string {
    const declaration = symbol.declarations![0];
    const source = declaration.getSourceFile();
    if (source === this.file) return symbol.name;
    const name = symbol.name;
    const local = `$${this.#number(source.fileName)}_${name}`;
    if (!this.#imports.has(local)) {
      const exported = exported_as(symbol, source, this.meaning) ?? (source.isDeclarationFile ? name : companion(name));
      const from = this.#specifier(source, symbol, node);
      this.#imports.set(local, `import { ${exported} as ${local} } from ${JSON.stringify(from)};`);
    }
    return local;
  }

  /** The same, of what the module that has it exports; undefined for anything else. */
  exported_name(symbol: ts.Symbol, node: ts.Node): string | undefined {
    const source = symbol.declarations![0].getSourceFile();
    if (source !== this.file && !this.#is_exported(symbol, source)) return undefined;
    try {
      return this.import_name(symbol, node);
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }

  readonly #numbers = new Map<string, number>();

  #number(file: string): number {
    let number = this.#numbers.get(file);
    if (number === undefined) this.#numbers.set(file, (number = this.#numbers.size + 1));
    return number;
  }

  #is_exported(symbol: ts.Symbol, source: ts.SourceFile): boolean {
    return exported_as(symbol, source, this.meaning) !== undefined;
  }

  /** Where to import a symbol of another file from: the file itself, or the package that has it. */
  #specifier(source: ts.SourceFile, symbol: ts.Symbol, node: ts.Node): string {
    const is_packaged = this.is_of_package(source.fileName);
    if (!source.isDeclarationFile && !is_packaged) return relative_specifier(this.file.fileName, source.fileName);
    // A package that exports all of a file has its companions too.
    const is_companion = is_packaged && !this.#is_exported(symbol, source);
    for (const statement of this.file.statements) {
      if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
      const module = this.meaning.checker.getSymbolAtLocation(statement.moduleSpecifier);
      const exported = module && this.meaning.checker.getExportsOfModule(module);
      const has = exported?.some((candidate) => {
        const behind = this.meaning.behind_import(candidate);
        return behind === symbol || (is_companion && behind.declarations?.[0].getSourceFile() === source);
      });
      if (has) return statement.moduleSpecifier.text;
    }
    refuse(node, `${symbol.name} is needed here; import something from the module that exports it`);
  }
}

export function relative_specifier(from: string, to: string): string {
  const path = relative(dirname(from), to).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}

/** Whether a declaration is a module's own: a function, constant or import, not something inside of a function. */
export function is_at_module_level(declaration: ts.Node): boolean {
  if (ts.isSourceFile(declaration)) return false;
  let at: ts.Node = declaration;
  while (!ts.isSourceFile(at.parent)) {
    at = at.parent;
    if (ts.isFunctionLike(at) || ts.isBlock(at) || ts.isModuleBlock(at) || ts.isClassLike(at)) return false;
    if (ts.isInterfaceDeclaration(at) || ts.isTypeAliasDeclaration(at)) return false;
  }
  return ts.isExternalModule(declaration.getSourceFile());
}
