/** What test files need built: the sources that they import, by folder, and dist/. Found by following their imports. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";

/** Folders of sources, and those that each imports. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  asm: [],
  emulator: [],
  boot: ["asm", "emulator"],
  kernel: ["asm", "boot", "emulator"],
  user: ["asm", "boot"],
  debug: ["kernel", "user"],
  prebuilt: ["kernel", "user"],
  testing: ["debug", "prebuilt"],
  cli: ["debug", "prebuilt"],
};

export interface Needs {
  /** In alphabetical order. */
  readonly folders: readonly string[];
  readonly dist: boolean;
}

/** @param files paths of test files; @param root of the project */
export function needsOf(files: readonly string[], root = process.cwd()): Needs {
  const folders = new Set<string>();
  const followed = new Set<string>();
  const addFolder = (folder: string) => {
    folders.add(folder);
    for (const other of IMPORTS[folder] ?? []) addFolder(other);
  };
  const follow = (file: string) => {
    if (followed.has(file)) return;
    followed.add(file);
    for (const [, specifier] of readFileSync(file, "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+\.ts)"/g)) {
      const imported = resolve(dirname(file), specifier);
      const [folder = ""] = relative(root, imported).split(/[\\/]/);
      if (folder in IMPORTS) addFolder(folder);
      // What is not there is imported by a source within a string.
      else if (folder === "test" && existsSync(imported)) follow(imported);
    }
  };
  for (const file of files) follow(resolve(root, file));
  return { folders: [...folders].sort(), dist: followed.has(resolve(root, "test/dist.ts")) };
}
