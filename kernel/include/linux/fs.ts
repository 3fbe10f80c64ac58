/** Files (include/linux/fs.h), as far as an initramfs and character devices need them. */

import { array, chars, i32, pointer, struct, u8, u32, type ViewOf } from "../../host/types.ts";
import { semaphore } from "../asm/semaphore.ts";
import { list_head } from "./list.ts";

export const S_IFMT = 0xf000;
export const S_IFIFO = 0x1000;
export const S_IFDIR = 0x4000;
export const S_IFCHR = 0x2000;
export const S_IFBLK = 0x6000;
export const S_IFREG = 0x8000;
export const S_IFLNK = 0xa000;

export const O_ACCMODE = 3;
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_CLOEXEC = 0o2000000;
/** Instead of a directory's descriptor: the working directory. */
export const AT_FDCWD = -100;
export const FMODE_READ = 1;
export const FMODE_WRITE = 2;

/** Bytes of a path with its NUL; longer names do not exist here. */
export const PATH_LENGTH = 128;

/** A file of the initramfs or a device node; its data stay where the loader put the archive. */
export const inode = struct("inode", {
  i_next: pointer("inode"),
  i_ino: u32,
  i_mode: u32,
  i_rdev: u32,
  i_size: u32,
  /** Kernel address of the contents. */
  i_data: u32,
  i_fop: pointer("file_operations"),
  /** Absolute path: `/`, `/dev/console`. */
  i_name: chars(PATH_LENGTH),
  i_nlink: u32,
  /** Device the archive was packed from, which with i_ino tells hard links. */
  i_dev: u32,
  /** Pages in the page cache. */
  i_pages: list_head,
  /** Hash of i_name, and the next inode of those with the same place in inode_hashtable. */
  i_hash: u32,
  i_hash_next: pointer("inode"),
  /** Those who keep an inode that has no name: the ends of a pipe. Atomic. */
  i_count: i32,
  /** Held by who reads or writes, for files where that takes more than a copy: pipes and terminals. */
  i_sem: semaphore,
});
export type inode = ViewOf<typeof inode>;

/** How far a look-up has come. */
export const nameidata = struct("nameidata", {
  /** What `path` names, 0 when there is nothing of that name. */
  inode: pointer("inode"),
  /** Symbolic links followed so far. */
  link_count: u32,
  /** The normalised absolute path, NUL-terminated, and its length without the NUL. */
  length: u32,
  path: array(u8, PATH_LENGTH),
});
export type nameidata = ViewOf<typeof nameidata>;

/**
 * Guest function pointers, 0 for what a file cannot do: read/write(file, user buffer, count) return bytes or -errno,
 * mmap(file, vma), open(inode, file) and ioctl(file, command, argument) 0 or -errno, release(inode, file) nothing,
 * poll(file, table) the POLL bits that hold now; with a table that is not 0 it also has the caller woken when they change.
 */
export const file_operations = struct("file_operations", {
  read: pointer("read"),
  write: pointer("write"),
  mmap: pointer("mmap"),
  open: pointer("open"),
  release: pointer("release"),
  ioctl: pointer("ioctl"),
  poll: pointer("poll"),
});

export const file = struct("file", {
  /** Descriptors, areas and calls that use it: atomic. */
  f_count: i32,
  f_flags: u32,
  f_mode: u32,
  f_pos: u32,
  f_inode: pointer("inode"),
  f_op: pointer("file_operations"),
  private_data: u32,
});
export type file = ViewOf<typeof file>;

/** Whether a result that is an address otherwise is -errno. */
export function IS_ERR(value: number): boolean {
  return value >>> 0 > 0xfffff000;
}
