/**
 * A device whose reader sleeps until a writer has written a `y`: a wait queue and a flag. sys_wq_init() registers it and returns
 * its major number, sys_wq_exit() takes it back.
 */
import {
  copy_from_user,
  cstring,
  current,
  EFAULT,
  file_operations,
  i32,
  init_waitqueue_head,
  kernel_function,
  kernel_table,
  kernel_variable,
  pointer,
  printk,
  register_chrdev,
  u32,
  unregister_chrdev,
  wait_event_interruptible,
  wait_queue_head_t,
  wake_up_interruptible,
} from "esp0/kernel/module";

const YES = 0x79;
const NO = 0x6e;

export const wq = kernel_variable("wq", wait_queue_head_t);
export const flag = kernel_variable("flag", u32, NO);
export const major = kernel_variable("wq_major", u32);

/** Sleeps until the flag is set, and takes it back; -ERESTARTSYS when a signal comes first. */
export const wq_read = kernel_function("wq_read", [pointer("file"), u32, u32], i32, function* (_file, _buffer, _count) {
  printk(`wq: pid ${current().pid} goes to sleep\n`);
  const interrupted = yield* wait_event_interruptible(wq.address, () => flag.value === YES);
  if (interrupted !== 0) return interrupted;
  flag.value = NO;
  printk(`wq: pid ${current().pid} woke up\n`);
  return 0;
});

export const wq_write = kernel_function("wq_write", [pointer("file"), u32, u32], i32, function* (_file, buffer, count) {
  if ((yield* copy_from_user(flag.address, buffer, 1)) !== 0) return -EFAULT;
  printk(`wq: pid ${current().pid} writes ${String.fromCharCode(flag.value)}\n`);
  yield* wake_up_interruptible(wq.address);
  return count;
});

const wq_name = cstring("wq");
const wq_fops = kernel_table("wq_fops", ["wq_read", "wq_write", 0, 0, 0, 0, 0], file_operations);

export const sys_wq_init = kernel_function("sys_wq_init", [], i32, function* () {
  init_waitqueue_head(wq.address);
  const result = yield* register_chrdev(0, wq_name.address, wq_fops.address);
  if (result > 0) major.value = result;
  return result;
});

export const sys_wq_exit = kernel_function("sys_wq_exit", [], i32, function* () {
  return yield* unregister_chrdev(major.value, wq_name.address);
});
