/** Getting memory back (mm/vmscan.c): slabs without objects and cached file pages that nobody maps. */

import { for_each_inode } from "../fs/inode.ts";
import { kernel_function } from "../host/declarations.ts";
import { i32, u32 } from "../host/types.ts";
import { invalidate_inode_pages } from "./filemap.ts";
import { for_each_cache, kmem_cache_shrink } from "./slab.ts";

/** Frees what can be freed. Returns the pages that came free; 0 means that memory is really used up. */
export const reclaim = kernel_function("try_to_free_pages", [u32, u32], i32, function* (_gfp_mask, _order) {
  let freed = 0;
  for (const cache of for_each_cache()) freed += yield* kmem_cache_shrink(cache.address);
  for (const inode of for_each_inode()) freed += yield* invalidate_inode_pages(inode);
  return freed;
});
