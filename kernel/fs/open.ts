/** Opening and closing files (fs/open.c). */
import { call_pointer, cstring, kernel_function, type Steps } from "../host/declarations.ts";
import { read_cstring } from "../host/memory.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { EBADF, EEXIST, EISDIR, ENFILE, ENODEV, ENOENT, EROFS } from "../include/linux/errno.ts";
import {
  FMODE_WRITE,
  file,
  file_operations,
  IS_ERR,
  inode,
  O_ACCMODE,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  O_TRUNC,
  S_IFCHR,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from "../include/linux/fs.ts";
import { current, files_struct } from "../include/linux/sched.ts";
import { KERN_WARNING, printk } from "../kernel/printk.ts";
import { get_chrfops } from "./devices.ts";
import { fcheck, fd_install, filp_close, fput, get_empty_filp, get_file, get_unused_fd } from "./file_table.ts";
import { getname, path_lookup, putname } from "./namei.ts";
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

/** Opens an inode: a file with one reference, or -errno as an unsigned number. */
export const dentry_open = kernel_function(
  "dentry_open",
  [pointer("inode"), u32],
  u32,
  function* (inode_address, flags) {
    const node = inode.at(inode_address);
    const refused = may_open(node, flags);
    if (refused !== 0) return refused;
    const f_op = default_file_operations(node);
    if (f_op === 0 && (node.i_mode & S_IFMT) !== S_IFDIR) return -ENODEV;
    const at = yield* get_empty_filp();
    if (at === 0) return -ENFILE;
    const filp = file.at(at);
    filp.f_flags = flags & ~(O_CREAT | O_EXCL | O_TRUNC);
    filp.f_mode = access_mode(flags);
    filp.f_inode = inode_address;
    filp.f_op = f_op;
    const open = f_op === 0 ? 0 : file_operations.at(f_op).open;
    const error = open === 0 ? 0 : yield* call_pointer(open, i32, inode_address, at);
    if (error === 0) return at;
    filp.f_op = 0; // what did not open is not released
    yield* fput(at);
    return error;
  },
);

/**
 * Opens a file by a name in kernel memory: a file with one reference, or -errno as an unsigned number. No file can be
 * made: O_CREAT only opens what exists.
 */
export const filp_open = kernel_function("filp_open", [pointer("char"), u32, u32], u32, function* (name, flags, _mode) {
  const found = path_lookup(read_cstring(name, PAGE_SIZE));
  if (found === -ENOENT && flags & O_CREAT) return -EROFS;
  if (found < 0) return found;
  if ((flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return -EEXIST;
  return yield* dentry_open(found, flags);
});

/** open(2). */
export const sys_open = kernel_function(
  "sys_open",
  [pointer("char"), u32, u32],
  i32,
  function* (filename, flags, mode) {
    const name = yield* getname(filename);
    if (IS_ERR(name)) return name | 0;
    const fd = yield* open_descriptor(name, flags, mode);
    yield* putname(name);
    return fd;
  },
);

function* open_descriptor(name: number, flags: number, mode: number): Steps<number> {
  const fd = get_unused_fd();
  if (fd < 0) return fd;
  const opened = yield* filp_open(name, flags, mode);
  if (IS_ERR(opened)) return opened | 0;
  fd_install(fd, opened);
  return fd;
}

/** close(2). */
export const sys_close = kernel_function("sys_close", [i32], i32, function* (fd) {
  const at = fcheck(fd);
  if (at === 0) return -EBADF;
  const files = files_struct.at(current().files);
  files.fd.set(fd, 0);
  files.close_on_exec &= ~(1 << fd);
  return yield* filp_close(at);
});

const console_name = cstring("/dev/console");

/** Makes the console the current task's descriptors 0, 1 and 2, as init gets them. */
export const open_console = kernel_function("open_console", [], undefined, function* () {
  const fd = yield* open_descriptor(console_name.address, O_RDWR, 0);
  if (fd < 0) {
    printk(`${KERN_WARNING}Warning: unable to open an initial console.\n`);
    return;
  }
  const at = fcheck(fd);
  for (let copies = 0; copies < 2; copies++) {
    get_file(at);
    fd_install(get_unused_fd(), at);
  }
});
