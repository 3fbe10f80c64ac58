/** Timers that note when they fire. */
import { kernel_function, kernel_variable } from "../../../kernel/host/declarations.ts";
import { array, i32, struct, u32 } from "../../../kernel/host/types.ts";
import { timer_list } from "../../../kernel/include/linux/timer.ts";
import { add_timer, jiffies } from "../../../kernel/kernel/timer.ts";

export const TIMERS = 40;
export const timers = kernel_variable("test_timers", array(timer_list, TIMERS));
export const fired = kernel_variable("test_fired", array(u32, TIMERS));

export const test_fire = kernel_function("test_fire", [u32], undefined, function* (index) {
  fired.value.set(index, jiffies.value);
});

/** How often it goes off again, and for how many ticks from now: 0 and less are past already. */
export const again = kernel_variable("test_again", struct("test_again", { times: u32, delay: i32 }));

export const test_fire_again = kernel_function("test_fire_again", [u32], undefined, function* (index) {
  fired.value.set(index, jiffies.value);
  if (again.value.times === 0) return;
  again.value.times--;
  const timer = timers.value.get(index);
  timer.expires = jiffies.value + again.value.delay;
  yield* add_timer(timer.address);
});
