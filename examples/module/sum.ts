/** A system call of one's own: sum(n) adds the numbers from 1 to n, one instruction a statement. */
import { i32, kernel_function, kernel_variable, printk, u32 } from "esp0/kernel/module";

export const sum_calls = kernel_variable("sum_calls", u32);

export const sys_sum = kernel_function("sys_sum", [u32], i32, function* (n) {
  let sum: u32 = 0;
  for (let i = 1; i <= n; i++) sum += i;
  sum_calls.value += 1;
  printk(`sum: call ${sum_calls.value}, the numbers up to ${n}\n`);
  return sum;
});
