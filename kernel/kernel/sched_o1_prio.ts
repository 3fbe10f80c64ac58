/**
 * What the O(1) scheduler thinks of a task (kernel/sched.c, Linux 2.6): it gains sleep_avg while it sleeps and loses it while it
 * runs, and that is worth up to five levels more or less than its nice value says.
 */
import { i32, pointer, struct, u32, type ViewOf } from "../host/types.ts";
import { SCHED_OTHER, SCHED_YIELD, type task_struct } from "../include/linux/sched.ts";
import { MAX_PRIO, MAX_RT_PRIO } from "./prio_array.ts";
import { clock_per_ms } from "./sched_clock.ts";
import { HZ } from "./timer.ts";

/** What is kept of a task, in task_struct.sched_data. What is left of its time slice is in `counter`. */
export const o1_entity = struct("o1_entity", {
  /** The array that it is on, 0 for none. */
  array: pointer("prio_array"),
  /** Its level there. */
  prio: i32,
  /** In units of sched_clock(). */
  sleep_avg: u32,
  /** When it was woken, was chosen, or left its CPU. */
  timestamp: u32,
  /** Who has woken it, until it is chosen (has_waited). */
  activated: u32,
  /** Whether it has the slice that it shared with its parent. */
  first_time_slice: u32,
});
export type o1_entity = ViewOf<typeof o1_entity>;

export const has_waited = { task: 1, interrupt: 2 } as const;

export function entity(p: task_struct): o1_entity {
  return o1_entity.at(p.sched_data.address);
}

/** Milliseconds. */
const MIN_TIMESLICE = 10;
const AVG_TIMESLICE = 100;
const MAX_TIMESLICE = 200;
const MAX_USER_PRIO = MAX_PRIO - MAX_RT_PRIO;
/** Percent of the nice values' range that sleeping is worth. */
const PRIO_BONUS_RATIO = 25;
const MAX_BONUS = (MAX_USER_PRIO * PRIO_BONUS_RATIO) / 100;
const INTERACTIVE_DELTA = 2;
/** Milliseconds of sleep that are worth the most. */
const MAX_SLEEP_AVG = AVG_TIMESLICE * MAX_BONUS;
const STARVATION_LIMIT = MAX_SLEEP_AVG;
const EXIT_WEIGHT = 3;

function to_ticks(milliseconds: number): number {
  return Math.max(1, Math.floor((milliseconds * HZ.value) / 1000));
}

function max_sleep_avg(): number {
  return MAX_SLEEP_AVG * clock_per_ms.value;
}

export function is_real_time(p: task_struct): boolean {
  return (p.policy & ~SCHED_YIELD) !== SCHED_OTHER;
}

/** 100 at nice -20 to 139 at nice 19. */
export function static_prio(p: task_struct): number {
  return MAX_RT_PRIO + 20 + p.nice;
}

/** Ticks: 200 ms at nice -20, 102 ms at nice 0, 10 ms at nice 19. */
export function task_timeslice(p: task_struct): number {
  const better = MAX_PRIO - 1 - static_prio(p);
  return to_ticks(MIN_TIMESLICE + Math.floor(((MAX_TIMESLICE - MIN_TIMESLICE) * better) / (MAX_USER_PRIO - 1)));
}

/** 0 to MAX_BONUS: what its sleep is worth. */
function current_bonus(p: task_struct): number {
  return Math.floor((entity(p).sleep_avg * MAX_BONUS) / max_sleep_avg());
}

/** The level that a task belongs on. */
export function effective_prio(p: task_struct): i32 {
  if (is_real_time(p)) return MAX_RT_PRIO - 1 - p.rt_priority;
  const prio = static_prio(p) - (current_bonus(p) - MAX_BONUS / 2);
  return Math.max(MAX_RT_PRIO, Math.min(MAX_PRIO - 1, prio));
}

/** How far above its static priority a task has to be for an interactive one; impossible from nice 12 on. */
function interactive_delta(p: task_struct): number {
  return Math.trunc((p.nice * MAX_BONUS) / MAX_USER_PRIO) + INTERACTIVE_DELTA;
}

export function is_interactive(p: task_struct): boolean {
  return entity(p).prio <= static_prio(p) - interactive_delta(p);
}

/** Ticks that an interactive task runs before others of its level have a turn: less, the more interactive it is. */
export function timeslice_granularity(p: task_struct): number {
  return to_ticks(MIN_TIMESLICE * (1 << ((MAX_BONUS - current_bonus(p) || 1) - 1)));
}

/** Ticks that expired tasks wait at most, for each task of the queue. */
export function starvation_limit(): number {
  return to_ticks(STARVATION_LIMIT);
}

/** Milliseconds: who has slept longer than that was idle, and is taken for interactive, but not for the most interactive. */
function interactive_sleep(p: task_struct): number {
  return Math.floor((MAX_SLEEP_AVG * (MAX_BONUS / 2 + interactive_delta(p) + 1)) / MAX_BONUS) - 1;
}

/** A task has slept until `now`: that adds to sleep_avg, the more, the less there is. Gives it its new level. */
export function recalc_task_prio(p: task_struct, now: number): void {
  const own = entity(p);
  const slept = Math.min((now - own.timestamp) >>> 0, max_sleep_avg());
  if (p.mm !== 0 && slept > interactive_sleep(p) * clock_per_ms.value) {
    own.sleep_avg = (MAX_SLEEP_AVG - AVG_TIMESLICE) * clock_per_ms.value;
  } else {
    own.sleep_avg = Math.min(own.sleep_avg + slept * (MAX_BONUS - current_bonus(p) || 1), max_sleep_avg());
  }
  own.prio = effective_prio(p);
}

/** A task has run until `now`: that takes from sleep_avg, the less, the more there is. */
export function charge_run(p: task_struct, now: number): void {
  const own = entity(p);
  const ran = Math.min((now - own.timestamp) >>> 0, max_sleep_avg());
  own.sleep_avg = Math.max(0, own.sleep_avg - Math.floor(ran / (current_bonus(p) || 1)));
  own.timestamp = now;
}

export function inherit_from_child(p: task_struct, parent: task_struct): void {
  if (entity(p).first_time_slice !== 0) parent.counter = Math.min(parent.counter + p.counter, to_ticks(MAX_TIMESLICE));
  if (entity(p).sleep_avg < entity(parent).sleep_avg) {
    const weighed = entity(parent).sleep_avg * EXIT_WEIGHT + entity(p).sleep_avg;
    entity(parent).sleep_avg = Math.floor(weighed / (EXIT_WEIGHT + 1));
  }
}
