/**
 * Tasks move between the run queues of CPUs (kernel/sched.c, Linux 2.6): to where they can run at once when they are woken, and to
 * a CPU that has much less to do than another, which it looks for when it runs out of tasks and at some of its ticks.
 */
import { call_pointer, kernel_function, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, pointer } from "../host/types.ts";
import { spin_lock, spin_lock_nested, spin_trylock, spin_unlock } from "../include/asm/spinlock.ts";
import { smp_num_cpus, task_has_cpu, task_struct } from "../include/linux/sched.ts";
import {
  class_at,
  cpu_curr,
  cpu_rq,
  ENQUEUE_MIGRATE,
  is_allowed,
  queue_lock,
  rq,
  sched_classes,
} from "../include/linux/sched_class.ts";
import {
  activate_task,
  check_preempt_curr,
  deactivate_task,
  is_idle,
  lock_task_rq,
  NO_CPU,
  trace_migrate,
  WF_NEW,
} from "./sched.ts";
import { HZ, jiffies } from "./timer.ts";

/** The load of one task. */
const SCHED_LOAD_SCALE = 128;
/** A CPU that is busy itself takes tasks from one that has a quarter more. */
const IMBALANCE_PERCENT = 125;
const BUSY_REBALANCE_MS = 200;
const IDLE_REBALANCE_MS = 1;

/** What tells lockdep that a second lock of the same class is taken on purpose. */
const SINGLE_DEPTH_NESTING = 1;

/** Takes the locks of two queues, always in the same order. @context irqs_disabled */
export function* double_rq_lock(one: rq, other: rq): Steps<void> {
  yield* spin_lock(Math.min(one.lock.address, other.lock.address));
  yield* spin_lock_nested(Math.max(one.lock.address, other.lock.address), SINGLE_DEPTH_NESTING);
}

/** @context irqs_disabled */
export function* double_rq_unlock(one: rq, other: rq): Steps<void> {
  yield* spin_unlock(one.lock.address);
  yield* spin_unlock(other.lock.address);
}

/** Takes `busiest`'s lock, too; gives the one of `this_rq` up for a moment if the order wants it. @context irqs_disabled */
function* double_lock_balance(this_rq: rq, busiest: rq): Steps<void> {
  if ((yield* spin_trylock(busiest.lock.address)) !== 0) return;
  if (busiest.lock.address < this_rq.lock.address) {
    yield* spin_unlock(this_rq.lock.address);
    yield* spin_lock(busiest.lock.address);
    yield* spin_lock_nested(this_rq.lock.address, SINGLE_DEPTH_NESTING);
  } else yield* spin_lock_nested(busiest.lock.address, SINGLE_DEPTH_NESTING);
}

/** The load of a CPU that tasks could come from, rather too low: what it had lately counts as well as what it has. */
function source_load(cpu: number): number {
  return Math.min(cpu_rq(cpu).cpu_load, cpu_rq(cpu).nr_running * SCHED_LOAD_SCALE);
}

/** The load of a CPU that tasks could go to, rather too high. */
function target_load(cpu: number): number {
  return Math.max(cpu_rq(cpu).cpu_load, cpu_rq(cpu).nr_running * SCHED_LOAD_SCALE);
}

/** The CPU with the greatest load but `this_cpu`. @bounded by NR_CPUS */
function busiest_cpu(this_cpu: number): i32 {
  let busiest: i32 = NO_CPU;
  let most = 0;
  for (let cpu = 0; cpu < smp_num_cpus.value; cpu++) {
    if (cpu === this_cpu || source_load(cpu) <= most) continue;
    most = source_load(cpu);
    busiest = cpu;
  }
  return busiest;
}

/** How many tasks a CPU should take from another: half of what that has more. */
function tasks_to_move(this_cpu: number, busiest: number): i32 {
  const [here, there] = [target_load(this_cpu), source_load(busiest)];
  if (there * 100 < here * IMBALANCE_PERCENT) return 0;
  return Math.max(0, Math.floor((there - here) / (2 * SCHED_LOAD_SCALE)));
}

/** Moves a task from its queue to another CPU's. Both locks are held. @context irqs_disabled */
export function* move_task(p: task_struct, cpu: i32): Steps<void> {
  yield* deactivate_task(p, 0);
  p.processor = cpu;
  yield* activate_task(p, ENQUEUE_MIGRATE);
  yield* check_preempt_curr(p);
}

/** @context irqs_disabled */
export const pull_task = kernel_function(
  "pull_task",
  [pointer("task_struct"), pointer("rq")],
  undefined,
  function* (task, this_rq) {
    const { cpu } = rq.at(this_rq);
    trace_migrate(task_struct.at(task), cpu, is_idle(cpu_curr(cpu)) ? "idle" : "balance");
    yield* move_task(task_struct.at(task), cpu);
  },
);

/**
 * Takes tasks from the busiest CPU, if it has much more to do. Needs this queue's lock, which it may give up meanwhile.
 * @context irqs_disabled
 */
function* load_balance(this_rq: rq): Steps<void> {
  const busiest = busiest_cpu(this_rq.cpu);
  if (busiest === NO_CPU || tasks_to_move(this_rq.cpu, busiest) === 0) return;
  yield* double_lock_balance(this_rq, cpu_rq(busiest));
  let most = tasks_to_move(this_rq.cpu, busiest);
  for (let entry = sched_classes(); most > 0 && memory().read32(entry) !== 0; entry += 4) {
    if (class_at(entry).load_balance === 0) continue;
    most -= yield* call_pointer(class_at(entry).load_balance, i32, this_rq.address, cpu_rq(busiest).address, most);
  }
  yield* spin_unlock(queue_lock(busiest));
}

/** @context irqs_disabled */
export const idle_balance = kernel_function("idle_balance", [pointer("rq")], undefined, function* (this_rq) {
  if (rq.at(this_rq).nr_running === 0) yield* load_balance(rq.at(this_rq));
});

function is_time_to_balance(this_rq: rq): boolean {
  const period = is_idle(cpu_curr(this_rq.cpu)) ? IDLE_REBALANCE_MS : BUSY_REBALANCE_MS;
  return jiffies.value % Math.max(1, Math.floor((period * HZ.value) / 1000)) === 0;
}

/** @context irqs_disabled */
export const rebalance_tick = kernel_function("rebalance_tick", [pointer("rq")], undefined, function* (address) {
  const this_rq = rq.at(address);
  this_rq.cpu_load = (this_rq.cpu_load + this_rq.nr_running * SCHED_LOAD_SCALE) >> 1;
  if (!is_time_to_balance(this_rq)) return;
  yield* spin_lock(this_rq.lock.address);
  yield* load_balance(this_rq);
  yield* spin_unlock(this_rq.lock.address);
});

/** Priority of what a CPU runs: 1 to 99 for a real-time task, 0 for another, -1 when it is idle and nothing waits there. */
function importance(cpu: number): number {
  const curr = cpu_curr(cpu);
  if (!is_idle(curr)) return curr.rt_priority;
  return cpu_rq(cpu).nr_running === 0 ? -1 : 0;
}

/**
 * The CPU for a task that is woken: the one that it ran on, unless that is busy and another is idle, or runs something less
 * important than a real-time task. @bounded by NR_CPUS
 */
function cpu_for(p: task_struct): i32 {
  const is_real_time = p.rt_priority > 0;
  let best: i32 = is_allowed(p, p.processor) ? p.processor : NO_CPU;
  for (let cpu = 0; cpu < smp_num_cpus.value; cpu++) {
    if (!is_allowed(p, cpu)) continue;
    if (best === NO_CPU) best = cpu;
    const is_better = importance(cpu) < importance(best);
    if (is_better && (importance(cpu) < 0 || (is_real_time && importance(best) >= p.rt_priority))) best = cpu;
  }
  return best;
}

/** @context irqs_disabled */
export const select_task_rq = kernel_function(
  "select_task_rq",
  [pointer("task_struct"), i32],
  undefined,
  function* (task, wake_flags) {
    const p = task_struct.at(task);
    // A CPU that has yet to leave its stack goes on with it; a new task begins where its parent is.
    if (p.on_rq !== 0 || task_has_cpu(p) || wake_flags & WF_NEW) return;
    const old = p.processor;
    const cpu = cpu_for(p);
    if (cpu === old) return;
    trace_migrate(p, cpu, "wakeup");
    p.processor = cpu;
    yield* spin_unlock(queue_lock(old));
    yield* lock_task_rq(task);
  },
);
