/** The real thing to compare with, where it is installed. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oracle } from "../oracles.ts";

const QEMU = "qemu-system-i386";
const SECONDS = 20;

export const hasQemu = oracle(QEMU, spawnSync(QEMU, ["--version"]).status === 0);

/**
 * Runs QEMU without display and network until the guest writes to the exit port 0xF4.
 * @param files contents by name, in the directory it runs in
 * @returns exit status, and what came out of COM1
 */
export function qemu(
  args: readonly string[],
  files: Readonly<Record<string, Uint8Array>>,
): { status: number | null; output: string } {
  const directory = mkdtempSync(join(tmpdir(), "esp0-qemu-"));
  try {
    for (const [name, contents] of Object.entries(files)) writeFileSync(join(directory, name), contents);
    const machine = ["-display", "none", "-nic", "none", "-serial", "stdio", "-no-reboot"];
    const exit = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"];
    const { status, stdout } = spawnSync(QEMU, [...machine, ...exit, ...args], {
      cwd: directory,
      timeout: SECONDS * 1000,
      input: "",
    });
    return { status, output: stdout.toString("latin1") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
