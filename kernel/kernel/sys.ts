/** Small system calls (kernel/sys.c, kernel/timer.c, arch/i386/kernel/sys_i386.c). */
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { chars, i32, struct, u32 } from "../host/types.ts";
import { read_lock, read_unlock } from "../include/asm/spinlock.ts";
import { memset } from "../include/asm/string.ts";
import { copy_to_user, strncpy_from_user } from "../include/asm/uaccess.ts";
import { EACCES, EFAULT, EINVAL, EPERM, ERESTARTNOHAND, ESRCH } from "../include/linux/errno.ts";
import { task_pgrp_vnr, task_pid_vnr, task_session_vnr, task_tgid_vnr } from "../include/linux/pid.ts";
import {
  current,
  for_each_task,
  PIDTYPE_PGID,
  PIDTYPE_PID,
  PIDTYPE_SID,
  TASK_INTERRUPTIBLE,
  task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";
import { write_lock_irq, write_unlock_irq } from "../include/linux/spinlock.ts";
import { change_pid, find_task_by_vpid, global_nr } from "./pid_namespace.ts";
import { schedule } from "./sched.ts";

export const sys_getpid = kernel_function("sys_getpid", [], i32, function* () {
  return task_tgid_vnr(current());
});
export const sys_gettid = kernel_function("sys_gettid", [], i32, function* () {
  return task_pid_vnr(current());
});
export const sys_getppid = kernel_function("sys_getppid", [], i32, function* () {
  return task_tgid_vnr(task_struct.at(current().p_opptr));
});
export const sys_getpgrp = kernel_function("sys_getpgrp", [], i32, function* () {
  return task_pgrp_vnr(current());
});

/** There is one user, the superuser: every id is 0. */
const ids = ["uid", "euid", "gid", "egid", "uid32", "euid32", "gid32", "egid32"];
for (const id of ids) {
  kernel_function(`sys_get${id}`, [], i32, function* () {
    return 0;
  });
}

/** getpgid(2): of a process, 0 for the caller's own; -ESRCH. */
export const sys_getpgid = kernel_function("sys_getpgid", [i32], i32, function* (pid) {
  yield* read_lock(tasklist_lock.address);
  const p = pid === 0 ? current() : yield* find_task_by_vpid(pid);
  const result: i32 = p === undefined ? -ESRCH : task_pgrp_vnr(p);
  yield* read_unlock(tasklist_lock.address);
  return result;
});

/** getsid(2). */
export const sys_getsid = kernel_function("sys_getsid", [i32], i32, function* (pid) {
  yield* read_lock(tasklist_lock.address);
  const p = pid === 0 ? current() : yield* find_task_by_vpid(pid);
  const result: i32 = p === undefined ? -ESRCH : task_session_vnr(p);
  yield* read_unlock(tasklist_lock.address);
  return result;
});

/** A member of a process group of a session, undefined when there is none. @context holds tasklist_lock for reading */
function* member_of_group(pgrp: i32, session: i32): Steps<task_struct | undefined> {
  for (const p of for_each_task()) if (p.pgrp === pgrp && p.session === session) return p;
  return undefined;
}

/**
 * setpgid(2): moves the caller, or a child that has not run exec yet, to a process group of its session or to a new one
 * with its own number. -ESRCH for others, -EACCES after exec, -EPERM for session leaders and groups elsewhere.
 */
export const sys_setpgid = kernel_function("sys_setpgid", [i32, i32], i32, function* (pid, pgid) {
  yield* write_lock_irq(tasklist_lock.address);
  const result = yield* set_group(pid, pgid);
  yield* write_unlock_irq(tasklist_lock.address);
  return result;
});

/** @context irqs_disabled */
function* set_group(pid: i32, pgid: i32): Steps<i32> {
  const self = current();
  if (pgid < 0 || (pgid === 0 && pid < 0)) return -EINVAL;
  const p = pid === 0 ? self : yield* find_task_by_vpid(pid);
  if (p === undefined) return -ESRCH;
  if (p.p_pptr === self.address || p.p_opptr === self.address) {
    if (p.session !== self.session) return -EPERM;
    if (p.did_exec !== 0) return -EACCES;
  } else if (p.address !== self.address) return -ESRCH;
  if (p.pid === p.session) return -EPERM;
  const group: i32 = pgid === 0 ? p.pid : yield* global_nr(pgid);
  let link: u32 = p.pids.get(PIDTYPE_PID);
  if (group !== p.pid) {
    const member = yield* member_of_group(group, self.session);
    if (member === undefined || group === 0) return -EPERM;
    link = member.pids.get(PIDTYPE_PGID);
  }
  p.pgrp = group;
  yield* change_pid(p, PIDTYPE_PGID, link);
  return 0;
}

const PER_LINUX = 0;
const ASK = 0xffffffff;

/** personality(2): there is Linux's only. Returns the old one; asking for another is -EINVAL. */
export const sys_personality = kernel_function("sys_personality", [u32], i32, function* (personality) {
  return personality === PER_LINUX || personality === ASK ? PER_LINUX : -EINVAL;
});

const PR_SET_NAME = 15;
const PR_GET_NAME = 16;
const NAME_SIZE = 16;

/**
 * prctl(2): PR_SET_NAME and PR_GET_NAME, the thread's name of up to 15 characters; -EINVAL for everything else.
 * @context might_sleep
 */
export const sys_prctl = kernel_function("sys_prctl", [i32, u32], i32, function* (option, argument) {
  const name = local(chars(NAME_SIZE));
  switch (option) {
    case PR_SET_NAME:
      if ((yield* strncpy_from_user(name.address, argument, NAME_SIZE)) < 0) return -EFAULT;
      current().comm = name.value;
      return 0;
    case PR_GET_NAME: {
      const comm = current().address + task_struct.offset("comm");
      return (yield* copy_to_user(argument, comm, NAME_SIZE)) === 0 ? 0 : -EFAULT;
    }
    default:
      return -EINVAL;
  }
});

/** Makes the caller leader of a new session and process group; -EPERM if it leads a group already. */
export const sys_setsid = kernel_function("sys_setsid", [], i32, function* () {
  const self = current();
  yield* write_lock_irq(tasklist_lock.address);
  const is_led = yield* leads_group(self.pid);
  if (!is_led) {
    self.session = self.pgrp = self.pid;
    yield* change_pid(self, PIDTYPE_PGID, self.pids.get(PIDTYPE_PID));
    yield* change_pid(self, PIDTYPE_SID, self.pids.get(PIDTYPE_PID));
  }
  yield* write_unlock_irq(tasklist_lock.address);
  return is_led ? -EPERM : task_pid_vnr(self);
});

function* leads_group(pgrp: i32): Steps<boolean> {
  for (const p of for_each_task()) if (p.pgrp === pgrp) return true;
  return false;
}

/**
 * Sleeps until a signal comes that ends the process; a signal without effect does not end the pause.
 * @context might_sleep
 */
export const sys_pause = kernel_function("sys_pause", [], i32, function* () {
  current().state = TASK_INTERRUPTIBLE;
  yield* schedule();
  return -ERESTARTNOHAND;
});

const new_utsname = struct("new_utsname", {
  sysname: chars(65),
  nodename: chars(65),
  release: chars(65),
  version: chars(65),
  machine: chars(65),
  domainname: chars(65),
});

export const UTS_RELEASE = "2.4.37-esp0";

/** uname(2): who this kernel says it is. @context might_sleep */
export const sys_uname = kernel_function("sys_uname", [u32], i32, function* (name) {
  const uts = local(new_utsname);
  yield* memset(uts.address, 0, new_utsname.size);
  uts.sysname = "Linux";
  uts.nodename = "esp0";
  uts.release = UTS_RELEASE;
  uts.version = "#1";
  uts.machine = "i386";
  uts.domainname = "(none)";
  return (yield* copy_to_user(name, uts.address, new_utsname.size)) !== 0 ? -EFAULT : 0;
});
