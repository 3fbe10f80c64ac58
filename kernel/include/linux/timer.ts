/** Dynamic timers (include/linux/timer.h). */
import { pointer, struct, u32, type ViewOf } from "../../host/types.ts";
import { list_head } from "./list.ts";

export const timer_list = struct("timer_list", {
  list: list_head,
  /** In jiffies. */
  expires: u32,
  data: u32,
  /** Guest function, called with `data`. */
  function: pointer("function"),
});
export type timer_list = ViewOf<typeof timer_list>;

/** Whether jiffies value `a` is after `b`, across wrap-around (include/linux/timer.h). */
export function time_after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

export function time_after_eq(a: number, b: number): boolean {
  return ((a - b) | 0) >= 0;
}

export function time_before(a: number, b: number): boolean {
  return time_after(b, a);
}

export function time_before_eq(a: number, b: number): boolean {
  return time_after_eq(b, a);
}
