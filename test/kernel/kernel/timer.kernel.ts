/** Timers that note when they fire. */
import { kernel_function, kernel_variable } from "../../../kernel/host/declarations.ts";
import { array, i32, struct, u32 } from "../../../kernel/host/types.ts";
import { timer_list } from "../../../kernel/include/linux/timer.ts";
import { add_timer, jiffies, run_timer_list } from "../../../kernel/kernel/timer.ts";

export const TIMERS = 40;
export const timers = kernel_variable("test_timers", array(timer_list, TIMERS));
export const fired = kernel_variable("test_fired", array(u32, TIMERS));

export const test_fire = kernel_function("test_fire", [u32], undefined, function* (index) {
  fired.value.set(index, jiffies.value);
});

/** Lets `ticks` timer interrupts happen; the bottom half runs after every `each` of them. */
export const test_ticks = kernel_function("test_ticks", [u32, u32], undefined, function* (ticks, each) {
  for (let left: u32 = ticks; left > 0; ) {
    const some: u32 = left < each ? left : each;
    jiffies.value += some;
    left -= some;
    yield* run_timer_list();
  }
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
