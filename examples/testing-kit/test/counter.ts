/** A module of the kernel: a system call that counts the forks of the kernel's life, and how often it was asked. */
import { i32, kernel_function, kernel_variable, kstat } from "esp0/kernel/module";

export const asked = kernel_variable("forks_asked", i32);

/** The number of forks since boot, and in `forks_asked` how often somebody wanted to know. */
export const sys_forks = kernel_function("sys_forks", [], i32, function* () {
  asked.value = asked.value + 1;
  return kstat.value.forks;
});
