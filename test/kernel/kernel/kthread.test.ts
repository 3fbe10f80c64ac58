import { describe, expect, it } from "vitest";
import { tasks } from "../../../debug/index.ts";
import { task_struct } from "../../../kernel/inspect.ts";
import { link_kernel } from "../../../kernel/link.ts";
import { boot, CONFIG, type Options, type Run } from "../run.ts";
import * as kt from "./kthread.kernel.ts";

const CALLS = {
  create: 250,
  wake: 251,
  stop: 252,
  bind: 253,
  stock: 254,
  daemon: 255,
  let_daemon_end: 256,
  bad_signals: 257,
};
const [WORKER, STUBBORN, EXITS, KILLABLE] = [0, 1, 2, 3];

const images = new Map<boolean, ReturnType<typeof link_kernel>>();
function image_for(smp: boolean) {
  let image = images.get(smp);
  if (image === undefined) {
    const system_calls = Object.fromEntries(Object.entries(CALLS).map(([name, number]) => [number, `sys_kt_${name}`]));
    images.set(smp, (image = link_kernel({ config: { ...CONFIG, smp }, modules: [kt], system_calls })));
  }
  return image;
}

const PROGRAM = `
${Object.entries(CALLS)
  .map(([name, number]) => `.set SYS_kt_${name}, ${number}`)
  .join("\n")}
.macro CHECK value
	cmpl \\value, %eax
	je 9f
	EXIT %eax
9:
.endm
.globl _start
_start:
`;

function start(source: string, cpus: number, options: Options = {}): Run {
  return boot(PROGRAM + source, { image: image_for(cpus > 1), cpus, trace: true, ...options });
}

const named = ({ kernel }: Run, comm: string) => tasks(kernel).find((task) => task.comm === comm);

describe.each([1, 4])("kernel threads on %i CPUs (K2, K3, K4)", (cpus) => {
  it("are made asleep, run when they are woken, and give their stopper what they return", () => {
    const test = start(
      `
	SYSCALL kt_create, $${WORKER}, $77
	cmpl $3, %eax			# kthreadd is 2
	jne fail
	SYSCALL sched_yield
	SYSCALL getppid
	SYSCALL kt_wake, $${WORKER}
	SYSCALL nanosleep, $moment, $0
	SYSCALL kt_wake, $${WORKER}
	SYSCALL nanosleep, $moment, $0
	SYSCALL kt_stop, $${WORKER}
	CHECK $42
	SYSCALL getppid
	EXIT $0
fail:	EXIT %eax
.data
moment:	.long 0, 30000000
`,
      cpus,
    );
    const at_getppid = () => test.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 64);
    at_getppid();
    expect(named(test, "kt/0")).toMatchObject({ pid: 3, ppid: 2, state: "D" });
    expect(named(test, "kthreadd")).toMatchObject({ pid: 2, ppid: 0, state: "S" });
    expect(test.kernel.inspect(() => kt.argument.value)).toBe(0);
    at_getppid();
    expect(test.kernel.inspect(() => [kt.argument.value, kt.turns.value])).toEqual([77, 2]);
    expect(named(test, "kt/0")).toBeUndefined();
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
  });

  it("have nothing of the task that asks for them", () => {
    const test = start(
      `
	movl $34, %eax			# nice(7)
	movl $7, %ebx
	int $0x80
	SYSCALL rt_sigprocmask, $0, $mask, $0, $8
	SYSCALL setpgid, $0, $0
	SYSCALL setrlimit, $7, $limit
	SYSCALL kt_stock
	EXIT %eax
.data
mask:	.long 0x200, 0
limit:	.long 5, 5
`,
      cpus,
    );
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
    const { kernel } = test;
    const parent = named(test, "kthreadd");
    const seen = kernel.inspect(() => {
      const { mm, has_idle_files, has_idle_fs, nice, pgrp, session, blocked, addr_limit, nofile, exit_signal } =
        kt.had.value;
      return { mm, has_idle_files, has_idle_fs, nice, pgrp, session, blocked, addr_limit, nofile, exit_signal };
    });
    expect(seen).toEqual({
      mm: 0,
      has_idle_files: 1,
      has_idle_fs: 1,
      nice: 0,
      pgrp: 0,
      session: 0,
      blocked: 0,
      addr_limit: 0xffffffff,
      nofile: 32,
      exit_signal: -1,
    });
    const parent_of = kernel.inspect(() => task_struct.at(kt.had.value.parent).pid);
    expect(parent_of).toBe(parent?.pid);
  });

  it.each([
    ["kthread_create", "SYSCALL kt_create, $0, $0"],
    ["daemonize", "SYSCALL kt_daemon"],
  ])("are in no pid namespace below, whoever asks, so that its init may end before them: %s", (_how, make) => {
    const test = start(
      `
	SYSCALL clone, $0x20000011, $0		# CLONE_NEWPID
	testl %eax, %eax
	jz 1f
	SYSCALL wait4, %eax, $status, $0, $0
	movl status, %eax
	CHECK $0
	SYSCALL getppid
	EXIT $0
1:	${make}
	SYSCALL nanosleep, $moment, $0
	SYSCALL getpid
	CHECK $1
	EXIT $0
.data
moment:	.long 0, 30000000
status:	.long -1
`,
      cpus,
    );
    test.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 64);
    const others = tasks(test.kernel).filter(({ pid, comm }) => pid > 1 && !comm.startsWith("migration/"));
    expect(others.length).toBeGreaterThan(0);
    expect(others.map(({ nspids }) => nspids)).toEqual(others.map(() => []));
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
  });

  it("that were never woken do not run when they are stopped: -EINTR", () => {
    const test = start(
      `
	SYSCALL kt_create, $${WORKER}, $77
	SYSCALL kt_stop, $${WORKER}
	CHECK $-4
	EXIT $0
`,
      cpus,
    );
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
    expect(test.kernel.inspect(() => kt.argument.value)).toBe(0);
  });

  it("may end by do_exit, with the result that it is given", () => {
    const test = start(
      `
	SYSCALL kt_create, $${EXITS}, $0
	SYSCALL kt_wake, $${EXITS}
	SYSCALL nanosleep, $moment, $0
	SYSCALL kt_stop, $${EXITS}
	CHECK $7
	EXIT $0
.data
moment:	.long 0, 30000000
`,
      cpus,
    );
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
  });

  it("block whoever stops one that does not look, for ever and whatever is sent", () => {
    const test = start(
      `
	SYSCALL fork
	testl %eax, %eax
	jz stopper
	movl %eax, child
	SYSCALL nanosleep, $moment, $0
	SYSCALL nanosleep, $moment, $0
	SYSCALL kill, child, $9
	SYSCALL nanosleep, $moment, $0
	SYSCALL getppid
	SYSCALL wait4, $-1, $0, $1, $0	# WNOHANG
	EXIT %eax
stopper: SYSCALL kt_create, $${STUBBORN}, $0
	SYSCALL kt_wake, $${STUBBORN}
	SYSCALL nanosleep, $moment, $0
	SYSCALL kt_stop, $${STUBBORN}
	EXIT
.data
child:	.long 0
moment:	.long 0, 200000000
`,
      cpus,
    );
    test.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 64);
    const stopper = tasks(test.kernel).find(({ stack }) => stack.some(({ name }) => name.startsWith("kthread_stop")));
    expect(stopper).toMatchObject({ state: "D", comm: "init" });
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
  });

  it("leave nothing behind: memory and tasks are as before", () => {
    const rounds = `
	SYSCALL kt_create, $${WORKER}, $1
	SYSCALL kt_wake, $${WORKER}
	SYSCALL kt_stop, $${WORKER}
	SYSCALL getppid
`;
    const test = start(`${rounds}${rounds}${rounds}${rounds}	EXIT\n`, cpus);
    const at_getppid = () => test.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 64);
    at_getppid();
    at_getppid();
    const before = test.memory();
    at_getppid();
    at_getppid();
    expect(test.memory()).toEqual(before);
    expect(test.tasks()).toHaveLength(3); // idle, init, kthreadd
  });

  it("take no signal that they have not allowed, and go on with one that they have", () => {
    const test = start(
      `
	SYSCALL kt_bad_signals
	CHECK $0
	SYSCALL kt_create, $${KILLABLE}, $0
	movl %eax, pid
	SYSCALL kt_wake, $${KILLABLE}
	SYSCALL nanosleep, $moment, $0
	movl $15, %ecx			# SIGTERM is not allowed, SIGKILL twice, then no more
	call send
	call send9
	call send9
	call send9
	SYSCALL kt_stop, $${KILLABLE}
	EXIT %eax
send9:	movl $9, %ecx
send:	movl pid, %ebx
	movl $37, %eax
	int $0x80
	testl %eax, %eax
	jnz fail
	SYSCALL nanosleep, $moment, $0
	ret
fail:	EXIT $99
.data
pid:	.long 0
moment:	.long 0, 30000000
`,
      cpus,
    );
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
    // Woken by the two that it allowed, and to stop.
    expect(test.kernel.inspect(() => [kt.signals_seen.value, kt.turns.value])).toEqual([2, 3]);
  });

  it("of kernel_thread become daemons: children of init, deaf, without files and memory of their maker", () => {
    const test = start(
      `
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $0, $0, $0
	SYSCALL nanosleep, $moment, $0
	SYSCALL kill, $3, $9
	SYSCALL nanosleep, $moment, $0
	SYSCALL getppid
	SYSCALL kt_let_daemon_end
	SYSCALL wait4, $-1, $status, $0, $0
	CHECK $3
	movl status, %eax
	CHECK $0x300
	EXIT $0
child:	SYSCALL kt_daemon
	SYSCALL nanosleep, $moment, $0
	EXIT
.data
status:	.long 0
moment:	.long 0, 30000000
`,
      cpus,
    );
    test.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 64);
    expect(named(test, "a daemon of a l")).toMatchObject({ pid: 3, ppid: 1 });
    const { kernel } = test;
    const seen = kernel.inspect(() => {
      const { mm, has_idle_files, has_idle_fs, pgrp, session, blocked, exit_signal } = kt.had.value;
      return { mm, has_idle_files, has_idle_fs, pgrp, session, blocked, exit_signal };
    });
    expect(seen).toEqual({
      mm: 0,
      has_idle_files: 1,
      has_idle_fs: 1,
      pgrp: 1,
      session: 1,
      blocked: 0xffffffff,
      exit_signal: 17,
    });
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
  });

  it("is refused with an error when there is no room for kthreadd or for the thread, and made when there is again", () => {
    const test = start(
      `
	SYSCALL kt_create, $${WORKER}, $0
	CHECK $-11
	SYSCALL getppid
	SYSCALL kt_create, $${WORKER}, $0
	CHECK $-11
	SYSCALL getppid
	SYSCALL kt_create, $${WORKER}, $0
	testl %eax, %eax
	js fail
	SYSCALL kt_stop, $${WORKER}
	CHECK $-4
	EXIT $0
fail:	EXIT $99
`,
      cpus,
    );
    const limit = (threads: number) => {
      const at = test.kernel.image.symbol("max_threads") - 0xc0000000;
      test.kernel.machine.writePhysical(at, Uint8Array.of(threads, threads >> 8, 0, 0));
    };
    const at_getppid = () => test.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 64);
    const others = tasks(test.kernel).filter(({ pid, comm }) => pid !== 0 && !comm.startsWith("migration/"));
    limit(test.thread_count());
    at_getppid();
    limit(test.thread_count() + 1); // room for kthreadd alone
    at_getppid();
    limit(test.thread_count() + 1);
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
    expect(others.map(({ pid }) => pid)).toEqual([1]);
  });
});

describe("kthread_bind (K2)", () => {
  it("has a thread run on one CPU, and no other", () => {
    const turn = `	SYSCALL kt_wake, $${WORKER}\n	SYSCALL nanosleep, $moment, $0\n`;
    const test = start(
      `
	SYSCALL kt_create, $${WORKER}, $0
	SYSCALL kt_bind, $${WORKER}, $2
${turn.repeat(5)}
	SYSCALL kt_stop, $${WORKER}
	CHECK $42
	EXIT $0
.data
moment:	.long 0, 10000000
`,
      4,
    );
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
    const pid = 3;
    const cpus = test.events
      .filter(({ event, next }) => event === "sched_switch" && next === pid)
      .map(({ cpu }) => cpu);
    // The first time wherever kthreadd made it.
    expect(cpus.length).toBeGreaterThan(5);
    expect(new Set(cpus.slice(1))).toEqual(new Set([2]));
  });

  it("is an oops for a CPU that there is not", () => {
    const test = start(
      `
	SYSCALL kt_create, $${WORKER}, $0
	SYSCALL kt_bind, $${WORKER}, $4
	EXIT
`,
      4,
    );
    test.go();
    expect(test.log()).toContain("kthread_bind: there is no CPU 4");
  });
});
