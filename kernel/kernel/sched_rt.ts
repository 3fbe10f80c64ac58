/**
 * The class of real-time tasks, SCHED_FIFO and SCHED_RR (kernel/sched_rt.c, Linux 2.6.23): a list for each priority, as the O(1)
 * scheduler has it. For schedulers whose other classes come behind it.
 */
import { kernel_function, kernel_table, per_cpu } from "../host/declarations.ts";
import { i32, pointer } from "../host/types.ts";
import { SCHED_FIFO, SCHED_RR, task_struct } from "../include/linux/sched.ts";
import { add_nr_running, rq, sched_class, sched_class_words, sub_nr_running } from "../include/linux/sched_class.ts";
import { smp_send_reschedule } from "../include/linux/smp.ts";
import { possible_cpus } from "../include/linux/threads.ts";
import {
  append,
  best_level,
  first_of,
  init_prio_array,
  MAX_RT_PRIO,
  move_tasks,
  prio_array,
  take_out,
} from "./prio_array.ts";
import { NO_CPU, resched_task } from "./sched.ts";
import { HZ } from "./timer.ts";

/** Real-time tasks of each CPU, the one that runs included. */
export const rt_runqueues = per_cpu("rt_runqueues", prio_array);

function rt_of(queue: number): prio_array {
  return rt_runqueues.of(rq.at(queue).cpu);
}

/** For the init_scheduler() of schedulers that have this class. */
export const init_rt = kernel_function("init_rt", [], undefined, function* () {
  for (let cpu = 0; cpu < possible_cpus(); cpu++) yield* init_prio_array(rt_runqueues.of(cpu));
});

function level_of(p: task_struct): number {
  return MAX_RT_PRIO - 1 - p.rt_priority;
}

/** Ticks of SCHED_RR's time slice, 100 ms. */
function DEF_TIMESLICE(): number {
  return Math.max(1, Math.floor(HZ.value / 10));
}

/** @context irqs_disabled */
const enqueue_task_rt = kernel_function(
  "enqueue_task_rt",
  [pointer("rq"), pointer("task_struct"), i32],
  undefined,
  function* (queue, task, _flags) {
    const p = task_struct.at(task);
    append(rt_of(queue), task, level_of(p));
    add_nr_running(p);
  },
);

/** @context irqs_disabled */
const dequeue_task_rt = kernel_function(
  "dequeue_task_rt",
  [pointer("rq"), pointer("task_struct"), i32],
  undefined,
  function* (queue, task, _sleep) {
    const p = task_struct.at(task);
    take_out(rt_of(queue), task, level_of(p));
    sub_nr_running(p);
  },
);

/** Puts a task behind the others of its priority. */
function requeue(p: task_struct, queue: number): void {
  take_out(rt_of(queue), p.address, level_of(p));
  append(rt_of(queue), p.address, level_of(p));
}

/** @context irqs_disabled */
const yield_task_rt = kernel_function(
  "yield_task_rt",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    requeue(task_struct.at(task), queue);
  },
);

/** @context irqs_disabled */
const check_preempt_curr_rt = kernel_function(
  "check_preempt_curr_rt",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    const curr = task_struct.at(rq.at(queue).curr);
    const told = task_struct.at(task).rt_priority > curr.rt_priority ? resched_task(curr) : NO_CPU;
    yield* smp_send_reschedule(told);
  },
);

/** @context irqs_disabled */
const pick_next_task_rt = kernel_function(
  "pick_next_task_rt",
  [pointer("rq"), pointer("task_struct")],
  pointer("task_struct"),
  function* (queue, _prev) {
    if (rt_of(queue).nr_active === 0) return 0;
    const level = yield* best_level(rt_of(queue));
    return first_of(rt_of(queue), level);
  },
);

/** SCHED_RR: the end of a slice. @context irqs_disabled */
const task_tick_rt = kernel_function(
  "task_tick_rt",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    const p = task_struct.at(task);
    if (p.policy !== SCHED_RR || --p.counter > 0) return;
    p.counter = DEF_TIMESLICE();
    requeue(p, queue);
    p.need_resched = 1;
  },
);

const task_fork_rt = kernel_function(
  "task_fork_rt",
  [pointer("task_struct"), pointer("task_struct")],
  undefined,
  function* (child, _parent) {
    task_struct.at(child).counter = DEF_TIMESLICE();
  },
);

const prio_changed_rt = kernel_function("prio_changed_rt", [pointer("task_struct")], undefined, function* (task) {
  task_struct.at(task).counter = DEF_TIMESLICE();
});

const get_rr_interval_rt = kernel_function("get_rr_interval_rt", [pointer("task_struct")], i32, function* (task) {
  return task_struct.at(task).policy === SCHED_FIFO ? 0 : DEF_TIMESLICE();
});

/** @context irqs_disabled */
const load_balance_rt = kernel_function(
  "load_balance_rt",
  [pointer("rq"), pointer("rq"), i32],
  i32,
  function* (this_rq, busiest, most) {
    return yield* move_tasks(rt_of(busiest), this_rq, most);
  },
);

export const rt_sched_class = kernel_table(
  "rt_sched_class",
  sched_class_words({
    policies: (1 << SCHED_FIFO) | (1 << SCHED_RR),
    enqueue_task: enqueue_task_rt.symbol,
    dequeue_task: dequeue_task_rt.symbol,
    yield_task: yield_task_rt.symbol,
    check_preempt_curr: check_preempt_curr_rt.symbol,
    pick_next_task: pick_next_task_rt.symbol,
    task_tick: task_tick_rt.symbol,
    task_fork: task_fork_rt.symbol,
    prio_changed: prio_changed_rt.symbol,
    get_rr_interval: get_rr_interval_rt.symbol,
    load_balance: load_balance_rt.symbol,
  }),
  sched_class,
);
