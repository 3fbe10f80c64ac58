import { asm, bootKernel, forEachInterleaving } from "esp0/testing";
import "esp0/testing/vitest";
import { expect, it } from "vitest";

const TIMER_IRQ = 0;

/** Counts down in user mode, with something in every register that the kernel must not touch. */
const COUNT_DOWN = asm`
	movl $0x11111111, %ebx
	movl $0x22222222, %esi
	movl $0x33333333, %edi
	movl $0x44444444, %ebp
	movl $200000, %ecx
1:	decl %ecx
	jnz 1b
	cmpl $0x11111111, %ebx
	jne failed
	cmpl $0x22222222, %esi
	jne failed
	cmpl $0x33333333, %edi
	jne failed
	cmpl $0x44444444, %ebp
	jne failed
	EXIT
failed:	EXIT $1
`;

it("the timer interrupt enters on the stack that TSS.esp0 names, with the user's registers on top of it", () => {
  const kernel = bootKernel({ init: COUNT_DOWN });
  kernel.runUntil({ event: "irq_entry", irq: TIMER_IRQ });
  expect(kernel.registers()).toPointIntoKernelStackOf(1);
  const { userRegisters, kernelStack } = kernel.task(1);
  expect(userRegisters).toMatchObject({ ebx: 0x11111111, esi: 0x22222222, orig_eax: TIMER_IRQ - 256 });
  expect(kernel.tss().esp0).toBe(kernelStack.end);
});

it("interrupts leave the registers of user mode as they were, wherever they come", () => {
  forEachInterleaving(5, (interleave) => {
    const kernel = bootKernel({ init: COUNT_DOWN, interleave });
    expect(kernel.runUntilExit()).toBe(0);
    expect(kernel).toFollow([
      { event: "irq_entry", irq: TIMER_IRQ },
      { event: "irq_exit", irq: TIMER_IRQ },
      { event: "irq_entry", irq: TIMER_IRQ },
    ]);
  });
});
