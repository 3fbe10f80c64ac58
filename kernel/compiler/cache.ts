/**
 * Compiled files kept for the next process, in node_modules/.cache. What is kept names everything that it depends on by
 * content: the file and all that it imports, directly or not, the compiler, TypeScript. So it is never stale.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript-api";

/** A compiled file; null for one with nothing in it to compile. */
export type Compiled = { readonly code: string; readonly map: string } | null;

interface Entry {
  readonly compiler: string;
  /** Files and the hashes of their contents. */
  readonly dependencies: readonly (readonly [file: string, hash: string])[];
  readonly compiled: Compiled;
}

const NOWHERE = "-";

export class Cache {
  readonly #folder: string;
  readonly #compiler: string;
  readonly #hashes = new Map<string, string>();
  readonly #imports = new Map<string, readonly string[]>();

  /**
   * @param root the project's folder
   * @param settings what else compiled text depends on
   * @param globals files whose declarations all others see
   * @param resolve gives the file that an import of another is; undefined if there is none
   */
  constructor(
    root: string,
    private readonly settings: string,
    private readonly globals: readonly string[],
    private readonly resolve: (specifier: string, from: string) => string | undefined,
  ) {
    this.#folder = join(root, "node_modules/.cache/esp0-hosted");
    this.#compiler = hash_of([ts.version, process.version, settings, ...own_sources()]);
  }

  /** What was kept of a file with this text; undefined when nothing was, or something it depends on has changed. */
  get(file: string, text: string): Compiled | undefined {
    const entry = this.#read(file);
    if (entry === undefined || entry.compiler !== this.#compiler) return undefined;
    const is_same = entry.dependencies.every(
      ([name, hash]) => hash === (name === file ? hash_of([text]) : this.#hash(name)),
    );
    return is_same ? entry.compiled : undefined;
  }

  set(file: string, text: string, compiled: Compiled): void {
    const dependencies = [...this.#closure(file, text)].map(
      (name) => [name, name === file ? hash_of([text]) : this.#hash(name)] as const,
    );
    const entry: Entry = { compiler: this.#compiler, dependencies, compiled };
    try {
      mkdirSync(this.#folder, { recursive: true });
      const path = this.#path(file);
      // Other processes may write the same: each a file of its own, moved into place as a whole.
      writeFileSync(`${path}.${process.pid}`, JSON.stringify(entry));
      renameSync(`${path}.${process.pid}`, path);
    } catch {
      // Nothing is kept where nothing can be written.
    }
  }

  /** Forgets what it knows of a file, which has changed. */
  forget(file: string): void {
    this.#hashes.delete(file);
    this.#imports.delete(file);
  }

  #path(file: string): string {
    return join(this.#folder, `${hash_of([this.settings, file]).slice(0, 32)}.json`);
  }

  #read(file: string): Entry | undefined {
    try {
      return JSON.parse(readFileSync(this.#path(file), "utf8")) as Entry;
    } catch {
      return undefined;
    }
  }

  #hash(file: string): string {
    let hash = this.#hashes.get(file);
    if (hash === undefined) {
      hash = existsSync(file) ? hash_of([readFileSync(file, "utf8")]) : NOWHERE;
      this.#hashes.set(file, hash);
    }
    return hash;
  }

  /** A file and all that it imports, directly or not. */
  #closure(file: string, text: string): Set<string> {
    const found = new Set([file, ...this.globals]);
    for (const name of found) {
      const imported = name === file ? this.#resolve(file, text) : this.#imported(name);
      for (const inner of imported) found.add(inner);
    }
    return found;
  }

  #imported(file: string): readonly string[] {
    let imported = this.#imports.get(file);
    if (imported === undefined) {
      imported = existsSync(file) ? this.#resolve(file, readFileSync(file, "utf8")) : [];
      this.#imports.set(file, imported);
    }
    return imported;
  }

  #resolve(file: string, text: string): string[] {
    const { importedFiles, referencedFiles } = ts.preProcessFile(text, true, true);
    const modules = importedFiles.flatMap(({ fileName }) => {
      const found = this.resolve(fileName, file);
      return found === undefined ? [] : [found];
    });
    return [...modules, ...referencedFiles.map(({ fileName }) => join(dirname(file), fileName))];
  }
}

/** Texts of the compiler itself: its sources, or the bundle that it is in. */
function own_sources(): string[] {
  const own = fileURLToPath(import.meta.url);
  if (!own.endsWith(".ts")) return [readFileSync(own, "utf8")];
  const folder = dirname(own);
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"));
}

function hash_of(texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(text).update("\0");
  return hash.digest("hex");
}
