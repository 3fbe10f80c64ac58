/** Matchers that read like the domain, for vitest's `expect.extend`. They know nothing of vitest. */

import type { RecordedEvent } from "../kernel/index.ts";
import { type KernelStack, task_struct } from "../kernel/inspect.ts";
import { type BootedKernel, kernelOf } from "./booted-kernel.ts";
import { followCall } from "./callee-saved.ts";
import { diagnosis, withDiagnosis } from "./diagnosis.ts";
import { doubtOf, type EventFilter, formatEvent, formatFilter, lastEvents, matches } from "./events.ts";
import { formatPage, type PageView } from "./pages.ts";
import { CALLEE_SAVED, hex, type Registers } from "./registers.ts";
import type { TaskView } from "./tasks.ts";
import type { MemoryAccounting, TssView } from "./views.ts";

/** What `expect.extend` wants of a matcher. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** Between which tasks, by pid; any without it. */
export interface SwitchFilter {
  readonly from?: number;
  readonly to?: number;
}

/** A finding, and the state of the kernel as it was at that moment. */
function result(pass: boolean, kernel: BootedKernel | undefined, whenNot: string, whenPass: string): MatcherResult {
  const text = pass ? whenPass : whenNot;
  let message: string | undefined;
  const explained = (from: BootedKernel) => `${withDiagnosis(text, diagnosis(from))}\n\n${from.describe()}`;
  return { pass, message: () => (message ??= kernel === undefined ? text : explained(kernel)) };
}

function booted(received: unknown, matcher: string): BootedKernel {
  const kernel = kernelOf(received);
  if (kernel === undefined || kernel !== received) {
    throw new TypeError(`${matcher} wants the kernel that bootKernel returned: expect(kernel).${matcher}(…)`);
  }
  return kernel;
}

/** expect(kernel).toHaveSwitched({ from, to }): such a context switch has happened since reset. */
function toHaveSwitched(received: unknown, { from, to }: SwitchFilter = {}): MatcherResult {
  const kernel = booted(received, "toHaveSwitched");
  const switches = kernel.events.filter(({ event }) => event === "sched_switch");
  const found = switches.filter(({ prev, next }) => (from ?? prev) === prev && (to ?? next) === next);
  const wanted = `a context switch from ${from === undefined ? "any task" : `pid ${from}`} to ${to === undefined ? "any task" : `pid ${to}`}`;
  const others = switches.map(({ prev, next }) => `${prev} to ${next}`);
  const saw = others.length === 0 ? "there was none at all" : `there were, by pid: ${shortened(others)}`;
  return result(
    found.length > 0,
    kernel,
    `expected ${wanted}; ${saw}`,
    `expected no ${wanted.slice(2)}; there was one: ${found[0] === undefined ? "" : formatEvent(found[0])}`,
  );
}

const MOST_NAMED = 20;

function shortened(words: readonly string[]): string {
  const hidden = words.length - MOST_NAMED;
  return hidden > 0 ? `${words.slice(0, MOST_NAMED).join(", ")} and ${hidden} more` : words.join(", ");
}

/**
 * expect(kernel).toPreserveCalleeSaved("switch_to"): runs through the next call of a function, until it has returned on
 * the stack it was called on, and compares EBX, ESI, EDI and EBP. Of switch_to that is when the task runs again. The
 * first three are filled at each call with values of its own, so that what is left alone by chance is no excuse.
 */
function toPreserveCalleeSaved(received: unknown, symbol = "switch_to"): MatcherResult {
  const kernel = booted(received, "toPreserveCalleeSaved");
  const { back, pid, before, after } = followCall(kernel, symbol);
  const changed = CALLEE_SAVED.filter((name) => before[name] !== after[name]);
  const lines = CALLEE_SAVED.map((name) => {
    const mark = changed.includes(name) ? "  changed" : "";
    return `  ${name}  ${hex(before[name])} at the call, ${hex(after[name])} behind it${mark}`;
  });
  const call = `${symbol}, called by pid ${pid ?? "?"} with the return address ${kernel.kernel.image.symbolize(back)},`;
  return result(
    changed.length === 0,
    kernel,
    `expected ${call} to preserve ${CALLEE_SAVED.join(", ")}; it changed ${changed.join(", ")}\n${lines.join("\n")}`,
    `expected ${call} to change one of ${CALLEE_SAVED.join(", ")}; it preserved them\n${lines.join("\n")}`,
  );
}

/** expect(kernel).toShareFrame(1, 2, "value"): both tasks have the same frame behind an address or a program's symbol. */
function toShareFrame(received: unknown, pidA: number, pidB: number, where: number | string): MatcherResult {
  const kernel = booted(received, "toShareFrame");
  const pages = [kernel.page(pidA, where), kernel.page(pidB, where)];
  const [a, b] = pages.map(({ frame }) => frame);
  const place = typeof where === "string" ? where : hex(where);
  const lines = pages.map((page) => `  pid ${page.pid}  page ${hex(page.address)}: ${formatPage(page)}`).join("\n");
  return result(
    a !== undefined && a === b,
    kernel,
    `expected pid ${pidA} and pid ${pidB} to share the frame of ${place}\n${lines}`,
    `expected pid ${pidA} and pid ${pidB} to have different frames of ${place}\n${lines}`,
  );
}

/** expect(kernel.page(pid, address)).toBeCopyOnWrite(): present, read-only, in an area that is private and writable. */
function toBeCopyOnWrite(received: unknown): MatcherResult {
  const kernel = kernelOf(received);
  if (kernel === undefined || !isPage(received)) {
    throw new TypeError("toBeCopyOnWrite wants a page: expect(kernel.page(pid, address)).toBeCopyOnWrite()");
  }
  const { present, writable, area, pid, address } = received;
  const wrong = [
    ...(present ? [] : ["it is not present"]),
    ...(writable ? ["its entry allows writes, so nothing would be copied"] : []),
    ...(area === undefined ? ["it lies in no area of the task"] : []),
    ...(area?.writable === false ? ["its area may not be written: a write is an error"] : []),
    ...(area?.shared ? ["its area is shared: writes are for all to see"] : []),
  ];
  const page = `page ${hex(address)} of pid ${pid}`;
  return result(
    wrong.length === 0,
    kernel,
    `expected ${page} to be copy-on-write, but ${wrong.join(", and ")}\n  ${formatPage(received)}`,
    `expected ${page} not to be copy-on-write\n  ${formatPage(received)}`,
  );
}

function isPage(view: unknown): view is PageView {
  return typeof view === "object" && view !== null && "entry" in view && "area" in view;
}

/**
 * expect(kernel.tss()).toPointIntoKernelStackOf(2), expect(kernel.registers()).toPointIntoKernelStackOf(2): TSS.esp0,
 * or ESP, lies on the kernel stack of the task with this pid; its top counts, there the stack is empty. Of an address
 * alone, give the task: expect(address).toPointIntoKernelStackOf(kernel.task(2)).
 */
function toPointIntoKernelStackOf(received: unknown, of: number | TaskView): MatcherResult {
  const kernel = kernelOf(received) ?? kernelOf(of);
  if (kernel === undefined) {
    throw new TypeError(
      "toPointIntoKernelStackOf wants kernel.registers() or kernel.tss() and a pid, or an address and a task",
    );
  }
  const [name, address] = pointerOf(received);
  const task = typeof of === "number" ? kernel.task(of) : of;
  const { start, end } = task.kernelStack;
  const owner = kernel.kernel.stack_at(address);
  const stack = `the kernel stack of pid ${task.pid} (${task.comm}), ${hex(start)} to ${hex(end)}`;
  const belongs = owner === undefined ? "it lies on no task's stack" : `it lies on ${nameOf(kernel, owner)}`;
  return result(
    address > start && address <= end,
    kernel,
    `expected ${name} = ${hex(address)} to point into ${stack}; ${belongs}`,
    `expected ${name} = ${hex(address)} not to point into ${stack}`,
  );
}

function nameOf(kernel: BootedKernel, stack: KernelStack): string {
  if (stack.kind !== "task") return `the ${stack.kind} of CPU ${stack.cpu}`;
  const { pid, comm } = kernel.inspect(() => {
    const { pid, comm } = task_struct.at(stack.task);
    return { pid, comm };
  });
  return `that of pid ${pid} (${comm})`;
}

function pointerOf(received: unknown): [name: string, address: number] {
  if (typeof received === "number") return ["the address", received >>> 0];
  if (typeof received === "object" && received !== null) {
    if ("esp0" in received) return ["TSS.esp0", (received as TssView).esp0];
    if ("eflags" in received) return ["ESP", (received as Registers).esp];
  }
  throw new TypeError("toPointIntoKernelStackOf wants kernel.registers(), kernel.tss() or an address");
}

function accountsOf(memory: MemoryAccounting): ReadonlyMap<string, number> {
  return new Map(Object.entries(memory));
}

/** expect(kernel).toHaveBalancedMemory(mark): free pages, threads and slab objects are as `mark = kernel.memory()` was. */
function toHaveBalancedMemory(received: unknown, mark: MemoryAccounting): MatcherResult {
  const kernel = booted(received, "toHaveBalancedMemory");
  const [then, now] = [accountsOf(mark), accountsOf(kernel.memory())];
  const names = [...new Set([...then.keys(), ...now.keys()])];
  const changes = names.filter((name) => (then.get(name) ?? 0) !== (now.get(name) ?? 0));
  const lines = changes.map((name) => {
    const [before, after] = [then.get(name) ?? 0, now.get(name) ?? 0];
    return `  ${name}: ${before} at the mark, ${after} now (${after > before ? "+" : ""}${after - before})`;
  });
  return result(
    changes.length === 0,
    kernel,
    `expected as much memory in use as at the mark\n${lines.join("\n")}`,
    "expected another use of memory than at the mark; all accounts are the same",
  );
}

/** Lines of a kernel log that say of something wrong: reports of misused locks, oopses, the end. */
const REPORT = /^(WARNING|BUG): |^kernel BUG in |\[#\d+\]$|^Kernel panic/;

/** expect(kernel).toHaveNoReports(): nothing that went wrong in the kernel is in its log; of locks with `config: { lockdep: true }`. */
function toHaveNoReports(received: unknown): MatcherResult {
  const kernel = booted(received, "toHaveNoReports");
  const reports = kernel.log.split("\n").filter((line) => REPORT.test(line));
  return result(
    reports.length === 0,
    kernel,
    `expected no reports in the kernel's log; there is\n${reports.map((line) => `  ${line}`).join("\n")}`,
    "expected a report of something wrong in the kernel's log; there is none",
  );
}

/**
 * expect(kernel).toFollow(["fork", { event: "sched_switch", next: 2 }, "cow"]): events happened in this order since
 * reset, others in between or not. `kernel.events.slice(…)` narrows where to look.
 */
function toFollow(received: unknown, sequence: readonly EventFilter[]): MatcherResult {
  const kernel = kernelOf(received);
  const events = kernel !== undefined ? kernel.events : received;
  if (!Array.isArray(events)) throw new TypeError("toFollow wants a kernel or a list of its events");
  const list = events as readonly RecordedEvent[];
  const found: RecordedEvent[] = [];
  let from = 0;
  for (const filter of sequence) {
    const at = list.findIndex((event, index) => index >= from && matches(filter, event));
    if (at < 0) break;
    found.push(list[at]);
    from = at + 1;
  }
  const lines = sequence.map((filter, i) => {
    const status =
      i < found.length
        ? `found: ${formatEvent(found[i])}`
        : i === found.length
          ? `not found behind that${doubtOf(filter)}`
          : "not looked for";
    return `  ${i + 1}. ${formatFilter(filter)}  ${status}`;
  });
  const rest = lastEvents(list.slice(from), MOST_NAMED);
  const behind = [
    `  the last events behind that:`,
    ...(rest.length === 0 ? ["none"] : rest).map((line) => `    ${line}`),
  ];
  return result(
    found.length === sequence.length,
    kernel,
    `expected events in this order, with gaps\n${[...lines, ...behind].join("\n")}`,
    `expected no such order of events\n${lines.join("\n")}`,
  );
}

/** For `expect.extend(matchers)`; importing `esp0/testing/vitest` does that. */
export const matchers = {
  toHaveSwitched,
  toPreserveCalleeSaved,
  toShareFrame,
  toBeCopyOnWrite,
  toPointIntoKernelStackOf,
  toHaveBalancedMemory,
  toHaveNoReports,
  toFollow,
};

/** The matchers as `expect(…)` has them. */
export interface KernelMatchers<R = unknown> {
  /** Of a kernel: such a context switch has happened since reset. */
  toHaveSwitched(filter?: SwitchFilter): R;
  /** Of a kernel, which runs on: the next call of a function, switch_to without a name, preserves EBX, ESI, EDI, EBP. */
  toPreserveCalleeSaved(symbol?: string): R;
  /** Of a kernel: both tasks have the same frame behind an address or a symbol of the program. */
  toShareFrame(pidA: number, pidB: number, where: number | string): R;
  /** Of `kernel.page(pid, address)`. */
  toBeCopyOnWrite(): R;
  /** Of `kernel.registers()` (ESP) or `kernel.tss()` (esp0) with a pid; of an address with a task. */
  toPointIntoKernelStackOf(task: number | TaskView): R;
  /** Of a kernel: memory in use is what it was at `mark = kernel.memory()`. */
  toHaveBalancedMemory(mark: MemoryAccounting): R;
  /** Of a kernel: its log has no reports of misused locks (with `config: { lockdep: true }`), no oops and no panic. */
  toHaveNoReports(): R;
  /** Of a kernel or a list of events: these happened in this order, with others in between or not. */
  toFollow(sequence: readonly EventFilter[]): R;
}
