/**
 * Before the tests: every source module as Node loads it (see native-modules.ts), and dist/ for the tests that run the
 * command as users do. Both as the sources are now.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { NATIVE_MODULES } from "./native-modules.ts";

const SOURCES = ["asm", "boot", "cli", "debug", "emulator", "kernel", "scripts", "testing", "user", "package.json"];

function newest(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function built(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A build that fails is said here and fails the tests that run the command; the others can still tell why. */
export function setup(): void {
  if (process.env.ESP0_MODULES !== undefined) return;
  const changed = Math.max(...SOURCES.map(newest));
  if (built(`${NATIVE_MODULES}/compiler.mjs`) < changed)
    execFileSync(process.execPath, ["scripts/build-modules.mjs", NATIVE_MODULES], { stdio: "inherit" });
  if (built("dist/vmlinux") >= changed) return;
  try {
    execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "pipe" });
  } catch (error) {
    console.error(`dist/ could not be built; tests that run the command see an old one or none\n${String(error)}`);
  }
}
