/** A system call that calls itself as deep as it is told, for stack-overflow.test.ts. */
import { kernel_function, type Steps } from "../../../kernel/host/declarations.ts";
import { i32, u32 } from "../../../kernel/host/types.ts";

function* descend(depth: u32): Steps<u32> {
  return depth === 0 ? 0 : 1 + (yield* descend(depth - 1));
}

export const sys_descend = kernel_function("sys_descend", [u32], i32, function* (depth) {
  return yield* descend(depth);
});
