/** Descriptors for the same file, and their close-on-exec flags (fs/fcntl.c). */
import { kernel_function, type Steps } from "../host/declarations.ts";
import { i32, u32 } from "../host/types.ts";
import { EBADF, EINVAL } from "../include/linux/errno.ts";
import { file, O_APPEND, O_NONBLOCK } from "../include/linux/fs.ts";
import { current, files_struct } from "../include/linux/sched.ts";
import { fcheck, fd_install, filp_close, get_file, get_unused_fd, set_close_on_exec } from "./file_table.ts";

const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;

/** Gives the lowest free descriptor from `first` on to the file of `fd`. */
function* dupfd(fd: i32, first: i32): Steps<i32> {
  const at: u32 = fcheck(fd);
  if (at === 0) return -EBADF;
  if (first < 0 || first >= files_struct.at(current().files).max_fds) return -EINVAL;
  const copy: i32 = get_unused_fd(first);
  if (copy < 0) return copy;
  get_file(at);
  fd_install(copy, at);
  return copy;
}

/** dup(2). */
export const sys_dup = kernel_function("sys_dup", [i32], i32, function* (fd) {
  return yield* dupfd(fd, 0);
});

/** dup2(2): closes what `newfd` was. */
export const sys_dup2 = kernel_function("sys_dup2", [i32, i32], i32, function* (oldfd, newfd) {
  const at: u32 = fcheck(oldfd);
  const files = files_struct.at(current().files);
  if (at === 0 || newfd < 0 || newfd >= files.max_fds) return -EBADF;
  if (oldfd === newfd) return newfd;
  get_file(at);
  const replaced = files.fd.get(newfd);
  files.fd.set(newfd, 0);
  fd_install(newfd, at);
  if (replaced !== 0) yield* filp_close(replaced);
  return newfd;
});

/** What fcntl and fcntl64 do, which differ in locks only. */
function* do_fcntl(fd: i32, command: u32, argument: u32): Steps<i32> {
  const at: u32 = fcheck(fd);
  if (at === 0) return -EBADF;
  const files = files_struct.at(current().files);
  const filp = file.at(at);
  const settable = O_APPEND | O_NONBLOCK;
  switch (command) {
    case F_DUPFD:
      return yield* dupfd(fd, argument);
    case F_DUPFD_CLOEXEC: {
      const copy = yield* dupfd(fd, argument);
      if (copy >= 0) set_close_on_exec(copy, true);
      return copy;
    }
    case F_GETFD:
      return (files.close_on_exec >>> fd) & FD_CLOEXEC;
    case F_SETFD:
      set_close_on_exec(fd, (argument & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return filp.f_flags;
    case F_SETFL:
      filp.f_flags = (filp.f_flags & ~settable) | (argument & settable);
      return 0;
    default:
      return -EINVAL;
  }
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
  const files = files_struct.at(current().files);
  const closing = files.close_on_exec;
  files.close_on_exec = 0;
  for (let fd = 0; fd < files.max_fds; fd++) {
    if ((closing & (1 << fd)) === 0) continue;
    const at = files.fd.get(fd);
    files.fd.set(fd, 0);
    if (at !== 0) yield* filp_close(at);
  }
}
