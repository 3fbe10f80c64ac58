import { asm, bootKernel, forEachInterleaving } from "esp0/testing";
import "esp0/testing/vitest";
import { describe, expect, it } from "vitest";

/** Parent and child give the CPU to each other, ten times each. */
const TWO_TASKS = asm`
	SYSCALL fork
1:	SYSCALL sched_yield
	incl %edi
	cmpl $10, %edi
	jb 1b
	EXIT
`;

describe("a context switch", () => {
  it("moves ESP from one kernel stack to another, and TSS.esp0 with it", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    const { before, after } = kernel.runUntilSwitch({ from: 1, to: 2 });
    expect(before).toPointIntoKernelStackOf(1);
    expect(after).toPointIntoKernelStackOf(2);
    expect(kernel.tss()).toPointIntoKernelStackOf(2);
    expect(kernel.tss().esp0).toBe(kernel.task(2).kernelStack.end);
  });

  it("leaves ESP, EIP and the callee-saved registers of the task it leaves in memory", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    const { before } = kernel.runUntilSwitch({ from: 1, to: 2 });
    const { thread, switchFrame } = kernel.task(1);
    expect(thread.eip).toBe(kernel.symbol("switch_to_resume"));
    expect(thread.esp).toBe(before.esp - 16);
    const { ebx, esi, edi, ebp } = before;
    expect(switchFrame).toMatchObject({ ebx, esi, edi, ebp });
  });

  it("gives a task its registers back, whenever the timer ticks", () => {
    forEachInterleaving(10, (interleave) => {
      const kernel = bootKernel({ init: TWO_TASKS, interleave });
      expect(kernel).toPreserveCalleeSaved("switch_to");
      expect(kernel.runUntilExit()).toBe(0);
      expect(kernel).toHaveSwitched({ from: 2, to: 1 });
    });
  });

  it("would be found out if it popped its registers in the wrong order", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    kernel.patch("switch_to_resume", [0x5f, 0x5d]); // popl %edi; popl %ebp
    expect(kernel).not.toPreserveCalleeSaved("switch_to");
  });
});
