/** An unmodified GDB on the kernel's TypeScript: breakpoints by line, stepping, variables, out into a C program. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initramfs } from "../../../boot/index.ts";
import { GdbServer } from "../../../debug/gdb/index.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { kernel_image } from "../../../kernel/index.ts";
import { lineWith } from "../source-lines.ts";
import { hasGdb, runGdb } from "./real-gdb.ts";

const PROGRAM = new URL("../programs/forks", import.meta.url);
const SCHED = "kernel/kernel/sched.ts";
const LONG = 60_000;

describe.skipIf(!hasGdb())("a real GDB in the kernel's TypeScript", () => {
  const folder = mkdtempSync(join(tmpdir(), "esp0-source-"));
  const vmlinux = join(folder, "vmlinux");
  const servers: GdbServer[] = [];
  beforeAll(() => writeFileSync(vmlinux, kernel_image().elf()));
  afterAll(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  /** What GDB prints on a kernel that is about to start the C program. */
  async function gdb(...commands: readonly string[]): Promise<string> {
    const program = readFileSync(PROGRAM);
    const session = DebugSession.forKernel({ initramfs: initramfs({ "/init": program }), program });
    const server = new GdbServer(session);
    servers.push(server);
    const symbols = `add-symbol-file ${PROGRAM.pathname}`;
    return runGdb(vmlinux, await server.listen(0), [symbols, ...commands, "kill"]);
  }

  it("breaks on a line and at a function with a condition, and shows arguments and variables", {
    timeout: LONG,
  }, async () => {
    const line = lineWith(SCHED, "const oldmm = prev.active_mm");
    const output = await gdb(
      ...["tbreak context_switch if next->pid == 2", "continue", "info args", "print prev->comm"],
      ...[
        `tbreak sched.ts:${line}`,
        "continue",
        "next",
        "next",
        "info locals",
        "print mm->pgd != 0",
        "print next->pid",
      ],
    );
    expect(output).toMatch(/breakpoint 1, context_switch \(prev=0x\w+, next=0x\w+\) at kernel\/kernel\/sched\.ts:\d+/);
    expect(output).toMatch(/prev = 0xc\w+\nnext = 0xc\w+\n\$1 = "init"/);
    expect(output).toContain(`at kernel/kernel/sched.ts:${line}\n`);
    expect(output).toMatch(/oldmm = 0xc\w+[^\n]*\nmm = 0xc\w+[^\n]*\n/);
    expect(output).toMatch(/\$2 = 1\n\$3 = 2\n/);
  });

  it("steps by lines, into assembly and out of it, and on in the task that comes", { timeout: LONG }, async () => {
    const line = lineWith(SCHED, "yield* switch_to(");
    const output = await gdb(
      ...[`tbreak sched.ts:${line} if next->pid == 2`, "continue", "step", "backtrace 2", "finish", "next"],
      ...["print ((struct task_struct *)((int)$esp & ~8191))->pid"],
    );
    expect(output).toMatch(/switch_to \(\) at kernel\/arch\/i386\/kernel\/switch_to\.S:\d+/);
    expect(output).toMatch(new RegExp(`#1 .* in context_switch \\(.*sched\\.ts:${line}`));
    // The parent goes on behind its call when the child has ended.
    expect(output).toMatch(
      new RegExp(`\\ncontext_switch \\([^\\n]*sched\\.ts:${line}\\n${line}\\t.*\\n${line + 1}\\t.*__schedule_tail`),
    );
    expect(output).toContain("$1 = 1\n");
  });

  it("shows every frame and its variables, of a running and of a sleeping task, out to main", {
    timeout: LONG,
  }, async () => {
    const output = await gdb(
      ...["tbreak sys_exit if error_code == 3", "continue", "backtrace full"],
      "echo sleeping\\n",
      ...["set $p = ((struct task_struct *)((int)$esp & ~8191))->p_pptr", "print $p->pid"],
      ...["set $esp = $p->thread.esp", "set $ebp = *(int *)$esp", "set $eip = $p->thread.eip"],
      // The page tables of the task, for what its own stack holds; GDB remembers what stood there before.
      ...["set stack-cache off", "set $cr3 = (unsigned)$p->mm->pgd - 0xc0000000", "backtrace full"],
    );
    const [running, sleeping] = output.split("sleeping\n");
    expect(running).toMatch(/#0 {2}sys_exit \(error_code=3\) at kernel\/kernel\/exit\.ts:\d+/);
    expect(running).toMatch(/in system_call \(\)[\s\S]*<signal handler called>[\s\S]* main \([\s\S]*local = 15/);
    expect(sleeping).toContain("$1 = 1\n");
    expect(sleeping).toMatch(
      /switch_to \(\)[\s\S]*in context_switch \([\s\S]*in schedule \(\)[\s\S]*in sys_wait4 \(pid=2/,
    );
    expect(sleeping).toMatch(/wait = \{flags[\s\S]*<signal handler called>[\s\S]* main \([\s\S]*pid = 2/);
  });
});
