/** nap(ticks): sleeps on a wait queue until a timer wakes it; gives the number of tasks there are meanwhile. */
import {
  add_timer,
  for_each_task,
  i32,
  init_timer,
  init_waitqueue_head,
  jiffies,
  kernel_function,
  kernel_variable,
  printk,
  read_lock,
  read_unlock,
  tasklist_lock,
  timer_list,
  u32,
  wait_event,
  wait_queue_head_t,
  wake_up,
} from "esp0/kernel/module";

export const nap_queue = kernel_variable("nap_queue", wait_queue_head_t);
export const nap_timer = kernel_variable("nap_timer", timer_list);
export const nap_over = kernel_variable("nap_over", u32);

/** What the timer calls, in its bottom half. */
export const end_nap = kernel_function("end_nap", [u32], undefined, function* (ticks) {
  nap_over.value = ticks;
  yield* wake_up(nap_queue.address);
});

export const sys_nap = kernel_function("sys_nap", [u32], i32, function* (ticks) {
  init_waitqueue_head(nap_queue.address);
  nap_over.value = 0;
  const timer = nap_timer.value;
  init_timer(timer.address);
  timer.expires = jiffies.value + ticks;
  timer.data = ticks;
  timer.function = end_nap.address;
  yield* add_timer(timer.address);
  yield* wait_event(nap_queue.address, () => nap_over.value !== 0);
  let tasks: i32 = 0;
  yield* read_lock(tasklist_lock.address);
  for (const task of for_each_task()) {
    printk(`nap: pid ${task.pid} is there, at tick ${jiffies.value}\n`);
    tasks += 1;
  }
  yield* read_unlock(tasklist_lock.address);
  return tasks;
});
