/** Completions (include/linux/completion.h); the functions are in kernel/completion.ts. */
import { struct, u32 } from "../../host/types.ts";
import { init_waitqueue_head, wait_queue_head_t } from "./wait.ts";

export const completion = struct("completion", { done: u32, wait: wait_queue_head_t });

export function init_completion(at: number): void {
  const x = completion.at(at);
  x.done = 0;
  init_waitqueue_head(x.wait.address);
}

/** Makes a completion that has happened, for everybody too, one that has not; nobody may be waiting (INIT_COMPLETION). */
export function reinit_completion(at: number): void {
  completion.at(at).done = 0;
}
