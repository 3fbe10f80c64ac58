/** The compilers that are installed, and what they make of programs/program.c. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oracle } from "../../oracles.ts";

export const SOURCE = new URL("../programs/program.c", import.meta.url);

export interface Compiled {
  /** `gcc -gdwarf-5 -O2`. */
  readonly how: string;
  readonly path: string;
}

const OPTIONS = ["-m32", "-static", "-nostdlib", "-no-pie", "-fno-pic", "-fno-stack-protector"];

const WAYS: readonly (readonly [compiler: string, version: number, level: string])[] = [
  ["gcc", 2, "-O0"],
  ["gcc", 3, "-O1"],
  ["gcc", 4, "-O2"],
  ["gcc", 5, "-O0"],
  ["gcc", 5, "-O2"],
  ["clang", 2, "-O0"],
  ["clang", 4, "-O1"],
  ["clang", 5, "-O2"],
];

/** Programs for those compilers that can make any; clang may be missing everywhere. */
export function compiledPrograms(): Compiled[] {
  const folder = mkdtempSync(join(tmpdir(), "esp0-programs-"));
  return WAYS.flatMap(([compiler, version, level]) => {
    const how = `${compiler} -gdwarf-${version} ${level}`;
    const path = join(folder, `${compiler}-${version}${level}`);
    const args = [...OPTIONS, `-gdwarf-${version}`, level, "-o", path, SOURCE.pathname];
    const { status } = spawnSync(compiler, args, { stdio: "ignore" });
    const isThere = compiler === "gcc" ? oracle(`${how} -m32`, status === 0) : status === 0;
    return isThere ? [{ how, path }] : [];
  });
}

export function bytesOf({ path }: Compiled): Uint8Array {
  return readFileSync(path);
}
