/** ioctl(2) (fs/ioctl.c): left to the file's driver, with the big kernel lock. */
import { call_pointer, kernel_function } from "../host/declarations.ts";
import { i32, u32 } from "../host/types.ts";
import { lock_kernel, unlock_kernel } from "../include/asm/smplock.ts";
import { EBADF, ENOTTY } from "../include/linux/errno.ts";
import { file, file_operations } from "../include/linux/fs.ts";
import { fget, fput } from "./file_table.ts";

export const sys_ioctl = kernel_function("sys_ioctl", [i32, u32, u32], i32, function* (fd, command, argument) {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  const { f_op } = file.at(at);
  const ioctl: u32 = f_op === 0 ? 0 : file_operations.at(f_op).ioctl;
  yield* lock_kernel();
  const result: i32 = ioctl === 0 ? -ENOTTY : yield* call_pointer(ioctl, i32, at, command, argument);
  yield* unlock_kernel();
  yield* fput(at);
  return result;
});
