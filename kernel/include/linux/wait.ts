/** Wait queues' structures (include/linux/wait.h); the functions are in kernel/sched.ts and kernel/fork.ts. */
import { pointer, struct, u32 } from "../../host/types.ts";
import { INIT_LIST_HEAD, list_head } from "./list.ts";

export const wait_queue_head_t = struct("wait_queue_head_t", { task_list: list_head });

export const wait_queue_t = struct("wait_queue_t", {
  flags: u32,
  task: pointer("task_struct"),
  task_list: list_head,
});

export const WQ_FLAG_EXCLUSIVE = 1;

export function init_waitqueue_head(queue: number): void {
  INIT_LIST_HEAD(queue);
}

/** Fills in a wait-queue entry for a task; it is on no queue yet. */
export function init_waitqueue_entry(wait: number, task: number): void {
  const entry = wait_queue_t.at(wait);
  entry.flags = 0;
  entry.task = task;
}
