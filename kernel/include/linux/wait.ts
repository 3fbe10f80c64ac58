/** Wait queues' structures (include/linux/wait.h); the functions are in kernel/sched.ts and kernel/fork.ts. */
import { pointer, struct, u32 } from "../../host/types.ts";
import { spin_lock_init, spinlock_t } from "../asm/spinlock.ts";
import { INIT_LIST_HEAD, list_head } from "./list.ts";

export const wait_queue_head_t = struct("wait_queue_head_t", { lock: spinlock_t, task_list: list_head });

export const wait_queue_t = struct("wait_queue_t", {
  flags: u32,
  task: pointer("task_struct"),
  task_list: list_head,
});

export const WQ_FLAG_EXCLUSIVE = 1;

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
}
