/** Locks used as they must not be: each is reported the first time, on one CPU and on four, and what is allowed is not. */
import { describe, expect, it } from "vitest";
import { nr_lock_reports } from "../../../kernel/include/linux/lockdep.ts";
import { type Configuration, link_kernel } from "../../../kernel/index.ts";
import { boot } from "../run.ts";
import * as misuse from "./misuse.kernel.ts";

const CALLS = { sys_misuse: 250, sys_use: 251, sys_assert: 252 } as const;

function image_of(config: Partial<Configuration>) {
  const system_calls = Object.fromEntries(Object.entries(CALLS).map(([name, number]) => [number, name]));
  return link_kernel({ config, modules: [misuse], system_calls });
}

const images = { 1: image_of({ lockdep: true }), 4: image_of({ lockdep: true, smp: true }) };
const plain = { 1: image_of({}), 4: image_of({ smp: true }) };

/** The system call's result becomes the status; a task that an oops ends has 11. */
function call(name: keyof typeof CALLS, which: number, cpus: 1 | 4, { image = images[cpus], cpuHz = 10_000_000 } = {}) {
  const started = boot(
    `
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL wait4, $-1, $status, $0, $0
	movl status, %ebx
	SYSCALL exit, %ebx
1:	movl $${CALLS[name]}, %eax
	movl $${which}, %ebx
	int $0x80
	SYSCALL exit, $0
.bss
status:	.skip 4
`,
    { image, cpus, cpuHz },
  );
  const { kernel, log } = started;
  const stop = kernel.run({ maxInstructions: 10_000_000 });
  const text = log();
  return { kernel, stop, log: text, report: text.slice(text.indexOf("\n===")) };
}

function reports(kernel: ReturnType<typeof boot>["kernel"]): number {
  return kernel.inspect(() => nr_lock_reports.value);
}

const REPORTED: Readonly<Record<Exclude<(typeof misuse.MISUSES)[number], "recursion">, RegExp>> = {
  inversion:
    /WARNING: possible circular locking dependency detected[\s\S]*init\/2 is trying to acquire lock:\n\w+ \(lock_a\)\{\+\.\+\.\}, at: \[<\w+>\] take_b_then_a\+\w+\/\w+ \(test\/kernel\/lockdep\/misuse\.kernel\.ts:\d+\)\n\nbut task is already holding lock:\n\w+ \(lock_b\)[\s\S]*-> #1 \(lock_b\)\{\+\.\+\.\}:\n +\[<\w+>\] take_a_then_b\+[\s\S]*-> #0 \(lock_a\)\{\+\.\+\.\}:\n +\[<\w+>\] take_b_then_a\+[\s\S]* {2}lock\(lock_b\);\n +lock\(lock_a\);\n +lock\(lock_b\);\n {2}lock\(lock_a\);/,
  "cycle of three":
    /possible circular locking dependency detected[\s\S]*-> #2 \(lock_c\)[\s\S]*-> #1 \(lock_b\)[\s\S]*-> #0 \(lock_a\)[\s\S]*Chain exists of:\n {2}lock_a --> lock_b --> lock_c\n/,
  "recursion of a class":
    /possible recursive locking detected[\s\S]*\(make_items\(\) test\/kernel\/lockdep\/misuse\.kernel\.ts:\d+\)[\s\S]*May be due to missing lock nesting notation/,
  "irq-unsafe":
    /WARNING: inconsistent lock state\n-+\ninconsistent \{IN-HARDIRQ-W\} -> \{HARDIRQ-ON-W\} usage\.\ninit\/2 \[HC0\[0\]:SC0\[0\]:HE1:SE1\] takes:\n\w+ \(lock_a\)\{\?\.\.\.\}[\s\S]*\{IN-HARDIRQ-W\} state was registered at:\n +\[<\w+>\] take_in_irq\+/,
  "irq-unsafe before it is irq-safe": /inconsistent \{HARDIRQ-ON-W\} -> \{IN-HARDIRQ-W\} usage\.\n.*HC1\[1\]/,
  "irqs enabled while it is held": /inconsistent \{IN-HARDIRQ-W\} -> \{HARDIRQ-ON-W\} usage/,
  "softirq-unsafe":
    /inconsistent \{IN-SOFTIRQ-W\} -> \{SOFTIRQ-ON-W\} usage[\s\S]*state was registered at:\n +\[<\w+>\] take_in_bottom_half\+/,
  "irq-safe to irq-unsafe":
    /HARDIRQ-safe -> HARDIRQ-unsafe lock order detected[\s\S]*\(lock_a\)\{-\.\.\.\} -> \(lock_b\)\{\+\.\+\.\}\n[\s\S]*became HARDIRQ-irq-safe at:\n +\[<\w+>\] take_in_irq\+[\s\S]*became HARDIRQ-irq-unsafe at:\n +\[<\w+>\] take\+/,
  "inversion by usage":
    /possible irq lock inversion dependency detected[\s\S]*\(lock_a\)[\s\S]*took another, HARDIRQ-unsafe lock in the past:\n \(lock_b\)/,
  "unlock of what is not held":
    /bad unlock balance detected![\s\S]*trying to release lock \(lock_a\) at:\n\[<\w+>\] misuse\+[\s\S]*there are no more locks to release!/,
  "missing unlock":
    /lock held when returning to user space!\n-+\ninit\/2 is leaving[\s\S]*#0: \w+ \(lock_a\)\{\+\.\+\.\}, at: \[<\w+>\] misuse\+/,
  sleeping:
    /BUG: scheduling while atomic: init\/2\n1 lock held on CPU#\d by init\/2:\n #0: \w+ \(lock_a\)[\s\S]*\] schedule\+/,
  "not initialised": /trying to register non-static key[\s\S]*take\+/,
  "reader against writer":
    /possible circular locking dependency detected[\s\S]*trying to acquire lock:\n\w+ \(rwlock_r\)[\s\S]*-> #1 \(lock_a\)[\s\S]*-> #0 \(rwlock_r\)/,
};

describe.each([1, 4] as const)("on %i CPUs", (cpus) => {
  it.each(Object.entries(REPORTED))("%s is reported, and the kernel goes on", (name, expected) => {
    const which = (misuse.MISUSES as readonly string[]).indexOf(name);
    const { kernel, stop, report } = call("sys_misuse", which, cpus);
    expect(report).toMatch(expected);
    expect(reports(kernel)).toBe(1);
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });

  it("a lock that is taken again by who has it is reported before it deadlocks, and a second later who waits for whom", () => {
    const { kernel, stop, report } = call("sys_misuse", misuse.MISUSES.indexOf("recursion"), cpus, {
      cpuHz: 1_000_000,
    });
    expect(report).toMatch(/possible recursive locking detected/);
    expect(report).toMatch(
      /BUG: spinlock lockup on CPU#\d, init\/2\n lock: \w+ \(lock_a\)\n \.owner: init\/2, \.owner_cpu: \d, which took it at:\n +\[<\w+>\] misuse\+\S+ \(.*misuse\.kernel\.ts:(\d+)\)[\s\S]*stack backtrace:\n \[<\w+>\] misuse\+\S+ \(.*misuse\.kernel\.ts:(?!\1)\d+\)/,
    );
    expect(report.match(/spinlock lockup/g)).toHaveLength(1);
    expect(reports(kernel)).toBe(2);
    expect(stop.kind).toBe("budget");
  });

  it.each(misuse.FINE.map((name, which) => [name, which] as const))("%s is nothing to report", (_name, which) => {
    const { kernel, stop, log } = call("sys_use", which, cpus);
    expect({ log, reports: reports(kernel) }).toMatchObject({ reports: 0 });
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });
});

describe("assert_spin_locked", () => {
  const SIGSEGV = 11;
  it("passes who holds the lock", () => {
    for (const image of [images[1], plain[4]])
      expect(call("sys_assert", 0, 1, { image }).stop).toEqual({ kind: "exit", status: 0 });
  });

  it("is an oops when nobody does", () => {
    for (const image of [images[1], plain[4]]) {
      const { stop, log } = call("sys_assert", 1, 1, { image });
      expect(stop).toEqual({ kind: "exit", status: SIGSEGV });
      expect(log).toMatch(/kernel BUG in sys_assert: .*lock_a is not locked/);
    }
  });

  it("is an oops when somebody else does, in a kernel that knows", () => {
    expect(call("sys_assert", 2, 1).log).toMatch(/kernel BUG in sys_assert: .*lock_a is held by somebody else/);
    expect(call("sys_assert", 2, 1, { image: plain[4] }).stop).toEqual({ kind: "exit", status: 0 });
  });

  it("asks nothing where there are no locks", () => {
    expect(call("sys_assert", 1, 1, { image: plain[1] }).stop).toEqual({ kind: "exit", status: 0 });
  });
});

it("without the key nothing is checked", () => {
  const { stop, log } = call("sys_misuse", misuse.MISUSES.indexOf("inversion"), 4, { image: plain[4] });
  expect(stop).toEqual({ kind: "exit", status: 0 });
  expect(log).not.toMatch(/WARNING/);
});
