/** `--module`: kernel modules in TypeScript that are compiled when the command starts, and linked into the kernel. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { InvalidArgumentError } from "commander";
import { LinkError } from "../asm/index.ts";
import { type KernelImage, link_kernel } from "../kernel/index.ts";
import { type CommandIo, InputError, readInput } from "./io.ts";
import { decodeText } from "./source-files.ts";

/** What a kernel module imports, and where the built command has it, with its types. */
const PACKAGES: Readonly<Record<string, { readonly code: string; readonly types: string }>> = {
  "esp0/kernel/module": { code: "kernel-module.js", types: "types/kernel/module.d.ts" },
  "esp0/kernel/runtime": { code: "kernel-runtime.js", types: "types/kernel/host/runtime.d.ts" },
};

const LAST_SYSTEM_CALL = 511;

/** `250=sys_mine`, added to those before. */
export function systemCall(text: string, before: Readonly<Record<number, string>> = {}): Record<number, string> {
  const [, number, name] = /^(\d{1,3})=([A-Za-z_]\w*)$/.exec(text) ?? [];
  if (name === undefined || Number(number) > LAST_SYSTEM_CALL)
    throw new InvalidArgumentError(`It is NUMBER=FUNCTION with a number up to ${LAST_SYSTEM_CALL}: 250=sys_mine.`);
  return { ...before, [Number(number)]: name };
}

/** The kernel with modules of the user's. @throws InputError for modules that cannot be compiled, loaded or linked */
export async function kernelWith(
  files: readonly string[],
  system_calls: Readonly<Record<number, string>>,
  io: CommandIo,
): Promise<KernelImage> {
  const modules = await loadModules(files, io);
  try {
    return link_kernel({ modules, system_calls });
  } catch (error) {
    if (error instanceof LinkError || error instanceof TypeError || error instanceof RangeError)
      throw new InputError(`esp0: ${error.message}`);
    throw error;
  }
}

/** Compiles modules and what they import beside them; gives those that declare something for the kernel. */
async function loadModules(files: readonly string[], io: CommandIo): Promise<object[]> {
  const compiler = await import("../kernel/compiler/index.ts");
  const beside = (name: string) => new URL(name, import.meta.url);
  const project = new compiler.Project({
    root: process.cwd(),
    runtime: "esp0/kernel/runtime",
    packages: Object.fromEntries(
      Object.entries(PACKAGES).map(([name, { types }]) => [name, fileURLToPath(beside(types))]),
    ),
  });
  const folder = mkdtempSync(join(tmpdir(), "esp0-modules-"));
  const made = new Map<string, string>();
  const make = (path: string): string => {
    const known = made.get(path);
    if (known !== undefined) return known;
    const target = join(folder, `${made.size}.mjs`);
    made.set(path, target);
    const name = relative(process.cwd(), path);
    const text = decodeText(readInput(io, path), name);
    const importing = (specifier: string): string => {
      const known = PACKAGES[specifier];
      if (known !== undefined) return beside(known.code).href;
      const file = resolve(dirname(path), specifier);
      if (/^\.\.?\//.test(specifier) && existsSync(file)) return pathToFileURL(make(file)).href;
      const at = text.indexOf(specifier);
      const before = text.slice(0, Math.max(at, 0)).split("\n");
      throw new InputError(
        `${name}:${before.length}:${before.at(-1)!.length + 1}: ${specifier} cannot be imported; ` +
          "a kernel module imports esp0/kernel/module and .ts files by relative paths",
      );
    };
    // What is no TypeScript is said of the text as it was written.
    compiler.javascript(text, name, (specifier) => specifier);
    const compiled = project.compile(path, text)?.code ?? text;
    writeFileSync(target, compiler.javascript(compiled, name, importing));
    return target;
  };
  try {
    for (const file of files) make(resolve(file));
    const loaded = new Map<string, object>();
    for (const [path, target] of made) loaded.set(path, await load(relative(process.cwd(), path), target));
    const given = new Set(files.map((file) => resolve(file)));
    return [...loaded].filter(([path, module]) => given.has(path) || "$object" in module).map(([, module]) => module);
  } catch (error) {
    if (error instanceof compiler.Refusal) throw new InputError(error.message);
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a module's own top level throws, and names that its imports lack, are mistakes in it. */
async function load(name: string, target: string): Promise<object> {
  try {
    return (await import(pathToFileURL(target).href)) as object;
  } catch (error) {
    throw new InputError(`${name}: cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
}
