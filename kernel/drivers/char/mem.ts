/** /dev/null and /dev/zero (drivers/char/mem.c). */

import { MINOR, register_chrdev } from "../../fs/devices.ts";
import { cstring, kernel_function, kernel_table } from "../../host/declarations.ts";
import { i32, pointer, u32 } from "../../host/types.ts";
import { PAGE_SIZE } from "../../include/asm/page.ts";
import { clear_user } from "../../include/asm/uaccess.ts";
import { EFAULT, ENXIO } from "../../include/linux/errno.ts";
import { file, file_operations, inode } from "../../include/linux/fs.ts";

const MEM_MAJOR = 1;
const NULL_MINOR = 3;
const ZERO_MINOR = 5;

const read_null = kernel_function("read_null", [pointer("file"), u32, u32], i32, () => 0);
const write_null = kernel_function("write_null", [pointer("file"), u32, u32], i32, (_file, _buffer, count) => count);

/** @context might_sleep */
const read_zero = kernel_function("read_zero", [pointer("file"), u32, u32], i32, function* (_file, buffer, count) {
  for (let done: u32 = 0; done < count; ) {
    const bytes: u32 = Math.min(count - done, PAGE_SIZE);
    const left = yield* clear_user(buffer + done, bytes);
    done += bytes - left;
    if (left !== 0) return done || -EFAULT;
  }
  return count;
});

const null_fops = kernel_table("null_fops", [read_null.symbol, write_null.symbol, 0, 0, 0, 0, 0], file_operations);
const zero_fops = kernel_table("zero_fops", [read_zero.symbol, write_null.symbol, 0, 0, 0, 0, 0], file_operations);

/** Gives the file the operations of its minor number. */
const memory_open = kernel_function(
  "memory_open",
  [pointer("inode"), pointer("file")],
  i32,
  (inode_address, file_address) => {
    switch (MINOR(inode.at(inode_address).i_rdev)) {
      case NULL_MINOR:
        file.at(file_address).f_op = null_fops.address;
        return 0;
      case ZERO_MINOR:
        file.at(file_address).f_op = zero_fops.address;
        return 0;
      default:
        return -ENXIO;
    }
  },
);

const memory_fops = kernel_table("memory_fops", [0, 0, 0, memory_open.symbol, 0, 0, 0], file_operations);

const mem_name = cstring("mem");

/** Registers the memory devices. */
export const chr_dev_init = kernel_function("chr_dev_init", [], undefined, function* () {
  yield* register_chrdev(MEM_MAJOR, mem_name.address, memory_fops.address);
});
