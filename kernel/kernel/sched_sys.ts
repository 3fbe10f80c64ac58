/** System calls about scheduling (kernel/sched.c, kernel/sys.c). There is one user, the superuser, who may do all of it. */
import {
  call_pointer,
  config_function,
  kernel_function,
  local,
  type Steps,
  smp_function,
} from "../host/declarations.ts";
import { i32, pointer, struct, u32 } from "../host/types.ts";
import { read_lock, read_unlock } from "../include/asm/spinlock.ts";
import { copy_from_user, copy_to_user, put_user } from "../include/asm/uaccess.ts";
import { EFAULT, EINVAL, ESRCH } from "../include/linux/errno.ts";
import { task_pgrp_vnr, task_pid_vnr } from "../include/linux/pid.ts";
import {
  current,
  for_each_task,
  SCHED_FIFO,
  SCHED_OTHER,
  SCHED_RR,
  SCHED_YIELD,
  smp_num_cpus,
  type task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";
import { class_for, class_of, cpu_curr, migration_req, task_rq } from "../include/linux/sched_class.ts";
import { cpu_online_map, smp_send_reschedule } from "../include/linux/smp.ts";
import { find_task_by_vpid } from "./pid_namespace.ts";
import { check_preempt_curr, resched_task, task_rq_lock, task_rq_unlock } from "./sched.ts";
import { jiffies_to_timespec, timespec } from "./time.ts";

/** Real-time priorities are 1 to 99; all other tasks have 0. */
export const MAX_USER_RT_PRIO = 100;

/**
 * From now on a task runs on these CPUs only. With a run queue for each CPU it may have to be moved by another task: then that is
 * what `request` is for, which wait_for_migration() waits for. Does not sleep.
 */
const set_cpus_allowed = smp_function("set_cpus_allowed", [pointer("task_struct"), u32, pointer("migration_req")]);
const wait_for_migration = config_function("wait_for_migration", [pointer("migration_req")], "CONFIG_SCHED_BALANCE");

export function task_policy(p: task_struct): i32 {
  return p.policy & ~SCHED_YIELD;
}

function is_running(p: task_struct): boolean {
  return cpu_curr(p.processor).address === p.address;
}

/** Gives a task another policy, priority or nice value, and its place among the others. @context any */
export function* set_scheduling(p: task_struct, policy: i32, rt_priority: u32, nice: i32): Steps<void> {
  const flags = yield* task_rq_lock(p);
  const queued = p.on_rq !== 0;
  if (queued) yield* call_pointer(class_of(p).dequeue_task, undefined, task_rq(p).address, p.address, 0);
  p.policy = policy;
  p.rt_priority = rt_priority;
  p.nice = nice;
  p.sched_class = class_for(policy);
  if (class_of(p).prio_changed !== 0) yield* call_pointer(class_of(p).prio_changed, undefined, p.address);
  if (queued) {
    yield* call_pointer(class_of(p).enqueue_task, undefined, task_rq(p).address, p.address, 0);
    if (is_running(p)) {
      if (class_of(p).set_curr_task !== 0)
        yield* call_pointer(class_of(p).set_curr_task, undefined, task_rq(p).address, p.address);
      const told = resched_task(p);
      yield* smp_send_reschedule(told);
    } else yield* check_preempt_curr(p);
  }
  yield* task_rq_unlock(p, flags);
}

const LEAST_NICE = -20;
const MOST_NICE = 19;

/** @context any */
function* set_user_nice(p: task_struct, nice: i32): Steps<void> {
  yield* set_scheduling(p, task_policy(p), p.rt_priority, Math.max(LEAST_NICE, Math.min(MOST_NICE, nice)));
}

/** nice(2): changes the caller's nice value. */
export const sys_nice = kernel_function("sys_nice", [i32], i32, function* (increment) {
  const step = Math.max(-40, Math.min(40, increment));
  yield* set_user_nice(current(), current().nice + step);
  return 0;
});

const PRIO_PROCESS = 0;
const PRIO_PGRP = 1;
const PRIO_USER = 2;
/** What every task's user is. */
const ROOT = 0;

/** Whether `which` and `who` of set- and getpriority mean `p`; a `who` of 0 is the caller, its group or its user. */
function is_meant(p: task_struct, which: number, who: number): boolean {
  switch (which) {
    case PRIO_PROCESS:
      return task_pid_vnr(p) === (who === 0 ? task_pid_vnr(current()) : who);
    case PRIO_PGRP:
      return task_pgrp_vnr(p) === (who === 0 ? task_pgrp_vnr(current()) : who);
    default:
      return who === ROOT;
  }
}

/** setpriority(2): -EINVAL, or -ESRCH for nobody. */
export const sys_setpriority = kernel_function("sys_setpriority", [i32, i32, i32], i32, function* (which, who, nice) {
  if (which < PRIO_PROCESS || which > PRIO_USER) return -EINVAL;
  let result: i32 = -ESRCH;
  yield* read_lock(tasklist_lock.address);
  for (const p of for_each_task()) {
    if (!is_meant(p, which, who)) continue;
    yield* set_user_nice(p, nice);
    result = 0;
  }
  yield* read_unlock(tasklist_lock.address);
  return result;
});

/** getpriority(2): 20 - the lowest nice value, 1 to 40, so that it is no error. */
export const sys_getpriority = kernel_function("sys_getpriority", [i32, i32], i32, function* (which, who) {
  if (which < PRIO_PROCESS || which > PRIO_USER) return -EINVAL;
  let result: i32 = -ESRCH;
  yield* read_lock(tasklist_lock.address);
  for (const p of for_each_task()) if (is_meant(p, which, who)) result = Math.max(result, 20 - p.nice);
  yield* read_unlock(tasklist_lock.address);
  return result;
});

const sched_param = struct("sched_param", { sched_priority: i32 });

/** The task with a pid, 0 for the caller. @context holds tasklist_lock for reading */
function* find_process_by_pid(pid: i32): Steps<task_struct | undefined> {
  if (pid === 0) return current();
  return yield* find_task_by_vpid(pid);
}

const SAME_POLICY = -1;

/** @context might_sleep */
function* setscheduler(pid: i32, wanted: i32, param: u32): Steps<i32> {
  if (param === 0 || pid < 0) return -EINVAL;
  const given = local(sched_param);
  if ((yield* copy_from_user(given.address, param, sched_param.size)) !== 0) return -EFAULT;
  yield* read_lock(tasklist_lock.address);
  const result = yield* change_policy(pid, wanted, given.sched_priority);
  yield* read_unlock(tasklist_lock.address);
  return result;
}

function* change_policy(pid: i32, wanted: i32, priority: i32): Steps<i32> {
  const p = yield* find_process_by_pid(pid);
  if (p === undefined) return -ESRCH;
  const policy = wanted === SAME_POLICY ? task_policy(p) : wanted;
  if (!exists(policy)) return -EINVAL;
  if (priority < lowest(policy) || priority > highest(policy)) return -EINVAL;
  yield* set_scheduling(p, policy, priority, p.nice);
  return 0;
}

/** Whether the scheduler has a class for a policy. */
function exists(policy: number): boolean {
  return policy >= 0 && policy < 4 && class_for(policy) !== 0;
}

function is_real_time(policy: number): boolean {
  return policy === SCHED_FIFO || policy === SCHED_RR;
}

function lowest(policy: number): number {
  return is_real_time(policy) ? 1 : 0;
}

function highest(policy: number): number {
  return is_real_time(policy) ? MAX_USER_RT_PRIO - 1 : 0;
}

/** sched_setscheduler(2): -EINVAL, -EFAULT, -ESRCH. @context might_sleep */
export const sys_sched_setscheduler = kernel_function(
  "sys_sched_setscheduler",
  [i32, i32, u32],
  i32,
  function* (pid, policy, param) {
    if (policy < SCHED_OTHER) return -EINVAL;
    return yield* setscheduler(pid, policy, param);
  },
);

/** sched_setparam(2): the same, with the policy that the task has. @context might_sleep */
export const sys_sched_setparam = kernel_function("sys_sched_setparam", [i32, u32], i32, function* (pid, param) {
  return yield* setscheduler(pid, SAME_POLICY, param);
});

export const sys_sched_getscheduler = kernel_function("sys_sched_getscheduler", [i32], i32, function* (pid) {
  if (pid < 0) return -EINVAL;
  yield* read_lock(tasklist_lock.address);
  const p = yield* find_process_by_pid(pid);
  const result: i32 = p === undefined ? -ESRCH : task_policy(p);
  yield* read_unlock(tasklist_lock.address);
  return result;
});

/** @context might_sleep */
export const sys_sched_getparam = kernel_function("sys_sched_getparam", [i32, u32], i32, function* (pid, param) {
  if (param === 0 || pid < 0) return -EINVAL;
  yield* read_lock(tasklist_lock.address);
  const p = yield* find_process_by_pid(pid);
  const priority: i32 = p === undefined ? -ESRCH : p.rt_priority;
  yield* read_unlock(tasklist_lock.address);
  if (priority < 0) return priority;
  return (yield* put_user(priority, param)) === 0 ? 0 : -EFAULT;
});

export const sys_sched_get_priority_max = kernel_function("sys_sched_get_priority_max", [i32], i32, function* (policy) {
  return exists(policy) ? highest(policy) : -EINVAL;
});

export const sys_sched_get_priority_min = kernel_function("sys_sched_get_priority_min", [i32], i32, function* (policy) {
  return exists(policy) ? lowest(policy) : -EINVAL;
});

/** sched_rr_get_interval(2): the time slice of a task, no time for SCHED_FIFO. @context might_sleep */
export const sys_sched_rr_get_interval = kernel_function(
  "sys_sched_rr_get_interval",
  [i32, u32],
  i32,
  function* (pid, interval) {
    if (pid < 0) return -EINVAL;
    let ticks: i32 = -ESRCH;
    yield* read_lock(tasklist_lock.address);
    const p = yield* find_process_by_pid(pid);
    if (p !== undefined) ticks = yield* call_pointer(class_of(p).get_rr_interval, i32, p.address);
    yield* read_unlock(tasklist_lock.address);
    if (ticks < 0) return ticks;
    const t = local(timespec);
    jiffies_to_timespec(ticks, t);
    return (yield* copy_to_user(interval, t.address, timespec.size)) === 0 ? 0 : -EFAULT;
  },
);

/** Bytes of a mask of CPUs. */
const CPU_MASK_SIZE = 4;

/** The CPUs of a mask that run. */
function online(mask: number): u32 {
  return smp_num_cpus.value === 1 ? mask & 1 : mask & cpu_online_map.value;
}

/** sched_setaffinity(2): -EINVAL for a short mask and for one without a CPU that runs. @context might_sleep */
export const sys_sched_setaffinity = kernel_function(
  "sys_sched_setaffinity",
  [i32, u32, u32],
  i32,
  function* (pid, length, user_mask) {
    if (length < CPU_MASK_SIZE) return -EINVAL;
    const mask = local(u32);
    if ((yield* copy_from_user(mask.address, user_mask, CPU_MASK_SIZE)) !== 0) return -EFAULT;
    const request = local(migration_req);
    request.pid = 0;
    yield* read_lock(tasklist_lock.address);
    const result = yield* change_affinity(pid, mask.value, request.address);
    yield* read_unlock(tasklist_lock.address);
    yield* wait_for_migration(request.address);
    return result;
  },
);

function* change_affinity(pid: i32, mask: u32, request: u32): Steps<i32> {
  const p = yield* find_process_by_pid(pid);
  if (p === undefined) return -ESRCH;
  if (online(mask) === 0) return -EINVAL;
  if (smp_num_cpus.value === 1) p.cpus_allowed = mask;
  else yield* set_cpus_allowed(p.address, mask, request);
  return 0;
}

/** sched_getaffinity(2): returns the bytes stored. @context might_sleep */
export const sys_sched_getaffinity = kernel_function(
  "sys_sched_getaffinity",
  [i32, u32, u32],
  i32,
  function* (pid, length, user_mask) {
    if (length < CPU_MASK_SIZE) return -EINVAL;
    yield* read_lock(tasklist_lock.address);
    const p = yield* find_process_by_pid(pid);
    const allowed: u32 = p === undefined ? 0 : p.cpus_allowed;
    yield* read_unlock(tasklist_lock.address);
    if (p === undefined) return -ESRCH;
    return (yield* put_user(online(allowed), user_mask)) === 0 ? CPU_MASK_SIZE : -EFAULT;
  },
);
