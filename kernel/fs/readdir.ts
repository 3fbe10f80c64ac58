/** Reading directories (fs/readdir.c). A directory is what the other names say: its entries are the inodes below it. */
import { cstring, kernel_function, local, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, i32, struct, u8, u16, u32, type ViewOf } from "../host/types.ts";
import { down, up } from "../include/asm/semaphore.ts";
import { lock_kernel, unlock_kernel } from "../include/asm/smplock.ts";
import { memcpy, memset, strlcpy, strnlen } from "../include/asm/string.ts";
import { copy_to_user } from "../include/asm/uaccess.ts";
import { EBADF, EFAULT, EINVAL, ENOTDIR } from "../include/linux/errno.ts";
import { file, inode, PATH_LENGTH, S_IFDIR, S_IFMT } from "../include/linux/fs.ts";
import { fget, fput } from "./file_table.ts";
import { find_inode, for_each_inode, inode_name } from "./inode.ts";
import { parent_length } from "./namei.ts";

const linux_dirent64 = struct("linux_dirent64", {
  d_ino: u32,
  d_ino_high: u32,
  /** Position of the entry behind this one. */
  d_off: u32,
  d_off_high: u32,
  d_reclen: u16,
  d_type: u8,
});
const D_NAME = linux_dirent64.offset("d_type") + 1;
const RECORD_ALIGNMENT = 8;
const MAX_RECORD = D_NAME + PATH_LENGTH + RECORD_ALIGNMENT;
/** d_type is the file type of st_mode, moved down. */
const DT_SHIFT = 12;
const SLASH = 0x2f;

const dot = cstring(".");
const dot_dot = cstring("..");

/** The last component of `name` if that is one of the directory whose path is `directory`: its address; else 0. */
function* entry_name(name: u32, directory: u32): Steps<u32> {
  const m = memory();
  let at: u32 = name;
  for (let above: u32 = directory; m.read8(above) !== 0; above++) {
    if (m.read8(at) !== m.read8(above)) return 0;
    at++;
  }
  // Only the root's path ends in the slash that comes before the entry.
  if (m.read8(directory + 1) !== 0) {
    if (m.read8(at) !== SLASH) return 0;
    at++;
  }
  if (m.read8(at) === 0) return 0;
  for (let rest: u32 = at; m.read8(rest) !== 0; rest++) if (m.read8(rest) === SLASH) return 0;
  return at;
}

/** The directory above a directory; itself for the root, or when there is none. */
function* parent_of(directory: inode): Steps<u32> {
  const path = local(array(u8, PATH_LENGTH));
  const name: u32 = inode_name(directory.address);
  const length = yield* parent_length(name, yield* strnlen(name, PATH_LENGTH));
  yield* strlcpy(path.address, name, length + 1);
  const found = yield* find_inode(path.address);
  return found === 0 ? directory.address : found;
}

/** Where a getdents64 writes: the rest of the user's buffer, the bytes done, and the error that ended it. */
const getdents_callback64 = struct("getdents_callback64", { current_dir: u32, count: u32, result: i32, error: i32 });
type getdents_callback64 = ViewOf<typeof getdents_callback64>;

/**
 * Adds an entry of the directory to the user's buffer. Returns whether it fitted; -EINVAL or -EFAULT is in `buf` if not.
 * @context might_sleep
 */
function* filldir64(buf: getdents_callback64, name: u32, node: u32, position: u32): Steps<boolean> {
  const record = local(array(u8, MAX_RECORD));
  const bytes = yield* strnlen(name, PATH_LENGTH);
  const length: u32 = (D_NAME + bytes + RECORD_ALIGNMENT) & -RECORD_ALIGNMENT;
  if (length > buf.count) {
    buf.error = -EINVAL;
    return false;
  }
  yield* memset(record.address, 0, length);
  const entry = linux_dirent64.at(record.address);
  entry.d_ino = inode.at(node).i_ino;
  entry.d_off = position + 1;
  entry.d_reclen = length;
  entry.d_type = (inode.at(node).i_mode & S_IFMT) >>> DT_SHIFT;
  yield* memcpy(record.address + D_NAME, name, bytes);
  if ((yield* copy_to_user(buf.current_dir, record.address, length)) !== 0) {
    buf.error = -EFAULT;
    return false;
  }
  buf.current_dir += length;
  buf.count -= length;
  buf.result += length;
  return true;
}

/**
 * Needs the semaphore of the directory's inode. Adds the entries from the file's position on: `.`, `..`, then the others in the order they were made.
 * @context might_sleep
 */
function* read_directory(filp: file, directory: inode, buf: getdents_callback64): Steps<void> {
  const path: u32 = inode_name(directory.address);
  if (filp.f_pos === 0) {
    if (!(yield* filldir64(buf, dot.address, directory.address, 0))) return;
    filp.f_pos = 1;
  }
  if (filp.f_pos === 1) {
    const parent = yield* parent_of(directory);
    if (!(yield* filldir64(buf, dot_dot.address, parent, 1))) return;
    filp.f_pos = 2;
  }
  let position: u32 = 2;
  for (const node of for_each_inode()) {
    const name = yield* entry_name(inode_name(node), path);
    if (name === 0) continue;
    if (position === filp.f_pos) {
      if (!(yield* filldir64(buf, name, node, position))) return;
      filp.f_pos = position + 1;
    }
    position++;
  }
}

/**
 * getdents64(2): as many entries as fit into the buffer. Returns bytes, 0 at the end, -EINVAL when not even one fits.
 * @context might_sleep
 */
export const sys_getdents64 = kernel_function("sys_getdents64", [i32, u32, u32], i32, function* (fd, buffer, count) {
  const at = yield* fget(fd);
  if (at === 0) return -EBADF;
  const directory = inode.at(file.at(at).f_inode);
  const buf = local(getdents_callback64);
  buf.current_dir = buffer;
  buf.count = count;
  buf.result = 0;
  buf.error = 0;
  if ((directory.i_mode & S_IFMT) === S_IFDIR) {
    yield* down(directory.i_sem.address);
    yield* lock_kernel();
    yield* read_directory(file.at(at), directory, buf);
    yield* unlock_kernel();
    yield* up(directory.i_sem.address);
  } else buf.error = -ENOTDIR;
  yield* fput(at);
  return buf.result || buf.error;
});
