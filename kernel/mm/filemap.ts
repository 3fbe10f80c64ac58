/**
 * The page cache (mm/filemap.c): page-sized copies of files, shared by everybody who maps them.
 *
 * A page in the cache is on its inode's list and holds one reference for it; mappings hold one each. It stays when the
 * last mapping goes, so that the next exec finds it, until memory runs out and `shrink_cache` takes back the unmapped ones.
 */
import { kernel_function, kernel_table, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../include/asm/page.ts";
import { SPIN_LOCK_UNLOCKED, spin_lock, spin_unlock, spinlock_t } from "../include/asm/spinlock.ts";
import { memcpy, memset } from "../include/asm/string.ts";
import { ENOEXEC } from "../include/linux/errno.ts";
import { file, inode, S_IFMT, S_IFREG } from "../include/linux/fs.ts";
import { list_add_tail, list_del, list_for_each } from "../include/linux/list.ts";
import { GFP_HIGHUSER, page, vm_area_struct } from "../include/linux/mm.ts";
import { NOPAGE_OOM, NOPAGE_SIGBUS } from "./memory.ts";
import { alloc_page, get_page, page_address, page_count, put_page } from "./page_alloc.ts";

const INDEX = page.offset("index");

/** Held while pages are looked for in the page cache, put there or taken out. Page faults take it, interrupts do not. */
export const pagecache_lock = kernel_table("pagecache_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);

/** The cached page of a file, or 0. Needs pagecache_lock. */
function* __find_page(host: inode, index: u32): Steps<u32> {
  for (const at of list_for_each(host.i_pages.address)) {
    if (memory().read32(at + INDEX) === index) return at;
  }
  return 0;
}

/** The cached page of a file, with a reference for the caller; 0 when there is none. */
export function* find_get_page(host: inode, index: u32): Steps<u32> {
  yield* spin_lock(pagecache_lock.address);
  const found = yield* __find_page(host, index);
  if (found !== 0) yield* get_page(found);
  yield* spin_unlock(pagecache_lock.address);
  return found;
}

/**
 * Puts a page into the cache, which takes over the caller's reference, unless somebody else was faster. Returns the page that is
 * there, with a reference for the caller.
 */
export function* add_to_page_cache_unique(added: u32, host: inode, index: u32): Steps<u32> {
  memory().write32(added + INDEX, index);
  yield* spin_lock(pagecache_lock.address);
  let there = yield* __find_page(host, index);
  if (there === 0) {
    list_add_tail(added, host.i_pages.address);
    there = added;
  }
  yield* get_page(there);
  yield* spin_unlock(pagecache_lock.address);
  if (there !== added) yield* put_page(added);
  return there;
}

/**
 * Reads a page of a file into the cache, and returns it with a reference for the caller; 0 when out of memory. The page ends in zeros where the file ends in it.
 * @context might_sleep
 */
const read_cache_page = kernel_function(
  "read_cache_page",
  [pointer("inode"), u32],
  pointer("page"),
  function* (inode_address, index) {
    const cached = yield* alloc_page(GFP_HIGHUSER);
    if (cached === 0) return 0;
    const host = inode.at(inode_address);
    const to = page_address(cached);
    const offset = index << PAGE_SHIFT;
    const bytes: u32 = Math.min(PAGE_SIZE, host.i_size - offset);
    yield* memcpy(to, host.i_data + offset, bytes);
    yield* memset(to + bytes, 0, PAGE_SIZE - bytes);
    return yield* add_to_page_cache_unique(cached, host, index);
  },
);

/**
 * The page of the file that the area shows at `address`, with a reference for the mapping. SIGBUS behind its end.
 * @context might_sleep
 */
export const filemap_nopage = kernel_function(
  "filemap_nopage",
  [pointer("vm_area_struct"), u32],
  pointer("page"),
  function* (vma_address, address) {
    const vma = vm_area_struct.at(vma_address);
    const host = inode.at(file.at(vma.vm_file).f_inode);
    const index = ((address - vma.vm_start) >>> PAGE_SHIFT) + vma.vm_pgoff;
    if (index >= Math.ceil(host.i_size / PAGE_SIZE)) return NOPAGE_SIGBUS;
    let found = yield* find_get_page(host, index);
    if (found === 0) found = yield* read_cache_page(host.address, index);
    return found === 0 ? NOPAGE_OOM : found;
  },
);

const file_vm_ops = kernel_table("generic_file_vm_ops", ["filemap_nopage"]);

/** The `mmap` of regular files; they cannot be opened for writing, so no mapping ever has to write back. */
export const generic_file_mmap = kernel_function(
  "generic_file_mmap",
  [pointer("file"), pointer("vm_area_struct")],
  i32,
  function* (file_address, vma_address) {
    if ((inode.at(file.at(file_address).f_inode).i_mode & S_IFMT) !== S_IFREG) return -ENOEXEC;
    vm_area_struct.at(vma_address).vm_ops = file_vm_ops.address;
    return 0;
  },
);

/**
 * Frees the cached pages of a file that nobody uses: those with no reference but the cache's, for others are taken with
 * pagecache_lock only. Returns how many.
 */
export function* invalidate_inode_pages(inode_address: u32): Steps<i32> {
  let freed: i32 = 0;
  yield* spin_lock(pagecache_lock.address);
  for (const at of list_for_each(inode.at(inode_address).i_pages.address)) {
    if (page_count(at) !== 1) continue;
    list_del(at);
    yield* put_page(at);
    freed++;
  }
  yield* spin_unlock(pagecache_lock.address);
  return freed;
}
