/** Descriptors for the same file, and their close-on-exec flags (fs/fcntl.c). */
import { kernel_function, type Steps } from "../host/declarations.ts";
import { i32, u32 } from "../host/types.ts";
import { lock_kernel, unlock_kernel } from "../include/asm/smplock.ts";
import { write_lock, write_unlock } from "../include/asm/spinlock.ts";
import { EBADF, EBUSY, EINVAL } from "../include/linux/errno.ts";
import { file, O_APPEND, O_NONBLOCK } from "../include/linux/fs.ts";
import { current, files_struct } from "../include/linux/sched.ts";
import {
  close_fd,
  fcheck,
  fd_install,
  fget,
  file_lock,
  filp_close,
  fput,
  get_file,
  get_unused_fd,
  set_close_on_exec,
} from "./file_table.ts";

const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;

/** Gives the lowest free descriptor from `first` on to the file of `fd`. */
function* dupfd(fd: i32, first: i32): Steps<i32> {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  let copy: i32 = -EINVAL;
  if (first >= 0 && first < files_struct.at(current().files).max_fds) copy = yield* get_unused_fd(first);
  if (copy < 0) yield* fput(at);
  else yield* fd_install(copy, at);
  return copy;
}

/** dup(2). */
export const sys_dup = kernel_function("sys_dup", [i32], i32, function* (fd) {
  return yield* dupfd(fd, 0);
});

/** dup2(2): closes what `newfd` was. */
export const sys_dup2 = kernel_function("sys_dup2", [i32, i32], i32, function* (oldfd, newfd) {
  yield* write_lock(file_lock());
  const error: i32 = may_replace(oldfd, newfd);
  let replaced: u32 = 0;
  if (error === 0) {
    yield* get_file(fcheck(oldfd));
    replaced = replace_file(newfd, fcheck(oldfd));
  }
  yield* write_unlock(file_lock());
  if (error !== 0) return error;
  if (replaced !== 0) yield* filp_close(replaced);
  return newfd;
});

/**
 * What stands against making `newfd` a descriptor for the file of `oldfd`: 0, -EBADF, or -EBUSY while another thread is about
 * to open something there; `newfd` when it is that already. Needs file_lock.
 */
function may_replace(oldfd: number, newfd: number): i32 {
  const files = files_struct.at(current().files);
  if (fcheck(oldfd) === 0 || newfd < 0 || newfd >= files.max_fds) return -EBADF;
  if (oldfd === newfd) return newfd;
  return fcheck(newfd) === 0 && (files.open_fds & (1 << newfd)) !== 0 ? -EBUSY : 0;
}

/** Gives a file to a descriptor: returns the one that it had, 0 for none. Needs file_lock for writing. */
function replace_file(fd: number, at: number): u32 {
  const files = files_struct.at(current().files);
  const replaced = files.fd.get(fd);
  files.fd.set(fd, at);
  files.open_fds |= 1 << fd;
  files.close_on_exec &= ~(1 << fd);
  return replaced;
}

/** What fcntl and fcntl64 do, which differ in locks only. */
function* do_fcntl(fd: i32, command: u32, argument: u32): Steps<i32> {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  const result = yield* fcntl_file(at, fd, command, argument);
  yield* fput(at);
  return result;
}

/** What fcntl does to a file and its descriptor. */
function* fcntl_file(at: u32, fd: i32, command: u32, argument: u32): Steps<i32> {
  switch (command) {
    case F_DUPFD:
      return yield* dupfd(fd, argument);
    case F_DUPFD_CLOEXEC: {
      const copy = yield* dupfd(fd, argument);
      if (copy >= 0) yield* set_close_on_exec(copy, true);
      return copy;
    }
    case F_GETFD:
      return (files_struct.at(current().files).close_on_exec >>> fd) & FD_CLOEXEC;
    case F_SETFD:
      yield* set_close_on_exec(fd, (argument & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return file.at(at).f_flags;
    case F_SETFL:
      yield* lock_kernel();
      set_flags(file.at(at), argument);
      yield* unlock_kernel();
      return 0;
    default:
      return -EINVAL;
  }
}

/** The flags that can change. Needs the big kernel lock. */
function set_flags(filp: file, flags: number): void {
  const settable = O_APPEND | O_NONBLOCK;
  filp.f_flags = (filp.f_flags & ~settable) | (flags & settable);
}

/** fcntl(2): F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL (O_APPEND and O_NONBLOCK can change). */
export const sys_fcntl = kernel_function("sys_fcntl", [i32, u32, u32], i32, function* (fd, command, argument) {
  return yield* do_fcntl(fd, command, argument);
});

export const sys_fcntl64 = kernel_function("sys_fcntl64", [i32, u32, u32], i32, function* (fd, command, argument) {
  return yield* do_fcntl(fd, command, argument);
});

/** Closes the descriptors of the current process that do not outlive an exec (flush_old_files). */
export function* flush_old_files(): Steps<void> {
  yield* write_lock(file_lock());
  let closing = take_close_on_exec();
  yield* write_unlock(file_lock());
  while (closing !== 0) {
    const fd: i32 = 31 - Math.clz32(closing);
    closing &= ~(1 << fd);
    yield* close_fd(fd);
  }
}

/** The marks, of which none is left. Needs file_lock for writing. */
function take_close_on_exec(): u32 {
  const files = files_struct.at(current().files);
  const marks = files.close_on_exec;
  files.close_on_exec = 0;
  return marks;
}
