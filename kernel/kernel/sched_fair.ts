/**
 * A fair class by virtual runtime (after kernel/sched_fair.c, Linux 2.6.24): a task's vruntime is the time that it has run, slower
 * for tasks of greater weight. Each CPU runs the task that has had the least of it; those that wait are in a tree by vruntime.
 * Real-time tasks have a class of their own in front (sched_rt.ts).
 */
import { kernel_function, kernel_table, per_cpu, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, pointer, struct, u32, type ViewOf } from "../host/types.ts";
import { SCHED_OTHER, task_struct } from "../include/linux/sched.ts";
import {
  add_nr_running,
  can_migrate_task,
  ENQUEUE_NEW,
  pull_task,
  rq,
  sched_class,
  sched_class_words,
  sub_nr_running,
} from "../include/linux/sched_class.ts";
import { smp_send_reschedule } from "../include/linux/smp.ts";
import { rb_erase, rb_insert_color, rb_link_node, rb_next, rb_node, rb_root } from "../lib/rbtree.ts";
import { is_idle, NO_CPU, resched_task } from "./sched.ts";
import { calibrate_clock, clock_per_ms, sched_clock } from "./sched_clock.ts";
import { init_rt, rt_sched_class } from "./sched_rt.ts";
import { HZ } from "./timer.ts";

/** What is kept of a task, in task_struct.sched_data. Times are of sched_clock(). */
export const sched_entity = struct("sched_entity", {
  run_node: rb_node,
  /** Less is better. It wraps, as time does. */
  vruntime: u32,
  /** Up to when its run is accounted for. */
  exec_start: u32,
  /** When it was chosen. */
  slice_start: u32,
  /** Whose min_vruntime its vruntime goes by. */
  cpu: i32,
});
export type sched_entity = ViewOf<typeof sched_entity>;

/** A CPU's tasks of this class. The one that runs is not in the tree. */
export const cfs_rq = struct("cfs_rq", {
  tasks_timeline: rb_root,
  rb_leftmost: pointer("rb_node"),
  /** Never goes back: where new and woken tasks begin. */
  min_vruntime: u32,
  nr_running: u32,
  /** Weight of all of them. */
  load: u32,
});
export type cfs_rq = ViewOf<typeof cfs_rq>;

const cfs_runqueues = per_cpu("cfs_runqueues", cfs_rq);

/** Milliseconds in which every task runs once; at least so long each; a woken task has to be so much better to preempt. */
const SCHED_LATENCY = 20;
const MIN_GRANULARITY = 4;
const WAKEUP_GRANULARITY = 4;

const NICE_0_LOAD = 1024;
/** The weights of nice -20 to 19: a level is worth a tenth of the CPU, each weighs 1.25 times what the next one does. */
const prio_to_weight = kernel_table("prio_to_weight", [
  ...[88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916],
  ...[9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277],
  ...[1024, 820, 655, 526, 423, 335, 272, 215, 172, 137],
  ...[110, 87, 70, 56, 45, 36, 29, 23, 18, 15],
]);

export const init_scheduler = kernel_function("init_scheduler", [], undefined, function* () {
  yield* init_rt();
  yield* calibrate_clock();
});

export function cfs_rq_of(cpu: number): cfs_rq {
  return cfs_runqueues.of(cpu);
}

function cfs_of(queue: number): cfs_rq {
  return cfs_rq_of(rq.at(queue).cpu);
}

export function entity(p: task_struct): sched_entity {
  return sched_entity.at(p.sched_data.address);
}

const ENTITY_TO_TASK = task_struct.offset("sched_data");

/** The task whose node it is: a node is the first field of an entity. */
function task_of(node: number): task_struct {
  return task_struct.at(node - ENTITY_TO_TASK);
}

function weight_of(p: task_struct): number {
  return memory().read32(prio_to_weight.address + 4 * (p.nice + 20));
}

/** Whether one vruntime is less than another, as times that wrap are. */
function before(one: number, other: number): boolean {
  return ((one - other) | 0) < 0;
}

function milliseconds(count: number): number {
  return count * clock_per_ms.value;
}

/** Where a task goes in the tree: behind all that have had as much. Sets link and parent of its node. */
function* insert(cfs: cfs_rq, p: task_struct): Steps<void> {
  let link: u32 = cfs.tasks_timeline.address;
  let parent: u32 = 0;
  let leftmost = true;
  while (memory().read32(link) !== 0) {
    parent = memory().read32(link) >>> 0;
    const goes_left = before(entity(p).vruntime, entity(task_of(parent)).vruntime);
    if (!goes_left) leftmost = false;
    link = parent + (goes_left ? rb_node.offset("rb_left") : rb_node.offset("rb_right"));
  }
  if (leftmost) cfs.rb_leftmost = entity(p).address;
  rb_link_node(entity(p).address, parent, link);
  yield* rb_insert_color(entity(p).address, cfs.tasks_timeline.address);
}

function* remove(cfs: cfs_rq, p: task_struct): Steps<void> {
  const node = entity(p).address;
  if (cfs.rb_leftmost === node) cfs.rb_leftmost = yield* rb_next(node);
  yield* rb_erase(node, cfs.tasks_timeline.address);
}

/** A task has run until `now`. */
function charge(p: task_struct, now: number): void {
  const own = entity(p);
  const ran = (now - own.exec_start) >>> 0;
  own.vruntime += Math.floor((ran * NICE_0_LOAD) / weight_of(p));
  own.exec_start = now;
}

/** min_vruntime follows the least of the task that runs and the first of the tree. */
function follow(cfs: cfs_rq, curr: task_struct): void {
  let least = entity(curr).vruntime;
  const first = cfs.rb_leftmost;
  if (first !== 0 && before(entity(task_of(first)).vruntime, least)) least = entity(task_of(first)).vruntime;
  if (before(cfs.min_vruntime, least)) cfs.min_vruntime = least;
}

/** Accounts for what the CPU of a queue runs, if that is of this class. @context irqs_disabled */
function* update_curr(queue: u32): Steps<void> {
  const curr = task_struct.at(rq.at(queue).curr);
  if (curr.sched_class !== fair_sched_class.address || curr.on_rq === 0) return;
  const now: u32 = yield* sched_clock();
  charge(curr, now);
  follow(cfs_of(queue), curr);
}

/** What a task may run until others have had their turn: its part of the period, by weight. */
function sched_slice(cfs: cfs_rq, p: task_struct): number {
  const period = Math.max(milliseconds(SCHED_LATENCY), milliseconds(MIN_GRANULARITY) * cfs.nr_running);
  return Math.floor((period * weight_of(p)) / Math.max(cfs.load, weight_of(p)));
}

/** What a sleeper is given: it comes in front of those that have run, but not by more than half a period. */
function least_vruntime(cfs: cfs_rq): u32 {
  return (cfs.min_vruntime - (milliseconds(SCHED_LATENCY) >> 1)) >>> 0;
}

/** The vruntime with which a task comes to a queue: a new one has had its first slice. */
function place(cfs: cfs_rq, cpu: number, p: task_struct, flags: number): void {
  const own = entity(p);
  if (flags & ENQUEUE_NEW) {
    own.vruntime = cfs.min_vruntime + Math.floor((sched_slice(cfs, p) * NICE_0_LOAD) / weight_of(p));
  } else {
    if (own.cpu !== cpu) own.vruntime += cfs.min_vruntime - cfs_runqueues.of(own.cpu).min_vruntime;
    if (before(own.vruntime, least_vruntime(cfs))) own.vruntime = least_vruntime(cfs);
  }
  own.cpu = cpu;
}

function count(cfs: cfs_rq, p: task_struct, sign: 1 | -1): void {
  cfs.nr_running += sign;
  cfs.load += sign * weight_of(p);
}

/** @context irqs_disabled */
const enqueue_task_fair = kernel_function(
  "enqueue_task_fair",
  [pointer("rq"), pointer("task_struct"), i32],
  undefined,
  function* (queue, task, flags) {
    const p = task_struct.at(task);
    const cfs = cfs_of(queue);
    yield* update_curr(queue);
    place(cfs, rq.at(queue).cpu, p, flags);
    count(cfs, p, 1);
    if (task !== rq.at(queue).curr) yield* insert(cfs, p);
    add_nr_running(p);
  },
);

/** @context irqs_disabled */
const dequeue_task_fair = kernel_function(
  "dequeue_task_fair",
  [pointer("rq"), pointer("task_struct"), i32],
  undefined,
  function* (queue, task, _sleep) {
    const p = task_struct.at(task);
    yield* update_curr(queue);
    if (task !== rq.at(queue).curr) yield* remove(cfs_of(queue), p);
    count(cfs_of(queue), p, -1);
    sub_nr_running(p);
  },
);

/** Who yields goes behind all others. @context irqs_disabled */
const yield_task_fair = kernel_function(
  "yield_task_fair",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    yield* update_curr(queue);
    let last: u32 = cfs_of(queue).tasks_timeline.rb_node;
    if (last === 0) return;
    while (rb_node.at(last).rb_right !== 0) last = rb_node.at(last).rb_right;
    const own = entity(task_struct.at(task));
    if (before(own.vruntime, entity(task_of(last)).vruntime)) own.vruntime = entity(task_of(last)).vruntime;
  },
);

/** Whether a woken task has had so much less than the one that runs that it runs at once. */
function should_preempt(p: task_struct, curr: task_struct): boolean {
  if (is_idle(curr)) return true;
  if (curr.sched_class !== fair_sched_class.address) return false;
  return before(entity(p).vruntime + milliseconds(WAKEUP_GRANULARITY), entity(curr).vruntime);
}

/** @context irqs_disabled */
const check_preempt_wakeup = kernel_function(
  "check_preempt_wakeup",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    yield* update_curr(queue);
    const curr = task_struct.at(rq.at(queue).curr);
    const told = should_preempt(task_struct.at(task), curr) ? resched_task(curr) : NO_CPU;
    yield* smp_send_reschedule(told);
  },
);

/** The clock runs for a task from now on. @context irqs_disabled */
function* begin(p: task_struct): Steps<void> {
  const now: u32 = yield* sched_clock();
  entity(p).exec_start = now;
  entity(p).slice_start = now;
}

/** @context irqs_disabled */
const pick_next_task_fair = kernel_function(
  "pick_next_task_fair",
  [pointer("rq"), pointer("task_struct")],
  pointer("task_struct"),
  function* (queue, _prev) {
    const first = cfs_of(queue).rb_leftmost;
    if (first === 0) return 0;
    yield* remove(cfs_of(queue), task_of(first));
    yield* begin(task_of(first));
    return task_of(first).address;
  },
);

/** @context irqs_disabled */
const put_prev_task_fair = kernel_function(
  "put_prev_task_fair",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    if (task_struct.at(task).on_rq === 0) return;
    yield* update_curr(queue);
    yield* insert(cfs_of(queue), task_struct.at(task));
  },
);

/** @context irqs_disabled */
const set_curr_task_fair = kernel_function(
  "set_curr_task_fair",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (_queue, task) {
    yield* begin(task_struct.at(task));
  },
);

/** @context irqs_disabled */
const task_tick_fair = kernel_function(
  "task_tick_fair",
  [pointer("rq"), pointer("task_struct")],
  undefined,
  function* (queue, task) {
    yield* update_curr(queue);
    const p = task_struct.at(task);
    const { exec_start, slice_start } = entity(p);
    const is_over = (exec_start - slice_start) >>> 0 >= sched_slice(cfs_of(queue), p);
    if (is_over && cfs_of(queue).nr_running > 1) p.need_resched = 1;
  },
);

const get_rr_interval_fair = kernel_function("get_rr_interval_fair", [pointer("task_struct")], i32, function* (task) {
  const p = task_struct.at(task);
  const slice = sched_slice(cfs_runqueues.of(p.processor), p);
  return Math.max(1, Math.floor((slice * HZ.value) / milliseconds(1000)));
});

/** @context irqs_disabled */
const load_balance_fair = kernel_function(
  "load_balance_fair",
  [pointer("rq"), pointer("rq"), i32],
  i32,
  function* (this_rq, busiest, most) {
    let moved: i32 = 0;
    let node: u32 = cfs_of(busiest).rb_leftmost;
    while (node !== 0 && moved < most) {
      const next: u32 = yield* rb_next(node);
      if (can_migrate_task(task_of(node), rq.at(this_rq).cpu)) {
        yield* pull_task(task_of(node).address, this_rq);
        moved++;
      }
      node = next;
    }
    return moved;
  },
);

export const fair_sched_class = kernel_table(
  "fair_sched_class",
  sched_class_words({
    policies: 1 << SCHED_OTHER,
    enqueue_task: enqueue_task_fair.symbol,
    dequeue_task: dequeue_task_fair.symbol,
    yield_task: yield_task_fair.symbol,
    check_preempt_curr: check_preempt_wakeup.symbol,
    pick_next_task: pick_next_task_fair.symbol,
    put_prev_task: put_prev_task_fair.symbol,
    set_curr_task: set_curr_task_fair.symbol,
    task_tick: task_tick_fair.symbol,
    get_rr_interval: get_rr_interval_fair.symbol,
    load_balance: load_balance_fair.symbol,
  }),
  sched_class,
);

export const sched_classes = kernel_table("sched_classes", [rt_sched_class.symbol, fair_sched_class.symbol, 0]);
