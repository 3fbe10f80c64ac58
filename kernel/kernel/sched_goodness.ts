/**
 * Linux 2.4's scheduler (kernel/sched.c): one run queue for all CPUs, of which each choice looks at every task. What a task is
 * worth, its goodness, falls with what is left of its time slice; when all slices are used up, a new epoch begins.
 */
import { trace, tracing } from "../host/context.ts";
import { kernel_function, kernel_table, kernel_variable, type Steps } from "../host/declarations.ts";
import { container_of, i32, pointer, u32 } from "../host/types.ts";
import { read_lock, read_unlock } from "../include/asm/spinlock.ts";
import { INIT_LIST_HEAD, list_add, list_add_tail, list_del, list_head, list_next } from "../include/linux/list.ts";
import {
  for_each_task,
  idle_task,
  SCHED_FIFO,
  SCHED_OTHER,
  SCHED_RR,
  SCHED_YIELD,
  smp_num_cpus,
  smp_processor_id,
  TASK_RUNNING,
  task_has_cpu,
  task_release_cpu,
  task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";
import {
  add_nr_running,
  cpu_curr,
  cpu_rq,
  runqueue_lock,
  sched_class,
  sched_class_words,
  sub_nr_running,
} from "../include/linux/sched_class.ts";
import { smp_send_reschedule } from "../include/linux/smp.ts";
import {
  spin_lock_irq,
  spin_lock_irqsave,
  spin_unlock_irq,
  spin_unlock_irqrestore,
} from "../include/linux/spinlock.ts";
import { is_idle, NO_CPU, resched_task } from "./sched.ts";
import { HZ, jiffies } from "./timer.ts";

/** Every task that is runnable; what became so last comes first. */
export const runqueue_head = kernel_variable("runqueue_head", list_head);

const RUN_LIST = task_struct.offset("run_list");

export const init_scheduler = kernel_function("init_scheduler", [], undefined, function* () {
  INIT_LIST_HEAD(runqueue_head.address);
});

/** Ticks of a new time slice: 6 at nice 0 and HZ 100, 1 to 11 over the range of nice. */
export function NICE_TO_TICKS(nice: number): number {
  const scale = 20 - nice;
  const ticks = HZ.value < 200 ? scale >> 2 : HZ.value < 400 ? scale >> 1 : HZ.value < 800 ? scale : scale << 1;
  return ticks + 1;
}

function add_to_runqueue(p: task_struct): void {
  list_add(p.address + RUN_LIST, runqueue_head.address);
  add_nr_running(p);
}

function del_from_runqueue(p: task_struct): void {
  sub_nr_running(p);
  p.sleep_time = jiffies.value;
  list_del(p.address + RUN_LIST);
}

/** @context irqs_disabled */
const enqueue_task_goodness = kernel_function(
  "enqueue_task_goodness",
  [pointer("rq"), pointer("task_struct"), i32],
  undefined,
  function* (_rq, task, _flags) {
    add_to_runqueue(task_struct.at(task));
  },
);

/** @context irqs_disabled */
const dequeue_task_goodness = kernel_function(
  "dequeue_task_goodness",
  [pointer("rq"), pointer("task_struct"), i32],
  undefined,
  function* (_rq, task, _sleep) {
    del_from_runqueue(task_struct.at(task));
  },
);

function move_last_runqueue(task: number): void {
  list_del(task + RUN_LIST);
  list_add_tail(task + RUN_LIST, runqueue_head.address);
}

/** @context irqs_disabled */
const yield_task_goodness = kernel_function(
  "yield_task_goodness",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (_rq, task) {
    move_last_runqueue(task);
  },
);

/** What a task is worth more to the CPU that ran it last, whose caches know it. */
const PROC_CHANGE_PENALTY = 15;

/**
 * How much `p` deserves `this_cpu`: -1 while it yields, 0 when its slice is used up, 1000 and more for real-time tasks, else
 * what is left of its slice, better for a higher priority, for having run there last, and for sharing the address space that
 * is loaded.
 */
export function goodness(p: task_struct, this_cpu: number, this_mm: number): i32 {
  if (p.policy & SCHED_YIELD) return -1;
  if (p.policy !== SCHED_OTHER) return 1000 + p.rt_priority;
  const { counter } = p;
  if (counter === 0) return 0;
  const { mm } = p;
  const there = smp_num_cpus.value > 1 && p.processor === this_cpu ? PROC_CHANGE_PENALTY : 0;
  return counter + there + 20 - p.nice + (mm === this_mm || mm === 0 ? 1 : 0);
}

/** How much more `p` deserves the CPU than what runs there. */
function preemption_goodness(prev: task_struct, p: task_struct, cpu: number): i32 {
  return goodness(p, cpu, prev.active_mm) - goodness(prev, cpu, prev.active_mm);
}

function can_schedule(p: task_struct, cpu: number): boolean {
  return (p.cpus_runnable & p.cpus_allowed & (1 << cpu)) !== 0;
}

/**
 * Finds a CPU for `p`, which has become runnable: the one it ran on last if that is idle, else the one that has been idle
 * longest, else the one whose task deserves it least in comparison, if any. Returns who has to be told (`resched_task`).
 * @bounded by NR_CPUS @context holds runqueue_lock
 */
function reschedule_idle(p: task_struct): i32 {
  const last = p.processor;
  if (can_schedule(p, last) && is_idle(cpu_curr(last))) return resched_task(cpu_curr(last));
  if (smp_num_cpus.value === 1) {
    const tsk = cpu_curr(last);
    return preemption_goodness(tsk, p, last) > 0 ? resched_task(tsk) : NO_CPU;
  }
  let target: i32 = NO_CPU;
  let oldest = -1;
  let best: i32 = 0;
  for (let cpu = 0; cpu < smp_num_cpus.value; cpu++) {
    if (!can_schedule(p, cpu)) continue;
    const tsk = cpu_curr(cpu);
    if (tsk.address === idle_task(cpu)) {
      const idle_for = (jiffies.value - cpu_rq(cpu).last_schedule) >>> 0;
      if (idle_for > oldest) {
        oldest = idle_for;
        target = cpu;
      }
    } else if (oldest < 0) {
      const priority = preemption_goodness(tsk, p, cpu);
      if (priority > best) {
        best = priority;
        target = cpu;
      }
    }
  }
  return target === NO_CPU ? NO_CPU : resched_task(cpu_curr(target));
}

/** @context irqs_disabled */
const check_preempt_curr_goodness = kernel_function(
  "check_preempt_curr_goodness",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (_rq, task) {
    const told = reschedule_idle(task_struct.at(task));
    yield* smp_send_reschedule(told);
  },
);

/** SCHED_RR: who has used up its slice has to wait for all others of its priority. */
function start_over(p: task_struct): void {
  if (p.policy !== SCHED_RR || p.counter !== 0) return;
  p.counter = NICE_TO_TICKS(p.nice);
  if (p.on_rq !== 0) move_last_runqueue(p.address);
}

/**
 * The best task on the run queue, after a new epoch when all of them have used up their slices. Gives the lock up for that.
 * @context irqs_disabled
 */
const pick_next_task_goodness = kernel_function(
  "pick_next_task_goodness",
  [pointer("rq"), pointer("task_struct")],
  pointer("task_struct"),
  function* (_rq, prev) {
    start_over(task_struct.at(prev));
    for (;;) {
      let best: i32 = -1000;
      let next: u32 = 0;
      for (let entry = list_next(runqueue_head.address); entry !== runqueue_head.address; entry = list_next(entry)) {
        const p = task_struct.at(container_of(entry, task_struct, "run_list"));
        if (!can_schedule(p, smp_processor_id())) continue;
        const weight = goodness(p, smp_processor_id(), task_struct.at(prev).active_mm);
        if (tracing()) trace({ event: "sched_goodness", pid: p.pid, goodness: weight });
        if (weight > best) {
          best = weight;
          next = p.address;
        }
      }
      if (best !== 0) return next;
      yield* new_epoch();
    }
  },
);

/** @context irqs_disabled */
function* new_epoch(): Steps<void> {
  yield* spin_unlock_irq(runqueue_lock.address);
  if (tracing()) trace({ event: "sched_epoch", jiffies: jiffies.value });
  yield* read_lock(tasklist_lock.address);
  for (const p of for_each_task()) {
    p.counter = (p.counter >> 1) + NICE_TO_TICKS(p.nice);
  }
  yield* read_unlock(tasklist_lock.address);
  yield* spin_lock_irq(runqueue_lock.address);
}

/** @context irqs_disabled */
const task_tick_goodness = kernel_function(
  "task_tick_goodness",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (_rq, task) {
    const p = task_struct.at(task);
    if (--p.counter > 0) return;
    p.counter = 0;
    p.need_resched = 1;
  },
);

/** Parent and child share what is left of the parent's time slice: forking gains nobody CPU time. */
const task_fork_goodness = kernel_function(
  "task_fork_goodness",
  [pointer("task_struct"), pointer("task_struct")],
  undefined,
  function* (child, task) {
    const parent = task_struct.at(task);
    task_struct.at(child).counter = (parent.counter + 1) >> 1;
    parent.counter >>= 1;
    if (parent.counter === 0) parent.need_resched = 1;
  },
);

/** More than the longest slice nobody may inherit. */
const MAX_COUNTER = 11;

/** What is left of its time slice goes back to its parent. */
const task_exit_goodness = kernel_function(
  "task_exit_goodness",
  [pointer("task_struct"), pointer("task_struct")],
  undefined,
  function* (task, parent) {
    const { counter } = task_struct.at(parent);
    task_struct.at(parent).counter = Math.min(counter + task_struct.at(task).counter, MAX_COUNTER);
  },
);

const get_rr_interval_goodness = kernel_function(
  "get_rr_interval_goodness",
  [pointer("task_struct")],
  i32,
  function* (task) {
    const { policy, nice } = task_struct.at(task);
    return policy & SCHED_FIFO ? 0 : NICE_TO_TICKS(nice);
  },
);

/**
 * Another CPU may run `prev` now, and is told to if that has nothing better to do. Under the lock, since from then on `prev`
 * may run, end and be gone.
 * @context irqs_enabled
 */
const post_schedule_goodness = kernel_function(
  "post_schedule_goodness",
  [pointer("task_struct")],
  undefined,
  function* (task) {
    const prev = task_struct.at(task);
    yield* spin_lock_irq(runqueue_lock.address);
    const wants_cpu = prev.state === TASK_RUNNING && (prev.policy & SCHED_YIELD) === 0 && !is_idle(prev);
    prev.policy &= ~SCHED_YIELD;
    task_release_cpu(prev);
    let told: i32 = NO_CPU;
    if (wants_cpu) told = reschedule_idle(prev);
    yield* smp_send_reschedule(told);
    yield* spin_unlock_irq(runqueue_lock.address);
  },
);

/**
 * From now on `p` runs on these CPUs only: if it is on another, it leaves that, and if it waits, one of them hears of it.
 * @context any
 */
export const set_cpus_allowed = kernel_function(
  "set_cpus_allowed",
  [pointer("task_struct"), u32, pointer("migration_req")],
  undefined,
  function* (task, mask, _request) {
    const p = task_struct.at(task);
    const flags = yield* spin_lock_irqsave(runqueue_lock.address);
    p.cpus_allowed = mask;
    let told: i32 = NO_CPU;
    if (task_has_cpu(p)) {
      if ((p.cpus_runnable & mask) === 0) told = resched_task(p);
    } else if (p.on_rq !== 0) told = reschedule_idle(p);
    yield* smp_send_reschedule(told);
    yield* spin_unlock_irqrestore(runqueue_lock.address, flags);
  },
);

/** All tasks are of this class, real-time ones too. */
export const goodness_sched_class = kernel_table(
  "goodness_sched_class",
  sched_class_words({
    policies: (1 << SCHED_OTHER) | (1 << SCHED_FIFO) | (1 << SCHED_RR),
    enqueue_task: enqueue_task_goodness.symbol,
    dequeue_task: dequeue_task_goodness.symbol,
    yield_task: yield_task_goodness.symbol,
    check_preempt_curr: check_preempt_curr_goodness.symbol,
    pick_next_task: pick_next_task_goodness.symbol,
    task_tick: task_tick_goodness.symbol,
    task_fork: task_fork_goodness.symbol,
    task_exit: task_exit_goodness.symbol,
    get_rr_interval: get_rr_interval_goodness.symbol,
    post_schedule: post_schedule_goodness.symbol,
  }),
  sched_class,
);

export const sched_classes = kernel_table("sched_classes", [goodness_sched_class.symbol, 0]);
