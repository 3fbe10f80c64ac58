/** Before the tests: dist/ as the sources are now, for the tests that run the command as users do. */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const SOURCES = ["asm", "boot", "cli", "debug", "emulator", "kernel", "scripts", "user", "package.json"];

function newest(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function built(): number {
  return statSync("dist/vmlinux", { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

export function setup(): void {
  if (built() < Math.max(...SOURCES.map(newest)))
    execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
}
