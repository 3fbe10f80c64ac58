/** Limits and usage of resources (kernel/sys.c, kernel/info.c). Limits are remembered; that of the stack is fixed. */
import { max_low_pfn } from "../arch/i386/kernel/setup.ts";
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, i32, struct, u16, u32, type ViewOf } from "../host/types.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { read_lock, read_unlock } from "../include/asm/spinlock.ts";
import { memset } from "../include/asm/string.ts";
import { copy_from_user, copy_to_user } from "../include/asm/uaccess.ts";
import { EFAULT, EINVAL, EPERM, ESRCH } from "../include/linux/errno.ts";
import { task_pid_vnr } from "../include/linux/pid.ts";
import {
  current,
  NR_OPEN_DEFAULT,
  RLIM_INFINITY,
  RLIM_NLIMITS,
  RLIMIT_NOFILE,
  rlimit,
  tasklist_lock,
} from "../include/linux/sched.ts";
import { nr_free_pages } from "../mm/page_alloc.ts";
import { nr_threads } from "./fork.ts";
import { find_task_by_vpid } from "./pid_namespace.ts";
import { jiffies_to_timeval, timeval } from "./time.ts";
import { avenrun, HZ, jiffies } from "./timer.ts";

/** getrlimit(2) (ugetrlimit in the C library's table). @context might_sleep */
export const sys_getrlimit = kernel_function("sys_getrlimit", [u32, u32], i32, function* (resource, rlim) {
  if (resource >= RLIM_NLIMITS) return -EINVAL;
  const { address } = current().rlim.get(resource);
  return (yield* copy_to_user(rlim, address, rlimit.size)) === 0 ? 0 : -EFAULT;
});

/** getrlimit(2) as it first was: limits are signed, and none is the largest. @context might_sleep */
export const sys_old_getrlimit = kernel_function("sys_old_getrlimit", [u32, u32], i32, function* (resource, rlim) {
  if (resource >= RLIM_NLIMITS) return -EINVAL;
  const old = local(rlimit);
  const limit = current().rlim.get(resource);
  old.rlim_cur = Math.min(limit.rlim_cur, 0x7fffffff);
  old.rlim_max = Math.min(limit.rlim_max, 0x7fffffff);
  return (yield* copy_to_user(rlim, old.address, rlimit.size)) === 0 ? 0 : -EFAULT;
});

/** Takes a new limit from kernel memory: 0, -EINVAL, or -EPERM for more descriptors than there can be. */
function set_limit(resource: number, cur: number, max: number): i32 {
  if (cur > max) return -EINVAL;
  if (resource === RLIMIT_NOFILE && max > NR_OPEN_DEFAULT) return -EPERM;
  const limit = current().rlim.get(resource);
  limit.rlim_cur = cur;
  limit.rlim_max = max;
  return 0;
}

/** setrlimit(2). @context might_sleep */
export const sys_setrlimit = kernel_function("sys_setrlimit", [u32, u32], i32, function* (resource, rlim) {
  if (resource >= RLIM_NLIMITS) return -EINVAL;
  const wanted = local(rlimit);
  if ((yield* copy_from_user(wanted.address, rlim, rlimit.size)) !== 0) return -EFAULT;
  return set_limit(resource, wanted.rlim_cur, wanted.rlim_max);
});

/** Limits of 64 bits; those that 32 bits cannot hold are none. */
const rlimit64 = struct("rlimit64", { cur: u32, cur_high: u32, max: u32, max_high: u32 });

function widen(into: number, limit: number): void {
  memory().write32(into, limit);
  memory().write32(into + 4, limit === RLIM_INFINITY ? 0xffffffff : 0);
}

/** The low word of a limit, if its high word is 0. */
function narrow(low: number, high: number): u32 {
  return high === 0 ? low : RLIM_INFINITY;
}

/** @context might_sleep */
function* exchange_limits(resource: u32, wanted: u32, old: u32): Steps<i32> {
  const limits = local(rlimit64);
  const limit = current().rlim.get(resource);
  const { rlim_cur, rlim_max } = limit;
  if (wanted !== 0) {
    if ((yield* copy_from_user(limits.address, wanted, rlimit64.size)) !== 0) return -EFAULT;
    const error = set_limit(resource, narrow(limits.cur, limits.cur_high), narrow(limits.max, limits.max_high));
    if (error !== 0) return error;
  }
  if (old === 0) return 0;
  widen(limits.address, rlim_cur);
  widen(limits.address + rlimit64.offset("max"), rlim_max);
  return (yield* copy_to_user(old, limits.address, rlimit64.size)) === 0 ? 0 : -EFAULT;
}

/** Limits of other processes are not anybody's business. */
function* cannot_reach(pid: i32): Steps<i32> {
  yield* read_lock(tasklist_lock.address);
  const p = yield* find_task_by_vpid(pid);
  yield* read_unlock(tasklist_lock.address);
  return p === undefined ? -ESRCH : -EPERM;
}

/** prlimit64(2), for the caller itself. @context might_sleep */
export const sys_prlimit64 = kernel_function(
  "sys_prlimit64",
  [i32, u32, u32, u32],
  i32,
  function* (pid, resource, wanted, old) {
    if (resource >= RLIM_NLIMITS) return -EINVAL;
    if (pid !== 0 && pid !== task_pid_vnr(current())) return yield* cannot_reach(pid);
    return yield* exchange_limits(resource, wanted, old);
  },
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

export type rusage = ViewOf<typeof rusage>;

/** Fills in the usage of some tasks: CPU time in ticks, page faults. What nobody counts is 0. */
export function* fill_rusage(usage: rusage, utime: u32, stime: u32, min_flt: u32, maj_flt: u32): Steps<void> {
  yield* memset(usage.address, 0, rusage.size);
  jiffies_to_timeval(utime, usage.ru_utime);
  jiffies_to_timeval(stime, usage.ru_stime);
  usage.ru_minflt = min_flt;
  usage.ru_majflt = maj_flt;
}

const RUSAGE_SELF = 0;
const RUSAGE_CHILDREN = -1;

/** getrusage(2). @context might_sleep */
export const sys_getrusage = kernel_function("sys_getrusage", [i32, u32], i32, function* (who, ru) {
  if (who !== RUSAGE_SELF && who !== RUSAGE_CHILDREN) return -EINVAL;
  const usage = local(rusage);
  const { utime, stime, cutime, cstime, min_flt, maj_flt } = current();
  if (who === RUSAGE_SELF) yield* fill_rusage(usage, utime, stime, min_flt, maj_flt);
  else yield* fill_rusage(usage, cutime, cstime, 0, 0);
  return (yield* copy_to_user(ru, usage.address, rusage.size)) === 0 ? 0 : -EFAULT;
});

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

/** sysinfo(2). @context might_sleep */
export const sys_sysinfo = kernel_function("sys_sysinfo", [u32], i32, function* (info) {
  const about = local(sysinfo);
  yield* memset(about.address, 0, sysinfo.size);
  for (let i: i32 = 0; i < 3; i++) about.loads.set(i, avenrun.value.get(i) << LOAD_SHIFT);
  about.uptime = Math.floor(jiffies.value / HZ.value);
  about.totalram = max_low_pfn.value * PAGE_SIZE;
  about.freeram = nr_free_pages() * PAGE_SIZE;
  about.procs = nr_threads.value;
  about.mem_unit = 1;
  return (yield* copy_to_user(info, about.address, sysinfo.size)) === 0 ? 0 : -EFAULT;
});
