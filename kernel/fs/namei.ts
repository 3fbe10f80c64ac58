/** Looking names up (fs/namei.c). All paths are taken from the root: processes have no working directory of their own. */
import type { Steps } from "../host/declarations.ts";
import { read_bytes } from "../host/memory.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { strncpy_from_user } from "../include/asm/uaccess.ts";
import { ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR } from "../include/linux/errno.ts";
import { inode, PATH_LENGTH, S_IFDIR, S_IFLNK, S_IFMT } from "../include/linux/fs.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { __get_free_pages, free_pages } from "../mm/page_alloc.ts";
import { find_inode } from "./inode.ts";

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

/** The address of the inode that a path names, following symbolic links; or -errno (a small negative number). */
export function path_lookup(path: string): number {
  if (path === "") return -ENOENT;
  let pending = path.split("/");
  let at = "/";
  let links = 0;
  while (pending.length > 0) {
    const [part, ...rest] = pending;
    pending = rest;
    const here = find_inode(at);
    if (here !== 0 && (inode.at(here).i_mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
    if (part === "" || part === ".") continue;
    const next = normalize_path(`${at}/${part}`);
    if (next.length >= PATH_LENGTH) return -ENAMETOOLONG;
    const found = find_inode(next);
    if (found !== 0 && (inode.at(found).i_mode & S_IFMT) === S_IFLNK) {
      if (++links > MAX_LINKS) return -ELOOP;
      const link = inode.at(found);
      const target = Array.from(read_bytes(link.i_data, Math.min(link.i_size, PATH_LENGTH)), (byte) =>
        String.fromCharCode(byte),
      ).join("");
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
