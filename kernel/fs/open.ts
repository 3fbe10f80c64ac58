/** Opening and closing files (fs/open.c). */
import { call_pointer, cstring, kernel_function, type Steps } from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { lock_kernel, unlock_kernel } from "../include/asm/smplock.ts";
import { strnlen } from "../include/asm/string.ts";
import { copy_to_user } from "../include/asm/uaccess.ts";
import {
  EACCES,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  EISDIR,
  ELOOP,
  ENFILE,
  ENODEV,
  ENOENT,
  ENOTDIR,
  ERANGE,
  EROFS,
} from "../include/linux/errno.ts";
import {
  AT_FDCWD,
  FMODE_WRITE,
  file,
  file_operations,
  IS_ERR,
  inode,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDWR,
  O_TRUNC,
  PATH_LENGTH,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../include/linux/fs.ts";
import { current, fs_struct } from "../include/linux/sched.ts";
import { KERN_WARNING, printk } from "../kernel/printk.ts";
import { get_chrfops } from "./devices.ts";
import {
  close_fd,
  fcheck,
  fd_install,
  filp_close,
  fput,
  get_empty_filp,
  get_file,
  get_unused_fd,
  set_close_on_exec,
} from "./file_table.ts";
import { path_lookup, user_path_at, working_directory } from "./namei.ts";
import { generic_file_fops } from "./read_write.ts";

/** The operations for an inode's files: the driver's for devices, the generic ones for regular files; else 0. */
function default_file_operations(node: inode): number {
  switch (node.i_mode & S_IFMT) {
    case S_IFCHR:
      return get_chrfops(node.i_rdev);
    case S_IFREG:
      return generic_file_fops.address;
    default:
      return 0;
  }
}

/** Access modes O_RDONLY, O_WRONLY, O_RDWR as FMODE_ bits; 3 asks for neither, for ioctl only. */
function access_mode(flags: number): number {
  return (flags + 1) & O_ACCMODE;
}

/** What stands against opening an inode with these flags: 0 or -errno. */
function may_open(node: inode, flags: number): number {
  const writes = (access_mode(flags) & FMODE_WRITE) !== 0 || (flags & O_TRUNC) !== 0;
  const type = node.i_mode & S_IFMT;
  if (type === S_IFDIR) return writes ? -EISDIR : 0;
  if (type === S_IFREG && writes) return -EROFS;
  return 0;
}

/** Opens an inode: a file with one reference, or -errno as an unsigned number. @context might_sleep */
export const dentry_open = kernel_function(
  "dentry_open",
  [pointer("inode"), u32],
  u32,
  function* (inode_address, flags) {
    const node = inode.at(inode_address);
    const refused: i32 = may_open(node, flags);
    if (refused !== 0) return refused;
    const f_op: u32 = default_file_operations(node);
    if (f_op === 0 && (node.i_mode & S_IFMT) !== S_IFDIR) return -ENODEV;
    const at = yield* get_empty_filp();
    if (at === 0) return -ENFILE;
    const filp = file.at(at);
    filp.f_flags = flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC);
    filp.f_mode = access_mode(flags);
    filp.f_inode = inode_address;
    filp.f_op = f_op;
    const open = f_op === 0 ? 0 : file_operations.at(f_op).open;
    let error: i32 = 0;
    if (open !== 0) {
      yield* lock_kernel();
      error = yield* call_pointer(open, i32, inode_address, at);
      yield* unlock_kernel();
    }
    if (error === 0) return at;
    filp.f_op = 0; // what did not open is not released
    yield* fput(at);
    return error;
  },
);

/**
 * Opens what a look-up found, an inode or -errno as an unsigned number: a file with one reference, or -errno as an unsigned number. No file can
 * be made: O_CREAT only opens what exists.
 * @context might_sleep
 */
function* open_found(found: u32, flags: u32): Steps<u32> {
  if ((found | 0) === -ENOENT && flags & O_CREAT) return -EROFS;
  if (IS_ERR(found)) return found;
  if ((flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return -EEXIST;
  const type = inode.at(found).i_mode & S_IFMT;
  if (type === S_IFLNK) return -ELOOP; // O_NOFOLLOW
  if (flags & O_DIRECTORY && type !== S_IFDIR) return -ENOTDIR;
  return yield* dentry_open(found, flags);
}

/**
 * Opens a file by a name in kernel memory: a file with one reference, or -errno as an unsigned number.
 * @context might_sleep
 */
export const filp_open = kernel_function("filp_open", [pointer("char"), u32, u32], u32, function* (name, flags, _mode) {
  return yield* open_found(yield* path_lookup(name, working_directory(), true), flags);
});

/** Gives an opened file, or -errno, to the lowest free descriptor. */
function* install(opened: u32, flags: u32): Steps<i32> {
  if (IS_ERR(opened)) return opened;
  const fd = yield* get_unused_fd();
  if (fd < 0) {
    yield* filp_close(opened);
    return fd;
  }
  if (flags & O_CLOEXEC) yield* set_close_on_exec(fd, true);
  yield* fd_install(fd, opened);
  return fd;
}

/** openat(2). @context might_sleep */
export const sys_openat = kernel_function(
  "sys_openat",
  [i32, pointer("char"), u32, u32],
  i32,
  function* (dfd, filename, flags, _mode) {
    const found = yield* user_path_at(dfd, filename, (flags & O_NOFOLLOW) === 0);
    return yield* install(yield* open_found(found, flags), flags);
  },
);

/** open(2). @context might_sleep */
export const sys_open = kernel_function(
  "sys_open",
  [pointer("char"), u32, u32],
  i32,
  function* (filename, flags, mode) {
    return yield* sys_openat(AT_FDCWD, filename, flags, mode);
  },
);

const X_OK = 1;
const W_OK = 2;
const ACCESS_MODES = 7;
const S_IXUGO = 0o111;

function may_access(found: number, mode: number): number {
  if (mode & ~ACCESS_MODES) return -EINVAL;
  if (IS_ERR(found)) return found;
  const { i_mode } = inode.at(found);
  const type = i_mode & S_IFMT;
  if (mode & W_OK && (type === S_IFREG || type === S_IFDIR)) return -EROFS;
  return mode & X_OK && type !== S_IFDIR && (i_mode & S_IXUGO) === 0 ? -EACCES : 0;
}

/** access(2), for the superuser that everybody is. @context might_sleep */
export const sys_access = kernel_function("sys_access", [u32, u32], i32, function* (filename, mode) {
  return may_access(yield* user_path_at(AT_FDCWD, filename), mode);
});

/** @context might_sleep */
export const sys_faccessat = kernel_function("sys_faccessat", [i32, u32, u32], i32, function* (dfd, filename, mode) {
  return may_access(yield* user_path_at(dfd, filename), mode);
});

/** Makes an inode, or -errno, the working directory. */
function set_working_directory(found: number): number {
  if (IS_ERR(found)) return found;
  if ((inode.at(found).i_mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
  fs_struct.at(current().fs).pwd = found;
  return 0;
}

/** chdir(2). @context might_sleep */
export const sys_chdir = kernel_function("sys_chdir", [u32], i32, function* (filename) {
  return set_working_directory(yield* user_path_at(AT_FDCWD, filename));
});

/** fchdir(2). */
export const sys_fchdir = kernel_function("sys_fchdir", [i32], i32, (fd) => {
  const at: u32 = fcheck(fd);
  return at === 0 ? -EBADF : set_working_directory(file.at(at).f_inode);
});

/** getcwd(2): the path with its NUL. Returns its length, -ERANGE when the buffer is too small. @context might_sleep */
export const sys_getcwd = kernel_function("sys_getcwd", [u32, u32], i32, function* (buffer, size) {
  const path: u32 = working_directory();
  const length: i32 = (yield* strnlen(path, PATH_LENGTH)) + 1;
  if (length > size) return -ERANGE;
  return (yield* copy_to_user(buffer, path, length)) === 0 ? length : -EFAULT;
});

/** umask(2): returns the old mask. No file can be made that would feel it. */
export const sys_umask = kernel_function("sys_umask", [u32], i32, (mask) => {
  const fs = fs_struct.at(current().fs);
  const old = fs.umask;
  fs.umask = mask & 0o777;
  return old;
});

/** close(2). */
export const sys_close = kernel_function("sys_close", [i32], i32, function* (fd) {
  return yield* close_fd(fd);
});

const console_name = cstring("/dev/console");

/** Makes the console the current task's descriptors 0, 1 and 2, as init gets them. @context might_sleep */
export const open_console = kernel_function("open_console", [], undefined, function* () {
  const fd = yield* install(yield* filp_open(console_name.address, O_RDWR, 0), 0);
  if (fd < 0) {
    printk(`${KERN_WARNING}Warning: unable to open an initial console.\n`);
    return;
  }
  const at: u32 = fcheck(fd);
  for (let copies = 0; copies < 2; copies++) {
    yield* get_file(at);
    const copy = yield* get_unused_fd();
    yield* fd_install(copy, at);
  }
});
