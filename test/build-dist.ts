/** Before the tests: dist/ as the sources are now, for the tests that run the command as users do. */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const SOURCES = ["asm", "boot", "cli", "debug", "emulator", "kernel", "scripts", "testing", "user", "package.json"];

function newest(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function built(): number {
  return statSync("dist/vmlinux", { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A build that fails is said here and fails the tests that run the command; the others can still tell why. */
export function setup(): void {
  if (built() >= Math.max(...SOURCES.map(newest))) return;
  try {
    execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "pipe" });
  } catch (error) {
    console.error(`dist/ could not be built; tests that run the command see an old one or none\n${String(error)}`);
  }
}
