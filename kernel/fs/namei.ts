/** Looking names up (fs/namei.c): from the root, or from the working directory or an open one. */
import { cstring, local, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import type { i32, u8, u32 } from "../host/types.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { memcpy, strcmp, strlcpy, strnlen } from "../include/asm/string.ts";
import { strncpy_from_user } from "../include/asm/uaccess.ts";
import { EBADF, EEXIST, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR } from "../include/linux/errno.ts";
import {
  AT_FDCWD,
  file,
  IS_ERR,
  inode,
  nameidata,
  PATH_LENGTH,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
} from "../include/linux/fs.ts";
import { GFP_KERNEL, mm_struct } from "../include/linux/mm.ts";
import { current, fs_struct } from "../include/linux/sched.ts";
import { __get_free_pages, free_pages } from "../mm/page_alloc.ts";
import { fcheck } from "./file_table.ts";
import { find_inode, inode_name } from "./inode.ts";

/** The one file of a proc file system that there is: the link to the program that runs. */
export const proc_self_exe = cstring("/proc/self/exe");
const root_name = cstring("/");

/** Symbolic links followed in one look-up. */
const MAX_LINKS = 8;
const SLASH = 0x2f;
const DOT = 0x2e;

// ---- Paths as bytes: absolute, normalised, without a slash at the end (but for the root's) ----

function starts_at_root(name: number): boolean {
  return memory().read8(name) === SLASH;
}

/** The end of the component that begins at `at`: its slash, or `end`. */
function* component_end(at: u32, end: u32): Steps<u32> {
  let next: u32 = at;
  while (next < end && memory().read8(next) !== SLASH) next++;
  return next;
}

/** Whether a component is empty or `.`. */
function stays(name: number, bytes: number): boolean {
  return bytes === 0 || (bytes === 1 && memory().read8(name) === DOT);
}

function goes_up(name: number, bytes: number): boolean {
  return bytes === 2 && memory().read8(name) === DOT && memory().read8(name + 1) === DOT;
}

/** Length of a path without its last component; the root has none. */
export function* parent_length(path: u32, length: u32): Steps<u32> {
  let slash: u32 = length - 1;
  while (slash > 0 && memory().read8(path + slash) !== SLASH) slash--;
  return Math.max(slash, 1);
}

/**
 * Goes on from a path of `length` bytes by a component of a name. Returns the length of the new path, which ends in a NUL;
 * -ENAMETOOLONG, with the path as it was, when that takes more than `size` bytes.
 */
function* add_component(path: u32, length: u32, name: u32, bytes: u32, size: u32): Steps<i32> {
  if (stays(name, bytes)) return length;
  let end: u32 = length;
  if (goes_up(name, bytes)) end = yield* parent_length(path, length);
  else {
    if (length > 1) end++;
    if (end + bytes >= size) return -ENAMETOOLONG;
    memory().write8(path + end - 1, SLASH);
    yield* memcpy(path + end, name, bytes);
    end += bytes;
  }
  memory().write8(path + end, 0);
  return end;
}

/**
 * Writes the name from `name` to `end` to a buffer of `size` bytes, as an absolute path without empty, `.` and `..`
 * components, with a NUL. Returns its length, or -ENAMETOOLONG with what fits in the buffer.
 */
export function* normalize_path(path: u32, size: u32, name: u32, end: u32): Steps<i32> {
  yield* strlcpy(path, root_name.address, size);
  let length: i32 = 1;
  for (let at: u32 = name; at < end; ) {
    const next = yield* component_end(at, end);
    length = yield* add_component(path, length, at, next - at, size);
    if (length < 0) return length;
    at = next + 1;
  }
  return length;
}

// ---- Looking up ----

function is(node: number, type: number): boolean {
  return (inode.at(node).i_mode & S_IFMT) === type;
}

/** Address of the path of the current process's working directory. */
export function working_directory(): number {
  const { pwd } = fs_struct.at(current().fs);
  return pwd === 0 ? root_name.address : inode_name(pwd);
}

/** Address of the path of the directory that relative names of an `...at` call begin at; or -ENOTDIR, -EBADF. */
function directory_of(dfd: number): number {
  if (dfd === AT_FDCWD) return working_directory();
  const at: u32 = fcheck(dfd);
  if (at === 0) return -EBADF;
  const node = file.at(at).f_inode;
  return is(node, S_IFDIR) ? inode_name(node) : -ENOTDIR;
}

/** Address of what a symbolic link holds; of /proc/self/exe, the name of the program that asks. It ends as `link_length` says. */
export function* link_target(link: inode): Steps<u32> {
  if ((yield* strcmp(inode_name(link.address), proc_self_exe.address)) !== 0) return link.i_data;
  const { mm } = current();
  const exe = mm === 0 ? 0 : mm_struct.at(mm).exe;
  return exe === 0 ? 0 : inode_name(exe);
}

/** Bytes of what a symbolic link holds, from where `link_target` says. */
export function* link_length(link: inode, target: u32): Steps<u32> {
  if (target === 0) return 0;
  return yield* strnlen(target, target === link.i_data ? Math.min(link.i_size, PATH_LENGTH) : PATH_LENGTH);
}

/** Sets a look-up to a path that is in kernel memory. */
function* begin_at(nd: nameidata, path: u32): Steps<void> {
  yield* strlcpy(nd.path.address, path, PATH_LENGTH);
  nd.length = yield* strnlen(path, PATH_LENGTH);
  nd.inode = yield* find_inode(path);
}

/** Goes on by what a symbolic link in the directory that the look-up has come to holds. 0 or -errno. */
function* follow_link(nd: nameidata, link: inode): Steps<i32> {
  nd.link_count++;
  if (nd.link_count > MAX_LINKS) return -ELOOP;
  const target = yield* link_target(link);
  const bytes = yield* link_length(link, target);
  if (bytes === 0) return 0;
  if (starts_at_root(target)) yield* begin_at(nd, root_name.address);
  return yield* path_walk(nd, target, target + bytes, true);
}

/**
 * Goes on by the components of the name from `name` to `end`: `nd` says what is there. Links are followed, one at the end
 * only if `follow` is set. Returns 0 or -errno; that nothing has the name it came to is no error here.
 */
function* path_walk(nd: nameidata, name: u32, end: u32, follow: boolean): Steps<i32> {
  for (let at: u32 = name; ; at++) {
    if (nd.inode !== 0 && !is(nd.inode, S_IFDIR)) return -ENOTDIR;
    const next = yield* component_end(at, end);
    const { length } = nd;
    const path = nd.path.address;
    const longer = yield* add_component(path, length, at, next - at, PATH_LENGTH);
    if (longer < 0) return longer;
    at = next;
    if (longer !== length) {
      const found = yield* find_inode(path);
      // A path that got shorter has no link at its end: links were followed when it was made.
      if (found !== 0 && longer > length && is(found, S_IFLNK) && (follow || at < end)) {
        memory().write8(path + length, 0);
        const error = yield* follow_link(nd, inode.at(found));
        if (error !== 0) return error;
      } else {
        nd.length = longer;
        nd.inode = found;
      }
    }
    if (at >= end) return 0;
  }
}

/**
 * The address of the inode that a name in kernel memory means, or -errno as an unsigned number.
 * @param base address of the path that a relative name begins at: `working_directory()`
 * @param follow whether a symbolic link at the end is followed
 */
export function* path_lookup(name: u32, base: u32, follow: boolean): Steps<u32> {
  const nd = local(nameidata);
  const bytes = yield* strnlen(name, PAGE_SIZE);
  if (bytes === 0) return -ENOENT;
  nd.link_count = 0;
  yield* begin_at(nd, starts_at_root(name) ? root_name.address : base);
  const error = yield* path_walk(nd, name, name + bytes, follow);
  if (error !== 0) return error;
  return nd.inode === 0 ? -ENOENT : nd.inode;
}

/**
 * A user's string as a kernel copy in a page of its own (free with putname), or -errno as an unsigned number.
 * @context might_sleep
 */
export function* getname(user: u32): Steps<u32> {
  const buffer = yield* __get_free_pages(GFP_KERNEL, 0);
  if (buffer === 0) return -ENOMEM;
  const length = yield* strncpy_from_user(buffer, user, PAGE_SIZE);
  const error = length < 0 ? length : length === 0 ? -ENOENT : length >= PAGE_SIZE ? -ENAMETOOLONG : 0;
  if (error === 0) return buffer;
  yield* free_pages(buffer, 0);
  return error;
}

/** Frees what getname returned. */
export function* putname(name: u32): Steps<void> {
  yield* free_pages(name, 0);
}

/**
 * Looks a user's name up for an `...at` call: the address of the inode, or -errno as an unsigned number.
 * @context might_sleep
 */
export function* user_path_at(dfd: i32, user: u32, follow = true): Steps<u32> {
  const name = yield* getname(user);
  if (IS_ERR(name)) return name;
  let found: u32 = starts_at_root(name) ? root_name.address : directory_of(dfd);
  if (!IS_ERR(found)) found = yield* path_lookup(name, found, follow);
  yield* putname(name);
  return found;
}

/**
 * Looks up where a user's name for something new leads, a path in a directory that exists: `nd.path`. Returns 0 or -errno.
 * @context might_sleep
 */
export function* lookup_new(nd: nameidata, user: u32): Steps<i32> {
  const name = yield* getname(user);
  if (IS_ERR(name)) return name;
  nd.link_count = 0;
  yield* begin_at(nd, starts_at_root(name) ? root_name.address : working_directory());
  const error = yield* path_walk(nd, name, name + (yield* strnlen(name, PAGE_SIZE)), false);
  yield* putname(name);
  if (error !== 0) return error;
  if (nd.inode !== 0) return -EEXIST;
  const path = nd.path.address;
  const end = yield* parent_length(path, nd.length);
  const behind: u8 = memory().read8(path + end);
  memory().write8(path + end, 0);
  const parent = yield* find_inode(path);
  memory().write8(path + end, behind);
  if (parent === 0) return -ENOENT;
  return is(parent, S_IFDIR) ? 0 : -ENOTDIR;
}
