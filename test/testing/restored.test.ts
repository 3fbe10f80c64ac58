/** Kernels that were not booted, but restored or forked, are the same as others. */
import { describe, expect, it } from "vitest";
import { asm, type BootedKernel, type BootKernelOptions, bootKernel } from "../../testing/index.ts";
import * as double from "./double.kernel.ts";
import { BUSY, COPY_ON_WRITE, TWO_TASKS } from "./programs.ts";

/** All that can be seen of a kernel, its whole state included. */
function everything(booted: BootedKernel) {
  const { kernel, events, output, log, position, machine } = booted;
  const state = Buffer.from(kernel.save());
  return { events, output, log, position, cycles: machine.cycles, statistics: kernel.statistics, state };
}

function expectSame(a: BootedKernel, b: BootedKernel): void {
  const [{ state, ...one }, { state: other, ...two }] = [everything(a), everything(b)];
  expect(one).toEqual(two);
  expect(state.equals(other)).toBe(true);
}

function bootFromReset(options: BootKernelOptions): BootedKernel {
  const booted = bootKernel({ ...options, at: "reset" });
  booted.kernel.run_to_user();
  return booted;
}

describe("a kernel that was booted before", () => {
  it.each<[string, BootKernelOptions]>([
    ["", { init: BUSY }],
    [" with a timer of its own, memory and arguments", { init: BUSY, interleave: 5, memory: 6, args: ["a"] }],
    [" with modules", { init: TWO_TASKS, modules: [double], syscalls: { 400: "sys_test_double" } }],
  ])("is the same as from its reset, then and at its end%s", (_, options) => {
    const fresh = bootFromReset(options);
    const again = [1, 2, 3].map(() => bootKernel(options));
    for (const kernel of again) expectSame(kernel, fresh);
    expect(fresh.runUntilExit()).toBe(0);
    for (const kernel of again) {
      expect(kernel.runUntilExit()).toBe(0);
      expectSame(kernel, fresh);
    }
  });

  it("is not booted again: what has happened is shared", () => {
    const [first, second] = [bootKernel({ init: TWO_TASKS }), bootKernel({ init: TWO_TASKS })];
    expect(second.events[0]).toBe(first.events[0]);
    expect(second.events).not.toBe(first.events);
  });

  it("is not taken for one with other options", () => {
    const asks = asm`
	movl $400, %eax
	movl $1, %ebx
	int $0x80
	EXIT %eax`;
    const status = (options: Partial<BootKernelOptions>) => bootKernel({ init: asks, ...options }).runUntilExit();
    const modules = [double];
    expect(status({ modules, syscalls: { 400: "sys_test_double" } })).toBe(2);
    expect(status({ modules, syscalls: { 401: "sys_test_double" } })).toBe(256 - 38); // -ENOSYS
    expect(status({ modules, syscalls: { 400: "sys_test_double" } })).toBe(2);
    const ram = [5, 6, 5].map((memory) => bootKernel({ init: asks, memory }).machine.memory.ramSize >> 20);
    expect(ram).toEqual([5, 6, 5]);
    expect(bootKernel({ init: asks, cpuHz: 400_000 }).events).not.toEqual(bootKernel({ init: asks }).events);
    const argc = asm`EXIT (%esp)`;
    expect(["", "a", "a b"].map((args) => bootKernel({ init: argc, args: args.split(" ") }).runUntilExit())).toEqual([
      2, 2, 3,
    ]);
    expect([asm`EXIT $5`, asm`EXIT $4`].map((init) => bootKernel({ init }).runUntilExit())).toEqual([5, 4]);
  });

  it("knows nothing of what became of the others", () => {
    const first = bootKernel({ init: TWO_TASKS });
    first.patch("schedule", [0x0f, 0x0b]);
    expect(first.run().kind).toBe("panic");
    const second = bootKernel({ init: TWO_TASKS });
    expect(second.log).not.toContain("panic");
    expect(second.runUntilExit()).toBe(0);
  });
});

describe("fork", () => {
  it("gives a second kernel that goes on as the first does, from the middle of a system call", () => {
    const kernel = bootKernel({ init: COPY_ON_WRITE });
    kernel.runUntil("fork");
    kernel.runToSymbol("schedule");
    const fork = kernel.fork();
    expectSame(fork, kernel);
    const position = kernel.position;
    expect(fork.runUntilExit()).toBe(3);
    expect(kernel.position).toBe(position);
    expect(kernel.runUntilExit()).toBe(3);
    expectSame(fork, kernel);
  });

  it("is independent of the first: memory, input, output, patches", async () => {
    const reads = asm`
	SYSCALL read, $0, $buffer, $16
	movl %eax, %edx
	SYSCALL write, $1, $buffer
	EXIT
.bss
buffer:	.skip 16`;
    const kernel = bootKernel({ init: reads });
    kernel.runUntil("syscall");
    const forks = ["one\n", "two\n"].map((text) => {
      const fork = kernel.fork();
      fork.input(text);
      return fork;
    });
    const broken = forks[0].fork();
    broken.patch("schedule", [0x0f, 0x0b]);
    expect(broken.run().kind).toBe("panic");
    for (const fork of forks) expect(fork.runUntilExit()).toBe(0);
    expect(forks.map(({ output }) => output.replaceAll("\r", "").split("\n")[0])).toEqual(["one", "two"]);
    expect(kernel.output).toBe("");
    expect(kernel.run()).toEqual({ kind: "input" });
    expect((await forks[1].debugSession()).position).toBe(forks[1].position);
  });
});
