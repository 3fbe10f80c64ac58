/** What the locks keep apart, one by one; the stress has all of it at once. */
import { describe, expect, it } from "vitest";
import { RandomInterleaver } from "../../../emulator/index.ts";
import { link_kernel } from "../../../kernel/link.ts";
import { boot, CONFIG } from "../run.ts";
import * as locks from "./locks.kernel.ts";

const CPUS = 4;
const image = link_kernel({
  config: { ...CONFIG, smp: true },
  modules: [locks],
  system_calls: { 250: "sys_visit_twice" },
});

function run(source: string, seed: number) {
  const interleaver = new RandomInterleaver(seed, 5);
  const started = boot(source, { image, cpus: CPUS, fromReset: true, interleaver });
  return { ...started, stop: started.go({ maxInstructions: 20_000_000 }) };
}

describe("the big kernel lock", () => {
  /** Four processes that visit ten times each: how often one was not alone. */
  function meetings(locked: 0 | 1, seed: number): number {
    const { kernel, stop } = run(
      `
.globl _start
_start:
	movl $${CPUS - 1}, %ebp
1:	SYSCALL fork
	testl %eax, %eax
	jz 2f
	decl %ebp
	jnz 1b
2:	movl $10, %edi
3:	movl $250, %eax
	movl $${locked}, %ebx
	int $0x80
	decl %edi
	jnz 3b
4:	SYSCALL wait4, $-1, $0, $0, $0
	testl %eax, %eax
	jg 4b
	EXIT
`,
      seed,
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
    if (locked === 1) expect(kernel.inspect(() => locks.visits.value)).toBe(CPUS * 10 * 2);
    return kernel.inspect(() => locks.meetings.value);
  }

  it("lets one of those in who take it, before and after it has slept", () => {
    for (const seed of [1, 2]) expect(meetings(1, seed), `seed ${seed}`).toBe(0);
  });

  it("is not taken by system calls as such: they run at the same time", () => {
    expect(meetings(0, 1)).toBeGreaterThan(0);
  });
});

describe("page_table_lock", () => {
  it("has threads that touch a page for the first time, on several CPUs at once, find the same one", () => {
    const pages = 48;
    const { stop, output } = run(
      `
.set THREAD, 0x100 | 0x200 | 0x400 | 0x800 | 17
.globl _start
_start:
	movl $${CPUS - 1}, %ebp
1:	movl $THREAD, %ebx
	movl %ebp, %ecx
	shll $10, %ecx
	addl $stacks, %ecx
	movl $120, %eax			# clone
	int $0x80
	testl %eax, %eax
	jz 2f
	decl %ebp
	jnz 1b
	call touch
3:	SYSCALL wait4, $-1, $0, $0x40000000, $0
	testl %eax, %eax
	jg 3b
	movl $fresh, %esi
	movl $${pages}, %ecx
4:	cmpl $0x01010101, (%esi)
	jne 5f
	addl $4096, %esi
	loop 4b
	PRINT "all there"
	EXIT
5:	PRINT "lost"
	EXIT
2:	call touch
	SYSCALL exit, $0
touch:	lock; incl ready		# EBP = which byte of each page
1:	pause
	cmpl $${CPUS}, ready
	jne 1b
	movl $fresh, %esi
	movl $${pages}, %ecx
2:	incb (%esi,%ebp)
	lock; incl turn			# all at the same page
	movl %ecx, %edx
	negl %edx
	addl $${pages} + 1, %edx
	shll $2, %edx			# ${CPUS} at each
3:	pause
	cmpl %edx, turn
	jl 3b
	addl $4096, %esi
	loop 2b
	ret
.bss
ready:	.skip 4
turn:	.skip 4
	.skip 1024
stacks:	.skip 4096
.align 4096
fresh:	.skip ${pages} * 4096
`,
      1,
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("all there");
  });
});

describe("a task that is woken", () => {
  it("runs at once on a CPU that idles, not at that CPU's next tick", () => {
    const trips = 30;
    const { kernel, output, go } = boot(
      `
.set THREAD, 0x100 | 0x200 | 0x400 | 0x800 | 17
.globl _start
_start:
	SYSCALL pipe, $to
	movl $THREAD, %ebx
	movl $stack, %ecx
	movl $120, %eax			# clone
	int $0x80
	testl %eax, %eax
	jz reader
	movl $1, %ebp
1:	SYSCALL write, to+4, $byte, $1
2:	pause				# it does not give its CPU up for the other
	cmpl %ebp, taken
	jne 2b
	movl $3000, %ecx		# until that sleeps again
3:	loop 3b
	incl %ebp
	cmpl $${trips}, %ebp
	jng 1b
	PRINT "taken"
	SYSCALL exit_group, $0
reader:	SYSCALL read, to, $byte, $1
	incl taken
	jmp reader
.bss
to:	.skip 8
taken:	.skip 4
byte:	.skip 4
	.skip 1024
stack:	.skip 4
`,
      { image, cpus: 2 },
    );
    kernel.run_to_user();
    const before = kernel.statistics.ticks;
    expect(go()).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("taken");
    expect(kernel.statistics.ticks - before).toBeLessThan(trips / 2);
  });
});

it("the mask of blocked signals is put back under the task's sigmask_lock", () => {
  const { stop, log } = run(
    `
.globl _start
_start:
	SYSCALL signal, $10, $handler
	SYSCALL kill, $1, $10
	EXIT caught
handler:
	movl $7, caught
	ret
.data
caught:	.long 0
`,
    1,
  );
  expect({ stop, log: log() }).toMatchObject({ stop: { kind: "exit", status: 7 } });
  expect(log()).not.toMatch(/wrong context/);
});
