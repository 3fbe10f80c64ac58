/** A system call that is in the same place twice, and sleeps in between. */
import { kernel_function, kernel_variable, type Steps } from "../../../kernel/host/declarations.ts";
import { i32, u32 } from "../../../kernel/host/types.ts";
import { lock_kernel, unlock_kernel } from "../../../kernel/include/asm/smplock.ts";
import { current, TASK_INTERRUPTIBLE } from "../../../kernel/include/linux/sched.ts";
import { schedule_timeout } from "../../../kernel/kernel/sched.ts";

/** Who is in the place now, how often somebody came, and how often he was not alone. */
const inside = kernel_variable("locks_inside", u32);
export const visits = kernel_variable("locks_visits", u32);
export const meetings = kernel_variable("locks_meetings", u32);

/** Nothing but a lock of the caller's keeps others out: they may come between any two of these statements. */
function* visit(): Steps<void> {
  visits.value++;
  const before = inside.value;
  inside.value = before + 1;
  for (let i: i32 = 0; i < 20; i++) if (inside.value !== 1) meetings.value = meetings.value + 1;
  inside.value = before;
}

/** visit_twice(locked): with the big kernel lock, or without any. */
export const sys_visit_twice = kernel_function("sys_visit_twice", [u32], i32, function* (locked) {
  if (locked !== 0) yield* lock_kernel();
  yield* visit();
  current().state = TASK_INTERRUPTIBLE;
  yield* schedule_timeout(1);
  yield* visit();
  if (locked !== 0) yield* unlock_kernel();
  return 0;
});
