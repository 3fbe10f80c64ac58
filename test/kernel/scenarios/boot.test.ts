import { describe, expect, it } from "vitest";
import { TASK_UNINTERRUPTIBLE } from "../../../kernel/include/linux/sched.ts";
import { init_task, init_tss, jiffies, THREAD_SIZE, task_list, task_struct } from "../../../kernel/inspect.ts";
import { boot, ON_ONE_CPU, run } from "../run.ts";

const EXIT = ".globl _start\n_start:\tEXIT\n";

describe("booting", () => {
  it("starts at the reset vector in real mode", () => {
    const { kernel } = boot(EXIT, { fromReset: true });
    const { machine } = kernel;
    expect(machine.getRegister("cs")).toBe(0xf000);
    expect(machine.getRegister("eip")).toBe(0xfff0);
    expect(machine.getRegister("cr0") & 1).toBe(0);
  });

  it("takes a command line as long as the loader does, and logs all of it", () => {
    const args = ["x".repeat(900), "y".repeat(900)];
    const { log, stop } = run(EXIT, { args, fromReset: true });
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(log()).toContain(`Kernel command line: init=/init -- "${args[0]}" "${args[1]}"\n`);
  });

  it("goes from real to protected to paged mode, to ring 3 (M1)", () => {
    const { kernel } = boot(EXIT, { fromReset: true });
    const { machine } = kernel;
    const seen: string[] = [];
    const note = () => {
      const cr0 = machine.getRegister("cr0");
      const mode = `${cr0 & 1 ? "protected" : "real"}${cr0 >>> 31 ? ", paged" : ""}, ring ${machine.getRegister("cs") & 3 && cr0 & 1 ? 3 : 0}`;
      if (seen.at(-1) !== mode) seen.push(mode);
    };
    for (let i = 0; i < 60; i++) {
      note();
      machine.step();
    }
    // Filling the first page tables takes thousands of instructions.
    while (machine.getRegister("cr0") >>> 31 === 0) machine.step(100);
    note();
    kernel.run_to_user();
    note();
    expect(seen).toEqual(["real, ring 0", "protected, ring 0", "protected, paged, ring 0", "protected, paged, ring 3"]);
  });

  it("runs start_kernel on the stack of init_task_union (T2)", () => {
    const { kernel } = boot(EXIT, { fromReset: true });
    const { machine, image } = kernel;
    const start = image.symbol("start_kernel");
    while (machine.getRegister("eip") !== start) machine.step();
    const top = image.symbol("init_task_union") + THREAD_SIZE;
    expect(machine.getRegister("esp")).toBe(top - 4);
    expect(image.symbol("init_task_union") % THREAD_SIZE).toBe(0);
  });

  it.runIf(ON_ONE_CPU)(
    "makes pid 1 a kernel thread of pid 0 by clone() from ring 0, without an address space (K1)",
    () => {
      const { kernel } = boot(EXIT, { fromReset: true });
      const forked = kernel.run_to_event(({ event }) => event === "fork");
      expect(forked).toMatchObject({ kind: "event", event: { parent: 0, child: 1 } });
      const child = kernel.inspect(() => {
        const [, address] = task_list();
        const { mm, pid, state, p_pptr } = task_struct.at(address);
        return { mm, pid, state, parent: task_struct.at(p_pptr).pid };
      });
      expect(child).toEqual({ mm: 0, pid: 1, state: TASK_UNINTERRUPTIBLE, parent: 0 });
      // It borrows the page tables that are loaded.
      kernel.run_to_event(({ event }) => event === "sched_switch");
      kernel.machine.step(8);
      const [, address] = kernel.inspect(task_list);
      expect(kernel.inspect(() => task_struct.at(address).active_mm)).not.toBe(0);
    },
  );

  it("keeps everything `ps` shows in guest memory (T1)", () => {
    const { kernel } = boot(EXIT, { fromReset: true });
    kernel.run_to_user();
    const task = kernel.inspect(() => {
      const init = task_list().find((task) => task_struct.at(task).pid === 1) ?? 0;
      const { pid, comm, counter, nice, policy, mm, files, sig } = task_struct.at(init);
      return { pid, comm, counter, nice, policy, has: [mm, files, sig].every((pointer) => pointer >= 0xc0000000) };
    });
    expect(task).toEqual({ pid: 1, comm: "init", counter: expect.any(Number), nice: 0, policy: 0, has: true });
  });

  it("counts time at HZ from the 8254 (M5)", () => {
    const started = boot(
      `.globl _start\n_start:\tSYSCALL nanosleep, $t, $0\n\tEXIT\n.section .rodata\n.align 4\nt: .long 2, 0\n`,
    );
    started.go();
    const { machine } = started.kernel;
    const seconds = machine.cycles / 10_000_000;
    const ticks = started.kernel.inspect(() => jiffies.value);
    // A latch of 11932 makes 100.0 Hz within 0.02 per cent.
    expect(Math.abs(ticks / seconds - 100)).toBeLessThan(0.6);
    expect(ticks).toBeGreaterThanOrEqual(200);
  });

  it("loads TR and gives the double fault a task of its own (M2)", () => {
    const { kernel } = boot(EXIT, { fromReset: true });
    kernel.run_to_user();
    const { machine, image } = kernel;
    expect(machine.getRegister("tr")).toBe(12 * 8);
    const gate = new DataView(machine.readLinear(image.symbol("idt_table") + 8 * 8, 8).slice().buffer);
    expect(gate.getUint8(5)).toBe(0x85);
    expect(gate.getUint16(2, true)).toBe(31 * 8);
    expect(kernel.inspect(() => init_tss.value.ss0)).toBe(0x18);
  });

  it("panics with the registers of what it was doing when a double fault comes", () => {
    const started = boot(EXIT, { fromReset: true });
    const { kernel } = started;
    kernel.run_to_user();
    // The next entry from ring 3 finds no stack: pushing the frame faults, and so does delivering that fault.
    const { machine, image } = kernel;
    const esp0 = image.symbol("init_tss") + 4 - 0xc0000000;
    machine.writePhysical(esp0, new Uint8Array([0, 0, 0, 0xff]));
    expect(started.go()).toEqual({ kind: "panic" });
    expect(started.log()).toContain("double fault, tss at");
    expect(started.log()).toMatch(/eip = 08048[0-9a-f]{3}[\s\S]*Process init \(pid: 1\)\nKernel panic: double fault/);
  });

  it("does not run without an end when its limits are a number", () => {
    const { kernel } = boot(EXIT);
    const limits: unknown = 5000;
    expect(() => kernel.run(limits as object)).toThrow(
      "run(5000): limits are an object: run({ maxInstructions: 5000 })",
    );
  });

  it("is the same instruction for instruction, and event for event, every time", () => {
    const source = `
.globl _start
_start:
	SYSCALL fork
	SYSCALL fork
	movl $400000, %ecx
1:	loop 1b
	SYSCALL getpid
	addb $'0', %al
	movb %al, digit
	SYSCALL write, $1, $digit, $1
	SYSCALL waitpid, $-1, $0, $0
	SYSCALL waitpid, $-1, $0, $0
	EXIT
.data
digit:	.byte 0
`;
    const first = run(source, { trace: true });
    const second = run(source, { trace: true });
    expect(first.stop).toEqual({ kind: "exit", status: 0 });
    expect(second.kernel.machine.instructions).toBe(first.kernel.machine.instructions);
    expect(second.kernel.machine.cycles).toBe(first.kernel.machine.cycles);
    expect(second.events).toEqual(first.events);
    expect(second.output()).toBe(first.output());
    const ram = ({ machine }: typeof first.kernel) => Buffer.from(machine.readPhysical(0, 8 << 20));
    expect(ram(second.kernel).equals(ram(first.kernel))).toBe(true);
  });

  it("does not depend on whether it is traced or cut into slices", () => {
    const source = ".globl _start\n_start:\tmovl $3000000, %ecx\n1:\tloop 1b\n\tEXIT\n";
    const whole = run(source);
    const traced = run(source, { trace: true });
    const cut = boot(source);
    while (cut.go({ maxInstructions: 12_345 }).kind === "budget");
    for (const other of [traced.kernel, cut.kernel]) {
      expect(other.machine.instructions).toBe(whole.kernel.machine.instructions);
      expect(other.machine.cycles).toBe(whole.kernel.machine.cycles);
    }
  });

  it("lets two machines run in one process without meeting", () => {
    const count = (n: number) => boot(`.globl _start\n_start:\tmovl $${n}, %ecx\n1:\tloop 1b\n\tEXIT $${n & 0xff}\n`);
    const a = count(500_001);
    const b = count(300_002);
    const stops = [a, b].map(() => undefined as unknown);
    while (stops.includes(undefined)) {
      [a, b].forEach((started, i) => {
        const stop = stops[i] ?? started.go({ maxInstructions: 50_000 });
        if ((stop as { kind: string }).kind !== "budget") stops[i] = stop;
      });
    }
    expect(stops).toEqual([
      { kind: "exit", status: 500_001 & 0xff },
      { kind: "exit", status: 300_002 & 0xff },
    ]);
    expect(a.kernel.inspect(() => init_task().pid)).toBe(0);
  });

  for (const megabytes of [4, 16, 64, 256]) {
    it(`boots with ${megabytes} MiB`, () => {
      const { stop } = run(EXIT, { memoryBytes: megabytes << 20 });
      expect(stop).toEqual({ kind: "exit", status: 0 });
    });
  }

  it("says when kernel and initramfs do not fit", () => {
    expect(() => boot(EXIT, { memoryBytes: 1 << 20 })).toThrow(/the kernel ends at \d+ KiB/);
  });
});
