/** A lock that an interrupt handler takes, too: without masking interrupts a CPU waits for itself, and that is seen before. */
import { describe, expect, it } from "vitest";
import { type Configuration, link_kernel } from "../../../kernel/index.ts";
import { boot } from "../run.ts";
import * as rtc from "./irq.kernel.ts";

function image_of(config: Partial<Configuration>) {
  return link_kernel({ config, modules: [rtc], system_calls: { 250: "sys_rtc_start", 251: "sys_rtc_hold" } });
}

const images = { locks: image_of({ smp: true }), lockdep: image_of({ lockdep: true }) };

/** Holds the lock for so many statements, ten times, once for one statement, while the clock chip interrupts every 9,766 instructions. */
function hold(image: keyof typeof images, statements: number, masked: boolean) {
  const started = boot(
    `
.globl _start
_start:
	movl $250, %eax
	int $0x80
	movl $${statements > 1 ? 10 : 1}, %edi
1:	movl $21000, %ecx
2:	loop 2b
	movl $251, %eax
	movl $${statements}, %ebx
	movl $${masked ? 1 : 0}, %ecx
	int $0x80
	decl %edi
	jnz 1b
	EXIT
`,
    { image: images[image], cpus: 1 },
  );
  const stop = started.kernel.run({ maxInstructions: 25_000_000 });
  const interrupts = started.kernel.inspect(() => rtc.rtc_interrupts.value);
  return { stop, kernel: started.kernel, log: started.log(), interrupts };
}

const LONG = 20_000;

describe("a kernel with locks", () => {
  it("waits for itself when the handler comes while a system call has the lock", () => {
    const { stop, kernel } = hold("locks", LONG, false);
    expect(stop).toEqual({ kind: "budget" });
    expect(kernel.image.symbolize(kernel.machine.cores[0].eip)).toMatch(/^spin_lock\+/);
  });

  it("does not when that masks interrupts", () => {
    const { stop, interrupts } = hold("locks", LONG, true);
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(interrupts).toBeGreaterThan(20);
  });
});

describe("a kernel that checks locks", () => {
  it("says so although the handler did not come while the lock was held", () => {
    const { stop, log } = hold("lockdep", 1, false);
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(log).toMatch(/inconsistent \{(IN-HARDIRQ-W\} -> \{HARDIRQ-ON-W|HARDIRQ-ON-W\} -> \{IN-HARDIRQ-W)\} usage/);
    expect(log).toMatch(/rtc_interrupt\+/);
    expect(log).toMatch(/sys_rtc_hold\+/);
  });

  it("says who waits for whom when it does come", () => {
    const { stop, log } = hold("lockdep", LONG, false);
    expect(stop).toEqual({ kind: "budget" });
    expect(log).toMatch(
      /BUG: spinlock lockup on CPU#0, init\/1\n lock: \w+ \(rtc_lock\)\n \.owner: init\/1, \.owner_cpu: 0, which took it at:\n +\[<\w+>\] sys_rtc_hold\+[\s\S]*stack backtrace:\n \[<\w+>\] rtc_interrupt\+[\s\S]*do_IRQ\+[\s\S]*sys_rtc_hold\+/,
    );
  });

  it("has nothing to say when the system call masks interrupts", () => {
    const { stop, log } = hold("lockdep", LONG, true);
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(log).not.toMatch(/WARNING|BUG/);
  });
});
