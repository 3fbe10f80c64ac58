/** An unmodified GDB walks stacks: from kernel functions through entry code into a C program, and into the kernel. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initramfs } from "../../../boot/index.ts";
import { GdbServer } from "../../../debug/gdb/index.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { kernel_image } from "../../../kernel/index.ts";
import { oracle } from "../../oracles.ts";
import { hasGdb, runGdb } from "./real-gdb.ts";

/** Forks a child that keeps the CPU busy, waits for it and sleeps. Compiled without frame pointers. */
const PROGRAM = `
	volatile unsigned counter;
	int untouched[4096];

	__attribute__((noinline)) int call(int number, int first, void *second, int third) {
		int result;
		asm volatile("int $0x80" : "=a"(result) : "0"(number), "b"(first), "c"(second), "d"(third) : "memory");
		return result;
	}

	__attribute__((noinline)) void spin(unsigned count) {
		for (unsigned i = 0; i < count; i++) counter += i;
	}

	__attribute__((noinline)) int parent(int child) {
		int delay[2] = {0, 20000000};
		call(7, child, &untouched[2048], 0);	/* waitpid */
		call(162, 16, 0, 0);			/* nanosleep: nothing is there */
		call(162, (int)delay, 0, 0);
		return 7;
	}

	__attribute__((noinline)) int twice(int child) {
		return parent(child) + 1;
	}

	int main(void) {
		int child = call(2, 0, 0, 0);		/* fork */
		if (child == 0) {
			spin(1000000);
			return 3;
		}
		return twice(child) - 1;
	}

	asm(".globl _start\\n_start: .cfi_startproc; .cfi_undefined %eip\\n"
		"call main; movl %eax, %ebx; movl $1, %eax; int $0x80; .cfi_endproc");
`;
const COMPILE = ["-m32", "-static", "-nostdlib", "-ffreestanding", "-fno-pie", "-no-pie", "-g", "-O2"];

/** Prints the stack at each of so many instructions. */
const WALK = `
define walk
  set $left = $arg0
  while $left > 0
    echo [\\n
    backtrace
    echo ]\\n
    stepi
    set $left = $left - 1
  end
end
`;

const LONG = 60_000;

function hasCompiler(): boolean {
  const { status } = spawnSync("gcc", [...COMPILE, "-x", "c", "-", "-o", "/dev/null"], { input: PROGRAM });
  return oracle("gcc -m32", status === 0);
}

describe.skipIf(!hasGdb() || !hasCompiler())("a real GDB unwinds", () => {
  const folder = mkdtempSync(join(tmpdir(), "esp0-unwind-"));
  const vmlinux = join(folder, "vmlinux");
  const program = join(folder, "tree");
  const servers: GdbServer[] = [];
  beforeAll(() => {
    writeFileSync(vmlinux, kernel_image().elf());
    writeFileSync(join(folder, "walk.gdb"), WALK);
    execFileSync("gcc", [...COMPILE, "-x", "c", "-", "-o", program], { input: PROGRAM });
  });
  afterAll(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  /** What GDB prints, from the start of the program on. */
  async function gdb(...commands: readonly string[]): Promise<string> {
    const bytes = readFileSync(program);
    const server = new GdbServer(DebugSession.forKernel({ initramfs: initramfs({ "/init": bytes }), program: bytes }));
    servers.push(server);
    const prepare = [`add-symbol-file ${program}`, `source ${join(folder, "walk.gdb")}`, "set backtrace past-main on"];
    return runGdb(vmlinux, await server.listen(0), [...prepare, "tbreak main", "continue", ...commands, "kill"]);
  }

  /** The functions of each back-trace that a command printed; `--` is what an interrupt or a call of the kernel left. */
  function traces(output: string): string[] {
    const lists: string[][] = [];
    for (const [, level, name] of output.matchAll(/^#(\d+) +(?:0x\w+ in )?(<signal handler called>|\S+)/gm)) {
      if (level === "0") lists.push([]);
      if (Number(level) === lists.at(-1)?.length) lists.at(-1)!.push(name === "<signal handler called>" ? "--" : name);
    }
    return lists.map((names) => names.join(" "));
  }

  it("from a system call into the program, with its registers as they were", { timeout: LONG }, async () => {
    const output = await gdb(
      ...["tbreak sys_waitpid", "continue", "backtrace", "frame 3"],
      ...[
        "print $eax",
        "print $ebx",
        "print $ecx == (int)&untouched[2048]",
        "print $cs & 3",
        "print (unsigned)$esp < 0xc0000000",
      ],
    );
    expect(traces(output)[0]).toBe("sys_waitpid system_call -- call parent twice main _start");
    expect(output).toMatch(/\$1 = 7\s+\$2 = 2\s+\$3 = 1\s+\$4 = 3\s[\s\S]*\$5 = 1\s/);
    expect(output).toMatch(/in system_call \(\) at kernel\/arch\/i386\/kernel\/entry\.S:\d+/);
  });

  it("from interrupts of the program and of the kernel", { timeout: LONG }, async () => {
    const from = (ring: number) => `break *do_IRQ if (((struct pt_regs *)($esp + 4))->xcs & 3) == ${ring}`;
    const output = await gdb(from(3), "continue", "backtrace", "delete", from(0), "continue", "backtrace");
    const [user, kernel] = traces(output);
    expect(user).toBe("do_IRQ common_interrupt -- spin main _start");
    expect(kernel).toMatch(/^do_IRQ common_interrupt -- safe_halt (\w+ )*cpu_idle (\w+ )*start_kernel startup_32$/);
  });

  it("from a fault of the kernel's copy to the program's memory", { timeout: LONG }, async () => {
    const output = await gdb(
      ...["tbreak sys_waitpid", "continue", "tbreak __put_user_4", "continue"],
      ...["tbreak do_page_fault", "continue", "backtrace", "up 3", "print (char *)$edx == (char *)&untouched[2048]"],
    );
    expect(traces(output)[0]).toMatch(
      /^do_page_fault error_code -- __put_user_4 (\w+ )+system_call -- call parent twice main _start$/,
    );
    expect(output).toContain("$1 = 1");
  });

  it("from a task's first steps", { timeout: LONG }, async () => {
    const places = ["*ret_from_fork", "schedule_tail"].flatMap((place) => [`tbreak ${place}`, "continue", "backtrace"]);
    const output = await gdb("tbreak sys_fork", "continue", "tbreak __switch_to", "continue", "backtrace", ...places);
    const [switching, first, called] = traces(output);
    expect(switching).toMatch(/^__switch_to \w+ -- call main _start$/);
    expect(first).toBe("ret_from_fork -- call main _start");
    expect(called).toBe("schedule_tail ret_from_fork -- call main _start");
  });

  it("of a task that sleeps", { timeout: LONG }, async () => {
    const output = await gdb(
      ...["tbreak sys_nanosleep", "continue", "set $task = (struct task_struct *)((int)$esp & ~8191)"],
      ...["tbreak safe_halt", "continue", "backtrace", "set $sp = $task->thread.esp", "set $pc = $task->thread.eip"],
      "backtrace",
    );
    const [idle, sleeper] = traces(output);
    expect(idle).toMatch(/^safe_halt (\w+ )*cpu_idle (\w+ )*start_kernel startup_32$/);
    expect(sleeper).toMatch(
      /^switch_to context_switch schedule (\w+ )*sys_nanosleep system_call -- call parent twice main _start$/,
    );
  });

  it("at each instruction of entry code and of switch_to", { timeout: 2 * LONG }, async () => {
    const walk = (place: string, count: number) => [`tbreak ${place}`, "continue", `walk ${count}`];
    const output = await gdb(
      ...walk("*system_call", 16),
      ...walk("*IRQ0_interrupt", 16),
      ...walk("*ret_from_intr", 30),
      ...walk("*page_fault", 24),
      ...["tbreak sys_nanosleep", "continue", ...walk("*switch_to", 13), ...walk("*switch_to_resume", 8)],
    );
    const found = traces(output);
    expect(found.length).toBe(107);
    for (const trace of found) expect(trace).toMatch(/ (-- )?((call|spin|parent|twice) )*main _start$| startup_32$/);
  });

  it("at each instruction of a copy from the program's memory, and of its fix-up", { timeout: LONG }, async () => {
    const output = await gdb(
      ...["tbreak sys_nanosleep", "continue", "tbreak *__copy_from_user", "continue", "walk 9"],
      ...["tbreak *restore_all if (((struct pt_regs *)$esp)->xcs & 3) == 0", "continue", "walk 24"],
    );
    const found = traces(output);
    expect(found.length).toBe(33);
    for (const trace of found) expect(trace).toMatch(/ (\w+ )*system_call -- call parent twice main _start$/);
    // The fix-up, with the frame of the fault gone; it is in no function.
    expect(found).toContainEqual(expect.stringMatching(/^\?\? (\w+ )+system_call/));
  });

  it("to finish a system call that sleeps, on its own stack, and step on", { timeout: LONG }, async () => {
    const output = await gdb(
      ...["tbreak sys_waitpid", "continue", "finish", "backtrace"],
      ...["tbreak schedule if ((struct task_struct *)((int)$esp & ~8191))->pid == 1", "continue", "finish", "next"],
      "backtrace",
    );
    // The child ran in between, through the same code on another stack.
    expect(output).toMatch(
      /system_call \(\) at kernel\/arch\/i386\/kernel\/entry\.S:\d+\n.*\nValue returned is \$1 = 2\n/,
    );
    const [finished, woken] = traces(output);
    expect(finished).toBe("system_call -- call parent twice main _start");
    expect(woken).toMatch(/^(\w+ )*system_call -- call parent twice main _start$/);
  });

  it("a kernel thread to its beginning", { timeout: LONG }, async () => {
    const output = await gdb(
      ...["tbreak *system_call", "reverse-continue", "backtrace"],
      ...["tbreak *ret_from_fork", "reverse-continue", "backtrace"],
    );
    const [later, first] = traces(output);
    expect(later).toMatch(/^system_call -- execve (\w+ )*init arch_kernel_thread$/);
    // Nobody called the copy of arch_kernel_thread that the new task finds itself in.
    expect(first).toBe("ret_from_fork -- arch_kernel_thread ??");
  });
});
