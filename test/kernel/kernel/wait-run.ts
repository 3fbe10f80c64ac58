/** Kernels with the system calls of wait.kernel.ts, and programs that wait by them. */
import { expect } from "vitest";
import type { Configuration } from "../../../kernel/configuration.ts";
import type { RecordedEvent } from "../../../kernel/index.ts";
import { link_kernel } from "../../../kernel/link.ts";
import { boot, CONFIG, type Options, type Run } from "../run.ts";
import * as w from "./wait.kernel.ts";

const images = new Map<string, ReturnType<typeof link_kernel>>();
const system_calls = Object.fromEntries(w.calls.map((name, i) => [250 + i, name]));

/** The kernel that has the system calls, so configured. */
export function wait_image(config: Partial<Configuration>) {
  const key = JSON.stringify(config);
  let image = images.get(key);
  if (image === undefined) images.set(key, (image = link_kernel({ config, modules: [w], system_calls })));
  return image;
}

/** Children are made by CHILD label: it sleeps for a while, so that they begin in order; their status adds up in %edi. */
const PROGRAM = `
${w.calls.map((name, i) => `.set SYS_${name.slice(4)}, ${250 + i}`).join("\n")}
.macro CHECK value
	cmpl $\\value, %eax
	je 9f
	EXIT %eax
9:
.endm
.macro CHILD label
	SYSCALL fork
	testl %eax, %eax
	jz \\label
	movl %eax, child
	NAP
.endm
.macro NAP
	SYSCALL nanosleep, $moment, $0
.endm
/* Waits for a child: its status has to be so much. */
.macro JOIN status=0
	SYSCALL wait4, $-1, $status, $0, $0
	movl status, %eax
	CHECK \\status
.endm
.data
.align 4
child:	.long 0
status:	.long 0
moment:	.long 0, 30000000
action:	.long handler, 0, 0, 0		# a signal that is caught, and no more
.text
handler: ret
.globl _start
_start:	SYSCALL w_init
`;

/** Runs a program that may use the system calls of wait.kernel.ts. */
export function start(source: string, cpus: number, options: Options = {}): Run {
  return boot(PROGRAM + source, { image: wait_image({ ...CONFIG, smp: cpus > 1 }), cpus, trace: true, ...options });
}

/** The same, to its end, which has to be good. */
export function finish(source: string, cpus: number, options: Options = {}): Run {
  const test = start(source, cpus, options);
  const stop = test.go();
  expect(stop, test.log()).toEqual({ kind: "exit", status: 0 });
  return test;
}

/** What a variable is by then. */
export const word = (test: Run, variable: { value: number }) => test.kernel.inspect(() => variable.value);
/** Who came through, in order. */
export const served = (test: Run) =>
  test.kernel.inspect(() => Array.from({ length: w.served.value }, (_, i) => w.order.value.get(i)));

/** Wake-ups from a system call's number on, up to the next call of it. */
export function wakeups_of(events: readonly RecordedEvent[], number: number): number[] {
  const calls = events.flatMap(({ event, nr }, i) => (event === "syscall" && nr === number ? [i] : []));
  return calls.map((from, i) => {
    const behind = events.slice(from + 1, calls[i + 1]);
    const end = behind.findIndex(({ event, pid }) => event === "syscall" && pid === events[from].pid);
    return behind.slice(0, end === -1 ? undefined : end).filter(({ event }) => event === "sched_wakeup").length;
  });
}
