import { describe, expect, it } from "vitest";
import { for_each_task, init_tss, pt_regs, THREAD_SIZE, task_struct } from "../../../kernel/inspect.ts";
import { boot, ON_ONE_CPU, type Run, STACKS_TELL_CURRENT } from "../run.ts";

/** The task whose kernel stack an address is on. */
function task_of({ kernel }: Run, address: number): number {
  const stack = kernel.stack_at(address);
  if (stack?.kind !== "task") throw new Error(`${address.toString(16)} is on no task's stack`);
  return stack.task;
}

/** Runs to the moment `esp` has just been loaded in the next context switch, and says between whom. */
function to_stack_switch({ kernel }: Run) {
  const { machine, image } = kernel;
  const found = kernel.run_to_event(({ event }) => event === "sched_switch");
  if (found.kind !== "event") throw new Error(`no context switch: ${found.kind}`);
  const start = image.symbol("switch_to");
  const before = () => machine.getRegister("esp");
  let esp = before();
  // movl next->thread.esp, %esp is the one instruction of switch_to that moves ESP by more than a push.
  for (;;) {
    const eip = machine.getRegister("eip");
    esp = before();
    machine.step();
    if (eip >= start && eip < start + 64 && Math.abs(before() - esp) > 64) break;
  }
  return { event: found.event, esp_before: esp, esp_after: before() };
}

const THREE_TASKS = `
.globl _start
_start:
	SYSCALL fork
	SYSCALL fork
1:	SYSCALL sched_yield
	incl %edi
	cmpl $20, %edi
	jb 1b
	EXIT
`;

describe.runIf(ON_ONE_CPU)("switch_to (X1)", () => {
  it("goes from the stack of one task to that of the other by changing ESP alone", () => {
    const run = boot(THREE_TASKS);
    const { event, esp_before, esp_after } = to_stack_switch(run);
    const pid_of = (esp: number) => run.kernel.inspect(() => task_struct.at(task_of(run, esp)).pid);
    expect(pid_of(esp_before)).toBe(event.prev);
    expect(pid_of(esp_after)).toBe(event.next);
  });

  it.runIf(STACKS_TELL_CURRENT)("changes who is current by changing ESP alone (T4)", () => {
    const run = boot(THREE_TASKS);
    const { event } = to_stack_switch(run);
    const pid = () => run.kernel.inspect(() => task_struct.at(run.kernel.task_on() ?? 0).pid);
    expect(pid()).toBe(event.next);
    run.kernel.machine.setRegister(
      "esp",
      run.kernel.inspect(() => [...for_each_task()].find((p) => p.pid === event.prev)?.thread.esp ?? 0),
    );
    expect(pid()).toBe(event.prev);
  });

  it("saves ESP and EIP of the task it leaves, with EBP, EDI and ESI on its stack", () => {
    const run = boot(THREE_TASKS);
    const { esp_before } = to_stack_switch(run);
    run.kernel.machine.step(); // movl $1f, prev->thread.eip
    const { machine, image } = run.kernel;
    const thread = run.kernel.inspect(() => {
      const { esp, eip } = task_struct.at(task_of(run, esp_before)).thread;
      return { esp, eip };
    });
    expect(thread).toEqual({ esp: esp_before, eip: image.symbol("switch_to_resume") });
    const words = new Uint32Array(machine.readLinear(esp_before, 12).slice().buffer);
    expect([...words]).toEqual(["ebp", "edi", "esi"].map((name) => machine.getRegister(name as "ebp")));
  });

  it("hands over the task really switched from, which is not the one switched to", () => {
    const run = boot(THREE_TASKS);
    const { machine, image } = run.kernel;
    const resume = image.symbol("switch_to_resume");
    const left_for = new Map<number, number>(); // who each task thought was next
    const different: { me: number; next: number; last: number }[] = [];
    for (let switches = 0; switches < 24; switches++) {
      const found = run.kernel.run_to_event(({ event }) => event === "sched_switch");
      if (found.kind !== "event") break;
      for (let steps = 0; steps < 400 && machine.getRegister("eip") !== resume; steps++) machine.step();
      if (machine.getRegister("eip") !== resume) continue; // a new task starts at ret_from_fork
      const me = found.event.next as number;
      const last = run.kernel.inspect(() => task_struct.at(machine.getRegister("ebx")).pid);
      expect(last).toBe(found.event.prev);
      const next = left_for.get(me);
      if (next !== undefined && next !== last) different.push({ me, next, last });
      left_for.set(last, me);
    }
    expect(different.length).toBeGreaterThan(0);
  });
});

describe.runIf(ON_ONE_CPU)("__switch_to (X2)", () => {
  it("leaves TSS.esp0 at the top of the new task's stack after every switch", () => {
    const run = boot(THREE_TASKS);
    const { kernel } = run;
    for (let switches = 0; switches < 12; switches++) {
      const found = kernel.run_to_event(({ event }) => event === "sched_switch");
      if (found.kind !== "event") break;
      const arrived = [kernel.image.symbol("switch_to_resume"), kernel.image.symbol("ret_from_fork")];
      for (let steps = 0; steps < 100 && !arrived.includes(kernel.machine.getRegister("eip")); steps++)
        kernel.machine.step();
      const { esp0, top } = kernel.inspect(() => {
        const task = kernel.machine.getRegister("esp") & -THREAD_SIZE;
        return { esp0: init_tss.value.esp0, top: (task + THREAD_SIZE) >>> 0 };
      });
      expect(esp0).toBe(top);
    }
  });

  it("makes the CPU save SS, ESP, EFLAGS, CS, EIP at the top of that stack on the next entry from ring 3 (M2)", () => {
    const { kernel } = boot(THREE_TASKS);
    kernel.run_to_user();
    const { machine } = kernel;
    const user = { esp: machine.getRegister("esp"), ss: machine.getRegister("ss"), cs: machine.getRegister("cs") };
    const found = kernel.run_to_event(({ event }) => event === "syscall");
    expect(found.kind).toBe("event");
    for (let steps = 0; steps < 4; steps++) machine.step();
    const frame = kernel.inspect(() => {
      const top = init_tss.value.esp0;
      const regs = pt_regs.at(top - pt_regs.size);
      return { esp: regs.esp, ss: regs.xss, cs: regs.xcs };
    });
    expect(frame).toEqual(user);
  });
});

describe.runIf(ON_ONE_CPU)("address spaces (X3)", () => {
  it("loads CR3 when the address space changes, not for threads of the same one", () => {
    const loads = (flags: string) => {
      const run = boot(`
.globl _start
_start:
	SYSCALL clone, $${flags}, $stack
	movl $50, %edi
1:	SYSCALL sched_yield
	decl %edi
	jnz 1b
	EXIT
.bss
	.skip 4096
stack:
`);
      run.go();
      return { cr3_loads: run.kernel.statistics.cr3Loads, switches: run.kernel.statistics.contextSwitches };
    };
    const processes = loads("17");
    const threads = loads("0x111");
    expect(processes.switches).toBeGreaterThan(50);
    expect(threads.switches).toBeGreaterThan(50);
    expect(processes.cr3_loads).toBeGreaterThan(50);
    expect(threads.cr3_loads).toBeLessThan(6);
  });
});
