/**
 * Kernel threads (kernel/kthread.c, Linux 2.6.31). They are made by a task of their own, kthreadd, so that they have nothing of
 * those who ask for them: no address space, files, directory, signals, limits or priority, whoever that is.
 *
 * kthreadd is made by the first who wants a thread, since a kernel without any is to have neither its stack nor its pid. It drops
 * all that it has of its maker, and belongs to the idle task, so that no program's wait() finds it. Whoever asks puts
 * a kthread_create_info, on its own stack, on kthread_create_list and waits for its completion.
 */
import { kernel_thread } from "../arch/i386/kernel/process.ts";
import {
  call_pointer,
  kernel_function,
  kernel_table,
  kernel_variable,
  local,
  type Steps,
} from "../host/declarations.ts";
import { container_of, i32, pointer, u32, type ViewOf } from "../host/types.ts";
import { BUG } from "../include/asm/bug.ts";
import { cpu_relax } from "../include/asm/processor.ts";
import {
  read_lock,
  read_unlock,
  SPIN_LOCK_UNLOCKED,
  spin_lock,
  spin_unlock,
  spinlock_t,
} from "../include/asm/spinlock.ts";
import { smp_mb } from "../include/asm/system.ts";
import { KERNEL_DS } from "../include/asm/uaccess.ts";
import { init_completion } from "../include/linux/completion.ts";
import { EINTR } from "../include/linux/errno.ts";
import { kthread, kthread_create_info } from "../include/linux/kthread.ts";
import { INIT_LIST_HEAD, list_add_tail, list_del, list_empty, list_head, list_next } from "../include/linux/list.ts";
import {
  CLONE_FILES,
  CLONE_FS,
  current,
  get_current,
  NO_EXIT_SIGNAL,
  set_current_state,
  smp_num_cpus,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
  TASK_UNINTERRUPTIBLE,
  TASK_ZOMBIE,
  task_has_cpu,
  task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";
import { complete, wait_for_completion } from "./completion.ts";
import { drop_resources, ignore_signals, reparent_to_idle, reset_scheduling } from "./daemonize.ts";
import { do_exit, release_task } from "./exit.ts";
import { schedule_timeout_uninterruptible } from "./msleep.ts";
import { schedule, wake_up_process } from "./sched.ts";

/** Threads asked for. Its links are 0 until somebody has asked. */
const kthread_create_list = kernel_variable("kthread_create_list", list_head);
/** Whether kthreadd is there, or being made. */
const kthreadd_started = kernel_variable("kthreadd_started", u32);
const kthread_create_lock = kernel_table("kthread_create_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);
/** kthreadd, once it looks at the list. */
export const kthreadd_task = kernel_variable("kthreadd_task", pointer("task_struct"));

type create_info = ViewOf<typeof kthread_create_info>;

/** What a kernel thread does first and last. @context might_sleep */
const kthread_main = kernel_function("kthread", [pointer("kthread_create_info")], i32, function* (at) {
  const create = kthread_create_info.at(at);
  const self = local(kthread);
  const { threadfn, data } = create;
  self.should_stop = 0;
  init_completion(self.exited.address);
  const tsk = current();
  tsk.comm = create.comm;
  tsk.exit_signal = NO_EXIT_SIGNAL; // nobody waits for it: the scheduler frees it
  tsk.vfork_done = self.exited.address;
  // Asleep before anybody knows of it: whoever wakes it from here on has it run.
  yield* set_current_state(TASK_UNINTERRUPTIBLE);
  create.result = get_current();
  yield* complete(create.done.address);
  yield* schedule();
  let result: i32 = -EINTR;
  if (self.should_stop === 0) result = yield* call_pointer(threadfn, i32, data);
  yield* do_exit(result);
  return 0;
});

/** Takes the first off the list; undefined when it is empty. @context holds kthread_create_lock */
function next_on_list(): create_info | undefined {
  if (list_empty(kthread_create_list.address)) return undefined;
  const first = list_next(kthread_create_list.address);
  list_del(first);
  return kthread_create_info.at(container_of(first, kthread_create_info, "list"));
}

/** Makes the threads that are asked for. @context might_sleep */
function* create_kthreads(): Steps<void> {
  for (;;) {
    yield* spin_lock(kthread_create_lock.address);
    const create = next_on_list();
    yield* spin_unlock(kthread_create_lock.address);
    if (create === undefined) return;
    const pid = yield* kernel_thread(kthread_main.address, create.address, CLONE_FS | CLONE_FILES);
    if (pid < 0) yield* refuse(create, pid); // else the thread answers
  }
}

function* refuse(create: create_info, error: i32): Steps<void> {
  create.result = error;
  yield* complete(create.done.address);
}

/** Refuses all who ask: there is no kthreadd, until the next one asks. @context might_sleep */
function* refuse_kthreads(error: i32): Steps<void> {
  for (;;) {
    yield* spin_lock(kthread_create_lock.address);
    const create = next_on_list();
    if (create === undefined) kthreadd_started.value = 0;
    yield* spin_unlock(kthread_create_lock.address);
    if (create === undefined) return;
    yield* refuse(create, error);
  }
}

/** Makes kernel threads, for ever. @context might_sleep */
const kthreadd = kernel_function("kthreadd", [u32], i32, function* (_unused) {
  const self = current();
  self.comm = "kthreadd";
  self.addr_limit = KERNEL_DS;
  self.session = 0;
  self.pgrp = 0;
  self.used_math = 0;
  self.blocked.sig.set(0, 0);
  self.blocked.sig.set(1, 0);
  yield* drop_resources();
  yield* ignore_signals(self);
  yield* reset_scheduling();
  yield* reparent_to_idle();
  kthreadd_task.value = self.address;
  for (;;) {
    yield* set_current_state(TASK_INTERRUPTIBLE);
    if (list_empty(kthread_create_list.address)) yield* schedule();
    self.state = TASK_RUNNING;
    yield* create_kthreads();
  }
});

/** What kthread_create does: the thread, asleep, or -errno. @context might_sleep */
kernel_function("kthread_create_on", [pointer("kthread_create_info")], u32, function* (at) {
  const create = kthread_create_info.at(at);
  init_completion(create.done.address);
  yield* spin_lock(kthread_create_lock.address);
  if (kthread_create_list.value.next === 0) INIT_LIST_HEAD(kthread_create_list.address);
  list_add_tail(create.list.address, kthread_create_list.address);
  const starts = kthreadd_started.value === 0;
  kthreadd_started.value = 1;
  yield* spin_unlock(kthread_create_lock.address);
  if (starts) {
    const pid = yield* kernel_thread(kthreadd.address, 0, CLONE_FS | CLONE_FILES);
    if (pid < 0) yield* refuse_kthreads(pid);
  } else if (kthreadd_task.value !== 0) yield* wake_up_process(kthreadd_task.value); // not there yet, it will look itself
  yield* wait_for_completion(create.done.address);
  return create.result;
});

/** What a thread that kthreadd made has on its stack. An oops for a task that is none, or that has ended. */
function to_kthread(p: task_struct): ViewOf<typeof kthread> {
  if (p.vfork_done === 0) BUG(`pid ${p.pid} (${p.comm}) is not a thread of kthread_create`);
  return kthread.at(container_of(p.vfork_done, kthread, "exited"));
}

/** Whether somebody wants the current thread, one of kthread_create's, to end: then it returns, and kthread_stop with it. */
export function kthread_should_stop(): boolean {
  return to_kthread(current()).should_stop !== 0;
}

/**
 * Asks a thread to end and waits until it has: wakes it, kthread_should_stop() being true. Returns what its function
 * returned, or gave to do_exit(); -EINTR if it had not been woken yet and never will run. A thread that does not look is
 * waited for for ever, whatever signals come. A thread that ends by itself is gone: it must not be stopped.
 * @context might_sleep
 */
export const kthread_stop = kernel_function("kthread_stop", [pointer("task_struct")], i32, function* (k) {
  const p = task_struct.at(k);
  // A thread ends with the lock held for writing: it is not over before it is woken.
  yield* read_lock(tasklist_lock.address);
  p.exit_signal = 0; // what is left of it is for the stopper, not for the scheduler
  const exited = p.vfork_done;
  if (exited !== 0) {
    to_kthread(p).should_stop = 1;
    yield* smp_mb();
    yield* wake_up_process(k);
  }
  yield* read_unlock(tasklist_lock.address);
  if (exited !== 0) yield* wait_for_completion(exited);
  while (p.state !== TASK_ZOMBIE) yield* schedule_timeout_uninterruptible(1); // it is at its last steps
  const result = p.exit_code;
  yield* release_task(k);
  return result;
});

/** Has a thread that has not been woken yet run on one CPU only: whoever wakes it has it run there. @context might_sleep */
export const kthread_bind = kernel_function(
  "kthread_bind",
  [pointer("task_struct"), i32],
  undefined,
  function* (k, cpu) {
    const p = task_struct.at(k);
    if (cpu < 0 || cpu >= smp_num_cpus.value) BUG(`kthread_bind: there is no CPU ${cpu}`);
    if (p.state !== TASK_UNINTERRUPTIBLE) BUG(`kthread_bind: pid ${p.pid} (${p.comm}) has been woken already`);
    while (task_has_cpu(p)) cpu_relax(); // it has yet to leave its stack
    p.cpus_allowed = 1 << cpu;
  },
);
