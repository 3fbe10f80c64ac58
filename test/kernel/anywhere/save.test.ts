import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { initramfs } from "../../../boot/index.ts";
import { asm } from "../../../testing/program.ts";
import { MACROS } from "./paths.ts";

const SCRIPT = new URL("./save-process.mjs", import.meta.url).pathname;

/** Forks, copies on write, threads of control through a pipe, signals with a handler, sleepers, an alarm, an exec. */
const PROGRAM = asm`${MACROS}
.globl _start
.data
name:	.asciz "/bin/init"
	.align 4
argv:	.long name, name, 0
.text
_start:
	cmpl $1, (%esp)
	jne again
	ACTION 10, user_handler
	ACTION 14, alarm_handler, SA_RESTART
	SYSCALL pipe, $fds
	SYSCALL alarm, $1
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	SYSCALL close, fds+4
4:	SYSCALL read, fds, $buffer, $8192
	testl %eax, %eax
	jg 4b
	PRINT "read\n"
	EXIT $4
1:	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	SYSCALL nanosleep, $tick, $0
	PRINT "slept\n"
	SYSCALL execve, $name, $argv, $0
1:	SYSCALL fork
	testl %eax, %eax
	jnz 1f
5:	cmpl $0, seen
	je 5b
	PRINT "handled\n"
	EXIT $3
1:	movl %eax, child
	MAP 4
	movl %eax, %edi
	movl $1, 4096(%edi)
	SYSCALL write, fds+4, $buffer, $6000
	SYSCALL close, fds+4
	SYSCALL kill, child, $10
	SYSCALL sched_yield
6:	SYSCALL waitpid, $-1, $status, $0
	testl %eax, %eax
	jns 6b
7:	cmpl $0, alarms
	jne 8f
	SYSCALL nanosleep, $second, $0
	jmp 7b
8:	PRINT "alarm\n"
	EXIT $5
again:
	PRINT "again\n"
	EXIT $5
`;

it("at 2,000 points of a run, saved and restored in another process, it goes on the same", { timeout: 300_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "esp0-save-"));
  try {
    writeFileSync(join(directory, "initramfs"), initramfs({ "/bin/init": PROGRAM.elf }));
    const go = (mode: string) =>
      spawnSync(process.execPath, [SCRIPT, mode, directory], { encoding: "utf8", maxBuffer: 1 << 24 });
    const saved = go("save");
    expect(saved.stderr).toBe("");
    const restored = go("restore");
    expect(restored.stderr).toBe("");
    const { points, failures, stop, output } = JSON.parse(restored.stdout);
    expect(failures).toEqual([]);
    expect(points).toBe(2000);
    expect(stop).toEqual({ kind: "exit", status: 5 });
    for (const line of ["read", "slept", "again", "handled", "alarm"]) expect(output).toContain(`${line}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
