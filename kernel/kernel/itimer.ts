/** Alarms (kernel/itimer.c): ITIMER_REAL, by a kernel timer of the task's own. */
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { i32, pointer, struct, u32, type ViewOf } from "../host/types.ts";
import { copy_from_user, copy_to_user } from "../include/asm/uaccess.ts";
import { EFAULT, EINVAL } from "../include/linux/errno.ts";
import { current, MAX_SCHEDULE_TIMEOUT, task_struct } from "../include/linux/sched.ts";
import { SIGALRM } from "../include/linux/signal.ts";
import { USEC_PER_SEC } from "../include/linux/time.ts";
import { send_sig } from "./signal.ts";
import { jiffies_to_timeval, timeval, timeval_to_jiffies } from "./time.ts";
import { add_timer, del_timer_sync, HZ, jiffies, timer_pending } from "./timer.ts";

const ITIMER_REAL = 0;

const itimerval = struct("itimerval", { it_interval: timeval, it_value: timeval });
type itimerval = ViewOf<typeof itimerval>;

/** Starts the task's timer to go off in so many ticks. */
function* start(p: task_struct, ticks: u32): Steps<void> {
  const timer = p.real_timer;
  timer.expires = jiffies.value + ticks;
  timer.data = p.address;
  timer.function = it_real_fn.address;
  yield* add_timer(timer.address);
}

/** The time is up, in the timer's bottom half. @context in_softirq irqs_enabled */
export const it_real_fn = kernel_function("it_real_fn", [pointer("task_struct")], undefined, function* (task) {
  yield* send_sig(SIGALRM, task, 1);
  const p = task_struct.at(task);
  if (p.it_real_incr !== 0) yield* start(p, p.it_real_incr);
});

/** Ticks until the alarm, at least one while it is pending; 0 without one. */
function remaining(): i32 {
  const { real_timer } = current();
  if (!timer_pending(real_timer.address)) return 0;
  return Math.max(1, (real_timer.expires - jiffies.value) | 0);
}

function fill(into: itimerval): void {
  jiffies_to_timeval(remaining(), into.it_value);
  jiffies_to_timeval(current().it_real_incr, into.it_interval);
}

/** Sets the alarm anew: the first after `ticks`, 0 for none, then every `interval`. */
function* set_alarm(ticks: u32, interval: u32): Steps<void> {
  const self = current();
  yield* del_timer_sync(self.real_timer.address);
  self.it_real_incr = interval;
  if (ticks !== 0) yield* start(self, Math.min(ticks + 1, MAX_SCHEDULE_TIMEOUT));
}

/** The task ends, and its alarm with it. */
export function* exit_itimers(p: task_struct): Steps<void> {
  yield* del_timer_sync(p.real_timer.address);
}

/** getitimer(2); -EINVAL for timers other than ITIMER_REAL. @context might_sleep */
export const sys_getitimer = kernel_function("sys_getitimer", [i32, u32], i32, function* (which, value) {
  if (which !== ITIMER_REAL) return -EINVAL;
  const now = local(itimerval);
  fill(now);
  return (yield* copy_to_user(value, now.address, itimerval.size)) === 0 ? 0 : -EFAULT;
});

function is_valid({ tv_sec, tv_usec }: timeval): boolean {
  return tv_sec >= 0 && tv_usec >= 0 && tv_usec < USEC_PER_SEC;
}

/** setitimer(2); a new value of 0 only stops the timer. @context might_sleep */
export const sys_setitimer = kernel_function("sys_setitimer", [i32, u32, u32], i32, function* (which, value, ovalue) {
  if (which !== ITIMER_REAL) return -EINVAL;
  const wanted = local(itimerval);
  const old = local(itimerval);
  if (value !== 0 && (yield* copy_from_user(wanted.address, value, itimerval.size)) !== 0) return -EFAULT;
  if (value !== 0 && !(is_valid(wanted.it_value) && is_valid(wanted.it_interval))) return -EINVAL;
  fill(old);
  if (value === 0) yield* set_alarm(0, 0);
  else yield* set_alarm(timeval_to_jiffies(wanted.it_value), timeval_to_jiffies(wanted.it_interval));
  return ovalue !== 0 && (yield* copy_to_user(ovalue, old.address, itimerval.size)) !== 0 ? -EFAULT : 0;
});

/** alarm(2): SIGALRM after so many seconds, 0 for never. Returns the seconds the last one had left, rounded up. */
export const sys_alarm = kernel_function("sys_alarm", [u32], i32, function* (seconds) {
  const left: i32 = Math.ceil(remaining() / HZ.value);
  yield* set_alarm(Math.min(seconds * HZ.value, MAX_SCHEDULE_TIMEOUT - 1), 0);
  return left;
});
