/** Kernel threads of several kinds, and system calls that make and stop them. */
import { kernel_thread } from "../../../kernel/arch/i386/kernel/process.ts";
import { cstring, kernel_function, kernel_variable, type Steps } from "../../../kernel/host/declarations.ts";
import { array, i32, pointer, struct, u32 } from "../../../kernel/host/types.ts";
import { EINVAL } from "../../../kernel/include/linux/errno.ts";
import { IS_ERR } from "../../../kernel/include/linux/fs.ts";
import { kthread_create } from "../../../kernel/include/linux/kthread.ts";
import {
  current,
  init_task,
  set_current_state,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
  task_struct,
} from "../../../kernel/include/linux/sched.ts";
import { SIGKILL, SIGUSR1 } from "../../../kernel/include/linux/signal.ts";
import { allow_signal, daemonize, disallow_signal, flush_signals } from "../../../kernel/kernel/daemonize.ts";
import { do_exit } from "../../../kernel/kernel/exit.ts";
import { kthread_bind, kthread_should_stop, kthread_stop } from "../../../kernel/kernel/kthread.ts";
import { msleep, schedule_timeout_interruptible } from "../../../kernel/kernel/msleep.ts";
import { schedule, wake_up_process } from "../../../kernel/kernel/sched.ts";
import { signal_pending } from "../../../kernel/kernel/signal.ts";

/** Turns of the thread that counts them, and what its argument was. */
export const turns = kernel_variable("kt_turns", u32);
export const argument = kernel_variable("kt_argument", u32);
/** Times that a signal was pending where a thread looked for one. */
export const signals_seen = kernel_variable("kt_signals_seen", u32);

/** Sleeps until it is woken, again and again. 42 when it is to stop. */
const kt_worker = kernel_function("kt_worker", [u32], i32, function* (data) {
  argument.value = data;
  for (;;) {
    yield* set_current_state(TASK_INTERRUPTIBLE);
    if (kthread_should_stop()) break;
    yield* schedule();
    turns.value++;
  }
  current().state = TASK_RUNNING;
  return 42;
});

/** Never looks whether it is to stop. */
const kt_stubborn = kernel_function("kt_stubborn", [u32], i32, function* (_data) {
  for (;;) yield* msleep(20);
});

/** Ends by itself, in the middle of its function, as soon as it is to stop. */
const kt_exits = kernel_function("kt_exits", [u32], i32, function* (_data) {
  while (!kthread_should_stop()) yield* schedule_timeout_interruptible(1000);
  yield* do_exit(7);
  return 8;
});

/** Allows SIGKILL and no other; stops looking at it after the second one. */
const kt_killable = kernel_function("kt_killable", [u32], i32, function* (_data) {
  yield* allow_signal(SIGKILL);
  while (!kthread_should_stop()) {
    if (signal_pending(current())) {
      signals_seen.value++;
      yield* flush_signals(current().address);
      if (signals_seen.value === 2) yield* disallow_signal(SIGKILL);
    }
    yield* schedule_timeout_interruptible(1000);
    turns.value++;
  }
  return 0;
});

const bodies = [kt_worker, kt_stubborn, kt_exits, kt_killable];

/** The function of a thread, by its number. @bounded by the list */
function body_of(kind: number): u32 {
  return bodies.find((_, i) => i === kind)?.address ?? 0;
}

export const threads = kernel_variable("kt_threads", array(pointer("task_struct"), bodies.length));

/** Makes the thread of a kind, asleep: its pid, or -errno. */
kernel_function("sys_kt_create", [u32, u32], i32, function* (kind, data) {
  const task = yield* kthread_create(body_of(kind), data, `kt/${kind}`);
  if (IS_ERR(task)) return task;
  threads.value.set(kind, task);
  return task_struct.at(task).pid;
});

kernel_function("sys_kt_wake", [u32], i32, function* (kind) {
  return yield* wake_up_process(threads.value.get(kind));
});

kernel_function("sys_kt_stop", [u32], i32, function* (kind) {
  return yield* kthread_stop(threads.value.get(kind));
});

kernel_function("sys_kt_bind", [u32, i32], i32, function* (kind, cpu) {
  yield* kthread_bind(threads.value.get(kind), cpu);
  return 0;
});

/** What a thread has, for comparison with what the one who made it has. */
export const possessions = struct("kt_possessions", {
  mm: u32,
  has_idle_files: u32,
  has_idle_fs: u32,
  nice: i32,
  parent: u32,
  pgrp: i32,
  session: i32,
  blocked: u32,
  handler: u32,
  addr_limit: u32,
  nofile: u32,
  exit_signal: i32,
});
export const had = kernel_variable("kt_had", possessions);

function take_stock(): void {
  const self = current();
  const has = had.value;
  has.mm = self.mm;
  has.has_idle_files = self.files === init_task().files ? 1 : 0;
  has.has_idle_fs = self.fs === init_task().fs ? 1 : 0;
  has.nice = self.nice;
  has.parent = self.p_pptr;
  has.pgrp = self.pgrp;
  has.session = self.session;
  has.blocked = self.blocked.sig.get(0);
  has.addr_limit = self.addr_limit;
  has.nofile = self.rlim.get(7).rlim_cur;
  has.exit_signal = self.exit_signal;
}

const kt_takes_stock = kernel_function("kt_takes_stock", [u32], i32, function* (_data) {
  take_stock();
  return 0;
});

/** Notes what a new thread has: of kthread_create, or one of kernel_thread that calls daemonize. */
kernel_function("sys_kt_stock", [], i32, function* () {
  const task = yield* kthread_create(kt_takes_stock.address, 0, "stock");
  return yield* kthread_stop_after(task);
});

function* kthread_stop_after(task: u32): Steps<i32> {
  yield* wake_up_process(task);
  yield* msleep(50);
  return 0;
}

const daemon_name = cstring("a daemon of a long name");
const kt_daemon = kernel_function("kt_daemon", [u32], i32, function* (_data) {
  yield* daemonize(daemon_name.address);
  take_stock();
  while (turns.value === 0) yield* msleep(10);
  return 3;
});

/** Makes a thread that becomes a daemon; its pid. */
kernel_function("sys_kt_daemon", [], i32, function* () {
  return yield* kernel_thread(kt_daemon.address, 0, 0);
});

kernel_function("sys_kt_let_daemon_end", [], i32, function* () {
  turns.value = 1;
  return 0;
});

/** allow_signal and disallow_signal of what is no signal. */
kernel_function("sys_kt_bad_signals", [], i32, function* () {
  if ((yield* allow_signal(0)) !== -EINVAL || (yield* allow_signal(65)) !== -EINVAL) return 1;
  return (yield* disallow_signal(-1)) === -EINVAL ? 0 : SIGUSR1;
});
