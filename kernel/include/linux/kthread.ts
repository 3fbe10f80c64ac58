/** Making kernel threads (include/linux/kthread.h, Linux 2.6): the macros; the functions are in kernel/kthread.ts. */
import { asm_function, local, type Steps } from "../../host/declarations.ts";
import { chars, i32, pointer, struct, u32 } from "../../host/types.ts";
import { wake_up_process } from "../../kernel/sched.ts";
import { completion } from "./completion.ts";
import { IS_ERR } from "./fs.ts";
import { list_head } from "./list.ts";

/** What kthreadd is asked for, on the stack of the one who asks. */
export const kthread_create_info = struct("kthread_create_info", {
  threadfn: pointer("function"),
  data: u32,
  comm: chars(16),
  /** The new task, or -errno. */
  result: pointer("task_struct"),
  done: completion,
  list: list_head,
});

/** What a kernel thread that kthreadd made has at the outermost end of its stack. Its task's vfork_done leads to it. */
export const kthread = struct("kthread", { should_stop: i32, exited: completion });

/** kernel/kthread.ts: what kthread_create does. */
export const kthread_create_on = asm_function("kthread_create_on", [pointer("kthread_create_info")], u32);

/**
 * Makes a kernel thread that will execute threadfn(data), a guest function that returns an int, and sleeps until it is woken
 * (`wake_up_process`), bound (`kthread_bind`) or stopped. Returns its task_struct, or -errno (`IS_ERR`). The name, a text
 * of up to 15 characters, may have variables in it: `worker/${cpu}`. Needs what `might_sleep` needs.
 */
export function* kthread_create(threadfn: u32, data: u32, name: string): Steps<u32> {
  const create = local(kthread_create_info);
  create.threadfn = threadfn;
  create.data = data;
  create.comm = name;
  return yield* kthread_create_on(create.address);
}

/** The same, and wakes it. */
export function* kthread_run(threadfn: u32, data: u32, name: string): Steps<u32> {
  const task = yield* kthread_create(threadfn, data, name);
  if (!IS_ERR(task)) yield* wake_up_process(task);
  return task;
}
