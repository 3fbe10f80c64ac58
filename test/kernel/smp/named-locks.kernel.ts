/** System calls that take numbers, again and again, and count how often somebody else had got the same. */
import { destroy_inode, new_inode } from "../../../kernel/fs/inode.ts";
import { kernel_function, kernel_variable } from "../../../kernel/host/declarations.ts";
import { array, i32, u32 } from "../../../kernel/host/types.ts";
import { atomic_inc } from "../../../kernel/include/asm/atomic.ts";
import { test_and_set_bit } from "../../../kernel/include/asm/bitops.ts";
import { get_pid } from "../../../kernel/kernel/pid.ts";

const NUMBERS = 4096;
const seen_inodes = kernel_variable("seen_inodes", array(u32, NUMBERS / 32));
const seen_pids = kernel_variable("seen_pids", array(u32, NUMBERS / 32));
/** How often a number came twice. */
export const twice = kernel_variable("numbers_twice", i32);

/** take_inodes(times) */
export const sys_take_inodes = kernel_function("sys_take_inodes", [u32], i32, function* (times) {
  for (let i: u32 = 0; i < times; i++) {
    const node = yield* new_inode();
    if (node === undefined) return -1;
    if ((yield* test_and_set_bit(node.i_ino % NUMBERS, seen_inodes.address)) !== 0) yield* atomic_inc(twice.address);
    yield* destroy_inode(node.address);
  }
  return 0;
});

/** take_pids(times) */
export const sys_take_pids = kernel_function("sys_take_pids", [u32], i32, function* (times) {
  for (let i: u32 = 0; i < times; i++) {
    const pid = yield* get_pid(0);
    if ((yield* test_and_set_bit(pid % NUMBERS, seen_pids.address)) !== 0) yield* atomic_inc(twice.address);
  }
  return 0;
});
