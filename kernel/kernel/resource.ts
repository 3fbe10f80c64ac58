/** Limits and usage of resources (kernel/sys.c, kernel/info.c). Limits are remembered; that of the stack is fixed. */
import { max_low_pfn } from "../arch/i386/kernel/setup.ts";
import { stack_local } from "../host/context.ts";
import { kernel_function, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { memset } from "../include/asm/string.ts";
import { array, i32, struct, u16, u32 } from "../host/types.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { copy_from_user, copy_to_user } from "../include/asm/uaccess.ts";
import { EFAULT, EINVAL, EPERM, ESRCH } from "../include/linux/errno.ts";
import { STACK_LIMIT } from "../include/linux/mm.ts";
import {
  current,
  for_each_task,
  NR_OPEN_DEFAULT,
  RLIM_INFINITY,
  RLIM_NLIMITS,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_STACK,
  rlimit,
  type task_struct,
} from "../include/linux/sched.ts";
import { nr_free_pages } from "../mm/page_alloc.ts";
import { find_task_by_pid } from "./pid.ts";
import { jiffies_to_timeval, timeval } from "./time.ts";
import { avenrun, HZ, jiffies } from "./timer.ts";

/** The limits that the first task has, and everybody inherits (INIT_RLIMITS). */
export function init_rlimits(task: task_struct, max_threads: number): void {
  const limits: Readonly<Record<number, number>> = {
    [RLIMIT_STACK]: STACK_LIMIT,
    [RLIMIT_NPROC]: max_threads,
    [RLIMIT_NOFILE]: NR_OPEN_DEFAULT,
  };
  for (let resource = 0; resource < RLIM_NLIMITS; resource++) {
    const limit = task.rlim.get(resource);
    limit.rlim_cur = limits[resource] ?? RLIM_INFINITY;
    limit.rlim_max = resource === RLIMIT_STACK ? RLIM_INFINITY : limit.rlim_cur;
  }
}

/** getrlimit(2) (ugetrlimit in the C library's table). */
export const sys_getrlimit = kernel_function("sys_getrlimit", [u32, u32], i32, function* (resource, rlim) {
  if (resource >= RLIM_NLIMITS) return -EINVAL;
  const { address } = current().rlim.get(resource);
  return (yield* copy_to_user(rlim, address, rlimit.size)) === 0 ? 0 : -EFAULT;
});

/** getrlimit(2) as it first was: limits are signed, and none is the largest. */
export const sys_old_getrlimit = kernel_function(
  "sys_old_getrlimit",
  [u32, u32],
  i32,
  function* (resource, rlim) {
    if (resource >= RLIM_NLIMITS) return -EINVAL;
    const local = rlimit.at(stack_local(rlimit.size));
    const limit = current().rlim.get(resource);
    local.rlim_cur = Math.min(limit.rlim_cur, 0x7fffffff);
    local.rlim_max = Math.min(limit.rlim_max, 0x7fffffff);
    return (yield* copy_to_user(rlim, local.address, rlimit.size)) === 0 ? 0 : -EFAULT;
  },
  { locals: rlimit.size },
);

/** Takes a new limit from kernel memory: 0, -EINVAL, or -EPERM for more descriptors than there can be. */
function set_limit(resource: number, cur: number, max: number): number {
  if (cur > max) return -EINVAL;
  if (resource === RLIMIT_NOFILE && max > NR_OPEN_DEFAULT) return -EPERM;
  const limit = current().rlim.get(resource);
  limit.rlim_cur = cur;
  limit.rlim_max = max;
  return 0;
}

/** setrlimit(2). */
export const sys_setrlimit = kernel_function(
  "sys_setrlimit",
  [u32, u32],
  i32,
  function* (resource, rlim) {
    if (resource >= RLIM_NLIMITS) return -EINVAL;
    const wanted = rlimit.at(stack_local(rlimit.size));
    if ((yield* copy_from_user(wanted.address, rlim, rlimit.size)) !== 0) return -EFAULT;
    return set_limit(resource, wanted.rlim_cur, wanted.rlim_max);
  },
  { locals: rlimit.size },
);

/** Limits of 64 bits; those that 32 bits cannot hold are none. */
const rlimit64 = struct("rlimit64", { cur: u32, cur_high: u32, max: u32, max_high: u32 });

function widen(into: number, limit: number): void {
  memory().write32(into, limit);
  memory().write32(into + 4, limit === RLIM_INFINITY ? 0xffffffff : 0);
}

function* exchange_limits(resource: number, wanted: number, old: number, local: number): Steps<number> {
  const limits = rlimit64.at(local);
  const limit = current().rlim.get(resource);
  const { rlim_cur, rlim_max } = limit;
  if (wanted !== 0) {
    if ((yield* copy_from_user(local, wanted, rlimit64.size)) !== 0) return -EFAULT;
    const narrow = (low: number, high: number) => (high === 0 ? low : RLIM_INFINITY);
    const error = set_limit(resource, narrow(limits.cur, limits.cur_high), narrow(limits.max, limits.max_high));
    if (error !== 0) return error;
  }
  if (old === 0) return 0;
  widen(local, rlim_cur);
  widen(local + rlimit64.offset("max"), rlim_max);
  return (yield* copy_to_user(old, local, rlimit64.size)) === 0 ? 0 : -EFAULT;
}

/** prlimit64(2), for the caller itself. */
export const sys_prlimit64 = kernel_function(
  "sys_prlimit64",
  [i32, u32, u32, u32],
  i32,
  function* (pid, resource, wanted, old) {
    if (resource >= RLIM_NLIMITS) return -EINVAL;
    if (pid !== 0 && pid !== current().pid) return find_task_by_pid(pid) === undefined ? -ESRCH : -EPERM;
    return yield* exchange_limits(resource, wanted, old, stack_local(rlimit64.size));
  },
  { locals: rlimit64.size },
);

export const rusage = struct("rusage", {
  ru_utime: timeval,
  ru_stime: timeval,
  ru_maxrss: i32,
  ru_ixrss: i32,
  ru_idrss: i32,
  ru_isrss: i32,
  ru_minflt: i32,
  ru_majflt: i32,
  __rest: array(i32, 8),
});

/** Fills in the usage of some tasks: CPU time in ticks, page faults. What nobody counts is 0. */
export function fill_rusage(at: number, utime: number, stime: number, min_flt: number, maj_flt: number): void {
  yield* memset(at, 0, rusage.size);
  const usage = rusage.at(at);
  jiffies_to_timeval(utime, usage.ru_utime);
  jiffies_to_timeval(stime, usage.ru_stime);
  usage.ru_minflt = min_flt;
  usage.ru_majflt = maj_flt;
}

const RUSAGE_SELF = 0;
const RUSAGE_CHILDREN = -1;

/** getrusage(2). */
export const sys_getrusage = kernel_function(
  "sys_getrusage",
  [i32, u32],
  i32,
  function* (who, ru) {
    if (who !== RUSAGE_SELF && who !== RUSAGE_CHILDREN) return -EINVAL;
    const local = stack_local(rusage.size);
    const { utime, stime, cutime, cstime, min_flt, maj_flt } = current();
    if (who === RUSAGE_SELF) fill_rusage(local, utime, stime, min_flt, maj_flt);
    else fill_rusage(local, cutime, cstime, 0, 0);
    return (yield* copy_to_user(ru, local, rusage.size)) === 0 ? 0 : -EFAULT;
  },
  { locals: rusage.size },
);

const sysinfo = struct("sysinfo", {
  uptime: i32,
  loads: array(u32, 3),
  totalram: u32,
  freeram: u32,
  sharedram: u32,
  bufferram: u32,
  totalswap: u32,
  freeswap: u32,
  procs: u16,
  pad: u16,
  totalhigh: u32,
  freehigh: u32,
  mem_unit: u32,
  _f: array(u32, 2),
});
/** Load averages here have 11 fractional bits, those of sysinfo 16. */
const LOAD_SHIFT = 5;

/** sysinfo(2). */
export const sys_sysinfo = kernel_function(
  "sys_sysinfo",
  [u32],
  i32,
  function* (info) {
    const local = sysinfo.at(stack_local(sysinfo.size));
    yield* memset(local.address, 0, sysinfo.size);
    for (let i = 0; i < local.loads.length; i++) local.loads.set(i, avenrun.value.get(i) << LOAD_SHIFT);
    local.uptime = Math.floor(jiffies.value / HZ.value);
    local.totalram = max_low_pfn.value * PAGE_SIZE;
    local.freeram = nr_free_pages() * PAGE_SIZE;
    local.procs = [...for_each_task()].length;
    local.mem_unit = 1;
    return (yield* copy_to_user(info, local.address, sysinfo.size)) === 0 ? 0 : -EFAULT;
  },
  { locals: sysinfo.size },
);
