/**
 * System call numbers of Linux i386 (include/asm-i386/unistd.h) and the table that entry.S jumps through.
 * Every number not listed answers -ENOSYS.
 */
export const syscall_numbers: Readonly<Record<string, number>> = {
  exit: 1,
  fork: 2,
  read: 3,
  write: 4,
  open: 5,
  close: 6,
  waitpid: 7,
  execve: 11,
  time: 13,
  lseek: 19,
  getpid: 20,
  pause: 29,
  nice: 34,
  kill: 37,
  dup: 41,
  brk: 45,
  ioctl: 54,
  fcntl: 55,
  dup2: 63,
  getppid: 64,
  getpgrp: 65,
  setsid: 66,
  munmap: 91,
  wait4: 114,
  clone: 120,
  uname: 122,
  sched_yield: 158,
  nanosleep: 162,
  vfork: 190,
  gettid: 224,
  exit_group: 252,
};

export const __NR_exit = syscall_numbers.exit;
export const __NR_execve = syscall_numbers.execve;
export const __NR_clone = syscall_numbers.clone;

/** Length of sys_call_table. */
export const NR_syscalls = 256;
