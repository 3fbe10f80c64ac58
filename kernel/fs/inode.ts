/**
 * The inodes (fs/inode.c): every file of the initramfs and every device node, on one list and in a hash table of names, for
 * as long as the kernel runs.
 */
import { cstring, kernel_function, kernel_table, kernel_variable, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, pointer, type u8, u32 } from "../host/types.ts";
import { init_MUTEX } from "../include/asm/semaphore.ts";
import { SPIN_LOCK_UNLOCKED, spin_lock, spin_unlock, spinlock_t } from "../include/asm/spinlock.ts";
import { memset, strcmp } from "../include/asm/string.ts";
import { inode } from "../include/linux/fs.ts";
import { INIT_LIST_HEAD } from "../include/linux/list.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { kmem_cache_alloc, kmem_cache_create, kmem_cache_free } from "../mm/slab.ts";

/** Chains of the hash table; a power of two. */
const HASH_SIZE = 64;

/** First inode of the list, the first made, and the last. */
export const inode_in_use = kernel_variable("inode_in_use", pointer("inode"));
const inode_in_use_last = kernel_variable("inode_in_use_last", pointer("inode"));
/** The inodes by the hash of their names. */
const inode_hashtable = kernel_variable("inode_hashtable", array(pointer("inode"), HASH_SIZE));
export const inode_cachep = kernel_variable("inode_cachep", pointer("kmem_cache_t"));

/** Number of the latest inode; one that an archive brings has that of the archive. */
const last_ino = kernel_variable("last_ino", u32, 0);

const inode_cache_name = cstring("inode_cache");
const I_NAME = inode.offset("i_name");

/** Makes the inodes' cache. @context might_sleep */
export const inode_init = kernel_function("inode_init", [], undefined, function* () {
  inode_cachep.value = yield* kmem_cache_create(inode_cache_name.address, inode.size, 0);
});

/** Held while an inode gets its number. Those with names are all made, and on their list, before the first program runs. */
export const inode_lock = kernel_table("inode_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);

/**
 * A new inode with one user, all zero but its number, its semaphore and its empty page list, not on the list yet; undefined when
 * out of memory.
 * @context might_sleep
 */
export function* new_inode(): Steps<inode | undefined> {
  const at: u32 = yield* kmem_cache_alloc(inode_cachep.value, GFP_KERNEL);
  if (at === 0) return undefined;
  yield* memset(at, 0, inode.size);
  const made = inode.at(at);
  made.i_count = 1;
  init_MUTEX(made.i_sem.address);
  INIT_LIST_HEAD(made.i_pages.address);
  yield* spin_lock(inode_lock.address);
  last_ino.value++;
  made.i_ino = last_ino.value;
  yield* spin_unlock(inode_lock.address);
  return made;
}

/** Frees an inode that is on no list: of a file without a name, whose last user is gone. */
export function* destroy_inode(at: u32): Steps<void> {
  yield* kmem_cache_free(inode_cachep.value, at);
}

/** Address of an inode's name, a normalised absolute path (`/`, `/bin/sh`). */
export function inode_name(node: number): number {
  return node + I_NAME;
}

/** Hash of a NUL-terminated name (include/linux/dcache.h). */
function* full_name_hash(name: u32): Steps<u32> {
  let hash: u32 = 0;
  for (let at: u32 = name; ; at++) {
    const c: u8 = memory().read8(at);
    if (c === 0) return hash;
    hash = Math.imul(hash + (c << 4) + (c >>> 4), 11);
  }
}

/** Where the chain of a hash begins. */
function hash_bucket(hash: number): number {
  return (hash ^ (hash >>> 6)) & (HASH_SIZE - 1);
}

/** Puts an inode, whose name is set, where look-ups find it. Only tasks look, and none sleeps while it does. */
export function* insert_inode(added: inode): Steps<void> {
  const hash = yield* full_name_hash(inode_name(added.address));
  const bucket: u32 = hash_bucket(hash);
  added.i_hash = hash;
  added.i_hash_next = inode_hashtable.value.get(bucket);
  inode_hashtable.value.set(bucket, added.address);
  added.i_next = 0;
  if (inode_in_use_last.value === 0) inode_in_use.value = added.address;
  else inode.at(inode_in_use_last.value).i_next = added.address;
  inode_in_use_last.value = added.address;
}

/** The addresses of all inodes, in the order in which they were made. */
export function* for_each_inode(): Generator<number, void, undefined> {
  for (let at: u32 = inode_in_use.value; at !== 0; at = inode.at(at).i_next) yield at;
}

/** The inode with a normalised absolute path, a NUL-terminated string; 0 when there is none. */
export function* find_inode(path: u32): Steps<u32> {
  const hash = yield* full_name_hash(path);
  for (let at: u32 = inode_hashtable.value.get(hash_bucket(hash)); at !== 0; at = inode.at(at).i_hash_next) {
    if (inode.at(at).i_hash === hash && (yield* strcmp(inode_name(at), path)) === 0) return at;
  }
  return 0;
}
