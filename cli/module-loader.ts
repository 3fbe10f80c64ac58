/** Compiles kernel modules of the user's with all that they import beside them, and loads them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { loading } from "../kernel/index.ts";
import { type CommandIo, InputError, readInput } from "./io.ts";
import { decodeText } from "./source-files.ts";

type Compiler = typeof import("../kernel/compiler/index.ts");

/** What a kernel module imports, and where the built command has it, with its types. */
const PACKAGES: Readonly<Record<string, { readonly code: string; readonly types: string }>> = {
  "esp0/kernel/module": { code: "kernel-module.js", types: "types/kernel/module.d.ts" },
  "esp0/kernel/runtime": { code: "kernel-runtime.js", types: "types/kernel/host/runtime.d.ts" },
};

const beside = (name: string) => new URL(name, import.meta.url);

/** A module that was compiled. */
interface Made {
  /** As the user names it: as given, or by the path from the one that imports it. */
  readonly name: string;
  /** Where its JavaScript is. */
  readonly target: string;
  /** From the JavaScript back to the source, through what the compiler made. */
  readonly maps: readonly SourceMap[];
}

/**
 * Gives the modules that declare something for the kernel, and all that were named.
 * @throws InputError with every mistake in them
 */
export async function loadModules(files: readonly string[], io: CommandIo): Promise<object[]> {
  const compiler = await import("../kernel/compiler/index.ts");
  const folder = mkdtempSync(join(tmpdir(), "esp0-modules-"));
  try {
    const texts = textsOf(files, compiler, io);
    const made = compiled(texts, folder, compiler);
    const given = new Set(files.map((file) => resolve(file)));
    const loaded: object[] = [];
    for (const [path, one] of made) {
      const module = await load(one);
      if (given.has(path) || "$object" in module) loaded.push(declaring(module, one));
    }
    return loaded;
  } catch (error) {
    if (error instanceof compiler.Refusal) throw new InputError(error.message);
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Text {
  readonly name: string;
  readonly text: string;
}

/** The modules named and those that they import, by path. @throws InputError for what cannot be read or imported */
function textsOf(files: readonly string[], compiler: Compiler, io: CommandIo): Map<string, Text> {
  const texts = new Map<string, Text>();
  const read = (name: string): void => {
    const path = resolve(name);
    if (texts.has(path)) return;
    const text = decodeText(readInput(io, name), name);
    texts.set(path, { name, text });
    for (const { specifier, line, column } of compiler.imports_of(text)) {
      if (Object.hasOwn(PACKAGES, specifier)) continue;
      const refuse = (why: string) => {
        throw new InputError(`${name}:${line}:${column}: ${specifier} cannot be imported${why}`);
      };
      if (!/^\.\.?\//.test(specifier))
        refuse("; a kernel module imports esp0/kernel/module and .ts files by relative paths");
      if (!specifier.endsWith(".ts")) refuse("; it ends in .ts");
      const file = join(dirname(name), specifier);
      try {
        io.readFile(file);
      } catch {
        refuse(`: there is no ${file}`);
      }
      read(file);
    }
  };
  for (const file of files) read(file);
  return texts;
}

/** Compiles all, and writes their JavaScript. @throws Refusal with what is wrong in any of them */
function compiled(texts: ReadonlyMap<string, Text>, folder: string, compiler: Compiler): Map<string, Made> {
  const project = new compiler.Project({
    root: process.cwd(),
    name_of: (file) => texts.get(resolve(file))?.name ?? file,
    runtime: "esp0/kernel/runtime",
    packages: Object.fromEntries(
      Object.entries(PACKAGES).map(([name, { types }]) => [name, fileURLToPath(beside(types))]),
    ),
    texts: { types: fileURLToPath(beside("types/")), texts: fileURLToPath(beside("../")) },
  });
  for (const [path, { text }] of texts) project.give(path, text);
  const paths = [...texts.keys()];
  const target_of = (path: string) => join(folder, `${paths.indexOf(path)}.mjs`);
  const made = new Map<string, Made>();
  const wrong: InstanceType<Compiler["Refusal"]>[] = [];
  for (const [path, { name, text }] of texts) {
    const importing = (specifier: string): string =>
      Object.hasOwn(PACKAGES, specifier)
        ? beside(PACKAGES[specifier].code).href
        : pathToFileURL(target_of(resolve(dirname(path), specifier))).href;
    try {
      const steps = project.check_and_compile(path, text);
      const { code, map } = compiler.javascript(steps?.code ?? text, name, importing);
      writeFileSync(target_of(path), code);
      const maps = [map, ...(steps === undefined ? [] : [steps.map])];
      made.set(path, {
        name,
        target: target_of(path),
        maps: maps.map((json) => new SourceMap(JSON.parse(json) as SourceMapPayload)),
      });
    } catch (error) {
      if (!(error instanceof compiler.Refusal)) throw error;
      wrong.push(error);
    }
  }
  if (wrong.length === 0) return made;
  // What a plain function does is said of its own file, and of those whose statements call it.
  const places = wrong.flatMap((refusal) => refusal.places);
  throw new compiler.Refusal([
    ...new Map(places.map((place) => [`${place.file}:${place.line}:${place.column}`, place])).values(),
  ]);
}

/** What a module's own top level throws is a mistake in it. */
async function load({ name, target, maps }: Made): Promise<object> {
  try {
    return await loading(async () => (await import(pathToFileURL(target).href)) as object);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const message = said.startsWith(`${name}: `) ? said.slice(name.length + 2) : said;
    throw new InputError(`${name}${placeOf(error, target, maps)}: cannot be loaded: ${message}`);
  }
}

/** `:LINE:COLUMN` of the innermost call in a module's own text; empty where there is none. */
function placeOf(error: unknown, target: string, maps: readonly SourceMap[]): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const frame = stack.split("\n").find((line) => line.includes(pathToFileURL(target).href));
  const [, line, column] = /:(\d+):(\d+)\)?$/.exec(frame ?? "") ?? [];
  if (line === undefined) return "";
  let place = { line: Number(line) - 1, column: Number(column) - 1 };
  for (const map of maps) {
    const found = map.findEntry(place.line, place.column);
    if (!("originalLine" in found)) return "";
    // Text that was taken over as it stands is mapped by whole lines.
    const within = found.generatedColumn === 0 && found.generatedLine === place.line ? place.column : 0;
    place = { line: found.originalLine, column: found.originalColumn + within };
  }
  return `:${place.line + 1}:${place.column + 1}`;
}

/** @throws InputError for a module that was named, and has nothing for a kernel */
function declaring(module: object, { name }: Made): object {
  if ("$object" in module) return module;
  throw new InputError(
    `${name}: declares nothing for a kernel; a module has kernel_function(…), kernel_variable(…) or a function* that steps`,
  );
}
