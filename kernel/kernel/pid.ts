/**
 * Finding tasks: the task list, family links and the pid hash (include/linux/sched.h). Interrupts walk the task list
 * (kill_pg): who changes it has them off (tasklist_lock). Only tasks look at the rest, and none sleeps while it does.
 */
import { kernel_variable, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, container_of, type i32, pointer, type u32 } from "../host/types.ts";
import { list_next } from "../include/linux/list.ts";
import { for_each_task, init_task, task_struct } from "../include/linux/sched.ts";

const PIDHASH_SZ = 4096 >> 2;
export const pidhash = kernel_variable("pidhash", array(pointer("task_struct"), PIDHASH_SZ));

const PIDHASH_NEXT = task_struct.offset("pidhash_next");

function pid_hashfn(pid: i32): u32 {
  return ((pid >> 8) ^ pid) & (PIDHASH_SZ - 1);
}

/** Chains a task into its bucket; pidhash_pprev points at whatever points at the task. */
export function hash_pid(p: task_struct): void {
  const bucket = pidhash.value.address_of(pid_hashfn(p.pid));
  const first = memory().read32(bucket) >>> 0;
  p.pidhash_next = first;
  if (first !== 0) task_struct.at(first).pidhash_pprev = p.address + PIDHASH_NEXT;
  memory().write32(bucket, p.address);
  p.pidhash_pprev = bucket;
}

export function unhash_pid(p: task_struct): void {
  if (p.pidhash_next !== 0) task_struct.at(p.pidhash_next).pidhash_pprev = p.pidhash_pprev;
  memory().write32(p.pidhash_pprev, p.pidhash_next);
}

/** The task with a pid, or undefined. */
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

/** Links a new task into the task list and as its parent's youngest child (SET_LINKS). */
export function set_links(p: task_struct): void {
  const first = init_task();
  const last = task_struct.at(first.prev_task);
  p.next_task = first.address;
  p.prev_task = last.address;
  last.next_task = p.address;
  first.prev_task = p.address;
  link_child(p);
}

/** Makes `p` the youngest child of its parent. */
export function link_child(p: task_struct): void {
  const parent = task_struct.at(p.p_pptr);
  p.p_ysptr = 0;
  p.p_osptr = parent.p_cptr;
  if (p.p_osptr !== 0) task_struct.at(p.p_osptr).p_ysptr = p.address;
  parent.p_cptr = p.address;
}

/** Takes `p` from among its siblings. */
export function unlink_child(p: task_struct): void {
  if (p.p_osptr !== 0) task_struct.at(p.p_osptr).p_ysptr = p.p_ysptr;
  if (p.p_ysptr !== 0) task_struct.at(p.p_ysptr).p_osptr = p.p_osptr;
  else task_struct.at(p.p_pptr).p_cptr = p.p_osptr;
}

/** Takes a task from the task list and its family (REMOVE_LINKS). */
export function remove_links(p: task_struct): void {
  task_struct.at(p.next_task).prev_task = p.prev_task;
  task_struct.at(p.prev_task).next_task = p.next_task;
  unlink_child(p);
}

/** Addresses of all PCBs in the order of the task list, the idle task first. */
export function task_list(): number[] {
  return [init_task().address, ...Array.from(for_each_task(), (p) => p.address)];
}
