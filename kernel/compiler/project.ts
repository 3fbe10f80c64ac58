/** The files that are compiled together, as TypeScript sees them: one program, grown when a file is new or has changed. */
import { dirname, join, relative } from "node:path";
import ts from "typescript-api";
import { Cache } from "./cache.ts";
import { diagnosed, syntax_errors } from "./diagnostics.ts";
import { compile_module, INTERESTING, type Surroundings } from "./module.ts";
import { type PackageFolders, PackageTexts } from "./package-texts.ts";
import { in_order, Refusal, type RefusedPlace } from "./refusal.ts";

/** Options of the checker, where no tsconfig.json says otherwise. */
const defaults: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2023.d.ts"],
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  noEmit: true,
};

/**
 * TypeScript's declarations of the language and files of an installed package, which stay as they are as long as a process:
 * parsed once for all its projects, whose options mean the same to a parser.
 */
const installed = new Map<string, ts.SourceFile>();

export interface ProjectOptions {
  /** Folder that the names of files in tables are relative to. */
  readonly root: string;
  /** A file's name in tables and messages, instead of that. */
  readonly name_of?: (file: string) => string;
  /** Files to begin with: those that import the others. */
  readonly files?: readonly string[];
  /** Where the runtime of compiled functions is imported from: a specifier, or a file. */
  readonly runtime: string;
  /** Files with the types of packages, by the packages' names, instead of those in node_modules. */
  readonly packages?: Readonly<Record<string, string>>;
  /** Where a package has the texts behind its types. */
  readonly texts?: PackageFolders;
  /** Whether what is compiled is kept in node_modules/.cache for the next process. */
  readonly cache?: boolean;
}

export class Project {
  readonly #roots = new Set<string>();
  /** Texts that were given, which may be newer than the files. */
  readonly #given = new Map<string, string>();
  readonly #surroundings: Surroundings;
  readonly #host: ts.CompilerHost;
  readonly #checking: ts.CompilerOptions;
  readonly #sources = new Map<string, ts.SourceFile>();
  readonly #cache: Cache | undefined;
  #program: ts.Program | undefined;
  /** The one before the last change of a file: what has not changed since is taken over from it. */
  #before: ts.Program | undefined;

  constructor(private readonly options: ProjectOptions) {
    const paths = Object.entries(options.packages ?? {}).map(([name, file]) => [name, [normal(file)]]);
    this.#checking = paths.length === 0 ? defaults : { ...defaults, paths: Object.fromEntries(paths) };
    for (const file of options.files ?? []) this.#roots.add(normal(file));
    const texts = options.texts && new PackageTexts(options.texts, this.#checking);
    this.#surroundings = {
      runtime: options.runtime,
      name_of: options.name_of ?? ((file) => relative(options.root, file).replaceAll("\\", "/")),
      is_of_package: (file) => texts?.has(file) ?? false,
    };
    this.#host = ts.createCompilerHost(this.#checking);
    const resolve = (specifier: string, from: string) =>
      texts === undefined
        ? ts.resolveModuleName(specifier, from, this.#checking, this.#host).resolvedModule
        : texts.resolve(specifier, from, this.#host);
    const globals = (options.files ?? []).filter((file) => file.endsWith(".d.ts")).map(normal);
    if (options.cache)
      this.#cache = new Cache(
        options.root,
        JSON.stringify([options.root, options.runtime, defaults]),
        globals,
        (specifier, from) => resolve(specifier, from)?.resolvedFileName,
      );
    if (texts !== undefined)
      this.#host.resolveModuleNameLiterals = (literals, from) =>
        literals.map(({ text }) => ({ resolvedModule: resolve(text, from) }));
    const exists = this.#host.fileExists.bind(this.#host);
    this.#host.fileExists = (name) => this.#given.has(name) || exists(name);
    const read = this.#host.getSourceFile.bind(this.#host);
    const libraries = `${this.#host.getDefaultLibLocation?.() ?? dirname(ts.getDefaultLibFilePath(this.#checking))}/`;
    this.#host.getSourceFile = (name, language, ...rest) => {
      const known = this.#sources.get(name);
      if (known !== undefined) return known;
      const given = this.#given.get(name);
      const is_installed = given === undefined && (name.startsWith(libraries) || texts?.has_types(name) === true);
      const made =
        (is_installed ? installed.get(name) : undefined) ??
        (given === undefined ? read(name, language, ...rest) : ts.createSourceFile(name, given, language));
      if (made !== undefined) this.#sources.set(name, made);
      if (made !== undefined && is_installed) installed.set(name, made);
      return made;
    };
  }

  /** Says what a file has in it before it is compiled, or another that is imports it. */
  give(path: string, text: string): void {
    this.#update(normal(path), text);
  }

  /**
   * Compiles a file of kernel code, and says too what TypeScript says of its types.
   * @returns undefined when nothing in it is to be changed
   * @throws Refusal
   */
  check_and_compile(path: string, text: string): ReturnType<Project["compile"]> {
    const file = normal(path);
    this.#update(file, text);
    const wrong = diagnosed(this.#current(file), file).map((place) => this.#relative(place));
    const lines = new Set(wrong.map(({ line }) => line));
    const said = new Set(wrong.map(({ why }) => why));
    try {
      const compiled = this.#compile(file, text, true);
      if (wrong.length === 0) return compiled;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Where a type is wrong, what the compiler makes of it tells nothing more.
      wrong.push(...error.places.filter(({ line, why }) => !lines.has(line) && !said.has(why)));
    }
    throw new Refusal(in_order(wrong));
  }

  /**
   * Compiles a file that may be kernel code. @param text its contents
   * @returns undefined when it is none
   * @throws Refusal
   */
  compile(path: string, text: string): { readonly code: string; readonly map: string } | undefined {
    if (!INTERESTING.test(text)) return undefined;
    const file = normal(path);
    // The runtime itself is ordinary code.
    if (dirname(file) === dirname(this.options.runtime)) return undefined;
    return this.#compile(file, text, false);
  }

  #compile(
    file: string,
    text: string,
    is_kernel_code: boolean,
  ): { readonly code: string; readonly map: string } | undefined {
    const kept = this.#cache?.get(file, text);
    if (kept !== undefined) return kept ?? undefined;
    this.#update(file, text);
    try {
      // Where TypeScript reads something else than JavaScript does, what it makes of it tells nothing.
      const wrong = syntax_errors(this.#current(file), file);
      if (wrong.length > 0) throw new Refusal(wrong);
      const compiled = compile_module(this.#current(file), file, this.#surroundings, is_kernel_code);
      this.#cache?.set(file, text, compiled ?? null);
      return compiled;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Refusal(error.places.map((place) => this.#relative(place)));
    }
  }

  /** A place as its message names it: files by their names below the root. */
  #relative({ file, line, column, why }: RefusedPlace): RefusedPlace {
    return {
      file: this.#surroundings.name_of(file),
      line,
      column,
      why: why.replaceAll(`${normal(this.options.root)}/`, ""),
    };
  }

  #update(file: string, text: string): void {
    const source = this.#sources.get(file);
    if (source !== undefined && source.text === text) return;
    this.#given.set(file, text);
    if (source !== undefined) {
      this.#cache?.forget(file);
      this.#sources.delete(file);
      this.#before = this.#program ?? this.#before;
      this.#program = undefined;
    }
  }

  #current(file: string): ts.Program {
    if (this.#program?.getSourceFile(file) === undefined) {
      this.#roots.add(file);
      this.#program = ts.createProgram([...this.#roots], this.#checking, this.#host, this.#program ?? this.#before);
      this.#before = undefined;
    }
    return this.#program;
  }
}

function normal(file: string): string {
  return file.replaceAll("\\", "/");
}

/** The project of this repository's own sources. @param root the repository */
export function own_project(root: string): Project {
  return new Project({
    root,
    files: [join(root, "kernel/index.ts"), join(root, "assets.d.ts")],
    runtime: join(root, "kernel/host/runtime.ts"),
    cache: true,
  });
}
