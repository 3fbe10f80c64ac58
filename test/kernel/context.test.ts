import { expect, it } from "vitest";
import { CONTEXT_WORDS } from "../../kernel/compiler/context-tag.ts";
import { context_words } from "../../kernel/running/entry-check.ts";
import { asm, bootKernel } from "../../testing/index.ts";
import * as calls from "./context.kernel.ts";

/** Ends with what the system call returned; with 0 when the task did not survive it. */
const program = (first: number, second: number) => asm`
.globl _start
_start:	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $status, $0, $0
	movzbl status+1, %ebx
	SYSCALL exit, %ebx
child:	movl $250, %eax
	movl $${first}, %ebx
	movl $${second}, %ecx
	int $0x80
	SYSCALL exit, %eax
.bss
status:	.skip 4
`;

function run(system_call: string, first: number, second: number, debug?: boolean) {
  const kernel = bootKernel({
    init: program(first, second),
    modules: [calls],
    syscalls: { 250: system_call },
    ...(debug === undefined ? {} : { debug }),
  });
  return { stop: kernel.run(), kernel, log: kernel.log };
}

const FUNCTIONS = [
  ["needs_any", "task", "masked", "irq", "bh"],
  ["needs_might_sleep", "task"],
  ["needs_in_task", "task", "masked"],
  ["needs_in_irq", "irq"],
  ["needs_in_softirq", "bh"],
  ["needs_in_interrupt", "irq", "bh"],
  ["needs_irqs_disabled", "masked"],
  ["needs_irqs_enabled", "task", "irq", "bh"],
  ["needs_both", "bh"],
  ["helper_in_irq", "irq"],
] as const;
const cases = FUNCTIONS.flatMap(([name, ...fine], which) =>
  calls.STATES.map(
    (state, number) => [name, state, (fine as readonly string[]).includes(state), which, number] as const,
  ),
);

it.each(cases)("%s called in state %s: %s", (name, _state, is_fine, which, state) => {
  const { stop, log } = run("sys_call_in", state, which);
  if (is_fine) expect({ stop, log }).toMatchObject({ stop: { kind: "exit", status: 1 } });
  else expect(log).toContain(`kernel BUG in ${name}: `);
});

it("says where the need is declared, what was found, and who called", () => {
  const { log } = run("sys_kmalloc_masked", 0, 0);
  expect(log).toMatch(
    /kernel BUG in kmalloc: wrong context: needs might_sleep \(kernel\/mm\/slab\.ts:\d+:4\), but EFLAGS\.IF is 0, local_irq_count 0, local_bh_count 0/,
  );
  expect(log).toMatch(/Call Trace:\n \[<\w+>\] kmalloc\+.*\n \[<\w+>\] sys_kmalloc_masked\+/);
});

it("ends the task and leaves the kernel working", () => {
  expect(run("sys_kmalloc_masked", 0, 0).stop).toEqual({ kind: "exit", status: 0 });
});

it("asks for what a condition on a parameter says", () => {
  expect(run("sys_kmalloc_masked", 1, 0).stop).toEqual({ kind: "exit", status: 1 });
});

it("finds nothing wrong with a task that ends because its return to user space fails", () => {
  const { stop, log } = run("sys_spoil_return", 0, 0);
  expect(stop).toEqual({ kind: "exit", status: 0 });
  expect(log).not.toMatch(/BUG|invalid operand|general protection/);
});

it("checks nothing without debug", () => {
  expect(run("sys_kmalloc_masked", 0, 0, false).stop).toEqual({ kind: "exit", status: 1 });
});

it("makes no difference to a run, to the last bit", () => {
  const [checked, unchecked] = [true, false].map((debug) => run("sys_kmalloc_masked", 1, 0, debug).kernel);
  expect(checked?.position).toBe(unchecked?.position);
  expect(checked?.events).toEqual(unchecked?.events);
  expect(Buffer.compare(checked!.kernel.save(), unchecked!.kernel.save())).toBe(0);
});

it("knows the words that the compiler takes", () => {
  expect(Object.keys(context_words)).toEqual([...CONTEXT_WORDS]);
});
