/**
 * Before the tests: builds what the chosen ones need, as the sources are now, and nothing else. That is the modules that
 * they import, as Node loads them (see native-modules.ts), and dist/ for those that run the command as users do.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestProject } from "vitest/node";
import { NATIVE_MODULES } from "./native-modules.ts";
import { needsOf } from "./needs.ts";

const DIST_SOURCES = [
  "asm",
  "boot",
  "cli",
  "debug",
  "emulator",
  "kernel",
  "prebuilt",
  "scripts",
  "testing",
  "user",
  "package.json",
];
/** Says which folders the modules were built of, one a line. */
const STAMP = `${NATIVE_MODULES}/folders`;

function newest(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function builtAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function build(...args: readonly string[]): void {
  execFileSync(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
}

/** What was built before stays as long as its sources do; what another run needed of it is built again with it. */
function buildModules(folders: readonly string[]): void {
  const before = builtAt(STAMP) === 0 ? [] : readFileSync(STAMP, "utf8").split("\n");
  const isThere = folders.every((folder) => before.includes(folder));
  const changed = Math.max(0, ...["scripts", ...folders].map(newest));
  if (isThere && builtAt(STAMP) >= changed) return;
  const isCurrent = before.length > 0 && builtAt(STAMP) >= Math.max(...["scripts", ...before].map(newest));
  const all = [...new Set([...folders, ...(isCurrent ? before : [])])];
  build("scripts/build-modules.mjs", NATIVE_MODULES, ...all);
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, all.join("\n"));
}

/** A build of dist/ that fails is said here and fails the tests that run the command; the others can still tell why. */
function buildDist(): void {
  if (builtAt("dist/vmlinux") >= Math.max(...DIST_SOURCES.map(newest))) return;
  try {
    build("scripts/build.mjs");
  } catch (error) {
    console.error(`dist/ could not be built; tests that run the command see an old one or none\n${String(error)}`);
  }
}

export async function setup(project: TestProject): Promise<void> {
  // The names on the command line; of all test files when there are none.
  const { filenamePattern } = project.vitest as { filenamePattern?: string[] };
  const { testFiles } = await project.globTestFiles(filenamePattern);
  const { folders, dist } = needsOf(testFiles);
  // scripts/mutants.mjs has built modules of its own.
  if (folders.length > 0 && process.env.ESP0_MODULES === undefined) buildModules(folders);
  if (dist) buildDist();
}
