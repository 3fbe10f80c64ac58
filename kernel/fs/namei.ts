/** Looking names up (fs/namei.c): from the root, or from the working directory or an open one. */
import type { Steps } from "../host/declarations.ts";
import { read_bytes, read_cstring } from "../host/memory.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { strncpy_from_user } from "../include/asm/uaccess.ts";
import { EBADF, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR } from "../include/linux/errno.ts";
import { AT_FDCWD, file, IS_ERR, inode, PATH_LENGTH, S_IFDIR, S_IFLNK, S_IFMT } from "../include/linux/fs.ts";
import { GFP_KERNEL, mm_struct } from "../include/linux/mm.ts";
import { current, fs_struct } from "../include/linux/sched.ts";
import { __get_free_pages, free_pages } from "../mm/page_alloc.ts";
import { fcheck } from "./file_table.ts";
import { find_inode } from "./inode.ts";

/** The one file of a proc file system that there is: the link to the program that runs. */
export const PROC_SELF_EXE = "/proc/self/exe";

/** Symbolic links followed in one look-up. */
const MAX_LINKS = 8;

/** The absolute path without empty, `.` and `..` components. */
export function normalize_path(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function is(node: number, type: number): boolean {
  return (inode.at(node).i_mode & S_IFMT) === type;
}

/** Path of the current process's working directory. */
export function working_directory(): string {
  const { pwd } = fs_struct.at(current().fs);
  return pwd === 0 ? "/" : inode.at(pwd).i_name;
}

/** Path of the directory that relative names of an `...at` call begin at, or -ENOTDIR, -EBADF. */
export function directory_of(dfd: number): string | number {
  if (dfd === AT_FDCWD) return working_directory();
  const at = fcheck(dfd);
  if (at === 0) return -EBADF;
  const node = file.at(at).f_inode;
  return is(node, S_IFDIR) ? inode.at(node).i_name : -ENOTDIR;
}

/** What a symbolic link holds; of /proc/self/exe, the name of the program that asks. */
export function link_target(link: inode): string {
  if (link.i_name === PROC_SELF_EXE) {
    const { mm } = current();
    const exe = mm === 0 ? 0 : mm_struct.at(mm).exe;
    return exe === 0 ? "" : inode.at(exe).i_name;
  }
  const bytes = read_bytes(link.i_data, Math.min(link.i_size, PATH_LENGTH));
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

export interface Lookup {
  /** Path of the directory that a relative name begins at; the working directory by default. */
  readonly base?: string;
  /** Whether a symbolic link at the end is followed; by default it is. */
  readonly follow?: boolean;
}

/** The address of the inode that a path names, or -errno (a small negative number). */
export function path_lookup(path: string, { base, follow = true }: Lookup = {}): number {
  if (path === "") return -ENOENT;
  let pending = path.split("/");
  let at = path.startsWith("/") ? "/" : (base ?? working_directory());
  let links = 0;
  while (pending.length > 0) {
    const [part, ...rest] = pending;
    pending = rest;
    const here = find_inode(at);
    if (here !== 0 && !is(here, S_IFDIR)) return -ENOTDIR;
    if (part === "" || part === ".") continue;
    const next = normalize_path(`${at}/${part}`);
    if (next.length >= PATH_LENGTH) return -ENAMETOOLONG;
    const found = find_inode(next);
    if (found !== 0 && is(found, S_IFLNK) && (follow || pending.length > 0)) {
      if (++links > MAX_LINKS) return -ELOOP;
      const target = link_target(inode.at(found));
      if (target.startsWith("/")) at = "/";
      pending = [...target.split("/"), ...pending];
    } else {
      at = next;
    }
  }
  return find_inode(at) || -ENOENT;
}

/** A user's string as a kernel copy in a page of its own (free with putname), or -errno as an unsigned number. */
export function* getname(user: number): Steps<number> {
  const buffer = yield* __get_free_pages(GFP_KERNEL, 0);
  if (buffer === 0) return -ENOMEM;
  const length = yield* strncpy_from_user(buffer, user, PAGE_SIZE);
  const error = length < 0 ? length : length === 0 ? -ENOENT : length >= PAGE_SIZE ? -ENAMETOOLONG : 0;
  if (error === 0) return buffer;
  yield* free_pages(buffer, 0);
  return error;
}

export function putname(name: number) {
  return free_pages(name, 0);
}

/** Looks a user's name up for an `...at` call: the address of the inode, or -errno. */
export function* user_path_at(dfd: number, user: number, follow = true): Steps<number> {
  const name = yield* getname(user);
  if (IS_ERR(name)) return name | 0;
  const path = read_cstring(name, PAGE_SIZE);
  yield* putname(name);
  const base = path.startsWith("/") ? "/" : directory_of(dfd);
  return typeof base === "number" ? base : path_lookup(path, { base, follow });
}
