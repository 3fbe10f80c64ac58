/**
 * Pids of tasks below the initial namespace (kernel/pid.c and kernel/pid_namespace.c, Linux 2.6; see include/linux/pid.ts).
 *
 * A `struct pid`'s numbers are chosen before the task can be seen, under pidmap_lock, and hashed with it, under tasklist_lock.
 * Each namespace gives out its numbers one after the other, so that nobody else chooses one in between.
 */
import { kernel_variable, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, type i32, pointer, type u32 } from "../host/types.ts";
import { atomic_dec_and_test, atomic_inc } from "../include/asm/atomic.ts";
import { read_lock, read_unlock, spin_lock, spin_unlock } from "../include/asm/spinlock.ts";
import { memset } from "../include/asm/string.ts";
import { EAGAIN, ENOMEM, ENOSPC } from "../include/linux/errno.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import {
  init_pid_ns,
  MAX_PID_NS_LEVEL,
  PID_NUMBERS,
  pid_namespace,
  struct_pid,
  task_active_pid_ns,
  task_pgrp_vnr,
  upid,
  upid_of,
} from "../include/linux/pid.ts";
import {
  CLONE_NEWPID,
  CLONE_THREAD,
  current,
  for_each_task,
  PF_UNKILLABLE,
  PID_MAX,
  PIDTYPE_MAX,
  PIDTYPE_PGID,
  PIDTYPE_PID,
  PIDTYPE_SID,
  PIDTYPE_TGID,
  task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";
import { kfree, kmalloc } from "../mm/slab.ts";
import { find_task_by_pid, PIDHASH_SZ, pid_hashfn, pidmap_lock, RESERVED_PIDS } from "./pid.ts";
import { wake_up_process } from "./sched.ts";

/** Numbers of namespaces below the initial one, by number and namespace. Needs tasklist_lock. */
export const upid_hash = kernel_variable("upid_hash", array(pointer("upid"), PIDHASH_SZ));

const PID_NEXT = upid.offset("pid_next");
const COUNT = pid_namespace.offset("count");

function bucket_of(nr: number, ns: number): u32 {
  return upid_hash.value.address_of(pid_hashfn(nr + (ns >>> 5)));
}

function hash_upid(number: upid): void {
  const bucket = bucket_of(number.nr, number.ns);
  const first = memory().read32(bucket) >>> 0;
  number.pid_next = first;
  number.pid_pprev = bucket;
  if (first !== 0) upid.at(first).pid_pprev = number.address + PID_NEXT;
  memory().write32(bucket, number.address);
}

function unhash_upid(number: upid): void {
  memory().write32(number.pid_pprev, number.pid_next);
  if (number.pid_next !== 0) upid.at(number.pid_next).pid_pprev = number.pid_pprev;
}

/** The pid with a number in a namespace below the initial one, undefined when there is none. @context holds tasklist_lock for reading */
export function* find_pid_ns(nr: i32, ns: u32): Steps<struct_pid | undefined> {
  for (let at: u32 = memory().read32(bucket_of(nr, ns)); at !== 0; at = upid.at(at).pid_next) {
    if (upid.at(at).nr !== nr || upid.at(at).ns !== ns) continue;
    return struct_pid.at(at - PID_NUMBERS - pid_namespace.at(ns).level * upid.size);
  }
  return undefined;
}

/** The task with a number in the current task's namespace, or undefined. @context holds tasklist_lock for reading */
export function* find_task_by_vpid(vnr: i32): Steps<task_struct | undefined> {
  const ns = task_active_pid_ns(current());
  if (ns === init_pid_ns.address) return yield* find_task_by_pid(vnr);
  const pid = yield* find_pid_ns(vnr, ns);
  if (pid === undefined || pid.task === 0) return undefined;
  return task_struct.at(pid.task);
}

/** The global number of what has one in the current task's namespace; 0 when nothing has it. @context holds tasklist_lock for reading */
export function* global_nr(vnr: i32): Steps<i32> {
  const ns = task_active_pid_ns(current());
  if (ns === init_pid_ns.address) return vnr;
  const pid = yield* find_pid_ns(vnr, ns);
  return pid === undefined ? 0 : upid_of(pid.address, 0).nr;
}

/** The number of a process group in the current task's namespace; 0 when nobody there is in it. @context holds tasklist_lock for reading */
export function* group_vnr(pgrp: i32): Steps<i32> {
  if (task_active_pid_ns(current()) === init_pid_ns.address) return pgrp;
  for (const p of for_each_task()) if (p.pgrp === pgrp) return task_pgrp_vnr(p);
  return 0;
}

/** A new namespace below `parent`, without a reference yet: its address, 0 without memory. @context might_sleep */
function* create_pid_namespace(parent: u32): Steps<u32> {
  const address = yield* kmalloc(pid_namespace.size, GFP_KERNEL);
  if (address === 0) return 0;
  yield* memset(address, 0, pid_namespace.size);
  const ns = pid_namespace.at(address);
  ns.level = pid_namespace.at(parent).level + 1;
  ns.parent = parent;
  yield* atomic_inc(parent + COUNT);
  return address;
}

/** Frees a namespace that nobody refers to, and those above that only it referred to. @context any */
function* free_pid_namespace(address: u32): Steps<void> {
  let ns: u32 = address;
  let parent: u32 = 0;
  do {
    parent = pid_namespace.at(ns).parent;
    yield* kfree(ns);
    ns = parent;
  } while (ns !== init_pid_ns.address && (yield* atomic_dec_and_test(ns + COUNT)) !== 0);
}

/** Drops a reference to a namespace. @context any */
function* put_pid_ns(ns: u32): Steps<void> {
  if ((yield* atomic_dec_and_test(ns + COUNT)) !== 0) yield* free_pid_namespace(ns);
}

/** A number that is free in a namespace below the initial one; 0 when none is. @context holds pidmap_lock */
function* alloc_pidmap(ns: u32): Steps<i32> {
  const space = pid_namespace.at(ns);
  let nr: i32 = space.last_pid;
  for (let tries: i32 = 0; tries < PID_MAX; tries++) {
    nr = nr + 1 >= PID_MAX ? RESERVED_PIDS : nr + 1;
    yield* read_lock(tasklist_lock.address);
    const holder = yield* find_pid_ns(nr, ns);
    yield* read_unlock(tasklist_lock.address);
    if (holder !== undefined) continue;
    space.last_pid = nr;
    return nr;
  }
  return 0;
}

/** A `struct pid` of a namespace below the initial one, whose global number is known: 0, or -errno. @context might_sleep */
function* alloc_pid(p: task_struct, ns: u32): Steps<i32> {
  const { level } = pid_namespace.at(ns);
  const address = yield* kmalloc(PID_NUMBERS + (level + 1) * upid.size, GFP_KERNEL);
  if (address === 0) return -ENOMEM;
  const pid = struct_pid.at(address);
  pid.count = 0;
  pid.level = level;
  pid.task = p.address;
  yield* spin_lock(pidmap_lock.address);
  let nr: i32 = p.pid;
  let at: u32 = ns;
  for (let i: i32 = level; i > 0; i--) {
    nr = yield* alloc_pidmap(at);
    if (nr === 0) break;
    set_number(address, i, nr, at);
    at = pid_namespace.at(at).parent;
  }
  yield* spin_unlock(pidmap_lock.address);
  if (nr === 0) {
    yield* kfree(address);
    return -EAGAIN;
  }
  set_number(address, 0, p.pid, init_pid_ns.address);
  yield* atomic_inc(ns + COUNT);
  p.pids.set(PIDTYPE_PID, address);
  return 0;
}

function set_number(pid: number, level: number, nr: number, ns: number): void {
  const number = upid_of(pid, level);
  number.nr = nr;
  number.ns = ns;
}

/** Whether a new task, still a copy of its parent, gets numbers in other namespaces than the initial one. */
export function needs_numbers(p: task_struct, clone_flags: number): boolean {
  return p.pids.get(PIDTYPE_PID) !== 0 || (clone_flags & CLONE_NEWPID) !== 0;
}

/**
 * Gives a new task, whose global number is known, its numbers in its namespace, which with CLONE_NEWPID is a new one, and in
 * those above: 0, or -errno. Until attach_pids nobody finds it by them.
 * @context might_sleep
 */
export function* alloc_numbers(p: task_struct, clone_flags: u32): Steps<i32> {
  let ns: u32 = task_active_pid_ns(current());
  if ((clone_flags & CLONE_NEWPID) === 0) return yield* alloc_pid(p, ns);
  if (pid_namespace.at(ns).level >= MAX_PID_NS_LEVEL) return -ENOSPC;
  ns = yield* create_pid_namespace(ns);
  if (ns === 0) return -ENOMEM;
  const error = yield* alloc_pid(p, ns);
  if (error !== 0) yield* free_pid_namespace(ns);
  return error;
}

/** Takes alloc_numbers back: `p` has not been seen. @context any */
export function* free_numbers(p: task_struct): Steps<void> {
  const ns = task_active_pid_ns(p);
  yield* kfree(p.pids.get(PIDTYPE_PID));
  yield* put_pid_ns(ns);
}

/**
 * A new task is of its parent's process group and session. Returns whether any of its pids is to be counted. Needs tasklist_lock
 * for writing: until here the parent could be moved to another group.
 */
export function inherit_groups(p: task_struct, parent: task_struct): boolean {
  const [group, session] = [parent.pids.get(PIDTYPE_PGID), parent.pids.get(PIDTYPE_SID)];
  p.pgrp = parent.pgrp;
  p.session = parent.session;
  p.pids.set(PIDTYPE_PGID, group);
  p.pids.set(PIDTYPE_SID, session);
  return (p.pids.get(PIDTYPE_PID) | group | session) !== 0;
}

/**
 * Makes a new task known in its namespaces. -ENOMEM when the init of one of them has ended.
 * @context irqs_disabled holds tasklist_lock for writing
 */
export function* attach_pids(p: task_struct, parent: task_struct, clone_flags: u32): Steps<i32> {
  const pid = p.pids.get(PIDTYPE_PID);
  const own = task_active_pid_ns(p);
  for (let ns = own; ns !== init_pid_ns.address; ns = pid_namespace.at(ns).parent) {
    if (pid_namespace.at(ns).is_dying !== 0) return -ENOMEM;
  }
  p.pids.set(PIDTYPE_TGID, clone_flags & CLONE_THREAD ? parent.pids.get(PIDTYPE_TGID) : pid);
  for (let i: i32 = 0; i < PIDTYPE_MAX; i++) if (p.pids.get(i) !== 0) struct_pid.at(p.pids.get(i)).count++;
  for (let ns = own; ns !== init_pid_ns.address; ns = pid_namespace.at(ns).parent) {
    hash_upid(upid_of(pid, pid_namespace.at(ns).level));
    pid_namespace.at(ns).nr_hashed++;
  }
  if (clone_flags & CLONE_NEWPID) {
    pid_namespace.at(own).child_reaper = p.address;
    p.flags |= PF_UNKILLABLE;
  } else if ((clone_flags & CLONE_THREAD) === 0) p.flags &= ~PF_UNKILLABLE;
  return 0;
}

/** Drops a reference to a pid; the last one frees its numbers. @context irqs_disabled holds tasklist_lock for writing */
function* put_pid(address: u32): Steps<void> {
  const pid = struct_pid.at(address);
  if (--pid.count !== 0) return;
  for (let i: u32 = 1; i <= pid.level; i++) unhash_upid(upid_of(address, i));
  const { ns } = upid_of(address, pid.level);
  yield* kfree(address);
  yield* put_pid_ns(ns);
}

/**
 * Makes `pid` (0: one of the initial namespace) a task's pid of another kind, in place of what it has.
 * @context irqs_disabled holds tasklist_lock for writing
 */
export function* change_pid(p: task_struct, type: i32, pid: u32): Steps<void> {
  const old = p.pids.get(type);
  if (pid !== 0) struct_pid.at(pid).count++;
  p.pids.set(type, pid);
  if (old !== 0) yield* put_pid(old);
}

/**
 * A task becomes the leader of a thread group of its own; if it is of a namespace's init, it is the init from now on. Needs
 * tasklist_lock for writing.
 * @context irqs_disabled
 */
export function* lead_group(p: task_struct): Steps<void> {
  if (p.flags & PF_UNKILLABLE) pid_namespace.at(task_active_pid_ns(p)).child_reaper = p.address;
  yield* change_pid(p, PIDTYPE_TGID, p.pids.get(PIDTYPE_PID));
}

/** Whether detach_pids has anything to do. */
export function has_pids(p: task_struct): boolean {
  return (p.pids.get(PIDTYPE_PID) | p.pids.get(PIDTYPE_PGID) | p.pids.get(PIDTYPE_SID)) !== 0;
}

/**
 * A task is released: it is in its namespaces no more, which their dying inits wait for.
 * @context irqs_disabled holds tasklist_lock for writing
 */
export function* detach_pids(p: task_struct): Steps<void> {
  for (let ns = task_active_pid_ns(p); ns !== init_pid_ns.address; ns = pid_namespace.at(ns).parent) {
    pid_namespace.at(ns).nr_hashed--;
    if (pid_namespace.at(ns).zapper !== 0) yield* wake_up_process(pid_namespace.at(ns).zapper);
  }
  if (p.pids.get(PIDTYPE_PID) !== 0) struct_pid.at(p.pids.get(PIDTYPE_PID)).task = 0;
  for (let i: i32 = 0; i < PIDTYPE_MAX; i++) if (p.pids.get(i) !== 0) yield* change_pid(p, i, 0);
}
