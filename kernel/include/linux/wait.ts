/** Wait queues' structures (include/linux/wait.h); the functions are in kernel/wait.ts, the macros in wait-event.ts. */
import { asm_function } from "../../host/declarations.ts";
import { i32, pointer, struct, u32 } from "../../host/types.ts";
import { spin_lock_init, spinlock_t } from "../asm/spinlock.ts";
import { INIT_LIST_HEAD, list_head } from "./list.ts";

export const wait_queue_head_t = struct("wait_queue_head_t", { lock: spinlock_t, task_list: list_head });

export const wait_queue_t = struct("wait_queue_t", {
  flags: u32,
  task: pointer("task_struct"),
  /**
   * What a wake-up of the queue calls: func(entry, mode, sync, key), with the queue's lock held and interrupts off (Linux
   * 2.6). It returns whether it woke somebody: only then does an exclusive entry count.
   */
  func: pointer("function"),
  task_list: list_head,
});

/** A bit that is waited for, as the key of a wake-up (include/linux/wait.h, Linux 2.6). */
export const wait_bit_key = struct("wait_bit_key", { flags: pointer("u32"), bit_nr: i32 });

export const wait_bit_queue = struct("wait_bit_queue", { key: wait_bit_key, wait: wait_queue_t });

export const WQ_FLAG_EXCLUSIVE = 1;

/** kernel/wait.ts: wakes the entry's task. */
export const default_wake_function = asm_function(
  "default_wake_function",
  [pointer("wait_queue_t"), u32, i32, u32],
  i32,
);
/** kernel/wait.ts: the same; who was woken is off the queue. */
export const autoremove_wake_function = asm_function(
  "autoremove_wake_function",
  [pointer("wait_queue_t"), u32, i32, u32],
  i32,
);
/** kernel/wait-bit.ts: the same, if it is this entry's bit that was cleared. */
export const wake_bit_function = asm_function("wake_bit_function", [pointer("wait_queue_t"), u32, i32, u32], i32);

export function init_waitqueue_head(queue: number): void {
  const head = wait_queue_head_t.at(queue);
  spin_lock_init(head.lock.address);
  INIT_LIST_HEAD(head.task_list.address);
}

/** Fills in a wait-queue entry for a task; it is on no queue yet. */
export function init_waitqueue_entry(wait: number, task: number): void {
  const entry = wait_queue_t.at(wait);
  entry.flags = 0;
  entry.task = task;
  entry.func = default_wake_function.address;
}

/** Fills in an entry for prepare_to_wait: whoever is woken is taken off the queue (DEFINE_WAIT, init_wait). */
export function init_wait_entry(wait: number, task: number, flags = 0): void {
  const entry = wait_queue_t.at(wait);
  entry.flags = flags;
  entry.task = task;
  entry.func = autoremove_wake_function.address;
  INIT_LIST_HEAD(entry.task_list.address);
}
