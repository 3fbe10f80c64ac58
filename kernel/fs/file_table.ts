/** Open files (fs/file_table.c) and a process's descriptors for them. */
import { call_pointer, cstring, kernel_function, kernel_variable } from "../host/declarations.ts";
import { i32, pointer, type u32 } from "../host/types.ts";
import { BUG } from "../include/asm/bug.ts";
import { memset } from "../include/asm/string.ts";
import { EMFILE } from "../include/linux/errno.ts";
import { file, file_operations } from "../include/linux/fs.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { current, files_struct } from "../include/linux/sched.ts";
import { kmem_cache_alloc, kmem_cache_create, kmem_cache_free } from "../mm/slab.ts";

export const filp_cachep = kernel_variable("filp_cachep", pointer("kmem_cache_t"));

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

/** Takes a reference to a file. */
export function get_file(at: number): void {
  file.at(at).f_count++;
}

/** Drops a reference to a file; the last one releases it. @context in_task */
export const fput = kernel_function("fput", [pointer("file")], undefined, function* (at) {
  const filp = file.at(at);
  if (filp.f_count <= 0) BUG(`fput: file 0x${at.toString(16)} is free`);
  if (--filp.f_count !== 0) return;
  const { f_op } = filp;
  const release = f_op === 0 ? 0 : file_operations.at(f_op).release;
  if (release !== 0) yield* call_pointer(release, undefined, filp.f_inode, at);
  yield* kmem_cache_free(filp_cachep.value, at);
});

/** Closes an open file: drops the reference that a descriptor held. Returns 0 or -errno. @context in_task */
export const filp_close = kernel_function("filp_close", [pointer("file")], i32, function* (at) {
  yield* fput(at);
  return 0;
});

/** The current process's file for a descriptor, without a reference; 0 when there is none. */
export function fcheck(fd: number): number {
  const files = files_struct.at(current().files);
  return fd >= 0 && fd < files.max_fds ? files.fd.get(fd) : 0;
}

/** The current process's file for a descriptor with a reference that the caller drops by fput; 0 when there is none. */
export function fget(fd: number): number {
  const at: u32 = fcheck(fd);
  if (at !== 0) get_file(at);
  return at;
}

/** The lowest free descriptor from `first` on, or -EMFILE. @bounded by max_fds, which is 32 */
export function get_unused_fd(first = 0): number {
  const files = files_struct.at(current().files);
  const { max_fds, fd: table } = files;
  for (let fd = first; fd < max_fds; fd++) if (table.get(fd) === 0) return fd;
  return -EMFILE;
}

/** Whether a descriptor is closed on exec. */
export function set_close_on_exec(fd: number, closes: boolean): void {
  const files = files_struct.at(current().files);
  files.close_on_exec = closes ? files.close_on_exec | (1 << fd) : files.close_on_exec & ~(1 << fd);
}

/** Gives a file to a free descriptor, which is not closed on exec. The descriptor takes over the caller's reference. */
export function fd_install(fd: number, at: number): void {
  const files = files_struct.at(current().files);
  if (files.fd.get(fd) !== 0) BUG(`fd_install: descriptor ${fd} is in use`);
  files.fd.set(fd, at);
  set_close_on_exec(fd, false);
}
