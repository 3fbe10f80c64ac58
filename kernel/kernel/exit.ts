/** The end of tasks, and waiting for it (kernel/exit.c, Linux 2.4). */

import { console_sync } from "../drivers/char/serial.ts";
import { trace, tracing } from "../host/context.ts";
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { atomic_add, atomic_inc, cmpxchg } from "../include/asm/atomic.ts";
import { cpu_relax } from "../include/asm/processor.ts";
import { lock_kernel } from "../include/asm/smplock.ts";
import { read_lock, read_unlock, write_unlock } from "../include/asm/spinlock.ts";
import { copy_to_user, put_user } from "../include/asm/uaccess.ts";
import { ECHILD, EFAULT, EINVAL, ERESTARTSYS } from "../include/linux/errno.ts";
import { list_del } from "../include/linux/list.ts";
import { mm_struct } from "../include/linux/mm.ts";
import {
  init_pid_ns,
  pid_namespace,
  task_active_pid_ns,
  task_pgrp_vnr,
  task_pid_nr_ns,
  task_pid_vnr,
} from "../include/linux/pid.ts";
import {
  current,
  for_each_task,
  get_current,
  init_task,
  NO_EXIT_SIGNAL,
  PF_EXITING,
  PIDTYPE_PID,
  set_current_state,
  TASK_DEAD,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
  TASK_STOPPED,
  TASK_UNINTERRUPTIBLE,
  TASK_ZOMBIE,
  task_has_cpu,
  task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";
import { SIGCHLD, SIGKILL } from "../include/linux/signal.ts";
import { enter_lazy_tlb } from "../include/linux/smp.ts";
import { write_lock_irq, write_unlock_irq } from "../include/linux/spinlock.ts";
import { init_waitqueue_entry, wait_queue_t } from "../include/linux/wait.ts";
import { exit_files, exit_fs, exit_sighand, free_task_struct, mm_release, nr_threads } from "./fork.ts";
import { exit_itimers } from "./itimer.ts";
import { mmput } from "./mm.ts";
import { panic, stop_machine } from "./panic.ts";
import { find_task_by_pid, for_each_thread_behind, link_child, remove_links, unhash_pid, unlink_child } from "./pid.ts";
import { detach_pids, has_pids } from "./pid_namespace.ts";
import { fill_rusage, rusage } from "./resource.ts";
import { sched_exit, schedule, wake_up_process } from "./sched.ts";
import { CONTINUED, do_notify_parent, send_sig, signal_pending, wake_up_parent } from "./signal.ts";
import { in_interrupt } from "./softirq.ts";
import { add_wait_queue, remove_wait_queue } from "./wait.ts";

const MM_COUNT = mm_struct.offset("mm_count");
const CUTIME = task_struct.offset("cutime");
const CSTIME = task_struct.offset("cstime");

export const WNOHANG = 1;
const WUNTRACED = 2;
const WCONTINUED = 8;
const __WNOTHREAD = 0x20000000;
const __WALL = 0x40000000;
const __WCLONE = 0x80000000;

/** Frees what a zombie still had: its pid, its place in the family, PCB and stack. @context irqs_enabled */
export const release_task = kernel_function("release_task", [pointer("task_struct")], undefined, function* (task) {
  const p = task_struct.at(task);
  if (task === get_current()) throw new Error("release_task: task releasing itself");
  while (task_has_cpu(p)) cpu_relax(); // it has yet to leave its stack
  yield* write_lock_irq(tasklist_lock.address);
  nr_threads.value--;
  unhash_pid(p);
  remove_links(p);
  list_del(p.thread_group.address);
  if (has_pids(p)) yield* detach_pids(p);
  yield* sched_exit(p, task_struct.at(p.p_pptr));
  yield* write_unlock_irq(tasklist_lock.address);
  yield* free_task_struct(task);
});

/** Another thread of a task's group that lives on, undefined when there is none. */
function* other_thread(p: task_struct): Steps<task_struct | undefined> {
  for (const thread of for_each_thread_behind(p)) {
    if ((thread.flags & PF_EXITING) === 0 && thread.state !== TASK_ZOMBIE) return thread;
  }
  return undefined;
}

/** Another thread of a task's group that has yet to become a zombie, undefined when there is none. */
function* unended_thread(p: task_struct): Steps<task_struct | undefined> {
  for (const thread of for_each_thread_behind(p)) if (thread.state !== TASK_ZOMBIE) return thread;
  return undefined;
}

/**
 * Who takes the children of a dying task: a thread of its group, else the init of its pid namespace or a thread of that, else
 * the idle task.
 */
function* child_reaper(father: task_struct): Steps<task_struct> {
  const thread = yield* other_thread(father);
  if (thread !== undefined) return thread;
  const init = yield* init_of(task_active_pid_ns(father));
  if (init === undefined) return init_task();
  if (init.address === father.address) {
    // A thread of it that has begun to end since this one looked whether it is the last: it gives them away in its turn.
    const ending = yield* unended_thread(father);
    return ending === undefined ? init_task() : ending;
  }
  if (init.state !== TASK_ZOMBIE) return init;
  const of_init = yield* other_thread(init);
  return of_init === undefined ? init_task() : of_init;
}

/** The init of a pid namespace. @context holds tasklist_lock for reading */
function* init_of(ns: u32): Steps<task_struct | undefined> {
  if (ns === init_pid_ns.address) return yield* find_task_by_pid(1);
  return task_struct.at(pid_namespace.at(ns).child_reaper);
}

/**
 * Gives the children of a dying task away. Those that stay in its thread group keep the signal of their end.
 * @context irqs_disabled holds tasklist_lock for writing
 */
function* forget_original_parent(father: task_struct): Steps<void> {
  if (father.p_cptr === 0) return;
  const reaper = yield* child_reaper(father);
  while (father.p_cptr !== 0) {
    const p = task_struct.at(father.p_cptr);
    unlink_child(p);
    p.p_pptr = reaper.address;
    p.p_opptr = reaper.address;
    link_child(p);
    // A thread is nobody's child to wait for, whoever its parent is.
    if (p.exit_signal === NO_EXIT_SIGNAL) continue;
    if (reaper.tgid !== father.tgid) p.exit_signal = SIGCHLD;
    if (p.state === TASK_ZOMBIE && !(yield* has_live_threads(p))) yield* do_notify_parent(p.address, p.exit_signal);
  }
  if (pid_namespace.at(task_active_pid_ns(father)).zapper === reaper.address) yield* wake_up_process(reaper.address);
}

/**
 * Drops the task's address space and goes on with the one that is loaded, as kernel threads do.
 * @context might_sleep
 */
export function* exit_mm(tsk: task_struct): Steps<void> {
  const { mm } = tsk;
  yield* mm_release(tsk);
  if (mm === 0) return;
  yield* atomic_inc(mm + MM_COUNT); // active_mm keeps it until the next switch
  tsk.mm = 0;
  yield* enter_lazy_tlb();
  yield* mmput(mm);
}

/** Whether a thread of the group other than `p` has not ended yet. @context holds tasklist_lock for reading */
function* has_live_threads(p: task_struct): Steps<boolean> {
  for (const q of for_each_thread_behind(p)) if (q.state !== TASK_ZOMBIE) return true;
  return false;
}

/** Whether all other threads of the group have ended, or are about to. */
function* is_last_thread(p: task_struct): Steps<boolean> {
  yield* read_lock(tasklist_lock.address);
  const other = yield* other_thread(p);
  yield* read_unlock(tasklist_lock.address);
  return other === undefined;
}

/** The last thread of the run's first program has ended: the machine's work is over, with the status of its leader. */
function* end_of_init(tsk: task_struct): Steps<void> {
  yield* read_lock(tasklist_lock.address);
  const leader = yield* find_task_by_pid(1);
  yield* read_unlock(tasklist_lock.address);
  const status = leader === undefined ? tsk.exit_code : leader.exit_code;
  yield* console_sync();
  yield* stop_machine(status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff);
}

/** Whether the task is the last thread of its pid namespace's init. Only the first that asks at the very end is told so. */
function* ends_namespace(tsk: task_struct): Steps<boolean> {
  const ns = pid_namespace.at(task_active_pid_ns(tsk));
  yield* write_lock_irq(tasklist_lock.address);
  const other = yield* other_thread(tsk);
  const is_init = ns.is_dying === 0 && task_struct.at(ns.child_reaper).tgid === tsk.tgid;
  const ends = other === undefined && is_init;
  if (ends) {
    ns.is_dying = 1; // no fork from here on
    ns.child_reaper = ns.zapper = tsk.address;
  }
  yield* write_unlock_irq(tasklist_lock.address);
  return ends;
}

/** Whether a task has children to wait for. */
function* has_processes(tsk: task_struct): Steps<boolean> {
  let found = false;
  yield* read_lock(tasklist_lock.address);
  for (const p of children_of(tsk)) if (p.exit_signal !== NO_EXIT_SIGNAL) found = true;
  yield* read_unlock(tasklist_lock.address);
  return found;
}

/**
 * The init of a pid namespace ends (kernel/pid_namespace.c, Linux 2.6): kills everybody in the namespace, waits for those
 * whose parent it is or becomes, and until all have been released.
 * @context might_sleep
 */
function* zap_pid_ns_processes(tsk: task_struct): Steps<void> {
  const ns = pid_namespace.at(task_active_pid_ns(tsk));
  yield* read_lock(tasklist_lock.address);
  for (const p of for_each_task()) {
    if (p.tgid !== tsk.tgid && task_pid_nr_ns(p, ns.address) !== 0) yield* send_sig(SIGKILL, p.address, 1);
  }
  yield* read_unlock(tasklist_lock.address);
  tsk.sigpending = 0; // nor does a signal come: it has no actions any more
  // What is left of its own group: itself, and the leader's zombie.
  const own: u32 = tsk.tgid === tsk.pid ? 1 : 2;
  for (;;) {
    while ((yield* sys_wait4(-1, 0, __WALL, 0)) !== -ECHILD);
    yield* set_current_state(TASK_UNINTERRUPTIBLE);
    if (ns.nr_hashed <= own) break;
    if (!(yield* has_processes(tsk))) yield* schedule();
  }
  tsk.state = TASK_RUNNING;
  ns.zapper = 0;
}

/**
 * Tells whoever waits for it that the task has ended: its parent, once the whole thread group has. A thread that is not
 * the leader is nobody's child to wait for; the scheduler frees it.
 * @context irqs_disabled holds tasklist_lock for reading
 */
function* exit_notify(tsk: task_struct): Steps<void> {
  const last = !(yield* has_live_threads(tsk));
  if (tsk.exit_signal !== NO_EXIT_SIGNAL) {
    if (last) yield* do_notify_parent(tsk.address, tsk.exit_signal);
    return;
  }
  const leader = yield* find_task_by_pid(tsk.tgid);
  if (last && leader !== undefined && leader.state === TASK_ZOMBIE) {
    yield* do_notify_parent(leader.address, leader.exit_signal);
  }
}

/**
 * Ends the current task; never returns. `code` is the wait status: exit status << 8, or the signal that killed it.
 * @context might_sleep
 */
export const do_exit = kernel_function("do_exit", [i32], undefined, function* (wanted_code) {
  const tsk = current();
  const code = tsk.group_exit !== 0 ? tsk.group_exit_code : wanted_code;
  if (in_interrupt()) yield* panic("Aiee, killing interrupt handler!");
  if (tsk.pid === 0) yield* panic("Attempted to kill the idle task!");
  if (tracing()) trace({ event: "exit", pid: tsk.pid, code });
  tsk.flags |= PF_EXITING;
  tsk.exit_code = code;
  if (tsk.tgid === 1 && (yield* is_last_thread(tsk))) yield* end_of_init(tsk);
  yield* exit_itimers(tsk);
  yield* exit_mm(tsk);
  yield* lock_kernel(); // for good: schedule() gives it up, and this task never runs again
  yield* exit_files(tsk.address);
  yield* exit_fs(tsk.address);
  yield* exit_sighand(tsk.address);
  tsk.exit_code = code;
  if (tsk.pids.get(PIDTYPE_PID) !== 0 && (yield* ends_namespace(tsk))) yield* zap_pid_ns_processes(tsk);
  yield* write_lock_irq(tasklist_lock.address);
  yield* forget_original_parent(tsk);
  tsk.state = TASK_ZOMBIE;
  yield* exit_notify(tsk);
  yield* write_unlock(tasklist_lock.address);
  yield* schedule();
  throw new Error("a dead task was scheduled");
});

/** Kills the other threads of the current task's group; their wait status will be `code` (Linux 2.6). */
export function* zap_other_threads(code: i32): Steps<void> {
  const tsk = current();
  yield* read_lock(tasklist_lock.address);
  for (const p of for_each_thread_behind(tsk)) {
    if (p.flags & PF_EXITING) continue;
    p.group_exit_code = code;
    p.group_exit = 1;
    yield* send_sig(SIGKILL, p.address, 1);
  }
  yield* read_unlock(tasklist_lock.address);
}

/**
 * Ends the current task and all threads of its group, with the same status; never returns (Linux 2.6).
 * @context might_sleep
 */
export const do_group_exit = kernel_function("do_group_exit", [i32], undefined, function* (code) {
  // Who is being killed already has nobody to kill: an exec goes on in the thread that does it.
  if (current().group_exit === 0) yield* zap_other_threads(code);
  yield* do_exit(code);
});

/** exit(2): the calling thread only. @context might_sleep */
export const sys_exit = kernel_function("sys_exit", [i32], i32, function* (error_code) {
  yield* do_exit((error_code & 0xff) << 8);
  return 0;
});

/** exit_group(2): the calling thread's whole group. @context might_sleep */
export const sys_exit_group = kernel_function("sys_exit_group", [i32], i32, function* (error_code) {
  yield* do_group_exit((error_code & 0xff) << 8);
  return 0;
});

function matches(p: task_struct, pid: number, options: number): boolean {
  if (p.exit_signal === NO_EXIT_SIGNAL) return false;
  if (pid > 0 && task_pid_vnr(p) !== pid) return false;
  if (pid === 0 && p.pgrp !== current().pgrp) return false;
  if (pid < -1 && task_pgrp_vnr(p) !== -pid) return false;
  // Children that do not signal with SIGCHLD are "clone" children: waited for only when asked.
  const is_clone = p.exit_signal !== SIGCHLD;
  return (options & __WALL) !== 0 || is_clone === ((options & __WCLONE) !== 0);
}

/** The children of a task, youngest first. */
function* children_of(parent: task_struct): Generator<task_struct, void, undefined> {
  for (let at: u32 = parent.p_cptr; at !== 0; at = task_struct.at(at).p_osptr) yield task_struct.at(at);
}

/** The tasks that a wait may collect for: all of the caller's thread group, or the caller alone. */
function* waiters(options: number): Generator<task_struct, void, undefined> {
  const self = current();
  yield self;
  if (options & __WNOTHREAD) return;
  for (const thread of for_each_thread_behind(self)) yield thread;
}

/**
 * Tells of a child that has stopped, or goes on, once: its pid as the caller sees it (`number`), or -EFAULT. It may be gone
 * meanwhile.
 * @context might_sleep
 */
function* report(pid: i32, number: i32, exit_code: i32, status: i32, stat_addr: u32): Steps<i32> {
  if (stat_addr !== 0 && (yield* put_user(status, stat_addr)) !== 0) return -EFAULT;
  yield* read_lock(tasklist_lock.address);
  const p = yield* find_task_by_pid(pid);
  if (p !== undefined && p.exit_code === exit_code && p.state !== TASK_ZOMBIE) p.exit_code = 0;
  yield* read_unlock(tasklist_lock.address);
  return number;
}

/** Tells of a child that this task has made TASK_DEAD, and frees it: its pid; or -EFAULT, and it is a zombie again. @context might_sleep */
function* collect(p: task_struct, stat_addr: u32, ru: u32): Steps<i32> {
  let fault = stat_addr !== 0 && (yield* put_user(p.exit_code, stat_addr)) !== 0;
  if (!fault && ru !== 0) {
    const usage = local(rusage);
    yield* fill_rusage(usage, p.utime, p.stime, p.min_flt, p.maj_flt);
    fault = (yield* copy_to_user(ru, usage.address, rusage.size)) !== 0;
  }
  if (fault) {
    yield* read_lock(tasklist_lock.address);
    p.state = TASK_ZOMBIE;
    yield* wake_up_parent(task_struct.at(p.p_pptr));
    yield* read_unlock(tasklist_lock.address);
    return -EFAULT;
  }
  const reaped = task_pid_vnr(p);
  yield* release_task(p.address);
  return reaped;
}

/**
 * Looks for a child to report: its pid, -ECHILD when there is no such child, 0 when one exists but none is ready.
 * @context might_sleep
 */
function* wait_once(pid: i32, stat_addr: u32, options: u32, ru: u32): Steps<i32> {
  let found = false;
  yield* read_lock(tasklist_lock.address);
  for (const waiter of waiters(options)) {
    for (const p of children_of(waiter)) {
      if (!matches(p, pid, options)) continue;
      found = true;
      const { pid: child, exit_code } = p;
      const number = task_pid_vnr(p);
      if (p.state === TASK_STOPPED && exit_code !== 0 && options & WUNTRACED) {
        yield* read_unlock(tasklist_lock.address);
        return yield* report(child, number, exit_code, (exit_code << 8) | 0x7f, stat_addr);
      }
      if (p.state !== TASK_ZOMBIE && exit_code === CONTINUED && options & WCONTINUED) {
        yield* read_unlock(tasklist_lock.address);
        return yield* report(child, number, exit_code, CONTINUED, stat_addr);
      }
      if (p.state === TASK_ZOMBIE && !(yield* has_live_threads(p))) {
        // Another thread may have found it, too: it is whose who makes it TASK_DEAD.
        if ((yield* cmpxchg(p.address, TASK_ZOMBIE, TASK_DEAD)) !== TASK_ZOMBIE) continue;
        yield* atomic_add(p.utime + p.cutime, waiter.address + CUTIME);
        yield* atomic_add(p.stime + p.cstime, waiter.address + CSTIME);
        yield* read_unlock(tasklist_lock.address);
        return yield* collect(p, stat_addr, ru);
      }
    }
  }
  yield* read_unlock(tasklist_lock.address);
  return found ? 0 : -ECHILD;
}

/**
 * wait4(2): collects a child that died (or stopped, with WUNTRACED, or goes on, with WCONTINUED), sleeping until there is one.
 * @context might_sleep
 */
export const sys_wait4 = kernel_function(
  "sys_wait4",
  [i32, u32, u32, u32],
  i32,
  function* (pid, stat_addr, options, ru) {
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)) return -EINVAL;
    const wait = local(wait_queue_t);
    const queue = current().wait_chldexit.address;
    init_waitqueue_entry(wait.address, get_current());
    yield* add_wait_queue(queue, wait.address);
    let result: i32;
    for (;;) {
      // The state is set before the look: a child that dies in between makes it RUNNING again.
      yield* set_current_state(TASK_INTERRUPTIBLE);
      result = yield* wait_once(pid, stat_addr, options, ru);
      if (result !== 0 || options & WNOHANG) break;
      if (signal_pending(current())) {
        result = -ERESTARTSYS;
        break;
      }
      yield* schedule();
    }
    current().state = TASK_RUNNING;
    yield* remove_wait_queue(queue, wait.address);
    return result;
  },
);

/** @context might_sleep */
export const sys_waitpid = kernel_function("sys_waitpid", [i32, u32, u32], i32, function* (pid, stat_addr, options) {
  return yield* sys_wait4(pid, stat_addr, options, 0);
});
