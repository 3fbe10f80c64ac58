/** Reading, writing and positioning (fs/read_write.c), and regular files' own operations (mm/filemap.c). */
import { call_pointer, kernel_function, kernel_table, local, type Steps } from "../host/declarations.ts";
import { i32, pointer, struct, u32 } from "../host/types.ts";
import { lock_kernel, unlock_kernel } from "../include/asm/smplock.ts";
import { access_ok, copy_from_user, copy_to_user, put_user } from "../include/asm/uaccess.ts";
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

/** Copies from a regular file at its position; 0 at its end. @context might_sleep */
export const generic_file_read = kernel_function(
  "generic_file_read",
  [pointer("file"), u32, u32],
  i32,
  function* (at, buffer, count) {
    const filp = file.at(at);
    const node = inode.at(filp.f_inode);
    const position = filp.f_pos;
    const bytes: u32 = Math.min(count, Math.max(0, node.i_size - position));
    const left = yield* copy_to_user(buffer, node.i_data + position, bytes);
    if (bytes > 0 && left === bytes) return -EFAULT;
    filp.f_pos = position + bytes - left;
    return bytes - left;
  },
);

/** Operations of regular files, which are read-only: read and mmap. */
export const generic_file_fops = kernel_table(
  "generic_file_fops",
  ["generic_file_read", 0, "generic_file_mmap", 0, 0, 0, 0],
  file_operations,
);

/** Reads from an open file, as far as it can be read. Returns bytes or -errno. */
function* read_file(at: u32, buffer: u32, count: u32): Steps<i32> {
  const { f_mode, f_op, f_inode } = file.at(at);
  const read: u32 = f_op === 0 ? 0 : file_operations.at(f_op).read;
  if ((f_mode & FMODE_READ) === 0) return -EBADF;
  if ((inode.at(f_inode).i_mode & S_IFMT) === S_IFDIR) return -EISDIR;
  if (read === 0) return -EINVAL;
  const bytes: u32 = Math.min(count, MAX_RW_COUNT);
  return access_ok(buffer, bytes) ? yield* call_pointer(read, i32, at, buffer, bytes) : -EFAULT;
}

/** Writes to an open file. Returns bytes or -errno. */
function* write_file(at: u32, buffer: u32, count: u32): Steps<i32> {
  const { f_mode, f_op } = file.at(at);
  const write: u32 = f_op === 0 ? 0 : file_operations.at(f_op).write;
  if ((f_mode & FMODE_WRITE) === 0) return -EBADF;
  if (write === 0) return -EINVAL;
  const bytes: u32 = Math.min(count, MAX_RW_COUNT);
  return access_ok(buffer, bytes) ? yield* call_pointer(write, i32, at, buffer, bytes) : -EFAULT;
}

/** read(2). */
export const sys_read = kernel_function("sys_read", [i32, u32, u32], i32, function* (fd, buffer, count) {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  const result = yield* read_file(at, buffer, count);
  yield* fput(at);
  return result;
});

/** write(2). */
export const sys_write = kernel_function("sys_write", [i32, u32, u32], i32, function* (fd, buffer, count) {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  const result = yield* write_file(at, buffer, count);
  yield* fput(at);
  return result;
});

const iovec = struct("iovec", { iov_base: u32, iov_len: u32 });
/** Pieces of one call (UIO_MAXIOV). */
const UIO_MAXIOV = 1024;

/**
 * Reads or writes the pieces one after the other, until one comes short. Returns bytes, or -errno if there are none.
 * @context might_sleep
 */
function* do_readv_writev(writes: boolean, at: u32, vector: u32, count: u32): Steps<i32> {
  if (count > UIO_MAXIOV) return -EINVAL;
  const piece = local(iovec);
  let done: i32 = 0;
  for (let i = 0; i < count; i++) {
    if ((yield* copy_from_user(piece.address, vector + i * iovec.size, iovec.size)) !== 0) return done || -EFAULT;
    const { iov_base, iov_len } = piece;
    if (iov_len > MAX_RW_COUNT) return done || -EINVAL;
    if (iov_len === 0) continue;
    const moved = writes ? yield* write_file(at, iov_base, iov_len) : yield* read_file(at, iov_base, iov_len);
    if (moved < 0) return done || moved;
    done += moved;
    if (moved < iov_len) break;
  }
  return done;
}

/** readv(2). @context might_sleep */
export const sys_readv = kernel_function("sys_readv", [i32, u32, u32], i32, function* (fd, vector, count) {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  const result = yield* do_readv_writev(false, at, vector, count);
  yield* fput(at);
  return result;
});

/** writev(2). @context might_sleep */
export const sys_writev = kernel_function("sys_writev", [i32, u32, u32], i32, function* (fd, vector, count) {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  const result = yield* do_readv_writev(true, at, vector, count);
  yield* fput(at);
  return result;
});

/** Moves the position of an open file: the new one, or -errno. With the big kernel lock, as drivers may want. */
function* llseek(fd: i32, offset: number, origin: u32): Steps<i32> {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  yield* lock_kernel();
  const position: i32 = seek(file.at(at), offset, origin);
  yield* unlock_kernel();
  yield* fput(at);
  return position;
}

/** Moves the position of a regular file or directory: the new one, or -errno. */
function seek(filp: file, offset: number, origin: number): number {
  const node = inode.at(filp.f_inode);
  const type = node.i_mode & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR) return -ESPIPE;
  const base =
    origin === SEEK_SET ? 0 : origin === SEEK_CUR ? filp.f_pos : origin === SEEK_END ? node.i_size : Number.NaN;
  const position = base + offset;
  if (!(position >= 0 && position <= 0x7fffffff)) return -EINVAL;
  filp.f_pos = position;
  return position;
}

/** lseek(2): regular files, and directories, whose positions count entries. */
export const sys_lseek = kernel_function("sys_lseek", [i32, i32, u32], i32, function* (fd, offset, origin) {
  return yield* llseek(fd, offset, origin);
});

/** An offset in two halves; one that leads nowhere becomes another that does not. */
function wide_offset(high: number, low: number): number {
  const farthest = 2 ** 40;
  return Math.max(-farthest, Math.min(farthest, high * 2 ** 32 + low));
}

/** _llseek(2): a 64-bit offset in two halves, the 64-bit result in user memory. @context might_sleep */
export const sys_llseek = kernel_function(
  "sys_llseek",
  [i32, i32, u32, u32, u32],
  i32,
  function* (fd, offset_high, offset_low, result, origin) {
    const position = yield* llseek(fd, wide_offset(offset_high, offset_low), origin);
    if (position < 0) return position;
    return (yield* put_user(position, result)) !== 0 || (yield* put_user(0, result + 4)) !== 0 ? -EFAULT : 0;
  },
);
