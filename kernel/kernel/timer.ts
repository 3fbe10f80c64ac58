/** jiffies, time accounting and dynamic timers (kernel/timer.c, Linux 2.4). */
import { image, trace, tracing } from "../host/context.ts";
import {
  asm_function,
  call_pointer,
  kernel_function,
  kernel_table,
  kernel_variable,
  local,
  type Steps,
} from "../host/declarations.ts";
import { array, i32, pointer, u32 } from "../host/types.ts";
import { cpu_relax } from "../include/asm/processor.ts";
import { pt_regs, user_mode } from "../include/asm/ptrace.ts";
import { SPIN_LOCK_UNLOCKED, spinlock_t } from "../include/asm/spinlock.ts";
import { TIMER_BH } from "../include/linux/interrupt.ts";
import {
  INIT_LIST_HEAD,
  list_add_tail,
  list_del,
  list_empty,
  list_head,
  list_next,
  list_splice_init,
} from "../include/linux/list.ts";
import { current, get_current, type task_struct } from "../include/linux/sched.ts";
import { nr_running } from "../include/linux/sched_class.ts";
import {
  spin_lock_irq,
  spin_lock_irqsave,
  spin_unlock_irq,
  spin_unlock_irqrestore,
} from "../include/linux/spinlock.ts";
import { timer_list } from "../include/linux/timer.ts";
import { init_bh, mark_bh } from "./softirq.ts";

/** Ticks since boot. */
export const jiffies = kernel_variable("jiffies", u32, 0);

/**
 * The timer wheel: 256 slots of one tick, then four vectors of 64 slots, each slot as wide as the whole vector before it.
 * A slot is a list of timers; those of a wider slot are spread over the narrower ones when their time comes near.
 */
const TVR_BITS = 8;
const TVN_BITS = 6;
const TVR_SIZE = 1 << TVR_BITS;
const TVN_SIZE = 1 << TVN_BITS;
const WIDER_VECTORS = 4;
export const timer_vectors = kernel_variable("timer_vectors", array(list_head, TVR_SIZE + WIDER_VECTORS * TVN_SIZE));
/** The next tick that run_timer_list() has to look at. */
export const timer_jiffies = kernel_variable("timer_jiffies", u32, 0);
/** Held while timers come and go. Innermost but for runqueue_lock. */
export const timerlist_lock = kernel_table("timerlist_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);
/** The timer whose function is being executed; 0 for none. */
const running_timer = kernel_variable("running_timer", pointer("timer_list"));
/** Timers pending: when none are and every task sleeps, nothing but a device can wake one. */
export const nr_timers = kernel_variable("nr_timers", i32);

export function* init_timervecs(): Steps<void> {
  for (let i = 0; i < TVR_SIZE + WIDER_VECTORS * TVN_SIZE; i++) INIT_LIST_HEAD(timer_vectors.value.address_of(i));
}

function slot_of(expires: number): number {
  const now = timer_jiffies.value;
  const distance = (expires - now) >>> 0;
  if ((distance | 0) < 0) return now & (TVR_SIZE - 1); // already past: the next tick
  if (distance < TVR_SIZE) return expires & (TVR_SIZE - 1);
  let shift = TVR_BITS;
  for (let vector = 0; vector < WIDER_VECTORS; vector++, shift += TVN_BITS) {
    if (vector === WIDER_VECTORS - 1 || distance < 2 ** (shift + TVN_BITS)) {
      return TVR_SIZE + vector * TVN_SIZE + ((expires >>> shift) & (TVN_SIZE - 1));
    }
  }
  throw new RangeError(`no slot for a timer at ${expires}`);
}

/** @context holds timerlist_lock */
function internal_add_timer(timer: u32): void {
  const slot = slot_of(timer_list.at(timer).expires);
  list_add_tail(timer, timer_vectors.value.address_of(slot));
}

export function init_timer(timer: number): void {
  timer_list.at(timer).list.next = 0;
}

export function timer_pending(timer: number): boolean {
  return timer_list.at(timer).list.next !== 0;
}

function trace_timer(event: string, timer: number): void {
  if (!tracing()) return;
  const { expires, function: routine } = timer_list.at(timer);
  const name = image().function_at(routine) ?? `0x${routine.toString(16)}`;
  trace({ event, timer, expires, jiffies: jiffies.value, function: name });
}

/** Starts a timer whose expires, function and data are set. It must not be pending. @context any */
export const add_timer = kernel_function("add_timer", [pointer("timer_list")], undefined, function* (timer) {
  const flags = yield* spin_lock_irqsave(timerlist_lock.address);
  if (timer_pending(timer)) throw new Error(`add_timer: the timer at ${timer.toString(16)} is pending already`);
  internal_add_timer(timer);
  nr_timers.value++;
  trace_timer("timer_add", timer);
  yield* spin_unlock_irqrestore(timerlist_lock.address, flags);
});

/** Takes a timer out of its slot. Returns whether it was in one. @context holds timerlist_lock */
function detach_timer(timer: number): i32 {
  if (!timer_pending(timer)) return 0;
  list_del(timer);
  timer_list.at(timer).list.next = 0;
  nr_timers.value--;
  trace_timer("timer_del", timer);
  return 1;
}

/** Stops a timer. Returns whether it was pending. @context any */
export const del_timer = kernel_function("del_timer", [pointer("timer_list")], i32, function* (timer) {
  const flags = yield* spin_lock_irqsave(timerlist_lock.address);
  const pending = detach_timer(timer);
  yield* spin_unlock_irqrestore(timerlist_lock.address, flags);
  return pending;
});

/**
 * Stops a timer, and waits until its function, which another CPU may be executing, is over. Not for the function itself, nor
 * with a lock held that it takes. Returns whether it was pending.
 * @context in_task
 */
export const del_timer_sync = kernel_function("del_timer_sync", [pointer("timer_list")], i32, function* (timer) {
  let pending: i32 = 0;
  for (;;) {
    const flags = yield* spin_lock_irqsave(timerlist_lock.address);
    pending |= detach_timer(timer);
    const is_running = running_timer.value === timer;
    yield* spin_unlock_irqrestore(timerlist_lock.address, flags);
    if (!is_running) return pending;
    cpu_relax();
  }
});

/** Spreads the timers of a wide slot over the narrower vectors. @context irqs_disabled holds timerlist_lock */
function* cascade(slot: u32): Steps<void> {
  const head = timer_vectors.value.address_of(slot);
  const last = list_head.at(head).prev;
  if (list_empty(head)) return;
  let at = list_next(head);
  INIT_LIST_HEAD(head);
  for (;;) {
    const next = list_next(at);
    internal_add_timer(at);
    if (at === last) break;
    at = next;
  }
}

/**
 * Runs the functions of all timers that have expired, with interrupts on. A timer that its function starts again, for
 * whatever tick, has its turn at the next one (Linux 2.6).
 * @context in_softirq irqs_enabled
 */
export const run_timer_list = kernel_function("run_timer_list", [], undefined, function* () {
  const expired = local(list_head);
  yield* spin_lock_irq(timerlist_lock.address);
  while (((jiffies.value - timer_jiffies.value) | 0) >= 0) {
    const now = timer_jiffies.value;
    let shift = TVR_BITS;
    for (let vector = 0; vector < WIDER_VECTORS && (now & (2 ** shift - 1)) === 0; vector++, shift += TVN_BITS) {
      yield* cascade(TVR_SIZE + vector * TVN_SIZE + ((now >>> shift) & (TVN_SIZE - 1)));
    }
    timer_jiffies.value = now + 1;
    list_splice_init(timer_vectors.value.address_of(now & (TVR_SIZE - 1)), expired.address);
    while (!list_empty(expired.address)) {
      const at = list_next(expired.address);
      const timer = timer_list.at(at);
      const { function: routine, data } = timer;
      list_del(at);
      timer.list.next = 0;
      nr_timers.value--;
      running_timer.value = at;
      trace_timer("timer_fire", at);
      yield* spin_unlock_irq(timerlist_lock.address);
      yield* call_pointer(routine, undefined, data);
      yield* spin_lock_irq(timerlist_lock.address);
      running_timer.value = 0;
    }
  }
  yield* spin_unlock_irq(timerlist_lock.address);
});

/** kernel/sched.ts, called by symbol because sleeping needs timers. */
const scheduler_tick = asm_function("scheduler_tick", [pointer("task_struct")], undefined);

/** Charges a tick to a task, in user or kernel mode. */
function charge(p: task_struct, user_tick: boolean): void {
  if (user_tick) p.utime++;
  else p.stime++;
}

/** Charges the tick to the current task, and tells the scheduler. @context in_irq irqs_disabled */
export function* update_process_times(user_tick: boolean): Steps<void> {
  charge(current(), user_tick);
  yield* scheduler_tick(get_current());
}

/** Whether each CPU has a timer of its own that charges its ticks. */
export const using_apic_timer = kernel_variable("using_apic_timer", u32);

/**
 * The timer interrupt's top half: counts the tick, charges it and asks for the bottom half.
 * @context in_irq irqs_disabled
 */
export const do_timer = kernel_function("do_timer", [pointer("pt_regs")], undefined, function* (regs) {
  jiffies.value++;
  if (using_apic_timer.value === 0) yield* update_process_times(user_mode(pt_regs.at(regs)));
  mark_bh(TIMER_BH);
});

/** Tasks running or about to, averaged as 11-bit fixed point over 1, 5 and 15 minutes. */
export const avenrun = kernel_variable("avenrun", array(u32, 3));
const LOAD_FREQ_SECONDS = 5;
const EXP_N = [1884, 2014, 2037];
const FIXED_1 = 1 << 11;
const load_countdown = kernel_variable("load_countdown", i32, 0);
/** Tick that update_times() has counted up to. */
const wall_jiffies = kernel_variable("wall_jiffies", u32, 0);
export const HZ = kernel_variable("HZ", u32, 100);
/** What a second has of clock_t, whatever HZ is. */
export const USER_HZ = 100;

export function jiffies_to_clock_t(ticks: u32): u32 {
  return Math.floor((ticks * USER_HZ) / HZ.value);
}

/** Interrupts may count on meanwhile: `ticks` is what is accounted for. @bounded by the three averages */
function update_times(): void {
  const ticks = (jiffies.value - wall_jiffies.value) >>> 0;
  if (ticks === 0) return;
  wall_jiffies.value += ticks;
  load_countdown.value -= ticks;
  if (load_countdown.value >= 0) return;
  load_countdown.value += LOAD_FREQ_SECONDS * HZ.value;
  const active = nr_running() * FIXED_1;
  EXP_N.forEach((factor, i) => {
    avenrun.value.set(i, (avenrun.value.get(i) * factor + active * (FIXED_1 - factor)) >>> 11);
  });
}

/** The timer's bottom half. @context in_softirq irqs_enabled */
export const timer_bh = kernel_function("timer_bh", [], undefined, function* () {
  update_times();
  yield* run_timer_list();
});

export function init_timer_bh(): void {
  init_bh(TIMER_BH, timer_bh.address);
}
