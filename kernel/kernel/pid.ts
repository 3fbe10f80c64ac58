/**
 * Finding tasks: the task list, family links and the pid hash (include/linux/sched.h); new pids (kernel/fork.c's
 * get_pid).
 */
import { kernel_table, kernel_variable, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, container_of, i32, pointer, type u32 } from "../host/types.ts";
import {
  read_lock,
  read_unlock,
  SPIN_LOCK_UNLOCKED,
  spin_lock,
  spin_unlock,
  spinlock_t,
} from "../include/asm/spinlock.ts";
import { list_next } from "../include/linux/list.ts";
import {
  CLONE_PID,
  current,
  for_each_task,
  init_task,
  PID_MAX,
  task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";

export const PIDHASH_SZ = 4096 >> 2;
export const pidhash = kernel_variable("pidhash", array(pointer("task_struct"), PIDHASH_SZ));

const PIDHASH_NEXT = task_struct.offset("pidhash_next");

export function pid_hashfn(pid: i32): u32 {
  return ((pid >> 8) ^ pid) & (PIDHASH_SZ - 1);
}

/** Chains a task into its bucket; pidhash_pprev points at whatever points at the task. @context holds tasklist_lock for writing */
export function hash_pid(p: task_struct): void {
  const bucket = pidhash.value.address_of(pid_hashfn(p.pid));
  const first = memory().read32(bucket) >>> 0;
  p.pidhash_next = first;
  if (first !== 0) task_struct.at(first).pidhash_pprev = p.address + PIDHASH_NEXT;
  memory().write32(bucket, p.address);
  p.pidhash_pprev = bucket;
}

/** @context holds tasklist_lock for writing */
export function unhash_pid(p: task_struct): void {
  if (p.pidhash_next !== 0) task_struct.at(p.pidhash_next).pidhash_pprev = p.pidhash_pprev;
  memory().write32(p.pidhash_pprev, p.pidhash_next);
}

/** The task with a pid, or undefined. @context holds tasklist_lock for reading */
export function* find_task_by_pid(pid: i32): Steps<task_struct | undefined> {
  for (let at: u32 = pidhash.value.get(pid_hashfn(pid)); at !== 0; at = task_struct.at(at).pidhash_next) {
    if (task_struct.at(at).pid === pid) return task_struct.at(at);
  }
  return undefined;
}

/** The other threads of a task's group (next_thread()). */
export function* for_each_thread_behind(p: task_struct): Generator<task_struct, void, undefined> {
  const first = p.thread_group.address;
  for (let at: u32 = list_next(first); at !== first; at = list_next(at))
    yield task_struct.at(container_of(at, task_struct, "thread_group"));
}

/** Links a new task into the task list and as its parent's youngest child (SET_LINKS). @context holds tasklist_lock for writing */
export function set_links(p: task_struct): void {
  const first = init_task();
  const last = task_struct.at(first.prev_task);
  p.next_task = first.address;
  p.prev_task = last.address;
  last.next_task = p.address;
  first.prev_task = p.address;
  link_child(p);
}

/** Makes `p` the youngest child of its parent. @context holds tasklist_lock for writing */
export function link_child(p: task_struct): void {
  const parent = task_struct.at(p.p_pptr);
  p.p_ysptr = 0;
  p.p_osptr = parent.p_cptr;
  if (p.p_osptr !== 0) task_struct.at(p.p_osptr).p_ysptr = p.address;
  parent.p_cptr = p.address;
}

/** Takes `p` from among its siblings. @context holds tasklist_lock for writing */
export function unlink_child(p: task_struct): void {
  if (p.p_osptr !== 0) task_struct.at(p.p_osptr).p_ysptr = p.p_ysptr;
  if (p.p_ysptr !== 0) task_struct.at(p.p_ysptr).p_osptr = p.p_osptr;
  else task_struct.at(p.p_pptr).p_cptr = p.p_osptr;
}

/** Takes a task from the task list and its family (REMOVE_LINKS). @context holds tasklist_lock for writing */
export function remove_links(p: task_struct): void {
  task_struct.at(p.next_task).prev_task = p.prev_task;
  task_struct.at(p.prev_task).next_task = p.next_task;
  unlink_child(p);
}

/** Addresses of all PCBs in the order of the task list, the idle task first. */
export function task_list(): number[] {
  return [init_task().address, ...Array.from(for_each_task(), (p) => p.address)];
}

/** The first number handed out after PID_MAX - 1. */
export const RESERVED_PIDS = 300;
/** Held while a number is chosen. Outside of tasklist_lock. */
export const pidmap_lock = kernel_table("pidmap_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);
/** The pid handed out last. */
const last_pid = kernel_variable("last_pid", i32);
/** Up to here no number above last_pid is taken. */
const next_safe = kernel_variable("next_safe", i32, 0);

/** A pid that is no task's pid, process group, session or thread group; 0 when there is none left. */
export function* get_pid(clone_flags: u32): Steps<i32> {
  if (clone_flags & CLONE_PID) return current().pid;
  yield* spin_lock(pidmap_lock.address);
  const pid = yield* next_pid();
  yield* spin_unlock(pidmap_lock.address);
  return pid;
}

/** What get_pid does. Needs pidmap_lock. @inline */
function* next_pid(): Steps<i32> {
  for (let tries: i32 = 0; tries < PID_MAX; tries++) {
    last_pid.value++;
    if (last_pid.value >= PID_MAX) {
      last_pid.value = RESERVED_PIDS;
      next_safe.value = 0;
    }
    // Below next_safe nobody has a number: no need to look again.
    if (last_pid.value < next_safe.value) return last_pid.value;
    yield* read_lock(tasklist_lock.address);
    const taken = yield* is_taken(last_pid.value);
    yield* read_unlock(tasklist_lock.address);
    if (!taken) return last_pid.value;
  }
  return 0;
}

/** Whether a number is some task's; if it is not, next_safe becomes the lowest one above it that is. @context holds tasklist_lock for reading */
function* is_taken(pid: i32): Steps<boolean> {
  next_safe.value = PID_MAX;
  for (const p of for_each_task()) {
    if (p.pid === pid || p.pgrp === pid || p.session === pid || p.tgid === pid) {
      next_safe.value = 0;
      return true;
    }
    next_safe.value = next_above(p, pid);
  }
  return false;
}

/** The lowest number above `pid` among next_safe and those of a task. */
function next_above(p: task_struct, pid: number): i32 {
  const numbers = [p.pid, p.pgrp, p.session, p.tgid].filter((number) => number > pid);
  return Math.min(next_safe.value, ...numbers);
}
