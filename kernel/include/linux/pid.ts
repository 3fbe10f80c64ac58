/**
 * Pids and pid namespaces (include/linux/pid.h and pid_namespace.h, Linux 2.6).
 *
 * `pid`, `tgid`, `pgrp` and `session` of a task_struct are global numbers: those of the initial namespace, level 0, which
 * everybody is in. A task of a namespace below has a `struct pid` besides, with a number for each level. What a program gives
 * or gets is a number of its own namespace (…_vnr).
 */
import { kernel_variable } from "../../host/declarations.ts";
import { array, i32, pointer, struct, u32, type ViewOf } from "../../host/types.ts";
import { current, PIDTYPE_PGID, PIDTYPE_PID, PIDTYPE_SID, PIDTYPE_TGID, type task_struct } from "./sched.ts";

/** As many namespaces may be below each other, besides the initial one. */
export const MAX_PID_NS_LEVEL = 32;

export const pid_namespace = struct("pid_namespace", {
  /** Pids of this level that there are, and namespaces right below. */
  count: u32,
  /** 0 for the initial one. */
  level: u32,
  parent: pointer("pid_namespace"),
  /** Who takes orphans: the task with number 1, or a thread of its. */
  child_reaper: pointer("task_struct"),
  /** The number given out last. */
  last_pid: i32,
  /** Tasks in it, those of namespaces below too, which have not been released. */
  nr_hashed: u32,
  /** Its init has ended: nobody comes in any more. */
  is_dying: u32,
  /** The thread of its init that waits until the others have been released. */
  zapper: pointer("task_struct"),
});
export type pid_namespace = ViewOf<typeof pid_namespace>;

export const init_pid_ns = kernel_variable("init_pid_ns", pid_namespace);

/** A number in a namespace. */
export const upid = struct("upid", {
  nr: i32,
  ns: pointer("pid_namespace"),
  /** Linkage of upid_hash; pid_pprev points at what points here. */
  pid_next: pointer("upid"),
  pid_pprev: pointer("upid *"),
});
export type upid = ViewOf<typeof upid>;

/** What a task is known by; as long as there is a task whose process group, session or thread group it is. */
export const struct_pid = struct("pid", {
  /** Tasks of which it is the pid, process group, session or thread group: one for each. Under tasklist_lock. */
  count: u32,
  /** The level of the namespace that it is a pid of. */
  level: u32,
  /** Who has it as pid; 0 when that task has been released. */
  task: pointer("task_struct"),
  /** One for each level from 0, which is not hashed, to `level`. */
  numbers: array(upid, 1),
});
export type struct_pid = ViewOf<typeof struct_pid>;

export const PID_NUMBERS = struct_pid.offset("numbers");

/** The number of a pid at a level that it has. */
export function upid_of(pid: number, level: number): upid {
  return upid.at(pid + PID_NUMBERS + level * upid.size);
}

/** The namespace that a task is in. */
export function task_active_pid_ns(p: task_struct): u32 {
  const pid = p.pids.get(PIDTYPE_PID);
  return pid === 0 ? init_pid_ns.address : upid_of(pid, struct_pid.at(pid).level).ns;
}

/** A pid's number in a namespace: 0 when it cannot be seen there. `pid` is 0 for those of the initial namespace. */
function nr_ns(global: number, pid: number, ns: number): i32 {
  if (ns === init_pid_ns.address) return global;
  const { level } = pid_namespace.at(ns);
  if (pid === 0 || level > struct_pid.at(pid).level) return 0;
  const number = upid_of(pid, level);
  return number.ns === ns ? number.nr : 0;
}

export function task_pid_nr_ns(p: task_struct, ns: number): i32 {
  return nr_ns(p.pid, p.pids.get(PIDTYPE_PID), ns);
}

export function task_tgid_nr_ns(p: task_struct, ns: number): i32 {
  return nr_ns(p.tgid, p.pids.get(PIDTYPE_TGID), ns);
}

/** Numbers as the current task sees them. */
export function task_pid_vnr(p: task_struct): i32 {
  return task_pid_nr_ns(p, task_active_pid_ns(current()));
}

export function task_tgid_vnr(p: task_struct): i32 {
  return task_tgid_nr_ns(p, task_active_pid_ns(current()));
}

export function task_pgrp_vnr(p: task_struct): i32 {
  return nr_ns(p.pgrp, p.pids.get(PIDTYPE_PGID), task_active_pid_ns(current()));
}

export function task_session_vnr(p: task_struct): i32 {
  return nr_ns(p.session, p.pids.get(PIDTYPE_SID), task_active_pid_ns(current()));
}

/** A task's numbers below the initial namespace, the outermost first. For tools outside, within `kernel.inspect()`. */
export function numbers_below(p: task_struct): number[] {
  const pid = p.pids.get(PIDTYPE_PID);
  const levels = pid === 0 ? 0 : struct_pid.at(pid).level;
  return Array.from({ length: levels }, (_, below) => upid_of(pid, below + 1).nr);
}
