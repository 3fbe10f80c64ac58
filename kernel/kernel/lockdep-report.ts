/** Reports of what is wrong with locks, as Linux words them. One is made; then nothing is checked any more. */
import { trace, tracing } from "../host/context.ts";
import type { Steps } from "../host/declarations.ts";
import type { i32, u32 } from "../host/types.ts";
import {
  debug_locks,
  type held_lock,
  held_locks,
  LOCK_HARDIRQS_OFF,
  LOCK_IN_HARDIRQ,
  LOCK_IN_SOFTIRQ,
  LOCK_SOFTIRQS_OFF,
  lock_class,
  lock_list,
  lock_name,
  name_of_key,
  nr_lock_reports,
  SOFTIRQ_SHIFT,
} from "../include/linux/lockdep.ts";
import { current, smp_num_cpus, task_struct } from "../include/linux/sched.ts";
import { class_of, edge_to, place_before, place_of, search } from "./lockdep-search.ts";
import { address_above, call_text, return_address, saved_address } from "./lockdep-trace.ts";
import { hex8, KERN_WARNING, printk } from "./printk.ts";

// ---- Parts ----

/** Checking ends here. A macro: the title is printed where it is used. */
export function* begin_report(title: string): Steps<void> {
  debug_locks.value = 0;
  nr_lock_reports.value++;
  if (tracing()) trace({ event: "lock_report", pid: current().pid, report: title });
  printk(`${KERN_WARNING}\n======================================================\n`);
  printk(`${KERN_WARNING}WARNING: ${title}\n`);
  printk(`${KERN_WARNING}------------------------------------------------------\n`);
}

/** `init/1` */
export function task_text(p: task_struct): string {
  return `${p.comm}/${p.pid}`;
}

const USAGE_CHARACTERS = ".-+?";

/** `-+..`: for interrupt handlers and for bottom halves, of writers and of readers, whether the class is used there and enabled. */
function usage_text(of_class: lock_class): string {
  const character = (bit: number) => {
    const used = (of_class.usage >> bit) & 1;
    const enabled = (of_class.usage >> (bit + 2)) & 1;
    return USAGE_CHARACTERS.charAt(used + 2 * enabled);
  };
  return `${character(0)}${character(1)}${character(SOFTIRQ_SHIFT)}${character(SOFTIRQ_SHIFT + 1)}`;
}

/** `runqueue_lock`, `rq.lock/1` */
function class_name(of_class: number): string {
  if (of_class === 0) return "?";
  const { key, subclass } = lock_class.at(of_class);
  return `${name_of_key(key)}${subclass === 0 ? "" : `/${subclass}`}`;
}

/** `(runqueue_lock){-...}`; of a place of a search, too. */
function class_text(place: number): string {
  const of_class = class_of(place);
  return `(${class_name(of_class)}){${of_class === 0 ? "...." : usage_text(lock_class.at(of_class))}}`;
}

function held_text(held: held_lock): string {
  return `${hex8(held.instance)} ${class_text(held.class)}, at: ${call_text(held.trace.get(0))}`;
}

/** `[HC0[0]:SC0[0]:HE1:SE1]`: in an interrupt handler, in a bottom half, whether they may come. */
function context_text(state: number): string {
  const bit = (mask: number) => (state & mask ? 1 : 0);
  const [hard, soft] = [bit(LOCK_IN_HARDIRQ), bit(LOCK_IN_SOFTIRQ)];
  const enabled = (mask: number) => 1 - bit(mask);
  return `[HC${hard}[${hard}]:SC${soft}[${soft}]:HE${enabled(LOCK_HARDIRQS_OFF)}:SE${enabled(LOCK_SOFTIRQS_OFF)}]`;
}

function state_name(bit: number): string {
  return bit & SOFTIRQ_SHIFT ? "SOFTIRQ" : "HARDIRQ";
}

/** `IN-HARDIRQ-W`, `SOFTIRQ-ON-R` */
function usage_name(bit: number): string {
  const name = state_name(bit);
  return `${bit & 2 ? `${name}-ON` : `IN-${name}`}-${bit & 1 ? "R" : "W"}`;
}

/** The number of the lowest bit. */
function lowest_bit(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

/** A kept back-trace. */
function* print_saved(saved: u32): Steps<void> {
  for (let i = 0; ; i++) {
    const address = saved_address(saved, i);
    if (address === 0) return;
    printk(`${KERN_WARNING}       ${call_text(address)}\n`);
  }
}

/** What a CPU holds. */
export function* print_held_locks(cpu: i32): Steps<void> {
  const { depth } = held_locks.of(cpu);
  if (depth === 0) {
    printk(`${KERN_WARNING}no locks held on CPU#${cpu}.\n`);
    return;
  }
  printk(`${KERN_WARNING}${depth} lock${depth === 1 ? "" : "s"} held on CPU#${cpu} by ${task_text(holder(cpu))}:\n`);
  for (let i = 0; i < depth; i++) printk(`${KERN_WARNING} #${i}: ${held_text(held_locks.of(cpu).locks.get(i))}\n`);
}

function holder(cpu: number): task_struct {
  return task_struct.at(held_locks.of(cpu).locks.get(held_locks.of(cpu).depth - 1).task);
}

/** The callers of the function with a frame. */
export function* dump_stack(frame: u32): Steps<void> {
  printk(`${KERN_WARNING}\nstack backtrace:\n`);
  for (let i = 0; ; i++) {
    const address = address_above(frame, i);
    if (address === 0) return;
    printk(`${KERN_WARNING} ${call_text(address)}\n`);
  }
}

function* end_report(frame: u32): Steps<void> {
  printk(`${KERN_WARNING}\n *** DEADLOCK ***\n\n`);
  yield* print_held_locks(current().processor);
  yield* dump_stack(frame);
}

/** The rest of a report without a scenario. */
function* end_plainly(frame: u32): Steps<void> {
  printk(`${KERN_WARNING}\nother info that might help us debug this:\n`);
  yield* print_held_locks(current().processor);
  yield* dump_stack(frame);
}

function* print_wanted_and_held(next: held_lock, prev: held_lock): Steps<void> {
  printk(`${KERN_WARNING}${task_text(current())} is trying to acquire lock:\n`);
  printk(`${KERN_WARNING}${held_text(next)}\n`);
  printk(`${KERN_WARNING}\nbut task is already holding lock:\n`);
  printk(`${KERN_WARNING}${held_text(prev)}\n`);
}

// ---- Reports ----

/** A lock of the same class is held. */
export function* print_deadlock_bug(prev: held_lock, next: held_lock, frame: u32): Steps<void> {
  yield* begin_report("possible recursive locking detected");
  yield* print_wanted_and_held(next, prev);
  printk(`${KERN_WARNING}\nother info that might help us debug this:\n Possible unsafe locking scenario:\n\n`);
  printk(`${KERN_WARNING}       CPU0\n       ----\n`);
  printk(`${KERN_WARNING}  lock(${class_name(prev.class)});\n  lock(${class_name(next.class)});\n`);
  if (prev.instance !== next.instance) printk(`${KERN_WARNING}\n May be due to missing lock nesting notation\n`);
  yield* end_report(frame);
}

/** Edges from where a search began to a place. */
function* count_edges(place: u32): Steps<u32> {
  let count: u32 = 0;
  for (let at = place; edge_to(at) !== 0; at = place_before(at, false)) count++;
  return count;
}

/** The place before the last but one: what was taken while `next` was held, on the way to `prev`. */
function* first_on_the_way(place: u32): Steps<u32> {
  let at: u32 = place;
  for (;;) {
    const before: u32 = place_before(at, false);
    if (edge_to(before) === 0) return at;
    at = before;
  }
}

/** `prev` was taken while `next` was held, if by way of others: `found` is the place of `prev` in the search from `next`. */
export function* print_circular_bug(prev: held_lock, next: held_lock, found: u32, frame: u32): Steps<void> {
  yield* begin_report("possible circular locking dependency detected");
  yield* print_wanted_and_held(next, prev);
  printk(`${KERN_WARNING}\nwhich lock already depends on the new lock.\n`);
  printk(`${KERN_WARNING}\nthe existing dependency chain (in reverse order) is:\n`);
  let number: u32 = yield* count_edges(found);
  const first: u32 = yield* first_on_the_way(found);
  for (let at = found; edge_to(at) !== 0; at = place_before(at, false)) {
    printk(`${KERN_WARNING}\n-> #${number--} ${class_text(at)}:\n`);
    yield* print_saved(lock_list.at(edge_to(at)).trace);
  }
  printk(`${KERN_WARNING}\n-> #0 ${class_text(next.class)}:\n`);
  yield* print_calls(frame);
  printk(`${KERN_WARNING}\nother info that might help us debug this:\n\n`);
  if (class_of(first) !== prev.class) {
    printk(`${KERN_WARNING}Chain exists of:\n  ${class_name(next.class)} --> ${class_name(class_of(first))}`);
    printk(`${KERN_WARNING} --> ${class_name(prev.class)}\n\n`);
  }
  printk(`${KERN_WARNING} Possible unsafe locking scenario:\n\n`);
  printk(`${KERN_WARNING}       CPU0                    CPU1\n       ----                    ----\n`);
  printk(`${KERN_WARNING}  lock(${class_name(prev.class)});\n`);
  printk(
    `${KERN_WARNING}                               lock(${class_name(class_of(first) === prev.class ? next.class : class_of(first))});\n`,
  );
  printk(`${KERN_WARNING}                               lock(${class_name(prev.class)});\n`);
  printk(`${KERN_WARNING}  lock(${class_name(next.class)});\n`);
  yield* end_report(frame);
}

/** The callers of the function with a frame, as part of a report. */
function* print_calls(frame: u32): Steps<void> {
  for (let i = 0; ; i++) {
    const address = address_above(frame, i);
    if (address === 0) return;
    printk(`${KERN_WARNING}       ${call_text(address)}\n`);
  }
}

/** A lock is used by interrupt handlers (bottom halves), and held while these may come. `known`: the usage bits before. */
export function* print_usage_bug(held: held_lock, bit: u32, known: u32, frame: u32): Steps<void> {
  yield* begin_report("inconsistent lock state");
  const before: u32 = lowest_bit(known);
  printk(`${KERN_WARNING}inconsistent {${usage_name(before)}} -> {${usage_name(bit)}} usage.\n`);
  printk(`${KERN_WARNING}${task_text(current())} ${context_text(held.state)} takes:\n${held_text(held)}\n`);
  printk(`${KERN_WARNING}{${usage_name(before)}} state was registered at:\n`);
  yield* print_saved(lock_class.at(held.class).usage_traces.get(before));
  printk(`${KERN_WARNING}\nother info that might help us debug this:\n Possible unsafe locking scenario:\n\n`);
  printk(`${KERN_WARNING}       CPU0\n       ----\n  lock(${class_name(held.class)});\n  <Interrupt>\n`);
  printk(`${KERN_WARNING}    lock(${class_name(held.class)});\n`);
  yield* end_report(frame);
}

/** A lock has come to be used by interrupt handlers, or with these enabled; `found` is one that does not go with it. */
export function* print_irq_inversion_bug(held: held_lock, found: u32, bit: u32, frame: u32): Steps<void> {
  const is_used = (bit & 2) === 0;
  yield* begin_report("possible irq lock inversion dependency detected");
  printk(`${KERN_WARNING}${task_text(current())} just changed the state of lock:\n${held_text(held)}\n`);
  if (is_used) printk(`${KERN_WARNING}but this lock took another, ${state_name(bit)}-unsafe lock in the past:\n`);
  else printk(`${KERN_WARNING}but this lock was taken by another, ${state_name(bit)}-safe lock in the past:\n`);
  printk(`${KERN_WARNING} ${class_text(found)}\n`);
  printk(`${KERN_WARNING}\nand interrupts could create inverse lock ordering between them.\n`);
  printk(`${KERN_WARNING}\nthe chain between them (in reverse order) is:\n`);
  for (let at = found; edge_to(at) !== 0; at = place_before(at, !is_used)) {
    printk(`${KERN_WARNING}\n-> ${class_text(lock_list.at(edge_to(at)).to)}:\n`);
    yield* print_saved(lock_list.at(edge_to(at)).trace);
  }
  const safe: u32 = is_used ? held.class : found;
  const unsafe: u32 = is_used ? found : held.class;
  yield* print_interrupt_scenario(safe, safe, unsafe, frame);
}

/** How a handler that wants `safe` comes to who holds `unsafe`, which whoever holds `safe` wants after `middle`. */
function* print_interrupt_scenario(safe: u32, middle: u32, unsafe: u32, frame: u32): Steps<void> {
  printk(`${KERN_WARNING}\nother info that might help us debug this:\n`);
  printk(`${KERN_WARNING} Possible interrupt unsafe locking scenario:\n\n`);
  printk(`${KERN_WARNING}       CPU0                    CPU1\n       ----                    ----\n`);
  printk(`${KERN_WARNING}  lock(${class_name(class_of(unsafe))});\n`);
  printk(`${KERN_WARNING}                               local_irq_disable();\n`);
  printk(`${KERN_WARNING}                               lock(${class_name(class_of(safe))});\n`);
  if (class_of(middle) !== class_of(safe) && class_of(middle) !== class_of(unsafe))
    printk(`${KERN_WARNING}                               lock(${class_name(class_of(middle))});\n`);
  printk(`${KERN_WARNING}                               lock(${class_name(class_of(unsafe))});\n`);
  printk(`${KERN_WARNING}  <Interrupt>\n    lock(${class_name(class_of(safe))});\n`);
  yield* end_report(frame);
}

/** `next` is taken while `prev` is held: `before` is used by handlers and comes to that, `after` is enabled and comes of it. */
export function* print_bad_irq_dependency(
  prev: held_lock,
  next: held_lock,
  before: u32,
  after: u32,
  used: u32,
  enabled: u32,
  frame: u32,
): Steps<void> {
  const bit: u32 = lowest_bit(used);
  const safe = lock_class.at(class_of(before));
  const unsafe = lock_class.at(class_of(after));
  if (bit & SOFTIRQ_SHIFT) yield* begin_report("SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected");
  else yield* begin_report("HARDIRQ-safe -> HARDIRQ-unsafe lock order detected");
  printk(
    `${KERN_WARNING}${task_text(current())} ${context_text(next.state)} is trying to acquire:\n${held_text(next)}\n`,
  );
  printk(`${KERN_WARNING}\nand this task is already holding:\n${held_text(prev)}\n`);
  printk(`${KERN_WARNING}which would create a new lock dependency:\n`);
  printk(`${KERN_WARNING} ${class_text(prev.class)} -> ${class_text(next.class)}\n`);
  printk(
    `${KERN_WARNING}\nbut this new dependency connects a ${state_name(bit)}-irq-safe lock:\n ${class_text(before)}\n`,
  );
  printk(`${KERN_WARNING}... which became ${state_name(bit)}-irq-safe at:\n`);
  yield* print_saved(safe.usage_traces.get(bit));
  printk(`${KERN_WARNING}\nto a ${state_name(bit)}-irq-unsafe lock:\n ${class_text(after)}\n`);
  printk(`${KERN_WARNING}... which became ${state_name(bit)}-irq-unsafe at:\n`);
  yield* print_saved(unsafe.usage_traces.get(lowest_bit(unsafe.usage & enabled)));
  yield* print_chains(prev, next, before, after, used, enabled);
  yield* print_interrupt_scenario(before, next.class, after, frame);
}

/** How the locks of a bad order come together: searches once more, since the second search has overwritten the first. */
function* print_chains(
  prev: held_lock,
  next: held_lock,
  before: u32,
  after: u32,
  used: u32,
  enabled: u32,
): Steps<void> {
  if (class_of(before) !== prev.class) {
    printk(`${KERN_WARNING}\nthe dependencies between ${class_text(before)} and the holding lock:\n`);
    yield* search(place_of(prev), true, 0, false, used);
    for (let at = before; edge_to(at) !== 0; at = place_before(at, true)) {
      printk(`${KERN_WARNING}-> ${class_text(lock_list.at(edge_to(at)).to)}:\n`);
      yield* print_saved(lock_list.at(edge_to(at)).trace);
    }
  }
  if (class_of(after) === next.class) return;
  printk(`${KERN_WARNING}\nthe dependencies between the lock to be acquired and ${class_text(after)}:\n`);
  yield* search(place_of(next), false, 0, false, enabled);
  for (let at = after; edge_to(at) !== 0; at = place_before(at, false)) {
    printk(`${KERN_WARNING}-> ${class_text(at)}:\n`);
    yield* print_saved(lock_list.at(edge_to(at)).trace);
  }
}

/** Who has a lock: the CPU, or -1. @bounded by NR_CPUS times MAX_LOCK_DEPTH */
function cpu_that_holds(lock: number): i32 {
  for (let cpu = 0; cpu < smp_num_cpus.value; cpu++) {
    const { depth, locks } = held_locks.of(cpu);
    for (let i = 0; i < depth; i++) if (locks.get(i).instance === lock) return cpu;
  }
  return -1;
}

/** What is given back is not held here. */
export function* print_unlock_imbalance_bug(lock: u32, frame: u32): Steps<void> {
  yield* begin_report("bad unlock balance detected!");
  printk(`${KERN_WARNING}${task_text(current())} is trying to release lock (${lock_name(lock)}) at:\n`);
  printk(`${KERN_WARNING}${call_text(return_address(frame))}\n`);
  const owner = cpu_that_holds(lock);
  if (owner < 0) printk(`${KERN_WARNING}but there are no more locks to release!\n`);
  else printk(`${KERN_WARNING}but it is held on CPU#${owner}, by ${task_text(holder(owner))}!\n`);
  yield* end_plainly(frame);
}

/** A lock whose class nothing tells. */
export function* print_non_static_key(held: held_lock, frame: u32): Steps<void> {
  yield* begin_report("trying to register non-static key.");
  printk(`${KERN_WARNING}${task_text(current())} is trying to acquire lock:\n${held_text(held)}\n`);
  printk(
    `${KERN_WARNING}\nit was not initialised with spin_lock_init or rwlock_init.\nturning off the locking correctness validator.\n`,
  );
  yield* dump_stack(frame);
}

/** There is no room for what is to be noted. A macro: `what` is printed where it is used. */
export function* print_too_low(what: string, frame: u32): Steps<void> {
  if (debug_locks.value !== 0) {
    yield* begin_report(`${what} too low!`);
    printk(`${KERN_WARNING}turning off the locking correctness validator.\n`);
    yield* dump_stack(frame);
  }
}

/** Something is held by who returns to its program. */
export function* print_kernel_sys_exit_bug(): Steps<void> {
  yield* begin_report("lock held when returning to user space!");
  printk(`${KERN_WARNING}${task_text(current())} is leaving the kernel with locks still held!\n`);
  yield* print_held_locks(current().processor);
}

/** Something is held by who gives up the CPU. */
export function* print_schedule_bug(frame: u32): Steps<void> {
  yield* begin_report("scheduling while atomic!");
  printk(`${KERN_WARNING}BUG: scheduling while atomic: ${task_text(current())}\n`);
  yield* print_held_locks(current().processor);
  yield* dump_stack(frame);
}
