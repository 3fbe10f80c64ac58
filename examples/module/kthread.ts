/**
 * start_kthread, stop_kthread, init_kthread and exit_kthread: the suite that modules brought along before there was
 * kthread_create. It rests on kernel_thread, whose child has everything of its maker, and on daemonize, by which it gets rid
 * of it. The thread sleeps on a queue of its own; stop_kthread says that it is to end, wakes it by a signal and waits until
 * exit_kthread has been called. Two threads show it: sys_threads_init() starts them, sys_threads_exit() stops them.
 */
import {
  allow_signal,
  array,
  complete,
  completion,
  cstring,
  current,
  daemonize,
  get_current,
  HZ,
  i32,
  init_completion,
  init_waitqueue_head,
  interruptible_sleep_on_timeout,
  kernel_function,
  kernel_thread,
  kernel_variable,
  pointer,
  printk,
  reinit_completion,
  SIGKILL,
  send_sig,
  struct,
  task_struct,
  type u32,
  wait_for_completion,
  wait_queue_head_t,
} from "esp0/kernel/module";

export const kthread_t = struct("kthread_t", {
  /** The thread, from init_kthread to exit_kthread. */
  thread: pointer("task_struct"),
  /** What it is to do at each turn: a number for the message. */
  number: i32,
  queue: wait_queue_head_t,
  /** Set when it is to end. */
  terminate: i32,
  /** Started, or stopped. */
  startstop: completion,
});

/** Starts a thread, and returns when it has called init_kthread. 0, or -errno. Not to be called in an interrupt. */
export const start_kthread = kernel_function(
  "start_kthread",
  [pointer("function"), pointer("kthread_t")],
  i32,
  function* (func, kthread) {
    const { startstop } = kthread_t.at(kthread);
    init_completion(startstop.address);
    const pid = yield* kernel_thread(func, kthread, 0);
    if (pid < 0) return pid;
    yield* wait_for_completion(startstop.address);
    return 0;
  },
);

/** Has a thread end, and returns when it has called exit_kthread. Not to be called by the thread, nor in an interrupt. */
export const stop_kthread = kernel_function("stop_kthread", [pointer("kthread_t")], undefined, function* (kthread) {
  const { thread, startstop } = kthread_t.at(kthread);
  if (thread === 0) return;
  reinit_completion(startstop.address);
  kthread_t.at(kthread).terminate = 1; // before the signal, so that the thread sees it when that wakes it
  yield* send_sig(SIGKILL, thread, 1);
  yield* wait_for_completion(startstop.address);
});

/** What a thread calls first: gives up what it has of its maker, and takes SIGKILL alone. */
export const init_kthread = kernel_function(
  "init_kthread",
  [pointer("kthread_t"), pointer("char")],
  undefined,
  function* (at, name) {
    const kthread = kthread_t.at(at);
    yield* daemonize(name);
    yield* allow_signal(SIGKILL);
    init_waitqueue_head(kthread.queue.address);
    kthread.terminate = 0;
    kthread.thread = get_current();
    yield* complete(kthread.startstop.address);
  },
);

/** What a thread calls last. */
export const exit_kthread = kernel_function("exit_kthread", [pointer("kthread_t")], undefined, function* (kthread) {
  kthread_t.at(kthread).thread = 0;
  yield* complete(kthread_t.at(kthread).startstop.address);
});

const NTHREADS = 2;
export const example = kernel_variable("example", array(kthread_t, NTHREADS));
const thread_name = cstring("example thread");

export const example_thread = kernel_function("example_thread", [pointer("kthread_t")], i32, function* (at) {
  const kthread = kthread_t.at(at);
  yield* init_kthread(at, thread_name.address);
  printk(
    `example thread ${kthread.number} is pid ${current().pid}, a child of pid ${task_struct.at(current().p_pptr).pid}\n`,
  );
  for (;;) {
    yield* interruptible_sleep_on_timeout(kthread.queue.address, HZ.value / 20);
    if (kthread.terminate !== 0) break;
    printk(`example thread ${kthread.number} woke up\n`);
  }
  printk(`example thread ${kthread.number} ends\n`);
  yield* exit_kthread(at);
  return 0;
});

export const sys_threads_init = kernel_function("sys_threads_init", [], i32, function* () {
  let error: i32 = 0;
  for (let i: u32 = 0; i < NTHREADS && error === 0; i++) {
    example.value.get(i).number = i;
    error = yield* start_kthread(example_thread.address, example.value.address_of(i));
  }
  return error;
});

export const sys_threads_exit = kernel_function("sys_threads_exit", [], i32, function* () {
  for (let i: u32 = 0; i < NTHREADS; i++) yield* stop_kthread(example.value.address_of(i));
  return 0;
});
