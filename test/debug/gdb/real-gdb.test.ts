import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assemble, imageDebugSections, link, writeExecutable } from "../../../asm/index.ts";
import { initramfs } from "../../../boot/index.ts";
import { GdbServer } from "../../../debug/gdb/index.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { debug_info, link_kernel } from "../../../kernel/index.ts";
import { hasGdb, runGdb } from "./real-gdb.ts";

/** Forks; the child ends with 7, the parent with what it is told. */
const FORK = `
	.globl _start
_start:
	movl $2, %eax
	int $0x80
	testl %eax, %eax
	jz child
	movl %eax, %ebx
	movl $7, %eax
	xorl %ecx, %ecx
	xorl %edx, %edx
	int $0x80
	movl $0, %ebx
	movl $1, %eax
	int $0x80
child:
	movl $7, %ebx
	movl $1, %eax
	int $0x80
`;

describe.skipIf(!hasGdb())("a real GDB", () => {
  const folder = mkdtempSync(join(tmpdir(), "esp0-gdb-"));
  const vmlinux = join(folder, "vmlinux");
  beforeAll(() => {
    const kernel = link_kernel();
    writeFileSync(vmlinux, writeExecutable(kernel, imageDebugSections(kernel, debug_info())));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function session(): DebugSession {
    const program = writeExecutable(link([assemble(FORK, { file: "fork.S" })]));
    return DebugSession.forKernel({ initramfs: initramfs({ "/init": program }), program });
  }

  it("stops at a switch, prints structs, and goes back", { timeout: 60_000 }, async () => {
    const server = new GdbServer(session());
    const port = await server.listen(0);
    const output = await runGdb(vmlinux, port, [
      "p $pc",
      "break switch_to",
      "continue",
      "bt",
      "p ((struct task_struct *)$esp)->comm",
      "p *(struct task_struct *)((int)$esp & ~8191)",
      "info threads",
      "info registers",
      "stepi",
      "x/3i $pc",
      "reverse-stepi",
      "p $pc",
      "p jiffies",
      "watch jiffies",
      "delete 1",
      "continue",
      "bt",
      "monitor ps",
      "detach",
    ]);
    console.log(output);
  });
});
