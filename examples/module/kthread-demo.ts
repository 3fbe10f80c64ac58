/**
 * A kernel thread of kthread_run, and its end by kthread_stop. sys_demo_init(kind) and sys_demo_exit() are what insmod and
 * rmmod of such a module do. Of kind 0 the thread looks whether it is to stop, of kind 1 it never does: whoever stops it
 * waits for ever.
 */
import {
  allow_signal,
  current,
  flush_signals,
  IS_ERR,
  i32,
  kernel_function,
  kernel_variable,
  kthread_run,
  kthread_should_stop,
  kthread_stop,
  msleep,
  msleep_interruptible,
  pointer,
  printk,
  SIGKILL,
  signal_pending,
  task_struct,
  u32,
} from "esp0/kernel/module";

export const demo_thread = kernel_variable("demo_thread", pointer("task_struct"));

export const demo_fn = kernel_function("demo_fn", [u32], i32, function* (_data) {
  yield* allow_signal(SIGKILL);
  let turns: i32 = 0;
  while (!kthread_should_stop()) {
    printk("demo: the thread runs\n");
    turns++;
    yield* msleep_interruptible(50);
    if (signal_pending(current())) {
      printk("demo: a signal woke it, which it had allowed\n");
      yield* flush_signals(current().address);
    }
  }
  printk("demo: the thread stops\n");
  return turns;
});

export const stubborn_fn = kernel_function("stubborn_fn", [u32], i32, function* (_data) {
  for (;;) yield* msleep(1000);
});

/** Starts the thread; its pid. */
export const sys_demo_init = kernel_function("sys_demo_init", [u32], i32, function* (kind) {
  const thread_fn = kind === 0 ? demo_fn.address : stubborn_fn.address;
  const task = yield* kthread_run(thread_fn, 0, kind === 0 ? "demo" : "stubborn");
  if (IS_ERR(task)) return task;
  demo_thread.value = task;
  return task_struct.at(task).pid;
});

export const sys_demo_exit = kernel_function("sys_demo_exit", [], i32, function* () {
  const turns = yield* kthread_stop(demo_thread.value);
  printk(`demo: stopped, after ${turns} turns\n`);
  return turns;
});
