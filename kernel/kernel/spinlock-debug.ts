/**
 * Waiting for a lock for more than a second (lib/spinlock_debug.c): who waits says which lock, who has it and where that took it, and
 * goes on waiting. Time is what the 8254 counts, which goes on with interrupts off on all CPUs.
 */
import { CLOCK_TICK_RATE, LATCH, PIT_CHANNEL_0, PIT_MODE } from "../arch/i386/kernel/time.ts";
import { trace, tracing } from "../host/context.ts";
import { asm_function, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, pointer, type u32 } from "../host/types.ts";
import { cpu_relax } from "../include/asm/processor.ts";
import { RW_LOCK_BIAS } from "../include/asm/spinlock.ts";
import { inb, outb } from "../include/asm/system.ts";
import {
  HELD_TRACE,
  held_lock,
  held_locks,
  LOCK_ACQUIRED,
  lock_name,
  nr_lock_reports,
} from "../include/linux/lockdep.ts";
import { current, smp_num_cpus, task_struct } from "../include/linux/sched.ts";
import { dump_stack, task_text } from "./lockdep-report.ts";
import { call_text } from "./lockdep-trace.ts";
import { hex8, KERN_EMERG, printk } from "./printk.ts";

const _raw_spin_trylock = asm_function("_raw_spin_trylock", [pointer("spinlock_t")], i32);
const _raw_read_trylock = asm_function("_raw_read_trylock", [pointer("rwlock_t")], i32);
const _raw_write_trylock = asm_function("_raw_write_trylock", [pointer("rwlock_t")], i32);

// What is waited for.
export const A_SPINLOCK = 0;
export const FOR_READING = 1;
export const FOR_WRITING = 2;

/** Tries from one look at the clock, and one cpu_relax(), to the next: few enough to miss no period of the 8254. */
const TRIES = 32;

/** Counts that the 8254 has yet to make in this period. */
function read_pit(): u32 {
  outb(0, PIT_MODE);
  const low = inb(PIT_CHANNEL_0);
  return low | (inb(PIT_CHANNEL_0) << 8);
}

/** Counts from one reading to another, less than a period later. */
function counts_between(before: number, now: number): u32 {
  return before >= now ? before - now : before + LATCH() - now;
}

/** Who holds a lock: the address of its held_lock, or 0. @bounded by NR_CPUS times MAX_LOCK_DEPTH */
function owner_of(lock: number): u32 {
  for (let cpu = 0; cpu < smp_num_cpus.value; cpu++) {
    const { depth, locks } = held_locks.of(cpu);
    for (let i = 0; i < depth; i++) {
      const held = locks.get(i);
      if (held.instance === lock && (held.state & LOCK_ACQUIRED) !== 0) return held.address;
    }
  }
  return 0;
}

function* print_owner(at: u32): Steps<void> {
  const owner = held_lock.at(at);
  const p = task_struct.at(owner.task);
  printk(`${KERN_EMERG} .owner: ${task_text(p)}, .owner_cpu: ${p.processor}, which took it at:\n`);
  for (let i = 0; i < HELD_TRACE && owner.trace.get(i) !== 0; i++)
    printk(`${KERN_EMERG}       ${call_text(owner.trace.get(i))}\n`);
}

/** Says that the caller of the function with a frame waits, for what and whom. */
function* lockup(lock: u32, frame: u32): Steps<void> {
  nr_lock_reports.value++;
  if (tracing()) trace({ event: "lock_report", pid: current().pid, report: "spinlock lockup" });
  printk(`${KERN_EMERG}BUG: spinlock lockup on CPU#${current().processor}, ${task_text(current())}\n`);
  printk(`${KERN_EMERG} lock: ${hex8(lock)} (${lock_name(lock)})\n`);
  const owner = owner_of(lock);
  if (owner === 0) printk(`${KERN_EMERG} .owner: <none>\n`);
  else yield* print_owner(owner);
  yield* dump_stack(frame);
}

function* try_lock(lock: u32, kind: u32): Steps<i32> {
  if (kind === FOR_READING) return yield* _raw_read_trylock(lock);
  if (kind === FOR_WRITING) return yield* _raw_write_trylock(lock);
  return yield* _raw_spin_trylock(lock);
}

/** Whether it is worth trying: plain reads do not hold up the bus. */
function looks_free(lock: number, kind: number): boolean {
  const word = memory().read32(lock);
  if (kind === A_SPINLOCK) return (word << 24) >> 24 > 0;
  return kind === FOR_READING ? word > 0 : word === RW_LOCK_BIAS;
}

/** Takes a lock that somebody else has, for the caller of the function with a frame. */
export function* wait_for_lock(lock: u32, kind: u32, frame: u32): Steps<void> {
  let last: u32 = read_pit();
  let waited: u32 = 0;
  for (;;) {
    for (let i: u32 = 0; i < TRIES; i++) {
      if (looks_free(lock, kind) && (yield* try_lock(lock, kind)) !== 0) return;
    }
    cpu_relax();
    const now: u32 = read_pit();
    const is_over = waited >= CLOCK_TICK_RATE;
    if (!is_over) waited += counts_between(last, now);
    last = now;
    if (!is_over && waited >= CLOCK_TICK_RATE) yield* lockup(lock, frame);
  }
}
