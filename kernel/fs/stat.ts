/** What is known of a file (fs/stat.c), in the three layouts that programs ask for. */
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { i32, pointer, struct, u16, u32, type ViewOf } from "../host/types.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { memset } from "../include/asm/string.ts";
import { copy_to_user, get_user } from "../include/asm/uaccess.ts";
import { EBADF, EFAULT, EINVAL } from "../include/linux/errno.ts";
import { AT_FDCWD, file, IS_ERR, inode, S_IFLNK, S_IFMT } from "../include/linux/fs.ts";
import { boot_time } from "../kernel/time.ts";
import { fget, fput } from "./file_table.ts";
import { link_length, link_target, user_path_at } from "./namei.ts";

const SECTOR = 512;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;

/** struct stat of the calls named newstat in the kernel (include/asm-i386/stat.h). */
const stat = struct("stat", {
  st_dev: u32,
  st_ino: u32,
  st_mode: u16,
  st_nlink: u16,
  st_uid: u16,
  st_gid: u16,
  st_rdev: u32,
  st_size: u32,
  st_blksize: u32,
  st_blocks: u32,
  st_atime: u32,
  st_atime_nsec: u32,
  st_mtime: u32,
  st_mtime_nsec: u32,
  st_ctime: u32,
  st_ctime_nsec: u32,
  __unused4: u32,
  __unused5: u32,
});

/** struct stat64; 64-bit fields are aligned to 4 bytes on i386. */
const stat64 = struct("stat64", {
  st_dev: u32,
  st_dev_high: u32,
  __pad0: u32,
  __st_ino: u32,
  st_mode: u32,
  st_nlink: u32,
  st_uid: u32,
  st_gid: u32,
  st_rdev: u32,
  st_rdev_high: u32,
  __pad3: u32,
  st_size: u32,
  st_size_high: u32,
  st_blksize: u32,
  st_blocks: u32,
  st_blocks_high: u32,
  st_atime: u32,
  st_atime_nsec: u32,
  st_mtime: u32,
  st_mtime_nsec: u32,
  st_ctime: u32,
  st_ctime_nsec: u32,
  st_ino: u32,
  st_ino_high: u32,
});

/** Fills in what both layouts have under the same names; the rest is zero. All times are that of boot. */
function fill(into: ViewOf<typeof stat> | ViewOf<typeof stat64>, node: inode): void {
  into.st_dev = node.i_dev;
  into.st_ino = node.i_ino;
  into.st_mode = node.i_mode;
  into.st_nlink = node.i_nlink;
  into.st_rdev = node.i_rdev;
  into.st_size = node.i_size;
  into.st_blksize = PAGE_SIZE;
  into.st_blocks = Math.ceil(node.i_size / SECTOR);
  into.st_atime = into.st_mtime = into.st_ctime = boot_time.value;
}

/** Gives user memory the struct stat of an inode; an address that is -errno is passed through. @context might_sleep */
const cp_new_stat = kernel_function("cp_new_stat", [pointer("inode"), u32], i32, function* (node, statbuf) {
  if (IS_ERR(node)) return node;
  const tmp = local(stat);
  yield* memset(tmp.address, 0, stat.size);
  fill(tmp, inode.at(node));
  return (yield* copy_to_user(statbuf, tmp.address, stat.size)) === 0 ? 0 : -EFAULT;
});

/** The same for struct stat64. @context might_sleep */
const cp_new_stat64 = kernel_function("cp_new_stat64", [pointer("inode"), u32], i32, function* (node, statbuf) {
  if (IS_ERR(node)) return node;
  const tmp = local(stat64);
  yield* memset(tmp.address, 0, stat64.size);
  fill(tmp, inode.at(node));
  tmp.__st_ino = tmp.st_ino;
  return (yield* copy_to_user(statbuf, tmp.address, stat64.size)) === 0 ? 0 : -EFAULT;
});

/** @context might_sleep */
export const sys_newstat = kernel_function("sys_newstat", [u32, u32], i32, function* (filename, statbuf) {
  return yield* cp_new_stat(yield* user_path_at(AT_FDCWD, filename), statbuf);
});

/** @context might_sleep */
export const sys_newlstat = kernel_function("sys_newlstat", [u32, u32], i32, function* (filename, statbuf) {
  return yield* cp_new_stat(yield* user_path_at(AT_FDCWD, filename, false), statbuf);
});

/** @context might_sleep */
export const sys_newfstat = kernel_function("sys_newfstat", [i32, u32], i32, function* (fd, statbuf) {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  const result = yield* cp_new_stat(file.at(at).f_inode, statbuf);
  yield* fput(at);
  return result;
});

/** stat64(2). @context might_sleep */
export const sys_stat64 = kernel_function("sys_stat64", [u32, u32], i32, function* (filename, statbuf) {
  return yield* cp_new_stat64(yield* user_path_at(AT_FDCWD, filename), statbuf);
});

/** lstat64(2): a symbolic link itself. @context might_sleep */
export const sys_lstat64 = kernel_function("sys_lstat64", [u32, u32], i32, function* (filename, statbuf) {
  return yield* cp_new_stat64(yield* user_path_at(AT_FDCWD, filename, false), statbuf);
});

/** @context might_sleep */
export const sys_fstat64 = kernel_function("sys_fstat64", [i32, u32], i32, function* (fd, statbuf) {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  const result = yield* cp_new_stat64(file.at(at).f_inode, statbuf);
  yield* fput(at);
  return result;
});

/** Whether a user's string is empty. One that cannot be read is not. @context might_sleep */
const is_empty_name = kernel_function("is_empty_name", [u32], i32, function* (filename) {
  const word = local(u32);
  return (yield* get_user(word.address, filename, 1)) === 0 && word.value === 0 ? 1 : 0;
});

/**
 * fstatat64(2): with AT_SYMLINK_NOFOLLOW a link itself, with AT_EMPTY_PATH and no name the open file.
 * @context might_sleep
 */
export const sys_fstatat64 = kernel_function(
  "sys_fstatat64",
  [i32, u32, u32, u32],
  i32,
  function* (dfd, filename, statbuf, flags) {
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
    if (flags & AT_EMPTY_PATH && dfd >= 0 && (yield* is_empty_name(filename)) !== 0)
      return yield* sys_fstat64(dfd, statbuf);
    return yield* cp_new_stat64(yield* user_path_at(dfd, filename, !(flags & AT_SYMLINK_NOFOLLOW)), statbuf);
  },
);

/**
 * Copies a link's target to user memory: bytes, without a NUL, or -errno. `node` may be -errno already.
 * @context might_sleep
 */
function* read_link(node: u32, buffer: u32, size: i32): Steps<i32> {
  if (IS_ERR(node)) return node;
  const link = inode.at(node);
  if (size <= 0 || (link.i_mode & S_IFMT) !== S_IFLNK) return -EINVAL;
  const target = yield* link_target(link);
  const length = yield* link_length(link, target);
  const bytes: i32 = Math.min(size, length);
  return (yield* copy_to_user(buffer, target, bytes)) === 0 ? bytes : -EFAULT;
}

/** readlink(2). @context might_sleep */
export const sys_readlink = kernel_function("sys_readlink", [u32, u32, i32], i32, function* (path, buffer, size) {
  return yield* read_link(yield* user_path_at(AT_FDCWD, path, false), buffer, size);
});

/** @context might_sleep */
export const sys_readlinkat = kernel_function(
  "sys_readlinkat",
  [i32, u32, u32, i32],
  i32,
  function* (dfd, path, buffer, size) {
    return yield* read_link(yield* user_path_at(dfd, path, false), buffer, size);
  },
);
