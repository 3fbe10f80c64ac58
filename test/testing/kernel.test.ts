import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, expectTypeOf, it } from "vitest";
import { task_struct } from "../../kernel/inspect.ts";
import { asm, bootKernel, formatEvent, KernelStoppedError, Program, ProgramError } from "../../testing/index.ts";
import * as double from "./double.kernel.ts";
import { COPY_ON_WRITE, TWO_TASKS } from "./programs.ts";

const KERNEL_CS = 0x10;
const USER_CS = 0x23;

describe("asm", () => {
  it("begins at the first instruction when there is no _start, with interpolated values", () => {
    const kernel = bootKernel({ init: asm`EXIT $${6 * 7}` });
    expect(kernel.symbol("_start")).toBe(kernel.registers().eip);
    expect(kernel.runUntilExit()).toBe(42);
  });

  it("takes backslashes as they stand, and a _start of the program's own", () => {
    const kernel = bootKernel({
      init: asm`
before:	EXIT $1
.globl _start
_start:	PRINT "a\tb\n"
	EXIT`,
    });
    expect(kernel.runUntilExit()).toBe(0);
    expect(kernel.output.replaceAll("\r", "")).toBe("a\tb\n");
  });

  it("says in which line of the template a mistake is", () => {
    expect(
      () => asm`
	nop
	movl %eex, %eax
`,
    ).toThrow(/init\.S:3:.*did you mean %eax/);
  });
});

describe("bootKernel", () => {
  it("hands over before pid 1's first instruction, or before the first of all", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    expect(kernel.registers()).toMatchObject({ eip: kernel.symbol("_start"), cs: USER_CS });
    expect(kernel.current()).toMatchObject({ pid: 1, ppid: 0, comm: "init", state: "R", running: true });
    expect(bootKernel({ init: TWO_TASKS, at: "reset" }).position).toBe(0);
  });

  it("runs the same every time", () => {
    const [a, b] = [1, 2].map(() => {
      const kernel = bootKernel({ init: TWO_TASKS });
      kernel.runUntilExit();
      return kernel.events.map(formatEvent);
    });
    expect(a.length).toBeGreaterThan(20);
    expect(a).toEqual(b);
  });

  it("runs files, sources and ELF, under their names and with arguments", () => {
    const directory = mkdtempSync(join(tmpdir(), "esp0-kit-"));
    const file = join(directory, "argc.S");
    writeFileSync(join(directory, "exit.inc"), "\tmovl $1, %eax\n\tint $0x80\n");
    writeFileSync(file, `.globl _start\n_start:\n\tmovl (%esp), %ebx\n.include "exit.inc"\n`);
    const kernel = bootKernel({ init: { file }, args: ["one", "two three"] });
    expect(kernel.current()?.comm).toBe("argc");
    expect(kernel.runUntilExit()).toBe(3);
    expect(bootKernel({ init: kernel.program.elf }).runUntilExit()).toBe(1);
  });

  it("puts files into the guest, and takes memory in MiB", () => {
    const init = asm`
	SYSCALL execve, $path, $0, $0
	EXIT $1
.section .rodata
path:	.asciz "/bin/other"`;
    const kernel = bootKernel({ init, memory: 5, files: { "/bin/other": asm`EXIT $9`.elf } });
    expect(kernel.machine.memory.ramSize).toBe(5 << 20);
    expect(kernel.runUntilExit()).toBe(9);
  });

  it("boots a kernel on several CPUs", () => {
    const kernel = bootKernel({ init: asm`EXIT $9`, cpus: 4 });
    expect(kernel.machine.cores.length).toBe(4);
    expect(kernel.log).toContain("Total of 4 processors activated.");
    expect(kernel.runUntil({ event: "interrupt", cpu: 3 })).toMatchObject({ vector: 0xf8 }); // "stop"
    expect(kernel.fork().runUntilExit()).toBe(9);
    expect(kernel.runUntilExit()).toBe(9);
  });

  it("shows the CPU where it stopped, or the one that is named", () => {
    const init = asm`
	SYSCALL fork
1:	SYSCALL sched_yield
	jmp 1b
`;
    const kernel = bootKernel({ init, cpus: 2 });
    do kernel.runToSymbol("sys_sched_yield");
    while (kernel.cpu === 0);
    const { cpu } = kernel;
    expect(kernel.registers()).toEqual(kernel.registers(cpu));
    expect(kernel.registers().eip).toBe(kernel.symbol("sys_sched_yield"));
    expect(kernel.registers(1 - cpu).eip).not.toBe(kernel.symbol("sys_sched_yield"));
    expect(kernel.tss(1).address).not.toBe(kernel.tss(0).address);
    const pid = kernel.current()?.pid ?? -1;
    expect(kernel.tss().esp0).toBe(kernel.task(pid).kernelStack.end);
    expect(kernel.task(pid).running).toBe(true);
    expect(kernel.current(1 - cpu)?.address).not.toBe(kernel.current()?.address);
    expect(() => kernel.registers(2)).toThrow("this machine has cores 0 to 1");
  });

  it("refuses what this kernel cannot be", () => {
    expect(() => bootKernel({ init: TWO_TASKS, cpus: 9 })).toThrow("cpus: 9: a kernel runs on 1 to 8");
    expect(() => bootKernel({ init: TWO_TASKS, preset: "2.5" as "2.4" })).toThrow(
      'preset: "2.5": there is 2.4 and 2.6',
    );
    expect(() => bootKernel({ init: TWO_TASKS, syscalls: { 512: "schedule" } })).toThrow("numbers go from 0 to 511");
  });

  it("says which file is no program, what is expected, and where it was given", () => {
    const refused = (file: string) => {
      try {
        return bootKernel({ init: { file } });
      } catch (error) {
        return error as Error;
      }
    };
    const error = refused("nofile.S") as Error;
    expect(error).toBeInstanceOf(ProgramError);
    expect(error.message).toMatch(
      /^nofile\.S: there is no such file; .* assembly source \(\.S\) or a static ELF, by its path /,
    );
    expect(error.stack?.split("\n")[1]).toContain("kernel.test.ts");
    expect(refused("test")).toMatchObject({ message: expect.stringMatching(/^test: it is a directory; /) });
  });

  it("says why the kernel does not start a program", () => {
    const init = TWO_TASKS.elf.slice();
    init[16] = 1; // e_type: ET_REL, an object file
    expect(() => bootKernel({ init })).toThrow(
      /did not get to user space: panic; Kernel panic: No init found.*\n[\s\S]*end of the kernel log:[\s\S]*Kernel panic: /,
    );
  });

  it("links a test's own functions, into the kernels that are given them only, and makes system calls of them", () => {
    const init = asm`
	movl $400, %eax
	movl $21, %ebx
	int $0x80
	EXIT %eax`;
    const kernel = bootKernel({ init, modules: [double], syscalls: { 400: "sys_test_double" } });
    expect(kernel.runUntilExit()).toBe(42);
    expect(() => bootKernel({ init, syscalls: { 400: "sys_test_double" } })).toThrow(/has a symbol sys_test_double/);
    expect(() => bootKernel({ init, modules: [{}] })).toThrow(TypeError);
  });
});

describe("going", () => {
  it("runs to events by name, fields and function, and only to new ones", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    expect(kernel.runUntil("fork")).toMatchObject({ parent: 1, child: 2 });
    expect(kernel.runUntil({ event: "syscall", nr: 158 })).toMatchObject({ event: "syscall" });
    const { next } = kernel.runUntil(({ event }) => event === "sched_switch");
    expect(next).toBe(2);
    expect(() => kernel.runUntil("fork")).toThrow(KernelStoppedError);
    const misspelt = () => bootKernel({ init: TWO_TASKS }).runUntil({ event: "frok", child: 2 });
    expect(misspelt).toThrow(
      "waiting for frok child=2 (the kernel has no event frok; did you mean fork?): pid 1 ended",
    );
  });

  it("says where the kernel stands when it does not get there", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    const message = () => {
      try {
        kernel.runUntil({ event: "fork", parent: 9 });
      } catch (error) {
        return (error as KernelStoppedError).message;
      }
      return "";
    };
    const text = message();
    expect(text).toContain("while waiting for fork parent=9: pid 1 ended with status 0");
    for (const part of ["registers:", "eax=0x", "last events:", "exit", "npx esp0 debug", `goto ${kernel.position}`]) {
      expect(text).toContain(part);
    }
    const waiting = bootKernel({ init: asm`SYSCALL read, $0, $_start, $1` });
    expect(() => waiting.runUntilExit()).toThrow("a task waits for input");
    const asleep = bootKernel({ init: asm`SYSCALL pause` });
    expect(() => asleep.runUntilExit()).toThrow("everything is asleep");
    const endless = bootKernel({ init: asm`1: jmp 1b`, maxInstructions: 1000 });
    expect(() => endless.runUntilExit()).toThrow("used up");
    expect(endless.run(10)).toEqual({ kind: "budget" });
  });

  it("goes through a context switch to the new task's first instruction", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    const first = kernel.runUntilSwitch({ to: 2 });
    expect(first).toMatchObject({ from: 1, to: 2 });
    expect(first.before.eip).toBe(kernel.symbol("switch_to"));
    expect(first.after.eip).toBe(kernel.symbol("ret_from_fork"));
    const second = kernel.runUntilSwitch({ from: 2, to: 1 });
    expect(second.after.eip).toBe(kernel.symbol("switch_to_resume"));
    expect(kernel.current()?.pid).toBe(1);
    expect(kernel.runUntilSwitch().to).toBe(2);
  });

  it("steps, and runs to symbols of kernel and program, again and again", () => {
    const kernel = bootKernel({ init: COPY_ON_WRITE });
    const { position } = kernel;
    kernel.step(3);
    expect(kernel.position).toBe(position + 3);
    kernel.runToSymbol("schedule");
    expect(kernel.registers()).toMatchObject({ eip: kernel.symbol("schedule"), cs: KERNEL_CS });
    const here = kernel.position;
    kernel.runToSymbol("schedule");
    expect(kernel.position).toBeGreaterThan(here);
    const childs = bootKernel({ init: COPY_ON_WRITE });
    childs.runToSymbol("child");
    expect(childs.current()?.pid).toBe(2);
    expect(() => kernel.runToSymbol("schedul")).toThrow("did you mean schedule");
    expect(() => kernel.runToSymbol("startup_32")).toThrow("while running to startup_32: pid 1 ended with status 3");
  });

  it("runs to the very instruction after which a predicate is true", () => {
    const kernel = bootKernel({
      init: asm`
	movl $5, %edi
1:	decl %edi
	jnz 1b
	EXIT`,
    });
    kernel.runUntilTrue((k) => k.registers().edi === 3);
    const { position } = kernel;
    kernel.runUntilTrue((k) => k.registers().edi === 2);
    expect(kernel.position).toBe(position + 2);
    expect(() => kernel.runUntilTrue(() => kernel.position < 0)).toThrow("waiting for a predicate: pid 1 ended");
  });

  it("gives input and its end", () => {
    const kernel = bootKernel({
      init: asm`
1:	SYSCALL read, $0, $buffer, $16
	testl %eax, %eax
	jz 2f
	movl %eax, %edx
	SYSCALL write, $1, $buffer
	jmp 1b
2:	EXIT $5
.bss
buffer:	.skip 16`,
    });
    kernel.input("hello\n");
    kernel.closeInput();
    expect(kernel.runUntilExit()).toBe(5);
    expect(kernel.output).toContain("hello");
    expect(kernel.log).toContain("Linux version");
  });
});

describe("looking", () => {
  it("shows a sleeping task's switch frame, user registers, back-trace and stack", () => {
    const kernel = bootKernel({ init: COPY_ON_WRITE });
    kernel.runUntilSwitch({ from: 1, to: 2 });
    const task = kernel.task(1);
    expect(task).toMatchObject({ state: "S", running: false, comm: "init", hasAddressSpace: true });
    const { switchFrame, userRegisters } = task;
    expect(switchFrame?.eip).toBe(kernel.symbol("switch_to_resume"));
    expect(switchFrame?.esp).toBe(task.thread.esp);
    expect(userRegisters).toMatchObject({ orig_eax: 114, cs: USER_CS });
    expect(task.backtrace.map(({ name }) => name.replace(/\+.*/, ""))).toContain("sys_wait4");
    const stack = kernel.stack(1);
    expect(stack[0]).toMatchObject({
      address: switchFrame?.esp,
      note: expect.stringContaining("ESP, switch frame: ebp"),
    });
    const at = (note: string) => stack.find((word) => word.note.startsWith(note))?.value;
    expect(at("switch frame: ebx")).toBe(switchFrame?.ebx);
    expect(at("pt_regs.orig_eax")).toBe(114);
    expect(at("pt_regs.esp")).toBe(userRegisters?.esp);
    expect(stack.some(({ note }) => note.startsWith("in sys_wait4+"))).toBe(true);
    expect(stack.at(-1)?.address).toBe(task.kernelStack.end - 4);
  });

  it("shows no more of tasks than there is", () => {
    const kernel = bootKernel({ init: COPY_ON_WRITE });
    expect(kernel.task(1)).toMatchObject({ switchFrame: undefined, userRegisters: undefined, backtrace: [] });
    expect(kernel.stack(1)).toEqual([]);
    expect(kernel.tasks().map(({ pid }) => pid)).toEqual([0, 1]);
    expect(() => kernel.task(7)).toThrow("there is no task with pid 7; there are 0 (swapper), 1 (init)");
    kernel.runUntil("fork");
    kernel.runUntilSwitch({ to: 2 });
    expect(kernel.task(2).switchFrame).toBeUndefined();
    expect(() => kernel.page(0, 0)).toThrow("pid 0 has no address space");
  });

  it("shows pages, frames and their counts through a fork and a write", () => {
    const kernel = bootKernel({ init: COPY_ON_WRITE });
    expect(kernel.page(1, "value")).toMatchObject({ pid: 1, user: true, area: { writable: true, shared: false } });
    kernel.runToSymbol("child");
    const shared = kernel.page(1, "_start");
    expect(shared).toMatchObject({ present: true, writable: false, count: expect.any(Number) });
    kernel.runUntil({ event: "syscall", nr: 64 });
    kernel.runUntil({ event: "syscall", nr: 64, pid: 2 });
    const own = kernel.page(2, "value");
    expect(own).toMatchObject({ writable: true, dirty: true, user: true });
    expect(kernel.frameOf(2, "value")).toBe(own.frame);
    expect(kernel.frameCount(own.frame!)).toBe(own.count);
    expect(kernel.read(2, "value", 4)).toEqual(Uint8Array.of(8, 0, 0, 0));
    expect(kernel.pageTable(2).map(({ address }) => address)).toContain(own.address);
    expect(kernel.page(2, 0x1000)).toMatchObject({ present: false, area: undefined, entry: 0 });
    expect(() => kernel.read(2, 0x1000, 1)).toThrow("pid 2 has no page at 0x1000");
    expect(kernel.page(2, 0xc0100000)).toMatchObject({ present: true, user: false });
  });

  it("shows the TSS, words of kernel memory and what is in use", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    expect(kernel.tss().esp0).toBe(kernel.task(1).kernelStack.end);
    expect(kernel.word(kernel.tss().address + 4)).toBe(kernel.tss().esp0);
    const before = kernel.memory();
    expect(before).toMatchObject({ free_pages: expect.any(Number), threads: expect.any(Number), mm_struct: 1 });
    kernel.runUntil("fork");
    expect(kernel.memory().mm_struct).toBe(2);
    expect(kernel.memory().free_pages).toBeLessThan(before.free_pages);
  });

  it("types what is in use by the names that there are", () => {
    const memory = bootKernel({ init: TWO_TASKS }).memory();
    expectTypeOf(memory.vm_area_struct).toEqualTypeOf<number>();
    expectTypeOf(memory["size-131072"]).toEqualTypeOf<number>();
    // @ts-expect-error: there is no such cache
    expect(memory.vm_area_structs).toBeUndefined();
    const sizes = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072] as const;
    const names: readonly (keyof typeof memory)[] = [
      ...(["free_pages", "threads", "kmem_cache", "signal_act", "files_cache", "fs_cache", "mm_struct"] as const),
      ...(["vm_area_struct", "filp", "inode_cache"] as const),
      ...sizes.map((size) => `size-${size}` as const),
    ];
    expectTypeOf<(typeof sizes)[number]>().toEqualTypeOf<SizeOf<keyof typeof memory>>();
    expect(Object.keys(memory).sort()).toEqual([...names].sort());
  });

  it("types structs in kernel memory by their fields", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    const { address } = kernel.task(1);
    expect(kernel.inspect(() => task_struct.at(address).pid)).toBe(1);
    expectTypeOf(task_struct.at).returns.toHaveProperty("comm").toEqualTypeOf<string>();
    // @ts-expect-error: a task_struct has no such field
    expect(kernel.inspect(() => task_struct.at(address).pidd)).toBeUndefined();
    // @ts-expect-error: nor is its name a number
    kernel.inspect(() => task_struct.at(address).comm satisfies number);
  });
});

type SizeOf<Name> = Name extends `size-${infer Size extends number}` ? Size : never;

describe("going on in the debugger", () => {
  it("makes a session at the same instruction, that goes backwards, with input and patches done again", async () => {
    const kernel = bootKernel({
      init: asm`
	SYSCALL read, $0, $buffer, $16
	SYSCALL getppid
	EXIT
.bss
buffer:	.skip 16`,
    });
    kernel.input("z");
    kernel.patch("sys_call_table", new Uint8Array(Uint32Array.of(kernel.word("sys_call_table")).buffer));
    kernel.input("\n");
    kernel.runUntil({ event: "syscall", nr: 64 });
    expect(kernel.reproduction()).toContain("await kernel.debugSession(), which repeats its input, patch");
    const session = await kernel.debugSession();
    expect(session.position).toBe(kernel.position);
    expect(session.machine.getRegister("eip")).toBe(kernel.registers().eip);
    const memory = () => [session, kernel].map(({ machine }) => Buffer.from(machine.readPhysical(0, 8 << 20)));
    expect(memory()[0].equals(memory()[1])).toBe(true);
    expect((await session.reverseStep()).position).toBe(kernel.position - 1);
    expect(() => kernel.patch(0x1000, [1])).toThrow("not an address of kernel memory");
  });

  it("writes a program without a file where the command finds it, and names a file that there is", () => {
    const kernel = bootKernel({ init: TWO_TASKS, args: ["it's"] });
    const [, command] = /reproduce with: (.*)\n/.exec(kernel.reproduction())!;
    expect(command).toMatch(/^npx esp0 debug --memory 8 --debug-kernel \S+\/init 'it'\\''s'$/);
    expect(bootKernel({ init: new Program(TWO_TASKS.elf, "two", "a dir/two.S") }).reproduction()).toContain(
      "'a dir/two.S'",
    );
  });
});
