/**
 * Linux 2.6's first scheduler, O(1) (kernel/sched.c up to 2.6.22): each CPU has two arrays of tasks by priority. It runs the first
 * task of the best level of the active one; who has used up its time slice goes to the expired one, and when the active one is
 * empty the two change places. What a task is worth for having slept is in sched_o1_prio.ts.
 */
import { trace, tracing } from "../host/context.ts";
import { kernel_function, kernel_table, per_cpu } from "../host/declarations.ts";
import { array, i32, pointer, struct, u32, type ViewOf } from "../host/types.ts";
import { list_add_tail } from "../include/linux/list.ts";
import { current, SCHED_FIFO, SCHED_OTHER, SCHED_RR, task_struct } from "../include/linux/sched.ts";
import {
  add_nr_running,
  ENQUEUE_MIGRATE,
  ENQUEUE_NEW,
  ENQUEUE_WAKEUP,
  rq,
  sched_class,
  sched_class_words,
  sub_nr_running,
} from "../include/linux/sched_class.ts";
import { smp_send_reschedule } from "../include/linux/smp.ts";
import { possible_cpus } from "../include/linux/threads.ts";
import {
  append,
  best_level,
  first_of,
  init_prio_array,
  MAX_PRIO,
  move_tasks,
  prio_array,
  take_out,
} from "./prio_array.ts";
import { is_idle, NO_CPU, resched_task } from "./sched.ts";
import { calibrate_clock, sched_clock } from "./sched_clock.ts";
import {
  charge_run,
  effective_prio,
  entity,
  has_waited,
  inherit_from_child,
  is_interactive,
  is_real_time,
  recalc_task_prio,
  starvation_limit,
  static_prio,
  task_timeslice,
  timeslice_granularity,
} from "./sched_o1_prio.ts";
import { in_interrupt } from "./softirq.ts";
import { jiffies } from "./timer.ts";

/** What a CPU's run queue is with this scheduler. */
export const o1_rq = struct("o1_rq", {
  active: pointer("prio_array"),
  expired: pointer("prio_array"),
  /** The tick at which the first of the expired tasks became so, 0 while there is none. */
  expired_timestamp: u32,
  /** The best static priority among them. */
  best_expired_prio: i32,
  arrays: array(prio_array, 2),
});
export type o1_rq = ViewOf<typeof o1_rq>;

export const o1_runqueues = per_cpu("o1_runqueues", o1_rq);

export function o1_rq_of(cpu: number): o1_rq {
  return o1_runqueues.of(cpu);
}

function o1_of(queue: number): o1_rq {
  return o1_rq_of(rq.at(queue).cpu);
}

export const init_scheduler = kernel_function("init_scheduler", [], undefined, function* () {
  for (let cpu = 0; cpu < possible_cpus(); cpu++) {
    const own = o1_runqueues.of(cpu);
    yield* init_prio_array(own.arrays.get(0));
    yield* init_prio_array(own.arrays.get(1));
    own.active = own.arrays.address_of(0);
    own.expired = own.arrays.address_of(1);
    own.best_expired_prio = MAX_PRIO;
  }
  yield* calibrate_clock();
});

function enqueue(p: task_struct, into: number): void {
  append(prio_array.at(into), p.address, entity(p).prio);
  entity(p).array = into;
  if (tracing()) trace_enqueue(p);
}

function trace_enqueue(p: task_struct): void {
  const { processor: queue } = p;
  const array = entity(p).array === o1_rq_of(queue).active ? "active" : "expired";
  trace({ event: "sched_enqueue", pid: p.pid, queue, array, prio: entity(p).prio });
}

function dequeue(p: task_struct): void {
  if (tracing()) trace({ event: "sched_dequeue", pid: p.pid, queue: p.processor });
  take_out(prio_array.at(entity(p).array), p.address, entity(p).prio);
}

/** A new task goes in front of its parent, on the parent's level, if they share a CPU. */
function enqueue_new(p: task_struct, own: o1_rq): void {
  const parent = current();
  const shares = parent.on_rq !== 0 && entity(parent).array === own.active && p.processor === parent.processor;
  if (!shares || is_real_time(p)) {
    enqueue(p, own.active);
    return;
  }
  entity(p).prio = entity(parent).prio;
  entity(p).array = own.active;
  list_add_tail(p.run_list.address, parent.run_list.address);
  prio_array.at(own.active).nr_active++;
  if (tracing()) trace_enqueue(p);
}

/** Where a task goes that is neither new nor moved: back to the array that it was on, if it was on one. */
function enqueue_again(p: task_struct, own: o1_rq): void {
  enqueue(p, entity(p).array === own.expired ? own.expired : own.active);
}

/** @context irqs_disabled */
const enqueue_task_o1 = kernel_function(
  "enqueue_task_o1",
  [pointer("rq"), pointer("task_struct"), i32],
  undefined,
  function* (queue, task, flags) {
    const p = task_struct.at(task);
    if (flags & (ENQUEUE_WAKEUP | ENQUEUE_NEW)) {
      const now: u32 = yield* sched_clock();
      if (flags & ENQUEUE_WAKEUP) {
        recalc_task_prio(p, now);
        entity(p).activated = in_interrupt() ? has_waited.interrupt : has_waited.task;
      } else entity(p).prio = effective_prio(p);
      entity(p).timestamp = now;
    }
    if (flags & ENQUEUE_NEW) enqueue_new(p, o1_of(queue));
    else if (flags & (ENQUEUE_WAKEUP | ENQUEUE_MIGRATE)) enqueue(p, o1_of(queue).active);
    else enqueue_again(p, o1_of(queue));
    add_nr_running(p);
  },
);

/** @context irqs_disabled */
const dequeue_task_o1 = kernel_function(
  "dequeue_task_o1",
  [pointer("rq"), pointer("task_struct"), i32],
  undefined,
  function* (_queue, task, sleep) {
    const p = task_struct.at(task);
    dequeue(p);
    if (sleep !== 0) entity(p).array = 0;
    sub_nr_running(p);
  },
);

/** Who yields waits for all others to use up their slices; a real-time task, for those of its own level. */
const yield_task_o1 = kernel_function(
  "yield_task_o1",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    const p = task_struct.at(task);
    dequeue(p);
    enqueue(p, is_real_time(p) ? o1_of(queue).active : o1_of(queue).expired);
  },
);

/** @context irqs_disabled */
const check_preempt_curr_o1 = kernel_function(
  "check_preempt_curr_o1",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    const curr = task_struct.at(rq.at(queue).curr);
    const is_better = is_idle(curr) || entity(task_struct.at(task)).prio < entity(curr).prio;
    const told = is_better ? resched_task(curr) : NO_CPU;
    yield* smp_send_reschedule(told);
  },
);

function switch_arrays(own: o1_rq): void {
  const { active, expired } = own;
  own.active = expired;
  own.expired = active;
  own.expired_timestamp = 0;
  own.best_expired_prio = MAX_PRIO;
  if (tracing()) trace({ event: "sched_array_switch", tasks: prio_array.at(expired).nr_active });
}

/** @context irqs_disabled */
const pick_next_task_o1 = kernel_function(
  "pick_next_task_o1",
  [pointer("rq"), pointer("task_struct")],
  pointer("task_struct"),
  function* (queue, _prev) {
    if (rq.at(queue).nr_running === 0) return 0;
    const own = o1_of(queue);
    if (prio_array.at(own.active).nr_active === 0) switch_arrays(own);
    const level = yield* best_level(prio_array.at(own.active));
    const next = task_struct.at(first_of(prio_array.at(own.active), level));
    const now: u32 = yield* sched_clock();
    if (entity(next).activated !== 0) {
      // It has waited since it was woken: part of that counts as sleep.
      dequeue(next);
      recalc_task_prio(next, waited_until(next, now));
      enqueue(next, own.active);
    }
    entity(next).timestamp = now;
    return next.address;
  },
);

/** Percent of its wait for a CPU that a task is given as sleep when another task has woken it; an interrupt gives all. */
const ON_RUNQUEUE_WEIGHT = 30;

function waited_until(p: task_struct, now: number): u32 {
  const { timestamp, activated } = entity(p);
  const waited = (now - timestamp) >>> 0;
  entity(p).activated = 0;
  return timestamp + (activated === has_waited.task ? Math.floor((waited * ON_RUNQUEUE_WEIGHT) / 100) : waited);
}

/** @context irqs_disabled */
const put_prev_task_o1 = kernel_function(
  "put_prev_task_o1",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (_queue, task) {
    const now: u32 = yield* sched_clock();
    charge_run(task_struct.at(task), now);
  },
);

/** Whether expired tasks have waited too long, or better ones than what runs are among them. */
function expired_starving(own: o1_rq, queue: rq): boolean {
  const { expired_timestamp } = own;
  const waited = (jiffies.value - expired_timestamp) >>> 0;
  if (expired_timestamp !== 0 && waited >= starvation_limit() * queue.nr_running + 1) return true;
  return static_prio(task_struct.at(queue.curr)) > own.best_expired_prio;
}

/** The slice is used up: an interactive task starts over, unless others starve; all others have to wait. */
function end_of_slice(p: task_struct, own: o1_rq, queue: rq): void {
  dequeue(p);
  p.need_resched = 1;
  entity(p).prio = effective_prio(p);
  p.counter = task_timeslice(p);
  entity(p).first_time_slice = 0;
  if (own.expired_timestamp === 0) own.expired_timestamp = jiffies.value;
  if (is_interactive(p) && !expired_starving(own, queue)) {
    enqueue(p, own.active);
    return;
  }
  enqueue(p, own.expired);
  own.best_expired_prio = Math.min(own.best_expired_prio, static_prio(p));
}

/** Interactive tasks of a level take turns within their slices. */
function end_of_granule(p: task_struct): void {
  const granule = timeslice_granularity(p);
  if (!is_interactive(p) || (task_timeslice(p) - p.counter) % granule !== 0 || p.counter < granule) return;
  const into = entity(p).array;
  dequeue(p);
  p.need_resched = 1;
  entity(p).prio = effective_prio(p);
  enqueue(p, into);
}

function tick_real_time(p: task_struct): void {
  if (p.policy !== SCHED_RR || --p.counter > 0) return;
  const into = entity(p).array;
  p.counter = task_timeslice(p);
  entity(p).first_time_slice = 0;
  p.need_resched = 1;
  dequeue(p);
  enqueue(p, into);
}

/** @context irqs_disabled */
const task_tick_o1 = kernel_function(
  "task_tick_o1",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    const p = task_struct.at(task);
    if (entity(p).array !== o1_of(queue).active)
      p.need_resched = 1; // it has yielded
    else if (is_real_time(p)) tick_real_time(p);
    else if (--p.counter <= 0) end_of_slice(p, o1_of(queue), rq.at(queue));
    else end_of_granule(p);
  },
);

/** Parent and child share what is left of the parent's slice; a child begins a little less interactive than its parent. */
const task_fork_o1 = kernel_function(
  "task_fork_o1",
  [pointer("task_struct"), pointer("task_struct")],
  undefined,
  function* (child, task) {
    share_slice(task_struct.at(child), task_struct.at(task));
  },
);

const CHILD_PENALTY = 95;

function share_slice(p: task_struct, parent: task_struct): void {
  p.counter = (parent.counter + 1) >> 1;
  parent.counter >>= 1;
  if (parent.counter === 0) {
    // Its last tick: the next one ends its slice.
    parent.counter = 1;
    parent.need_resched = 1;
  }
  entity(p).first_time_slice = 1;
  entity(p).array = 0;
  entity(p).activated = 0;
  entity(p).sleep_avg = Math.floor((entity(parent).sleep_avg * CHILD_PENALTY) / 100);
}

/** What is left of a first slice goes back to the parent, which is also known by how interactive its children are. */
const task_exit_o1 = kernel_function(
  "task_exit_o1",
  [pointer("task_struct"), pointer("task_struct")],
  undefined,
  function* (task, parent) {
    inherit_from_child(task_struct.at(task), task_struct.at(parent));
  },
);

const prio_changed_o1 = kernel_function("prio_changed_o1", [pointer("task_struct")], undefined, function* (task) {
  const p = task_struct.at(task);
  entity(p).prio = effective_prio(p);
  if (p.counter <= 0) p.counter = task_timeslice(p);
});

const get_rr_interval_o1 = kernel_function("get_rr_interval_o1", [pointer("task_struct")], i32, function* (task) {
  const p = task_struct.at(task);
  return p.policy === SCHED_FIFO ? 0 : task_timeslice(p);
});

/** Moves tasks that have waited longest, the expired ones first. @context irqs_disabled */
const load_balance_o1 = kernel_function(
  "load_balance_o1",
  [pointer("rq"), pointer("rq"), i32],
  i32,
  function* (this_rq, busiest, most) {
    const from = o1_of(busiest);
    const moved: i32 = yield* move_tasks(prio_array.at(from.expired), this_rq, most);
    return moved + (yield* move_tasks(prio_array.at(from.active), this_rq, most - moved));
  },
);

/** All tasks are of this class: the 100 best levels are those of real-time priorities. */
export const o1_sched_class = kernel_table(
  "o1_sched_class",
  sched_class_words({
    policies: (1 << SCHED_OTHER) | (1 << SCHED_FIFO) | (1 << SCHED_RR),
    enqueue_task: enqueue_task_o1.symbol,
    dequeue_task: dequeue_task_o1.symbol,
    yield_task: yield_task_o1.symbol,
    check_preempt_curr: check_preempt_curr_o1.symbol,
    pick_next_task: pick_next_task_o1.symbol,
    put_prev_task: put_prev_task_o1.symbol,
    task_tick: task_tick_o1.symbol,
    task_fork: task_fork_o1.symbol,
    task_exit: task_exit_o1.symbol,
    prio_changed: prio_changed_o1.symbol,
    get_rr_interval: get_rr_interval_o1.symbol,
    load_balance: load_balance_o1.symbol,
  }),
  sched_class,
);

export const sched_classes = kernel_table("sched_classes", [o1_sched_class.symbol, 0]);
