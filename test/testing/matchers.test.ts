import { describe, expect, it } from "vitest";
import { asm, bootKernel } from "../../testing/index.ts";
import "../../testing/vitest.ts";
import * as misuse from "../kernel/lockdep/misuse.kernel.ts";
import { COPY_ON_WRITE, FORKS, TWO_TASKS } from "./programs.ts";

const GETPPID = 64;
/** At the labels of switch_to_resume: popl %edi, popl %ebp, popl %esi, the first two the wrong way round. */
const SWAPPED_POPS = [0x5f, 0x5d, 0x5e];

/** The message of a matcher that fails. */
function failure(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it should have failed");
}

/** What each failure shows of the kernel. */
function expectState(message: string): void {
  for (const part of [
    /registers:\n {2}eax=0x/,
    /kernel stack/,
    /last events:\n {2}#\d/,
    /npx esp0 debug|debugSession/,
  ]) {
    expect(message).toMatch(part);
  }
  expect(message).not.toContain("\u001b");
}

describe("toHaveSwitched", () => {
  it("finds switches that have happened", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    expect(kernel).not.toHaveSwitched({ from: 1, to: 2 });
    kernel.runUntilSwitch({ from: 2, to: 1 });
    expect(kernel).toHaveSwitched({ from: 1, to: 2 });
    expect(kernel).toHaveSwitched({ to: 1 });
    expect(kernel).toHaveSwitched();
  });

  it("names the switches that there were", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    kernel.runUntilSwitch({ from: 1, to: 2 });
    const message = failure(() => expect(kernel).toHaveSwitched({ from: 2, to: 5 }));
    expect(message).toContain("expected a context switch from pid 2 to pid 5; there were, by pid: ");
    expect(message).toContain("1 to 2");
    expectState(message);
    expect(failure(() => expect(kernel).not.toHaveSwitched({ to: 2 }))).toContain("there was one: #");
    expect(() => expect(5).toHaveSwitched()).toThrow("wants the kernel that bootKernel returned");
  });
});

describe("toPreserveCalleeSaved", () => {
  it("follows a call of switch_to to where its task runs again, and other functions too", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    expect(kernel).toPreserveCalleeSaved("do_fork");
    expect(kernel).toPreserveCalleeSaved();
  });

  it("finds the register that a wrong switch_to loses", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    kernel.patch("switch_to_resume", SWAPPED_POPS);
    const message = failure(() => expect(kernel).toPreserveCalleeSaved());
    expect(message).toContain("expected switch_to, called by pid 1 with the return address context_switch+");
    expect(message).toMatch(/it changed edi, ebp\n/);
    expect(message).toMatch(/ebp {2}0x\w+ at the call, 0x\w+ behind it {2}changed/);
    expect(message).toMatch(/ebx {2}0x(\w+) at the call, 0x\1 behind it\n/);
    expectState(message);
    const right = bootKernel({ init: TWO_TASKS });
    expect(failure(() => expect(right).not.toPreserveCalleeSaved())).toContain("it preserved them");
  });

  it.each([
    ["esi", 11, 0x56, 2, 0x5e],
    ["edi", 12, 0x57, 1, 0x5f],
  ])("finds a switch_to that forgets %s, though both tasks have the same in it", (name, save, push, restore, pop) => {
    const kernel = bootKernel({ init: TWO_TASKS });
    const [saves, restores] = [kernel.symbol("switch_to") + save, kernel.symbol("switch_to_resume") + restore];
    expect([kernel.word(saves) & 0xff, kernel.word(restores) & 0xff]).toEqual([push, pop]);
    kernel.patch(saves, [0x50]); // pushl %eax
    kernel.patch(restores, [0x59]); // popl %ecx
    const message = failure(() => expect(kernel).toPreserveCalleeSaved());
    expect(message).toContain(`; it changed ${name}\n`);
    expect(message).toMatch(new RegExp(`${name} {2}0x5a\\w{6} at the call, 0x\\w{8} behind it {2}changed`));
  });

  it("leaves callers their registers, and can be repeated in a debugger", async () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    const plain = kernel.fork();
    expect(kernel).toPreserveCalleeSaved();
    const { ebx, esi, edi, eip } = kernel.registers();
    plain.runToSymbol("switch_to");
    const { esp } = plain.registers();
    const back = plain.word(esp);
    do plain.runToAddress(back);
    while (plain.registers().esp !== esp + 4);
    expect(plain.registers()).toMatchObject({ ebx, esi, edi, eip });
    expect(plain.position).toBe(kernel.position);
    expect((await kernel.debugSession()).machine.getRegister("eip")).toBe(eip);
    expect(kernel.reproduction()).toContain("which repeats its registers");
  });

  it("gives up a call that never returns", () => {
    const init = asm`
	SYSCALL fork
	testl %eax, %eax
	jz quit
1:	SYSCALL sched_yield
	jmp 1b
quit:	EXIT`;
    const kernel = bootKernel({ init, maxInstructions: 100_000 });
    kernel.runUntil({ event: "exit", pid: 2 });
    expect(() => expect(kernel).toPreserveCalleeSaved()).toThrow(
      "while following switch_to to its return: the instructions it may use",
    );
  });
});

describe("the first line of a failure", () => {
  const headline = (message: string) => message.split("\n")[0];

  it("has the line of a panic", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    kernel.patch("schedule", [0x0f, 0x0b]); // ud2
    const panic = /; Kernel panic: \S.*$/;
    expect(headline(failure(() => kernel.runUntilExit()))).toMatch(panic);
    expect(headline(failure(() => expect(kernel).toFollow(["cow", "none"])))).toMatch(panic);
  });

  it("has the first entry on a stack that TSS.esp0 should not have named any more", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    const before = kernel.tss();
    const { event } = kernel.runUntilSwitch({ from: 1, to: 2 });
    kernel.patch(before.address + 4, new Uint8Array(Uint32Array.of(before.esp0).buffer));
    const first = headline(failure(() => kernel.runUntil("nothing of the kind")));
    expect(first).toContain(`; TSS.esp0 was stale: at instruction `);
    expect(first).toContain(` pid 2, switched to at ${event.instruction}, entered the kernel on the stack of pid 1`);
    const right = bootKernel({ init: TWO_TASKS });
    expect(failure(() => right.runUntil("nothing of the kind"))).not.toContain("stale");
  });
});

describe("toShareFrame, toBeCopyOnWrite", () => {
  it("show a page before and after the write that copies it", () => {
    const kernel = bootKernel({ init: COPY_ON_WRITE });
    kernel.runToSymbol("child");
    kernel.runUntil({ event: "syscall", nr: GETPPID });
    expect(kernel).toShareFrame(1, 2, kernel.symbol("_start"));
    const stack = kernel.task(1).userRegisters!.esp;
    expect(kernel.page(1, stack)).toBeCopyOnWrite();
    expect(kernel).toShareFrame(1, 2, stack);
  });

  it("say what the pages are", () => {
    const kernel = bootKernel({
      init: asm`
	incl value
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $0, $0, $0
child:	SYSCALL getppid
	incl value
	SYSCALL getppid
	EXIT
.data
value:	.long 7`,
    });
    kernel.runUntil({ event: "syscall", nr: GETPPID });
    expect(kernel).toShareFrame(1, 2, "value");
    expect(kernel.page(1, "value")).toBeCopyOnWrite();
    expect(kernel.page(2, "value")).toBeCopyOnWrite();
    expect(failure(() => expect(kernel).not.toShareFrame(1, 2, "value"))).toContain(
      "to have different frames of value",
    );
    expect(failure(() => expect(kernel.page(1, "value")).not.toBeCopyOnWrite())).toContain("not to be copy-on-write");

    kernel.runUntil({ event: "syscall", nr: GETPPID });
    const message = failure(() => expect(kernel).toShareFrame(1, 2, "value"));
    expect(message).toContain("expected pid 1 and pid 2 to share the frame of value");
    expect(message).toMatch(/pid 2 {2}page 0x\w+: present, writable, user, dirty, frame 0x\w+ used 1 time/);
    expectState(message);
    expect(failure(() => expect(kernel.page(2, "value")).toBeCopyOnWrite())).toContain("its entry allows writes");
    expect(failure(() => expect(kernel.page(2, 0x1000)).toBeCopyOnWrite())).toContain(
      "it is not present, and it lies in no area",
    );
    expect(failure(() => expect(kernel.page(2, "_start")).toBeCopyOnWrite())).toContain("its area may not be written");
    expect(() => expect(kernel).toBeCopyOnWrite()).toThrow("wants a page");
  });
});

describe("toPointIntoKernelStackOf", () => {
  it("tells whose stack ESP and TSS.esp0 point into, before and after a switch", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    expect(kernel.tss()).toPointIntoKernelStackOf(1);
    expect(kernel.registers()).not.toPointIntoKernelStackOf(1);
    const { before, after } = kernel.runUntilSwitch({ from: 1, to: 2 });
    expect(before).toPointIntoKernelStackOf(1);
    expect(after).toPointIntoKernelStackOf(2);
    expect(kernel.tss()).toPointIntoKernelStackOf(2);
    expect(kernel.task(1).thread.esp).toPointIntoKernelStackOf(kernel.task(1));
  });

  it("names the task whose stack it is", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    kernel.runUntilSwitch({ from: 1, to: 2 });
    const message = failure(() => expect(kernel.tss()).toPointIntoKernelStackOf(1));
    expect(message).toMatch(
      /expected TSS\.esp0 = 0x\w+ to point into the kernel stack of pid 1 \(init\), 0x\w+ to 0x\w+; it lies on that of pid 2/,
    );
    expectState(message);
    expect(message).toContain("ESP, pt_regs.ebx");
    expect(failure(() => expect(0x1000).toPointIntoKernelStackOf(kernel.task(1)))).toContain(
      "it lies on no task's stack",
    );
    expect(() => expect(0x1000).toPointIntoKernelStackOf(1)).toThrow("or an address and a task");
    expect(() => expect("esp").toPointIntoKernelStackOf(kernel.task(1))).toThrow("wants kernel.registers()");
  });
});

describe("toHaveBalancedMemory", () => {
  it("holds after forks that were waited for, and shows what a living child has", () => {
    const kernel = bootKernel({ init: FORKS });
    kernel.runUntil({ event: "syscall", nr: GETPPID });
    const mark = kernel.memory();
    kernel.runUntil({ event: "syscall", nr: GETPPID });
    expect(kernel).toHaveBalancedMemory(mark);
    expect(failure(() => expect(kernel).not.toHaveBalancedMemory(mark))).toContain("all accounts are the same");
    kernel.runUntil({ event: "syscall", nr: GETPPID });
    const message = failure(() => expect(kernel).toHaveBalancedMemory(mark));
    expect(message).toMatch(/mm_struct: 1 at the mark, 2 now \(\+1\)/);
    expect(message).toMatch(/free_pages: \d+ at the mark, \d+ now \(-\d+\)/);
    expectState(message);
  });
});

describe("toHaveNoReports", () => {
  /** A kernel after a call of the first of a module's ways to use locks as they should be, or as they must not be. */
  function after(call: "sys_use" | "sys_misuse") {
    const kernel = bootKernel({
      init: asm`_start: movl $250, %eax; xorl %ebx, %ebx; int $0x80; movl $1, %eax; xorl %ebx, %ebx; int $0x80`,
      modules: [misuse],
      syscalls: { 250: call },
      config: { lockdep: true },
    });
    kernel.runUntilExit();
    return kernel;
  }
  it("holds where locks are used as they should be", () => {
    expect(after("sys_use")).toHaveNoReports();
    expect(failure(() => expect(after("sys_use")).not.toHaveNoReports())).toContain("there is none");
  });

  it("shows what the kernel has found to be wrong", () => {
    const message = failure(() => expect(after("sys_misuse")).toHaveNoReports());
    expect(message).toMatch(
      /^expected no reports in the kernel's log; there is\n {2}WARNING: possible circular locking/,
    );
    expectState(message);
  });
});

describe("toFollow", () => {
  it("finds events in order, with gaps", () => {
    const kernel = bootKernel({ init: COPY_ON_WRITE });
    kernel.runUntilExit();
    const order = ["fork", { event: "sched_switch", next: 2 }, ({ event }: { event: string }) => event === "exit"];
    expect(kernel).toFollow(order);
    expect(kernel.events).toFollow(order);
    expect(kernel.events.slice(0, 3)).not.toFollow(order);
    expect(kernel).not.toFollow([...order].reverse());
  });

  it("shows how far it got and what came behind", () => {
    const kernel = bootKernel({ init: COPY_ON_WRITE });
    kernel.runUntilExit();
    const message = failure(() => expect(kernel).toFollow(["fork", { event: "sched_switch", next: 9 }, "exit"]));
    expect(message).toMatch(/1\. fork {2}found: #\d+ fork/);
    expect(message).toContain("2. sched_switch next=9  not found behind that");
    const misspelt = failure(() => expect(kernel).toFollow(["fork", "sched_swich"]));
    expect(misspelt).toContain("behind that (the kernel has no event sched_swich; did you mean sched_switch?)");
    expect(message).toContain("3. exit  not looked for");
    expect(message).toMatch(/the last events behind that:\n {4}#\d+ /);
    expectState(message);
    expect(failure(() => expect(kernel).not.toFollow(["fork"]))).toContain("expected no such order");
    expect(() => expect(5).toFollow(["fork"])).toThrow("wants a kernel or a list of its events");
  });
});
