/** A scheduler: every CPU has one list; its first task runs for five ticks, then goes to the end. Nice values mean nothing. */
import {
  add_nr_running,
  can_migrate_task,
  INIT_LIST_HEAD,
  i32,
  init_rt,
  is_idle,
  kernel_function,
  kernel_table,
  list_add_tail,
  list_del,
  list_for_each,
  list_head,
  list_next,
  NO_CPU,
  per_cpu,
  pointer,
  possible_cpus,
  pull_task,
  resched_task,
  rq,
  rt_sched_class,
  SCHED_OTHER,
  sched_class,
  sched_class_words,
  smp_send_reschedule,
  sub_nr_running,
  task_struct,
} from "esp0/kernel/module";

const SLICE = 5;
const RUN_LIST = task_struct.offset("run_list");

/** The tasks of each CPU that can run, the one that does included. */
const ready = per_cpu("ready", list_head);

function ready_of(queue: number): number {
  return ready.address_of(rq.at(queue).cpu);
}

/** What sched_init() calls. */
export const init_scheduler = kernel_function("init_scheduler", [], undefined, function* () {
  yield* init_rt();
  for (let cpu = 0; cpu < possible_cpus(); cpu++) INIT_LIST_HEAD(ready.address_of(cpu));
});

const enqueue_task = kernel_function(
  "enqueue_task_round",
  [pointer("rq"), pointer("task_struct"), i32],
  undefined,
  function* (queue, task, _flags) {
    list_add_tail(task + RUN_LIST, ready_of(queue));
    task_struct.at(task).counter = SLICE;
    add_nr_running(task_struct.at(task));
  },
);

const dequeue_task = kernel_function(
  "dequeue_task_round",
  [pointer("rq"), pointer("task_struct"), i32],
  undefined,
  function* (_queue, task, _sleep) {
    list_del(task + RUN_LIST);
    sub_nr_running(task_struct.at(task));
  },
);

function move_to_the_end(queue: number, task: number): void {
  list_del(task + RUN_LIST);
  list_add_tail(task + RUN_LIST, ready_of(queue));
  task_struct.at(task).counter = SLICE;
}

const yield_task = kernel_function(
  "yield_task_round",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    move_to_the_end(queue, task);
  },
);

/** A woken task waits for its turn, unless the CPU has nothing to do. */
const check_preempt_curr = kernel_function(
  "check_preempt_curr_round",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, _task) {
    const curr = task_struct.at(rq.at(queue).curr);
    const told = is_idle(curr) ? resched_task(curr) : NO_CPU;
    yield* smp_send_reschedule(told);
  },
);

const pick_next_task = kernel_function(
  "pick_next_task_round",
  [pointer("rq"), pointer("task_struct")],
  pointer("task_struct"),
  function* (queue, _prev) {
    const first = list_next(ready_of(queue));
    return first === ready_of(queue) ? 0 : first - RUN_LIST;
  },
);

const task_tick = kernel_function(
  "task_tick_round",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    const p = task_struct.at(task);
    if (--p.counter > 0) return;
    move_to_the_end(queue, task);
    p.need_resched = 1;
  },
);

const get_rr_interval = kernel_function("get_rr_interval_round", [pointer("task_struct")], i32, function* (_task) {
  return SLICE;
});

const load_balance = kernel_function(
  "load_balance_round",
  [pointer("rq"), pointer("rq"), i32],
  i32,
  function* (this_rq, busiest, most) {
    let moved: i32 = 0;
    for (const entry of list_for_each(ready_of(busiest))) {
      if (moved === most) break;
      if (!can_migrate_task(task_struct.at(entry - RUN_LIST), rq.at(this_rq).cpu)) continue;
      yield* pull_task(entry - RUN_LIST, this_rq);
      moved++;
    }
    return moved;
  },
);

const round_sched_class = kernel_table(
  "round_sched_class",
  sched_class_words({
    policies: 1 << SCHED_OTHER,
    enqueue_task: enqueue_task.symbol,
    dequeue_task: dequeue_task.symbol,
    yield_task: yield_task.symbol,
    check_preempt_curr: check_preempt_curr.symbol,
    pick_next_task: pick_next_task.symbol,
    task_tick: task_tick.symbol,
    get_rr_interval: get_rr_interval.symbol,
    load_balance: load_balance.symbol,
  }),
  sched_class,
);

/** What schedule() asks, in this order: real-time tasks come first. */
export const sched_classes = kernel_table("sched_classes", [rt_sched_class.symbol, round_sched_class.symbol, 0]);
