/**
 * Tasks by priority (struct prio_array of Linux 2.6): a list for each of 140 levels, and a bitmap of those that have a task. To
 * find the best one costs the same for any number of tasks.
 */
import { asm_function, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, i32, pointer, struct, u32, type ViewOf } from "../host/types.ts";
import {
  INIT_LIST_HEAD,
  list_add_tail,
  list_del,
  list_empty,
  list_for_each,
  list_head,
} from "../include/linux/list.ts";
import { task_struct } from "../include/linux/sched.ts";
import { can_migrate_task, pull_task, rq } from "../include/linux/sched_class.ts";

/** Levels below are real-time priorities, 99 (level 0) to 1 (98); those from there on are nice values. Lower is better. */
export const MAX_RT_PRIO = 100;
export const MAX_PRIO = 140;

const WORDS = 5;

export const prio_array = struct("prio_array", {
  nr_active: u32,
  /** A bit for each level, and one behind them that is always set. */
  bitmap: array(u32, WORDS),
  queue: array(list_head, MAX_PRIO),
});
export type prio_array = ViewOf<typeof prio_array>;

/** Number of the lowest bit that is set in a bitmap (`bsfl`). */
const sched_find_first_bit = asm_function("sched_find_first_bit", [pointer("u32")], i32);

const RUN_LIST = task_struct.offset("run_list");

export function* init_prio_array(a: prio_array): Steps<void> {
  for (let level = 0; level < MAX_PRIO; level++) INIT_LIST_HEAD(a.queue.address_of(level));
  a.bitmap.set(MAX_PRIO >> 5, 1 << (MAX_PRIO & 31));
}

function set_level(a: prio_array, level: number): void {
  a.bitmap.set(level >> 5, a.bitmap.get(level >> 5) | (1 << (level & 31)));
}

function clear_level(a: prio_array, level: number): void {
  a.bitmap.set(level >> 5, a.bitmap.get(level >> 5) & ~(1 << (level & 31)));
}

/** Puts a task at the end of a level. */
export function append(a: prio_array, task: number, level: number): void {
  list_add_tail(task + RUN_LIST, a.queue.address_of(level));
  set_level(a, level);
  a.nr_active++;
}

/** Takes a task out of the level that it is on. */
export function take_out(a: prio_array, task: number, level: number): void {
  list_del(task + RUN_LIST);
  if (list_empty(a.queue.address_of(level))) clear_level(a, level);
  a.nr_active--;
}

/** The best level that has a task; MAX_PRIO when there is none. */
export function* best_level(a: prio_array): Steps<i32> {
  return yield* sched_find_first_bit(a.bitmap.address);
}

/** The first task of a level that has one. */
export function first_of(a: prio_array, level: number): u32 {
  return (memory().read32(a.queue.address_of(level)) - RUN_LIST) >>> 0;
}

/** Moves up to `most` of the tasks that wait here to another CPU's queue, the best first. Returns how many. @context irqs_disabled */
export function* move_tasks(a: prio_array, this_rq: u32, most: i32): Steps<i32> {
  let moved: i32 = 0;
  for (let level = 0; level < MAX_PRIO && moved < most; level++) {
    for (const entry of list_for_each(a.queue.address_of(level))) {
      if (moved === most) break;
      if (!can_migrate_task(task_struct.at(entry - RUN_LIST), rq.at(this_rq).cpu)) continue;
      yield* pull_task(entry - RUN_LIST, this_rq);
      moved++;
    }
  }
  return moved;
}
