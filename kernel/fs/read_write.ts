/** Reading, writing and positioning (fs/read_write.c), and regular files' own operations (mm/filemap.c). */
import { call_pointer, kernel_function, kernel_table } from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { access_ok, copy_to_user } from "../include/asm/uaccess.ts";
import { EBADF, EFAULT, EINVAL, EISDIR, ESPIPE } from "../include/linux/errno.ts";
import {
  FMODE_READ,
  FMODE_WRITE,
  file,
  file_operations,
  inode,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from "../include/linux/fs.ts";
import { fget, fput } from "./file_table.ts";

/** Most bytes that a call transfers: results are positive. */
const MAX_RW_COUNT = 0x7ffff000;
const SEEK_SET = 0;
const SEEK_CUR = 1;
const SEEK_END = 2;

/** Copies from a regular file at its position; 0 at its end. */
export const generic_file_read = kernel_function(
  "generic_file_read",
  [pointer("file"), u32, u32],
  i32,
  function* (at, buffer, count) {
    const filp = file.at(at);
    const node = inode.at(filp.f_inode);
    const position = filp.f_pos;
    const bytes = Math.min(count, Math.max(0, node.i_size - position));
    const left = yield* copy_to_user(buffer, node.i_data + position, bytes);
    if (bytes > 0 && left === bytes) return -EFAULT;
    filp.f_pos = position + bytes - left;
    return bytes - left;
  },
);

/** Operations of regular files, which are read-only: read and mmap. */
export const generic_file_fops = kernel_table(
  "generic_file_fops",
  ["generic_file_read", 0, "generic_file_mmap", 0, 0, 0],
  file_operations,
);

/** read(2). */
export const sys_read = kernel_function("sys_read", [i32, u32, u32], i32, function* (fd, buffer, count) {
  const at = fget(fd);
  if (at === 0) return -EBADF;
  const { f_mode, f_op, f_inode } = file.at(at);
  const read = f_op === 0 ? 0 : file_operations.at(f_op).read;
  let result = -EBADF;
  if (f_mode & FMODE_READ) {
    if ((inode.at(f_inode).i_mode & S_IFMT) === S_IFDIR) result = -EISDIR;
    else if (read === 0) result = -EINVAL;
    else if (!access_ok(buffer, Math.min(count, MAX_RW_COUNT))) result = -EFAULT;
    else result = yield* call_pointer(read, i32, at, buffer, Math.min(count, MAX_RW_COUNT));
  }
  yield* fput(at);
  return result;
});

/** write(2). */
export const sys_write = kernel_function("sys_write", [i32, u32, u32], i32, function* (fd, buffer, count) {
  const at = fget(fd);
  if (at === 0) return -EBADF;
  const { f_mode, f_op } = file.at(at);
  const write = f_op === 0 ? 0 : file_operations.at(f_op).write;
  let result = -EBADF;
  if (f_mode & FMODE_WRITE) {
    if (write === 0) result = -EINVAL;
    else if (!access_ok(buffer, Math.min(count, MAX_RW_COUNT))) result = -EFAULT;
    else result = yield* call_pointer(write, i32, at, buffer, Math.min(count, MAX_RW_COUNT));
  }
  yield* fput(at);
  return result;
});

/** lseek(2): regular files only. */
export const sys_lseek = kernel_function("sys_lseek", [i32, i32, u32], i32, function* (fd, offset, origin) {
  const at = fget(fd);
  if (at === 0) return -EBADF;
  const filp = file.at(at);
  const node = inode.at(filp.f_inode);
  const base =
    origin === SEEK_SET ? 0 : origin === SEEK_CUR ? filp.f_pos : origin === SEEK_END ? node.i_size : Number.NaN;
  const position = base + offset;
  let result = -EINVAL;
  if ((node.i_mode & S_IFMT) !== S_IFREG) result = -ESPIPE;
  else if (position >= 0 && position <= 0x7fffffff) {
    filp.f_pos = position;
    result = position;
  }
  yield* fput(at);
  return result;
});
