/** `esp0 run` begins in a kept state, and nobody can tell. Runs what the build made. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "esp0-from-reset-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Says what it is called with, then gives back what it reads. */
const ECHO = `
.globl _start
_start:	movl 8(%esp), %ecx
	movl $1, %edx
	call write
1:	movl $3, %eax
	xorl %ebx, %ebx
	movl $buffer, %ecx
	movl $64, %edx
	int $0x80
	testl %eax, %eax
	jle 2f
	movl %eax, %edx
	movl $buffer, %ecx
	call write
	jmp 1b
2:	movl $1, %eax
	movl $7, %ebx
	int $0x80
write:	movl $4, %eax
	movl $1, %ebx
	int $0x80
	ret
.bss
buffer:	.skip 64
`;

function esp0(...args: string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["dist/esp0.js", "run", ...args], {
    encoding: "utf8",
    input: "one\ntwo\n",
  });
  // Of what the host did, the run is not to depend on: its time, and what it compiled.
  const ofGuest = stderr
    .replace(/^(host seconds|guest MIPS).*$/gm, "$1")
    .replace(/^(compiled| {2}ever,| {2}entered| {2}left:).*\n/gm, "");
  return { stdout, stderr: ofGuest, status };
}

/** Where the machine stood at each point of a recording, and what happened there. */
function course(path: string): unknown[] {
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter((line) => "cycle" in line && ("do" in line || "end" in line));
}

describe("esp0 run from the kept state", () => {
  it("is the run from the reset: output, log, statistics, input, memory", () => {
    expect(existsSync("dist/vmlinux.booted")).toBe(true);
    const program = join(folder, "echo.S");
    writeFileSync(program, ECHO);
    const [kept, whole] = [join(folder, "kept.rec"), join(folder, "whole.rec")];
    const started = esp0("--stats", "--record", kept, program, "A");
    expect(started).toMatchObject({ stdout: "Aone\ntwo\n", status: 7 });
    expect(started.stderr).toMatch(/^Linux version/);
    expect(esp0("--stats", "--record", whole, "--from-reset", program, "A")).toEqual(started);
    expect(course(kept)).toHaveLength(4);
    expect(course(kept)).toEqual(course(whole));
    for (const path of [kept, whole]) {
      expect(esp0("--replay", path)).toMatchObject({ stdout: "Aone\ntwo\n", status: 7 });
      expect(esp0("--replay", path, "--from-reset")).toMatchObject({ stdout: "Aone\ntwo\n", status: 7 });
    }
  });

  it("boots when it is to end before", () => {
    expect(esp0("-q", "--max-instructions", "1000", "examples/hello.S")).toMatchObject({ stdout: "", status: 4 });
  });
});
