/** Where PCBs and kernel stacks are with each value of `stack`, and what runs on which stack. */
import { describe, expect, it } from "vitest";
import { PAGE_OFFSET } from "../../../kernel/include/asm/page.ts";
import { type Configuration, type KernelImage, link_kernel } from "../../../kernel/index.ts";
import { memory, mm_struct, task_struct, thread_info } from "../../../kernel/inspect.ts";
import { boot, CPUS, type Run } from "../run.ts";
import * as calls from "./stacks.kernel.ts";

type Layout = Pick<Configuration, "stack" | "irq_stacks">;
const layouts: readonly Layout[] = [
  { stack: "task_union", irq_stacks: false },
  { stack: "thread_info", irq_stacks: false },
  { stack: "thread_info", irq_stacks: true },
  { stack: "vmap", irq_stacks: false },
  { stack: "vmap", irq_stacks: true },
];
/** On one CPU and on several. */
const cpu_counts = CPUS === 1 ? [1, 2] : [CPUS];
const everywhere = layouts.flatMap((layout) => cpu_counts.map((cpus) => ({ ...layout, cpus })));
const irq_stacks_everywhere = everywhere.filter(({ irq_stacks }) => irq_stacks);

const images = new Map<string, KernelImage>();

/** A program on a kernel with the system calls of stacks.kernel.ts. */
function boot_on({ stack, irq_stacks }: Layout, cpus: number, source: string): Run {
  const key = `${stack} ${irq_stacks} ${cpus > 1}`;
  let image = images.get(key);
  if (image === undefined) {
    const config = { stack, irq_stacks, smp: cpus > 1 };
    // All device interrupts come to one CPU, so that they meet.
    const variables = cpus > 1 ? { io_apic_target_cpus: 1 } : {};
    const system_calls = { 250: "sys_listen", 251: "sys_dawdle", 252: "sys_descend", 253: "sys_whoami" };
    images.set(key, (image = link_kernel({ config, modules: [calls], system_calls, variables })));
  }
  return boot(source, { image, cpus });
}

/**
 * What there is more or less of, by name. Another CPU may have the page tables of a task that is gone loaded, and caches keep slabs:
 * a few pages and an object are no leak where ten tasks have ended.
 */
function changes(before: Record<string, number>, after: Record<string, number>): string[] {
  return Object.entries(after)
    .filter(([name, count]) => Math.abs(count - before[name]) > (name === "free_pages" ? 8 : 1))
    .map(([name, count]) => `${name}: ${before[name]}, then ${count}`);
}

const CALL = (number: number, ...args: (string | number)[]) =>
  `${args.map((value, i) => `movl $${value}, %${["ebx", "ecx"][i]}`).join("\n")}\n movl $${number}, %eax\n int $0x80\n`;

/** A task on another CPU than pid 1, if there is one, that sends itself signals; status 0 if each came before its call was over. */
const SIGNALS_ITSELF = `
.globl _start
_start:	SYSCALL sched_setaffinity, $0, $4, $first
	SYSCALL fork
	testl %eax, %eax
	jz child
1:	SYSCALL wait4, $-1, $status, $1, $0	# WNOHANG
	testl %eax, %eax
	jz 1b
	movzbl status+1, %ebx
	SYSCALL exit, %ebx
child:	SYSCALL sched_setaffinity, $0, $4, $second
	SYSCALL sigaction, $10, $action, $0
	SYSCALL getpid
	movl %eax, %ebp
	movl $20, %edi
2:	SYSCALL kill, %ebp, $10
	decl %edi
	cmpl %edi, left
	jne 3f
	testl %edi, %edi
	jnz 2b
	SYSCALL exit, $0
3:	SYSCALL exit, $1
handler: decl left
	ret
.data
.align 4
first:	.long 1
second:	.long 2
left:	.long 20
action:	.long handler, 0, 0, 0
status:	.long 0
`;

/** Three children that ask who they are, in turns; the status is that of the last one that was told a wrong pid, or 0. */
const WHO = `
.globl _start
_start:	movl $3, %edi
1:	SYSCALL fork
	testl %eax, %eax
	jz child
	decl %edi
	jnz 1b
	movl $3, %edi
2:	SYSCALL wait4, $-1, $status, $0, $0
	movl status, %eax
	orl %eax, all
	decl %edi
	jnz 2b
	movzbl all+1, %ebx
	SYSCALL exit, %ebx
child:	movl $8, %edi
3:	SYSCALL getpid
	movl %eax, %ebp
	${CALL(253)}
	cmpl %eax, %ebp
	jne bad
	SYSCALL sched_yield
	decl %edi
	jnz 3b
	SYSCALL exit, $0
bad:	SYSCALL exit, $1
.bss
status:	.skip 4
all:	.skip 4
`;

describe.each(everywhere)("$stack, irq_stacks $irq_stacks, $cpus CPUs", (layout) => {
  it("finds every task's PCB from its own stack, and who is current (T2, T3, T4, T5)", () => {
    const { kernel } = boot_on(layout, layout.cpus, WHO);
    const seen = new Set<number>();
    for (;;) {
      const found = kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 20);
      if (found.kind !== "event") break;
      const { cpu, pid } = found.event;
      seen.add(Number(pid));
      kernel.machine.onlyCore = cpu;
      kernel.machine.step();
      kernel.machine.onlyCore = null;
      const stack = kernel.stack_at(kernel.machine.getRegister("esp", cpu));
      if (stack?.kind !== "task") throw new Error("a system call runs on no task's stack");
      const { task, start, end } = stack;
      expect(kernel.task_on(cpu)).toBe(task);
      expect(end - start).toBe(8192);
      kernel.inspect(() => {
        expect(task_struct.at(task).pid).toBe(pid);
        if (layout.stack === "task_union") expect(task).toBe(start);
        else expect(task + task_struct.size <= start || task >= end).toBe(true);
        if (layout.stack === "thread_info") expect(thread_info.at(start)).toMatchObject({ task, cpu });
        if (layout.stack !== "vmap") return;
        expect(start).toBeGreaterThanOrEqual(memory().read32(kernel.image.symbol("VMALLOC_START")) >>> 0);
        expect(memory().read32(kernel.image.symbol("current_task") + 4 * cpu) >>> 0).toBe(task);
        expect(() => memory().read32(start - 4)).toThrow("not mapped");
        expect(() => memory().read32(end)).toThrow("not mapped");
      });
    }
    expect(seen.size).toBe(3);
  });

  it("tells every task who it is, and leaves nothing behind", () => {
    const run = boot_on(layout, layout.cpus, WHO);
    run.kernel.run_to_user();
    const before = run.memory();
    const stop = run.kernel.run_to_event(({ event, pid }) => event === "exit" && pid === 1);
    expect(stop).toMatchObject({ event: { code: 0 } });
    expect(changes(before, run.memory())).toEqual([]);
  });

  it("tells the way out of the kernel who is current, on each CPU", () => {
    expect(boot_on(layout, layout.cpus, SIGNALS_ITSELF).go()).toEqual({ kind: "exit", status: 0 });
  });
});

/** Listens, and then spends its time in user space, or in the kernel. */
const LISTEN = (then: string) => `
.globl _start
_start:	${CALL(250)}
	SYSCALL getpid
	${then}
1:	jmp 1b
`;

/** Runs until the handler of an interrupt that is raised now is about to be called; returns the CPU and the stack it is on. */
function take_irq({ kernel }: Run, irq: number) {
  kernel.machine.setIrq(irq, true);
  const found = kernel.run_to_event((event) => event.event === "irq_entry" && event.irq === irq);
  kernel.machine.setIrq(irq, false);
  if (found.kind !== "event") throw new Error(`no interrupt: ${found.kind}`);
  const { cpu } = found.event;
  const esp = kernel.machine.getRegister("esp", cpu);
  return { cpu, esp, stack: kernel.stack_at(esp) };
}

function listening(layout: Layout, cpus: number, then: string): Run {
  const run = boot_on(layout, cpus, LISTEN(then));
  run.kernel.run_to_event(({ event, nr }) => event === "syscall_exit" && nr === 20);
  return run;
}

describe.each(irq_stacks_everywhere)(
  "interrupts on stacks of their CPU: $stack, $cpus CPUs (T6)",
  ({ cpus, ...layout }) => {
    it("nest there, and take one struct pt_regs of the task's stack however deep", () => {
      const run = listening(layout, cpus, CALL(251, 1_000_000));
      const { kernel } = run;
      const first = take_irq(run, 5);
      expect(first.stack).toMatchObject({ kind: "hard IRQ stack", cpu: first.cpu });
      const link = (first.stack?.end ?? 0) - 4;
      const left = kernel.inspect(() => memory().read32(link) >>> 0);
      expect(kernel.stack_at(left)).toMatchObject({ kind: "task", task: kernel.task_on(first.cpu) });
      kernel.run({ maxInstructions: 500 * cpus });
      const second = take_irq(run, 9);
      expect(second.cpu).toBe(first.cpu);
      expect(second.stack).toEqual(first.stack);
      expect(second.esp).toBeLessThan(first.esp - 100);
      expect(kernel.inspect(() => memory().read32(link) >>> 0)).toBe(left);
    });

    it("find the task that they interrupt", () => {
      const run = listening(layout, cpus, CALL(251, 1_000_000));
      const { cpu } = take_irq(run, 5);
      const interrupted = run.kernel.task_on(cpu);
      const { image } = run.kernel;
      run.kernel.run({ maxInstructions: 300 * cpus });
      expect(run.kernel.inspect(() => memory().read32(image.symbol("seen_current")) >>> 0)).toBe(interrupted);
      expect(run.kernel.stack_at(run.kernel.machine.getRegister("esp", cpu))?.kind).toBe("hard IRQ stack");
    });

    it("leave to bottom halves the soft IRQ stack, which they interrupt for the hard one", () => {
      const run = listening(layout, cpus, "");
      const { kernel } = run;
      const found = kernel.run_to_event(({ event, cpu }) => event === "bh_entry" && cpu === 0);
      if (found.kind !== "event") throw new Error("no bottom half");
      const { cpu } = found.event;
      expect(kernel.stack_at(kernel.machine.getRegister("esp", cpu))).toMatchObject({ kind: "soft IRQ stack", cpu });
      kernel.machine.onlyCore = cpu;
      const irq = take_irq(run, 5);
      expect(irq.stack).toMatchObject({ kind: "hard IRQ stack", cpu });
      const left = kernel.inspect(() => memory().read32((irq.stack?.end ?? 0) - 4) >>> 0);
      expect(kernel.stack_at(left)).toMatchObject({ kind: "soft IRQ stack", cpu });
    });

    it("are crossed by the call trace of an oops", () => {
      const run = listening(layout, cpus, CALL(251, 1_000_000));
      run.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 251);
      run.kernel.run({ maxInstructions: 200 * cpus });
      run.kernel.machine.setIrq(11, true);
      expect(run.go()).toEqual({ kind: "panic" });
      const [, trace] = run.log().split("Call Trace:");
      const names = [...trace.matchAll(/>\] (\w+)\+/g)].map(([, name]) => name);
      expect(names.slice(0, 4)).toEqual(["throwing_handler", "handle_IRQ_event", "do_IRQ", "common_interrupt"]);
      // The interrupted CPU may be one that has nothing to do.
      expect(names.slice(4, 6).join(" ")).toMatch(
        cpus === 1 ? /^sys_dawdle system_call$/ : /^(sys_dawdle system_call|safe_halt cpu_idle|cpu_idle \w+)$/,
      );
      expect(run.log()).toContain("Kernel panic: Fatal exception in interrupt");
    });

    it("NMIs and debug exceptions have their own, and come back from there", () => {
      const run = listening(layout, cpus, "int3");
      const { kernel } = run;
      const stop_at = (symbol: string) => {
        kernel.machine.setBreakpoints([kernel.image.symbol(symbol)]);
        expect(run.go().kind).toBe("breakpoint");
        kernel.machine.setBreakpoints([]);
        const core = kernel.machine.cores.find(({ eip }) => eip >>> 0 === kernel.image.symbol(symbol));
        return kernel.stack_at(kernel.machine.getRegister("esp", core?.id ?? 0))?.kind;
      };
      kernel.machine.nmi();
      expect(stop_at("do_nmi")).toBe("NMI stack");
      expect(stop_at("do_int3")).toBe("debug stack");
      expect(run.go()).toEqual({ kind: "exit", status: 128 + 5 });
      expect(run.log()).toContain("NMI received");
    });
  },
);

it.each(layouts.filter(({ irq_stacks }) => !irq_stacks))(
  "without them interrupts nest on the task's stack: $stack",
  (layout) => {
    const run = listening(layout, 1, CALL(251, 1_000_000));
    const first = take_irq(run, 5);
    expect(first.stack?.kind).toBe("task");
    run.kernel.run({ maxInstructions: 500 });
    expect(take_irq(run, 9).stack).toEqual(first.stack);
  },
);

/** Ten children that go too deep, one after the other; the status is how many were killed by SIGSEGV. */
const TOO_DEEP = (far: number) => `
.globl _start
_start:	SYSCALL fork			# so that pages of the stack are there
	testl %eax, %eax
	jz 3f
	SYSCALL wait4, $-1, $status, $0, $0
	SYSCALL getppid
	movl $10, %edi
1:	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $status, $0, $0
	cmpl $11, status
	jne 2f
	incl killed
2:	decl %edi
	jnz 1b
	SYSCALL getppid
	SYSCALL exit, killed
child:	fninit
	${CALL(252, 1_000_000, far)}
3:	SYSCALL exit, $0
.bss
status:	.skip 4
killed:	.skip 4
`;

describe.each(cpu_counts)("a function that calls itself without end, on %d CPUs (T5)", (cpus) => {
  it.each([
    { stack: "vmap", irq_stacks: false, far: 0 },
    { stack: "vmap", irq_stacks: true, far: 0 },
    { stack: "vmap", irq_stacks: true, far: 1 },
  ] as const)(
    "runs into the guard page: #PF, #DF, and an oops that names it; the task ends, the machine goes on ($irq_stacks, $far)",
    ({ far, ...layout }) => {
      const run = boot_on(layout, cpus, TOO_DEEP(far));
      const marks: Record<string, number>[] = [];
      for (let mark = 0; mark < 2; mark++) {
        run.kernel.run_to_event(({ event, nr }) => event === "syscall_exit" && nr === 64);
        marks.push(run.memory());
      }
      expect(changes(marks[0], marks[1])).toEqual([]);
      expect(run.go()).toEqual({ kind: "exit", status: 10 });
      const log = run.log();
      expect(
        log.match(/BUG: stack guard page was hit at [0-9a-f]{8} \(stack is [0-9a-f]{8}\.\.[0-9a-f]{8}\)/g),
      ).toHaveLength(10);
      const name = far === 0 ? "descend" : "descend_far";
      expect(log).toContain("kernel stack overflow (double-fault): 0000 [#10]");
      for (const oops of log.split("BUG: stack guard").slice(1)) {
        expect(oops).toMatch(new RegExp(`(EIP:.*|On the way into the kernel from )${name}\\+`));
        expect(oops).toMatch(new RegExp(`Call Trace:\n(.*> ?\\] \\w+\\+.*\n)?.*\\] ${name}\\+`));
      }
    },
  );

  it.each([
    { stack: "task_union", irq_stacks: false },
    { stack: "thread_info", irq_stacks: true },
  ] as const)("is stopped above what lies at the stack's end: $stack", (layout) => {
    const run = boot_on(layout, cpus, TOO_DEEP(0));
    expect(run.go()).toEqual({ kind: "exit", status: 10 });
    expect(run.log().match(/kernel BUG in descend: stack overflow/g)).toHaveLength(10);
  });
});

it("who is ended for a full stack goes on with its own page tables", () => {
  const { kernel, go } = boot_on({ stack: "vmap", irq_stacks: false }, 1, TOO_DEEP(0));
  const { machine } = kernel;
  machine.setBreakpoints([kernel.image.symbol("rewind_stack_do_exit")]);
  expect(go().kind).toBe("breakpoint");
  const pgd = kernel.inspect(() => mm_struct.at(task_struct.at(kernel.task_on(0) ?? 0).mm).pgd);
  expect(machine.getRegister("cr3")).toBe(pgd - PAGE_OFFSET);
});

it("an interrupt that finds no room on a stack is the end of the machine: nobody would acknowledge it", () => {
  const layout = { stack: "vmap", irq_stacks: true } as const;
  const run = listening(layout, 1, CALL(252, 1_000_000, 0));
  const { kernel } = run;
  const room = () => {
    const esp = kernel.machine.getRegister("esp");
    const stack = kernel.stack_at(esp);
    return stack?.kind === "task" ? esp - stack.start : 8192;
  };
  kernel.machine.setBreakpoints([kernel.image.symbol("descend")], () => room() < 52);
  expect(run.go().kind).toBe("breakpoint");
  kernel.machine.setBreakpoints([]);
  kernel.machine.setIrq(5, true);
  expect(run.go()).toEqual({ kind: "panic" });
  expect(run.log()).toMatch(/EIP:.*(common_interrupt|IRQ5_interrupt)\+/);
  expect(run.log()).toContain("On the way into the kernel from descend+");
  expect(run.log()).toContain("Fatal exception in interrupt");
});
