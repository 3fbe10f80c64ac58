/** Open files (fs/file_table.c) and a process's descriptors for them. */
import { call_pointer, cstring, kernel_function, kernel_variable, type Steps } from "../host/declarations.ts";
import { i32, pointer, type u32 } from "../host/types.ts";
import { atomic_dec_and_test, atomic_inc } from "../include/asm/atomic.ts";
import { BUG } from "../include/asm/bug.ts";
import { read_lock, read_unlock, write_lock, write_unlock } from "../include/asm/spinlock.ts";
import { memset } from "../include/asm/string.ts";
import { EBADF, EMFILE } from "../include/linux/errno.ts";
import { file, file_operations } from "../include/linux/fs.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { current, files_struct } from "../include/linux/sched.ts";
import { kmem_cache_alloc, kmem_cache_create, kmem_cache_free } from "../mm/slab.ts";

export const filp_cachep = kernel_variable("filp_cachep", pointer("kmem_cache_t"));

const F_COUNT = file.offset("f_count");

const filp_name = cstring("filp");

/** Makes the files' cache. @context might_sleep */
export const files_init = kernel_function("files_init", [], undefined, function* () {
  filp_cachep.value = yield* kmem_cache_create(filp_name.address, file.size, 0);
});

/** A new file with one reference, otherwise zero; 0 when out of memory. @context might_sleep */
export const get_empty_filp = kernel_function("get_empty_filp", [], pointer("file"), function* () {
  const at: u32 = yield* kmem_cache_alloc(filp_cachep.value, GFP_KERNEL);
  if (at === 0) return 0;
  yield* memset(at, 0, file.size);
  file.at(at).f_count = 1;
  return at;
});

/** Takes a reference to a file. @inline */
export function* get_file(at: u32): Steps<void> {
  yield* atomic_inc(at + F_COUNT);
}

function check_is_open(at: number): u32 {
  if (file.at(at).f_count <= 0) BUG(`fput: file 0x${at.toString(16)} is free`);
  return at + F_COUNT;
}

/** Drops a reference to a file; the last one releases it. */
export function* fput(at: u32): Steps<void> {
  if ((yield* atomic_dec_and_test(check_is_open(at))) !== 0) yield* __fput(at);
}

/** The last reference is gone. @context in_task */
const __fput = kernel_function("__fput", [pointer("file")], undefined, function* (at) {
  const { f_op, f_inode } = file.at(at);
  const release = f_op === 0 ? 0 : file_operations.at(f_op).release;
  if (release !== 0) yield* call_pointer(release, undefined, f_inode, at);
  yield* kmem_cache_free(filp_cachep.value, at);
});

/** Closes an open file: drops the reference that a descriptor held. Returns 0 or -errno. @context in_task */
export const filp_close = kernel_function("filp_close", [pointer("file")], i32, function* (at) {
  yield* fput(at);
  return 0;
});

/** Address of the file_lock of the current process's table. */
export function file_lock(): u32 {
  return files_struct.at(current().files).file_lock.address;
}

/**
 * The current process's file for a descriptor, without a reference; 0 when there is none. Needs file_lock, or is good for the
 * statement only: another thread may close it.
 */
export function fcheck(fd: number): number {
  const files = files_struct.at(current().files);
  return fd >= 0 && fd < files.max_fds ? files.fd.get(fd) : 0;
}

/** The current process's file for a descriptor with a reference that the caller drops by fput; 0 when there is none. @inline */
export function* fget(fd: i32): Steps<u32> {
  yield* read_lock(file_lock());
  const at: u32 = fcheck(fd);
  if (at !== 0) yield* get_file(at);
  yield* read_unlock(file_lock());
  return at;
}

/** Takes the lowest free descriptor from `first` on, which is not closed on exec, or -EMFILE. Needs file_lock for writing. */
export function locate_fd(first: number): i32 {
  const files = files_struct.at(current().files);
  if (first >= files.max_fds) return -EMFILE;
  const free = ~files.open_fds & (-1 << first);
  if (free === 0) return -EMFILE;
  const fd = 31 - Math.clz32(free & -free);
  files.open_fds |= 1 << fd;
  files.close_on_exec &= ~(1 << fd);
  return fd;
}

/**
 * Takes the lowest free descriptor from `first` on: that, which has no file yet (fd_install, put_unused_fd) and is not closed
 * on exec; or -EMFILE.
 */
export function* get_unused_fd(first: i32 = 0): Steps<i32> {
  yield* write_lock(file_lock());
  const fd = locate_fd(first);
  yield* write_unlock(file_lock());
  return fd;
}

/** Frees a descriptor. Needs file_lock for writing. */
export function __put_unused_fd(fd: number): void {
  const files = files_struct.at(current().files);
  files.open_fds &= ~(1 << fd);
  files.close_on_exec &= ~(1 << fd);
}

/** Gives back a descriptor that got no file. */
export function* put_unused_fd(fd: i32): Steps<void> {
  yield* write_lock(file_lock());
  __put_unused_fd(fd);
  yield* write_unlock(file_lock());
}

/** Has a descriptor closed on exec, or not. */
export function* set_close_on_exec(fd: i32, closes: boolean): Steps<void> {
  yield* write_lock(file_lock());
  mark_close_on_exec(fd, closes);
  yield* write_unlock(file_lock());
}

function mark_close_on_exec(fd: number, closes: boolean): void {
  const files = files_struct.at(current().files);
  files.close_on_exec = closes ? files.close_on_exec | (1 << fd) : files.close_on_exec & ~(1 << fd);
}

/** Gives a file to a descriptor that get_unused_fd has taken, which takes over the caller's reference. */
export function* fd_install(fd: i32, at: u32): Steps<void> {
  yield* write_lock(file_lock());
  install(fd, at);
  yield* write_unlock(file_lock());
}

function install(fd: number, at: number): void {
  const files = files_struct.at(current().files);
  if (files.fd.get(fd) !== 0) BUG(`fd_install: descriptor ${fd} is in use`);
  files.fd.set(fd, at);
}

/** Frees a descriptor: returns its file, whose reference is the caller's now; 0 when there is none. Needs file_lock for writing. */
function take_file(fd: number): u32 {
  const at = fcheck(fd);
  if (at === 0) return 0;
  files_struct.at(current().files).fd.set(fd, 0);
  __put_unused_fd(fd);
  return at;
}

/** Closes a descriptor: 0, or -EBADF when it has no file. */
export function* close_fd(fd: i32): Steps<i32> {
  yield* write_lock(file_lock());
  const at = take_file(fd);
  yield* write_unlock(file_lock());
  return at === 0 ? -EBADF : yield* filp_close(at);
}
