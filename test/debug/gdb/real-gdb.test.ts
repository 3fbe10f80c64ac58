import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assemble, flatBinary, imageDebugSections, link, writeExecutable } from "../../../asm/index.ts";
import { bootRaw, initramfs } from "../../../boot/index.ts";
import { GdbServer, replMonitor } from "../../../debug/gdb/index.ts";
import { SourceTexts } from "../../../debug/repl/index.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { Machine } from "../../../emulator/index.ts";
import { kernel_image } from "../../../kernel/index.ts";
import { hasGdb, runGdb } from "./real-gdb.ts";

/** Forks, and then takes its time. */
const FORK = `
	.globl _start
_start:
	movl $2, %eax			# fork
	int $0x80
	movl $4000000, %ecx
1:	loop 1b
	movl $7, %ebx
	movl $1, %eax			# exit
	int $0x80
`;

const LONG = 60_000;

describe.skipIf(!hasGdb())("a real GDB", () => {
  const folder = mkdtempSync(join(tmpdir(), "esp0-gdb-"));
  const vmlinux = join(folder, "vmlinux");
  const servers: GdbServer[] = [];
  beforeAll(() => {
    writeFileSync(vmlinux, kernel_image().elf());
  });
  afterAll(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  /** Serves a kernel with the program above. */
  function serve(): GdbServer {
    const program = writeExecutable(link([assemble(FORK, { file: "fork.S" })]));
    const session = DebugSession.forKernel({ initramfs: initramfs({ "/init": program }), program });
    const server = new GdbServer(session, { monitor: replMonitor(session, new SourceTexts()) });
    servers.push(server);
    return server;
  }

  it("stops at a context switch, prints the kernel's structs, and goes on and back", { timeout: LONG }, async () => {
    const server = serve();
    const output = await runGdb(vmlinux, await server.listen(0), [
      "break switch_to",
      "continue",
      "backtrace",
      'printf "comm %s pid %d\\n", ((struct task_struct *)((int)$esp & ~8191))->comm, ((struct task_struct *)((int)$esp & ~8191))->pid',
      "output/x ((struct task_struct *)((int)$esp & ~8191))->thread.esp0 - (int)&init_task_union",
      "echo \\n",
      "stepi",
      "stepi",
      "reverse-stepi",
      "info line",
      "reverse-continue",
      "reverse-continue",
      "delete",
      "break sys_fork",
      "continue",
      "info args",
      "backtrace 2",
      "monitor ps",
      "monitor no-such-command",
      "info threads",
      "detach",
    ]);
    expect(output).toMatch(/Breakpoint 1, switch_to \(\) at kernel\/arch\/i386\/kernel\/switch_to\.S:\d+/);
    expect(output).toMatch(
      /#0 {2}switch_to[\s\S]*#1 .* in context_switch[\s\S]*in schedule[\s\S]*in start_kernel[\s\S]*in startup_32/,
    );
    expect(output).toContain("comm swapper pid 0");
    expect(output).toContain("0x2000\n");
    expect(output).toMatch(
      /Line \d+ of "kernel\/arch\/i386\/kernel\/switch_to.S" starts at address \w+ <switch_to\+1>/,
    );
    expect(output).toContain("No more reverse-execution history");
    expect(output).toMatch(/Breakpoint 2, sys_fork[\s\S]*regs = \{[^}]*orig_eax = 2/);
    expect(output).toMatch(/#1 .* in system_call \(\) at kernel\/arch\/i386\/kernel\/entry\.S:\d+/);
    expect(output).toMatch(/\b1\b.*\binit\b/);
    expect(output).toContain("no command no-such-command");
    expect(output).toMatch(/\* 1 +Thread 1 "CPU 0"/);
    expect(await server.ended).toBe("detached");
  });

  it("watches the kernel's clock, forwards and backwards, to the guest's end", { timeout: LONG }, async () => {
    const server = serve();
    const output = await runGdb(vmlinux, await server.listen(0), [
      "tbreak sys_fork",
      "continue",
      "watch jiffies",
      "continue",
      "continue",
      "print jiffies",
      "reverse-continue",
      "print jiffies",
      "delete",
      "continue",
    ]);
    expect(output).toMatch(
      /Hardware watchpoint 2: jiffies\s+Old value = 0\s+New value = 1[\s\S]*Old value = 1\s+New value = 2/,
    );
    expect(output).toMatch(/\$1 = 2[\s\S]*Old value = 2\s+New value = 1[\s\S]*\$2 = 1/);
    expect(output).toMatch(/exited with code 07/);
    expect(await server.ended).toBe("exited");
  });

  it.each(["thread_info", "vmap"] as const)(
    "unwinds from the stacks of a CPU to the task's: stack=%s",
    { timeout: LONG },
    async (stack) => {
      const image = kernel_image({ stack, irq_stacks: true });
      const file = join(folder, `vmlinux-${stack}`);
      writeFileSync(file, image.elf());
      const program = writeExecutable(link([assemble(FORK, { file: "fork.S" })]));
      const session = DebugSession.forKernel({ image, initramfs: initramfs({ "/init": program }), program });
      const server = new GdbServer(session, { monitor: replMonitor(session, new SourceTexts()) });
      servers.push(server);
      const output = await runGdb(file, await server.listen(0), [
        "break timer_interrupt",
        "continue",
        "backtrace",
        "delete",
        "break timer_bh",
        "continue",
        "backtrace",
        "kill",
      ]);
      expect(output).toMatch(
        /#0 .*timer_interrupt[\s\S]*handle_IRQ_event[\s\S]*do_IRQ[\s\S]*common_interrupt[\s\S]*<signal handler called>\n#5 +0x080480/,
      );
      expect(output).toMatch(
        /Breakpoint 2, timer_bh[\s\S]*do_bottom_half[\s\S]*do_softirq[\s\S]*handle_bottom_half_intr[\s\S]*<signal handler called>\n#5 +0x080480/,
      );
      expect(await server.ended).toBe("killed");
    },
  );

  it("finds the guest where the last one was lost", { timeout: LONG }, async () => {
    const server = serve();
    const port = await server.listen(0);
    await runGdb(vmlinux, port, ["break sys_fork", "continue", "disconnect"]);
    const output = await runGdb(vmlinux, port, ["print $pc", "kill"]);
    expect(output).toMatch(/\$1 = .*<sys_fork\+\d+>/);
    expect(await server.ended).toBe("killed");
  });

  it("steps a program on a bare machine by its source", { timeout: LONG }, async () => {
    const image = link([assemble("start: movl $3, %ecx\nagain: loop again\nend: jmp end\n", { file: "count.S" })], {
      textAddress: 0x8000,
    });
    const file = join(folder, "count");
    writeFileSync(file, writeExecutable(image, imageDebugSections(image)));
    const session = DebugSession.forMachine(() => {
      const machine = new Machine({ memoryBytes: 1 << 20, cpus: 2 });
      bootRaw(machine, { images: [{ name: "count", bytes: flatBinary(image), address: 0x8000 }], mode: "protected" });
      return machine;
    });
    const server = new GdbServer(session);
    servers.push(server);
    const output = await runGdb(file, await server.listen(0), [
      "info threads",
      "break count.S:3",
      "continue",
      "print $ecx",
      "set var $ecx = 5",
      "print $ecx",
      "thread 2",
      "print $cs",
      "kill",
    ]);
    expect(output).toMatch(
      /\* 1 +Thread 1 "CPU 0" \(stopped\) +start \(\) at count\.S:1[\s\S]* 2 +Thread 2 "CPU 1" \(waits for its start-up\)/,
    );
    expect(output).toMatch(/Breakpoint 1, end \(\) at count\.S:3/);
    expect(output).toMatch(/\$1 = 0\s+\$2 = 5/);
    expect(output).toMatch(/Switching to thread 2/);
  });
});
