/** The inodes (fs/inode.c): every file of the initramfs and every device node, on one list, for as long as the kernel runs. */
import { cstring, kernel_function, kernel_variable, type Steps } from "../host/declarations.ts";
import { memset } from "../include/asm/string.ts";
import { pointer, u32 } from "../host/types.ts";
import { inode } from "../include/linux/fs.ts";
import { INIT_LIST_HEAD } from "../include/linux/list.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { kmem_cache_alloc, kmem_cache_create, kmem_cache_free } from "../mm/slab.ts";

/** First inode of the list, the latest made. */
export const inode_in_use = kernel_variable("inode_in_use", pointer("inode"));
export const inode_cachep = kernel_variable("inode_cachep", pointer("kmem_cache_t"));

/** Number of the latest inode; one that an archive brings has that of the archive. */
const last_ino = kernel_variable("last_ino", u32, 0);

const inode_cache_name = cstring("inode_cache");

/** Makes the inodes' cache. */
export const inode_init = kernel_function("inode_init", [], undefined, function* () {
  inode_cachep.value = yield* kmem_cache_create(inode_cache_name.address, inode.size, 0);
});

/** A new inode, all zero but its number and its empty page list, not on the list yet; undefined when out of memory. */
export function* new_inode(): Steps<inode | undefined> {
  const at = yield* kmem_cache_alloc(inode_cachep.value, GFP_KERNEL);
  if (at === 0) return undefined;
  yield* memset(at, 0, inode.size);
  const made = inode.at(at);
  made.i_ino = ++last_ino.value;
  INIT_LIST_HEAD(made.i_pages.address);
  return made;
}

/** Frees an inode that is on no list: of a file without a name, whose last user is gone. */
export function put_inode(at: number) {
  return kmem_cache_free(inode_cachep.value, at);
}

/** Puts an inode on the list, where lookups find it. */
export function insert_inode(added: inode): void {
  added.i_next = inode_in_use.value;
  inode_in_use.value = added.address;
}

/** The addresses of all inodes. */
export function* for_each_inode(): Generator<number, void, undefined> {
  for (let at = inode_in_use.value; at !== 0; at = inode.at(at).i_next) yield at;
}

/** The inode with a normalised absolute path (`/`, `/bin/sh`), or 0. */
export function find_inode(path: string): number {
  for (const at of for_each_inode()) if (inode.at(at).i_name === path) return at;
  return 0;
}
