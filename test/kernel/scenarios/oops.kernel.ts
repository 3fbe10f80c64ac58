/** Two system calls that a kernel should not have: oops.test.ts puts one in the place of number 0. */
import { kernel_function } from "../../../kernel/host/declarations.ts";
import { memory } from "../../../kernel/host/memory.ts";
import { i32 } from "../../../kernel/host/types.ts";

kernel_function("sys_throw", [], i32, function* () {
  throw new TypeError("the cow was a pig");
});
kernel_function("sys_bad_pointer", [], i32, function* () {
  return memory().read32(0x10);
});
