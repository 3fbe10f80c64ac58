/** Kernel functions of the kit's own tests. */
import { kernel_function } from "../../kernel/host/declarations.ts";
import { i32 } from "../../kernel/host/types.ts";

export const sys_double = kernel_function("sys_test_double", [i32], i32, function* (n) {
  return 2 * n;
});
