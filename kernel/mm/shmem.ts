/**
 * Memory that processes share (mm/shmem.c): what a shared mapping of no file shows. A file of its own, without a name,
 * holds the pages; every mapping after a fork is one more user of it, and with the last one the pages go.
 */
import { get_empty_filp } from "../fs/file_table.ts";
import { destroy_inode, new_inode } from "../fs/inode.ts";
import { kernel_function, kernel_table } from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../include/asm/page.ts";
import { clear_page } from "../include/asm/string.ts";
import { ENFILE, ENOMEM } from "../include/linux/errno.ts";
import { FMODE_READ, FMODE_WRITE, file, file_operations, inode, S_IFREG } from "../include/linux/fs.ts";
import { list_del, list_for_each } from "../include/linux/list.ts";
import { GFP_HIGHUSER, vm_area_struct } from "../include/linux/mm.ts";
import { add_to_page_cache_unique, find_get_page } from "./filemap.ts";
import { NOPAGE_OOM, NOPAGE_SIGBUS } from "./memory.ts";
import { alloc_page, page_address, put_page } from "./page_alloc.ts";

/**
 * The shared page at `address`, made of zeros at the first touch, with a reference for the mapping.
 * @context might_sleep
 */
export const shmem_nopage = kernel_function(
  "shmem_nopage",
  [pointer("vm_area_struct"), u32],
  pointer("page"),
  function* (vma_address, address) {
    const vma = vm_area_struct.at(vma_address);
    const host = inode.at(file.at(vma.vm_file).f_inode);
    const index = ((address - vma.vm_start) >>> PAGE_SHIFT) + vma.vm_pgoff;
    if (index >= Math.ceil(host.i_size / PAGE_SIZE)) return NOPAGE_SIGBUS;
    const found = yield* find_get_page(host, index);
    if (found !== 0) return found;
    const added = yield* alloc_page(GFP_HIGHUSER);
    if (added === 0) return NOPAGE_OOM;
    yield* clear_page(page_address(added));
    return yield* add_to_page_cache_unique(added, host, index);
  },
);

const shmem_vm_ops = kernel_table("shmem_vm_ops", ["shmem_nopage"]);

export const shmem_mmap = kernel_function(
  "shmem_mmap",
  [pointer("file"), pointer("vm_area_struct")],
  i32,
  function* (_file, vma) {
    vm_area_struct.at(vma).vm_ops = shmem_vm_ops.address;
    return 0;
  },
);

/** The last user is gone: frees the pages and the inode. */
export const shmem_release = kernel_function(
  "shmem_release",
  [pointer("inode"), pointer("file")],
  undefined,
  function* (inode_address, _file) {
    for (const at of list_for_each(inode.at(inode_address).i_pages.address)) {
      list_del(at);
      yield* put_page(at);
    }
    yield* destroy_inode(inode_address);
  },
);

const shmem_file_operations = kernel_table(
  "shmem_file_operations",
  [0, 0, "shmem_mmap", 0, "shmem_release", 0, 0],
  file_operations,
);

/** A file of `size` bytes of zeros to map, with one reference, or -errno as an unsigned number. @context might_sleep */
export const shmem_file_setup = kernel_function("shmem_file_setup", [u32], u32, function* (size) {
  const node = yield* new_inode();
  if (node === undefined) return -ENOMEM;
  node.i_mode = S_IFREG | 0o600;
  node.i_size = size;
  const at = yield* get_empty_filp();
  if (at === 0) {
    yield* destroy_inode(node.address);
    return -ENFILE;
  }
  const filp = file.at(at);
  filp.f_mode = FMODE_READ | FMODE_WRITE;
  filp.f_inode = node.address;
  filp.f_op = shmem_file_operations.address;
  return at;
});
