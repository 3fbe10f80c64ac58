/** Small system calls (kernel/sys.c, kernel/timer.c, arch/i386/kernel/sys_i386.c). */
import { stack_local } from "../host/context.ts";
import { kernel_function } from "../host/declarations.ts";
import { memset } from "../host/memory.ts";
import { chars, i32, struct, u32 } from "../host/types.ts";
import { copy_from_user, copy_to_user, put_user } from "../include/asm/uaccess.ts";
import { EFAULT, EINTR, EINVAL, EPERM, ERESTARTSYS } from "../include/linux/errno.ts";
import {
  current,
  for_each_task,
  MAX_SCHEDULE_TIMEOUT,
  TASK_INTERRUPTIBLE,
  task_struct,
} from "../include/linux/sched.ts";
import { schedule, schedule_timeout } from "./sched.ts";
import { HZ, jiffies } from "./timer.ts";

export const sys_getpid = kernel_function("sys_getpid", [], i32, () => current().tgid);
export const sys_gettid = kernel_function("sys_gettid", [], i32, () => current().pid);
export const sys_getppid = kernel_function("sys_getppid", [], i32, () => task_struct.at(current().p_opptr).pid);
export const sys_getpgrp = kernel_function("sys_getpgrp", [], i32, () => current().pgrp);

/** Makes the caller leader of a new session and process group; -EPERM if it leads a group already. */
export const sys_setsid = kernel_function("sys_setsid", [], i32, () => {
  const self = current();
  for (const p of for_each_task()) if (p.pgrp === self.pid) return -EPERM;
  self.session = self.pid;
  self.pgrp = self.pid;
  return self.pid;
});

/** Sleeps until a signal comes that ends the process; a signal without effect does not end the pause. */
export const sys_pause = kernel_function("sys_pause", [], i32, function* () {
  current().state = TASK_INTERRUPTIBLE;
  yield* schedule();
  return -ERESTARTSYS;
});

/** Seconds since boot: this machine's epoch, as it has no other clock. */
export const sys_time = kernel_function("sys_time", [u32], i32, function* (tloc) {
  const seconds = Math.floor(jiffies.value / HZ.value);
  if (tloc !== 0 && (yield* put_user(seconds, tloc)) !== 0) return -EFAULT;
  return seconds;
});

const timespec = struct("timespec", { tv_sec: i32, tv_nsec: i32 });
const NANOSECONDS = 1_000_000_000;

/** Ticks that last at least as long; capped below MAX_SCHEDULE_TIMEOUT. */
function timespec_to_jiffies(seconds: number, nanoseconds: number): number {
  const tick = NANOSECONDS / HZ.value;
  const ticks = seconds * HZ.value + Math.floor((nanoseconds + tick - 1) / tick);
  return Math.min(ticks, MAX_SCHEDULE_TIMEOUT - 1);
}

/** Sleeps for at least the time asked for; a signal ends it with -EINTR and the time left in *rmtp. */
export const sys_nanosleep = kernel_function(
  "sys_nanosleep",
  [u32, u32],
  i32,
  function* (rqtp, rmtp) {
    const local = stack_local(timespec.size);
    if ((yield* copy_from_user(local, rqtp, timespec.size)) !== 0) return -EFAULT;
    const t = timespec.at(local);
    if (t.tv_nsec < 0 || t.tv_nsec >= NANOSECONDS || t.tv_sec < 0) return -EINVAL;
    // The current tick is partly over, so one more makes sure.
    const expire = timespec_to_jiffies(t.tv_sec, t.tv_nsec) + (t.tv_sec !== 0 || t.tv_nsec !== 0 ? 1 : 0);
    current().state = TASK_INTERRUPTIBLE;
    const left = yield* schedule_timeout(expire);
    if (left === 0) return 0;
    if (rmtp !== 0) {
      t.tv_sec = Math.floor(left / HZ.value);
      t.tv_nsec = (left % HZ.value) * (NANOSECONDS / HZ.value);
      if ((yield* copy_to_user(rmtp, local, timespec.size)) !== 0) return -EFAULT;
    }
    return -EINTR;
  },
  { locals: timespec.size },
);

const new_utsname = struct("new_utsname", {
  sysname: chars(65),
  nodename: chars(65),
  release: chars(65),
  version: chars(65),
  machine: chars(65),
  domainname: chars(65),
});

export const UTS_RELEASE = "2.4.37-esp0";

/** uname(2): who this kernel says it is. */
export const sys_uname = kernel_function(
  "sys_uname",
  [u32],
  i32,
  function* (name) {
    const local = stack_local(new_utsname.size + 2);
    memset(local, 0, new_utsname.size);
    const uts = new_utsname.at(local);
    uts.sysname = "Linux";
    uts.nodename = "esp0";
    uts.release = UTS_RELEASE;
    uts.version = "#1";
    uts.machine = "i386";
    uts.domainname = "(none)";
    return (yield* copy_to_user(name, local, new_utsname.size)) !== 0 ? -EFAULT : 0;
  },
  { locals: new_utsname.size },
);
