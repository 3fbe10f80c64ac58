/**
 * What time it is (kernel/time.c, kernel/posix-timers.c): ticks since boot, on top of a fixed date, since the machine has
 * no clock of its own that would run on between two runs. A tick, 10 ms, is the resolution.
 */
import { kernel_function, kernel_variable, local, type Steps } from "../host/declarations.ts";
import { i32, struct, u32, type ViewOf } from "../host/types.ts";
import { copy_from_user, copy_to_user, put_user } from "../include/asm/uaccess.ts";
import { EFAULT, EINTR, EINVAL, ERESTARTNOHAND } from "../include/linux/errno.ts";
import { current, MAX_SCHEDULE_TIMEOUT, TASK_INTERRUPTIBLE, task_struct } from "../include/linux/sched.ts";
import { NSEC_PER_SEC, USEC_PER_SEC } from "../include/linux/time.ts";
import { schedule_timeout } from "./sched.ts";
import { signal_pending } from "./signal.ts";
import { HZ, jiffies, jiffies_to_clock_t } from "./timer.ts";

/** Seconds from 1970 to the moment of boot: 2001-01-04 00:00 UTC. */
export const boot_time = kernel_variable("boot_time", u32, 978566400);

export const timespec = struct("timespec", { tv_sec: i32, tv_nsec: i32 });
export type timespec = ViewOf<typeof timespec>;
export const timeval = struct("timeval", { tv_sec: i32, tv_usec: i32 });
export type timeval = ViewOf<typeof timeval>;

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_PROCESS_CPUTIME_ID = 2;
const CLOCK_THREAD_CPUTIME_ID = 3;
/** Clocks that differ from the two in precision only. */
const CLOCK_MONOTONIC_RAW = 4;
const CLOCK_REALTIME_COARSE = 5;
const CLOCK_MONOTONIC_COARSE = 6;
const CLOCK_BOOTTIME = 7;
const TIMER_ABSTIME = 1;

export function timespec_is_valid({ tv_sec, tv_nsec }: timespec): boolean {
  return tv_sec >= 0 && tv_nsec >= 0 && tv_nsec < NSEC_PER_SEC;
}

/** Ticks that last at least as long; capped below MAX_SCHEDULE_TIMEOUT. */
export function timespec_to_jiffies(seconds: number, nanoseconds: number): i32 {
  const tick = NSEC_PER_SEC / HZ.value;
  return Math.min(seconds * HZ.value + Math.ceil(nanoseconds / tick), MAX_SCHEDULE_TIMEOUT - 1);
}

export function timeval_to_jiffies({ tv_sec, tv_usec }: timeval): i32 {
  return timespec_to_jiffies(tv_sec, tv_usec * 1000);
}

export function jiffies_to_timeval(ticks: number, into: timeval): void {
  into.tv_sec = Math.floor(ticks / HZ.value);
  into.tv_usec = (ticks % HZ.value) * (USEC_PER_SEC / HZ.value);
}

export function jiffies_to_timespec(ticks: number, into: timespec): void {
  into.tv_sec = Math.floor(ticks / HZ.value);
  into.tv_nsec = (ticks % HZ.value) * (NSEC_PER_SEC / HZ.value);
}

/** Ticks that a clock shows, seconds * HZ and more; -EINVAL for a clock that does not exist. */
export function clock_ticks(clock: number): number {
  const self = current();
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
      return boot_time.value * HZ.value + jiffies.value;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
      return jiffies.value;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
      return self.utime + self.stime;
    default:
      return -EINVAL;
  }
}

/** Ticks from now until a clock shows this time. */
export function ticks_until(clock: number, { tv_sec, tv_nsec }: timespec): i32 {
  const tick = NSEC_PER_SEC / HZ.value;
  const left = tv_sec * HZ.value + Math.ceil(tv_nsec / tick) - clock_ticks(clock);
  return Math.max(0, Math.min(left, MAX_SCHEDULE_TIMEOUT - 1));
}

/** time(2): seconds since 1970. @context might_sleep */
export const sys_time = kernel_function("sys_time", [u32], i32, function* (tloc) {
  const seconds = boot_time.value + Math.floor(jiffies.value / HZ.value);
  if (tloc !== 0 && (yield* put_user(seconds, tloc)) !== 0) return -EFAULT;
  return seconds;
});

/** gettimeofday(2). The time zone is UTC. @context might_sleep */
export const sys_gettimeofday = kernel_function("sys_gettimeofday", [u32, u32], i32, function* (tv, tz) {
  const now = local(timeval);
  jiffies_to_timeval(clock_ticks(CLOCK_REALTIME), now);
  if (tv !== 0 && (yield* copy_to_user(tv, now.address, timeval.size)) !== 0) return -EFAULT;
  if (tz !== 0) {
    now.tv_sec = now.tv_usec = 0;
    if ((yield* copy_to_user(tz, now.address, timeval.size)) !== 0) return -EFAULT;
  }
  return 0;
});

/** clock_gettime(2). @context might_sleep */
export const sys_clock_gettime = kernel_function("sys_clock_gettime", [u32, u32], i32, function* (clock, tp) {
  const ticks = clock_ticks(clock);
  if (ticks < 0) return ticks;
  const t = local(timespec);
  jiffies_to_timespec(ticks, t);
  return (yield* copy_to_user(tp, t.address, timespec.size)) === 0 ? 0 : -EFAULT;
});

/** clock_getres(2): a tick. @context might_sleep */
export const sys_clock_getres = kernel_function("sys_clock_getres", [u32, u32], i32, function* (clock, tp) {
  const ticks = clock_ticks(clock);
  if (ticks < 0) return ticks;
  if (tp === 0) return 0;
  const t = local(timespec);
  jiffies_to_timespec(1, t);
  return (yield* copy_to_user(tp, t.address, timespec.size)) === 0 ? 0 : -EFAULT;
});

/** Sleeps for `ticks`, unless a signal comes. Returns the ticks left. @context might_sleep */
function* sleep(ticks: i32): Steps<i32> {
  current().state = TASK_INTERRUPTIBLE;
  return yield* schedule_timeout(ticks);
}

/**
 * Sleeps for at least the time in `t`; a signal ends it with -EINTR and the time left in *rmtp.
 * @context might_sleep
 */
function* relative_sleep(t: timespec, rmtp: u32): Steps<i32> {
  // The current tick is partly over, so one more makes sure.
  const ticks = timespec_to_jiffies(t.tv_sec, t.tv_nsec) + (t.tv_sec !== 0 || t.tv_nsec !== 0 ? 1 : 0);
  const left = yield* sleep(Math.min(ticks, MAX_SCHEDULE_TIMEOUT - 1));
  if (left === 0) return 0;
  if (rmtp !== 0) {
    jiffies_to_timespec(left, t);
    if ((yield* copy_to_user(rmtp, t.address, timespec.size)) !== 0) return -EFAULT;
  }
  return -EINTR;
}

/** nanosleep(2). @context might_sleep */
export const sys_nanosleep = kernel_function("sys_nanosleep", [u32, u32], i32, function* (rqtp, rmtp) {
  const t = local(timespec);
  if ((yield* copy_from_user(t.address, rqtp, timespec.size)) !== 0) return -EFAULT;
  return timespec_is_valid(t) ? yield* relative_sleep(t, rmtp) : -EINVAL;
});

/**
 * clock_nanosleep(2), by CLOCK_REALTIME or CLOCK_MONOTONIC: for a time, or with TIMER_ABSTIME until a time.
 * @context might_sleep
 */
export const sys_clock_nanosleep = kernel_function(
  "sys_clock_nanosleep",
  [u32, u32, u32, u32],
  i32,
  function* (clock, flags, rqtp, rmtp) {
    if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC) return -EINVAL;
    const t = local(timespec);
    if ((yield* copy_from_user(t.address, rqtp, timespec.size)) !== 0) return -EFAULT;
    if (!timespec_is_valid(t)) return -EINVAL;
    if ((flags & TIMER_ABSTIME) === 0) return yield* relative_sleep(t, rmtp);
    yield* sleep(ticks_until(clock, t));
    return ticks_until(clock, t) > 0 && signal_pending(current()) ? -ERESTARTNOHAND : 0;
  },
);

const tms = struct("tms", { tms_utime: i32, tms_stime: i32, tms_cutime: i32, tms_cstime: i32 });

/**
 * times(2): CPU time, in clock_t, of the caller and of the children it has waited for. Returns the time since boot.
 * @context might_sleep
 */
export const sys_times = kernel_function("sys_times", [u32], i32, function* (tbuf) {
  if (tbuf !== 0) {
    const self = task_struct.at(current().address);
    const used = local(tms);
    used.tms_utime = jiffies_to_clock_t(self.utime);
    used.tms_stime = jiffies_to_clock_t(self.stime);
    used.tms_cutime = jiffies_to_clock_t(self.cutime);
    used.tms_cstime = jiffies_to_clock_t(self.cstime);
    if ((yield* copy_to_user(tbuf, used.address, tms.size)) !== 0) return -EFAULT;
  }
  return jiffies_to_clock_t(jiffies.value);
});
