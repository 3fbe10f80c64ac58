/** Finding tasks: the task list, family links and the pid hash (include/linux/sched.h). */
import { kernel_variable } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, pointer } from "../host/types.ts";
import { for_each_task, init_task, task_struct } from "../include/linux/sched.ts";

const PIDHASH_SZ = 4096 >> 2;
export const pidhash = kernel_variable("pidhash", array(pointer("task_struct"), PIDHASH_SZ));

const PIDHASH_NEXT = task_struct.offset("pidhash_next");

function pid_hashfn(pid: number): number {
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
export function find_task_by_pid(pid: number): task_struct | undefined {
  let at = pidhash.value.get(pid_hashfn(pid));
  while (at !== 0) {
    const p = task_struct.at(at);
    if (p.pid === pid) return p;
    at = p.pidhash_next;
  }
  return undefined;
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
