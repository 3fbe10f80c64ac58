/** Timers that note when they fire. */
import { kernel_function, kernel_variable } from "../../../kernel/host/declarations.ts";
import { array, u32 } from "../../../kernel/host/types.ts";
import { timer_list } from "../../../kernel/include/linux/timer.ts";
import { jiffies } from "../../../kernel/kernel/timer.ts";

export const TIMERS = 40;
export const timers = kernel_variable("test_timers", array(timer_list, TIMERS));
export const fired = kernel_variable("test_fired", array(u32, TIMERS));

export const test_fire = kernel_function("test_fire", [u32], undefined, function* (index) {
  fired.value.set(index, jiffies.value);
});
