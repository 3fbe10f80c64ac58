/**
 * Has tests import the sources as scripts/build-modules.mjs has built them: plain modules that Node loads itself. What is
 * in test/ goes through Vite.
 */
import { dirname, relative, resolve } from "node:path";

/** Where they are; scripts/mutants.mjs has its own. */
export const NATIVE_MODULES = process.env.ESP0_MODULES ?? "node_modules/.cache/esp0/modules";

const SOURCES = /^(asm|boot|cli|debug|emulator|kernel|testing|user)\/.*\.ts$/;

/** The plugin for vitest. */
export function nativeModules(root = process.cwd()) {
  return {
    name: "native-modules",
    enforce: "pre" as const,
    resolveId(source: string, importer: string | undefined) {
      if (importer === undefined || !source.startsWith(".")) return undefined;
      const path = relative(root, resolve(dirname(importer), source)).replaceAll("\\", "/");
      if (!SOURCES.test(path)) return undefined;
      return { id: resolve(root, NATIVE_MODULES, path.replace(/\.ts$/, ".mjs")), external: true };
    },
  };
}
