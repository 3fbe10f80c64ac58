/** The plugin for Vite and vitest: compiles hosted functions in the modules that tests load. */
import { join } from "node:path";
import { Project } from "./project.ts";
import { Refusal } from "./refusal.ts";

/** As much of Vite's plugin interface as is used. */
export interface HostedPlugin {
  readonly name: string;
  readonly enforce: "pre";
  transform(
    this: { error(problem: { message: string; loc?: { file: string; line: number; column: number } }): never },
    text: string,
    id: string,
  ): { code: string; map: string } | undefined;
}

export interface HostedPluginOptions {
  /** Folder that names of source files are relative to; the current one by default. */
  readonly root?: string;
  /** Files that import what is to be compiled: the checker reads them once, at the start. */
  readonly files?: readonly string[];
  /** Where compiled functions find their runtime: a module specifier, or a file below the root. */
  readonly runtime?: string;
}

/** `plugins: [hosted()]` in vite.config.ts or vitest.config.ts. */
export function hosted(options: HostedPluginOptions = {}): HostedPlugin {
  const root = options.root ?? process.cwd();
  const { files = [], runtime = "esp0/kernel/runtime" } = options;
  const project = new Project({
    root,
    files: files.map((file) => join(root, file)),
    runtime: runtime.startsWith("./") ? join(root, runtime) : runtime,
    cache: true,
  });
  return {
    name: "esp0-hosted",
    enforce: "pre",
    transform(text, id) {
      const [file] = id.split("?");
      if (!/\.[cm]?ts$/.test(file) || id.includes("?raw") || file.includes("/node_modules/")) return undefined;
      try {
        return project.compile(file, text);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const { file: place, line, column } = error.places[0];
        this.error({ message: error.message, loc: { file: join(root, place), line, column } });
      }
    },
  };
}

export default hosted;
