/**
 * The texts behind a package's declaration files. Types are enough for most of what a module imports; what is expanded where
 * it is used (`for_each_task`, `wait_event`) is needed as it was written.
 */
import { existsSync } from "node:fs";
import ts from "typescript-api";

/** Folders of a package that hold the same tree. Paths with `/`, and one at the end. */
export interface PackageFolders {
  /** Declaration files: `kernel/include/linux/sched.d.ts`. */
  readonly types: string;
  /** What they were made from: `kernel/include/linux/sched.ts`. */
  readonly texts: string;
}

export class PackageTexts {
  readonly #expands = new Map<string, boolean>();

  constructor(
    private readonly folders: PackageFolders,
    private readonly options: ts.CompilerOptions,
  ) {}

  /** Whether a file is a text of the package, whose names are imported from the package. */
  has(file: string): boolean {
    return !file.endsWith(".d.ts") && file.startsWith(this.folders.texts) && existsSync(this.#types_of(file));
  }

  /** Whether a file has types of the package. */
  has_types(file: string): boolean {
    return file.startsWith(this.folders.types);
  }

  /**
   * Resolves an import as TypeScript does; to its text where a file declares what is expanded.
   * @param host keeps the source files that it has given, since the program wants most of them, too
   */
  resolve(specifier: string, from: string, host: ts.CompilerHost): ts.ResolvedModuleFull | undefined {
    // Texts import each other's types, so that every declaration is there once.
    const at = this.has(from) ? this.#types_of(from) : from;
    const { resolvedModule } = ts.resolveModuleName(specifier, at, this.options, host);
    if (resolvedModule === undefined) return undefined;
    const file = resolvedModule.resolvedFileName;
    if (!file.startsWith(this.folders.types) || !this.#expands_something(file, host)) return resolvedModule;
    const text = `${this.folders.texts}${file.slice(this.folders.types.length).replace(/\.d\.ts$/, ".ts")}`;
    return existsSync(text)
      ? { ...resolvedModule, resolvedFileName: text, extension: ts.Extension.Ts }
      : resolvedModule;
  }

  #types_of(text: string): string {
    return `${this.folders.types}${text.slice(this.folders.texts.length).replace(/\.ts$/, ".d.ts")}`;
  }

  #expands_something(file: string, host: ts.CompilerHost): boolean {
    let expands = this.#expands.get(file);
    if (expands === undefined) {
      expands = host.getSourceFile(file, this.options.target!)?.statements.some(is_expanded) ?? false;
      this.#expands.set(file, expands);
    }
    return expands;
  }
}

/** Whether a statement of a declaration file declares a generator function that yields values, or takes a function or a text. */
function is_expanded(statement: ts.Statement): boolean {
  if (!ts.isFunctionDeclaration(statement) || statement.type === undefined) return false;
  if (!ts.isTypeReferenceNode(statement.type) || !ts.isIdentifier(statement.type.typeName)) return false;
  const returns = statement.type.typeName.text;
  const is_macro = statement.parameters.some(
    ({ type }) => type !== undefined && (ts.isFunctionTypeNode(type) || type.kind === ts.SyntaxKind.StringKeyword),
  );
  return returns === "Generator" || (returns === "Steps" && is_macro);
}
