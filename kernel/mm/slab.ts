/**
 * The slab allocator (mm/slab.c): caches of equal objects, carved out of slabs of one or more pages.
 *
 * A slab's descriptor is followed by one word for each object: the index of the next free object, or ALLOCATED. Small
 * objects share their slab with the descriptor; objects of 512 bytes and more have it elsewhere, in a kmalloc cache of
 * small objects. A cache keeps at most FREE_SLABS_KEPT slabs without objects; `kmem_cache_shrink` frees those too.
 * Interrupts may allocate and free: they are off while a cache's lists and counts change (cache->spinlock).
 */
import { cstring, type KernelFunction, kernel_function, kernel_variable, type Steps } from "../host/declarations.ts";
import { memory, read_cstring } from "../host/memory.ts";
import { array, chars, container_of, i32, pointer, type ScalarType, struct, u32, type ViewOf } from "../host/types.ts";
import { BUG } from "../include/asm/bug.ts";
import { __pa, PAGE_SHIFT, PAGE_SIZE } from "../include/asm/page.ts";
import { spin_lock_init, spinlock_t } from "../include/asm/spinlock.ts";
import {
  INIT_LIST_HEAD,
  list_add,
  list_add_tail,
  list_del,
  list_empty,
  list_for_each,
  list_head,
  list_next,
} from "../include/linux/list.ts";
import { GFP_KERNEL, PG_slab, page } from "../include/linux/mm.ts";
import { spin_lock_irqsave, spin_unlock_irqrestore } from "../include/linux/spinlock.ts";
import { __get_free_pages, free_pages, pfn_to_page, pfn_valid, virt_to_page } from "./page_alloc.ts";

/** Bytes of a cache's name. */
const NAME_LENGTH = 20;

/** A cache; the debugger finds all of them from `cache_chain` (through `next`). */
export const kmem_cache_t = struct("kmem_cache_t", {
  slabs_full: list_head,
  slabs_partial: list_head,
  slabs_free: list_head,
  /** Held while slabs and objects come and go. */
  spinlock: spinlock_t,
  /** Bytes from one object to the next. */
  objsize: u32,
  /** Objects in a slab, and its pages as an order. */
  num: u32,
  gfporder: u32,
  /** Bytes from the slab's start to its first object; 0 when the descriptor is elsewhere. */
  offset: u32,
  /** Objects in use, slabs, slabs without objects in use. */
  num_active: u32,
  num_slabs: u32,
  num_free_slabs: u32,
  next: list_head,
  name: chars(NAME_LENGTH),
});
export type kmem_cache_t = ViewOf<typeof kmem_cache_t>;

/** A slab: on one of its cache's lists, with its objects at s_mem. */
export const slab_t = struct("slab_t", {
  list: list_head,
  s_mem: pointer("void"),
  inuse: u32,
  /** First free object, or END. */
  free: u32,
});

/** All caches. */
export const cache_chain = kernel_variable("cache_chain", list_head);
/** The cache of caches. */
export const cache_cache = kernel_variable("cache_cache", kmem_cache_t);
/** The general caches of kmalloc, by size. */
const cache_sizes = struct("cache_sizes", { cs_size: u32, cs_cachep: pointer("kmem_cache_t") });

const KMALLOC_SIZES = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072];
const kmem_cache_name = cstring("kmem_cache");
const kmalloc_names = KMALLOC_SIZES.map((size) => cstring(`size-${size}`));
const malloc_sizes = kernel_variable("malloc_sizes", array(cache_sizes, KMALLOC_SIZES.length));

const END = 0xffffffff;
const ALLOCATED = 0xfffffffe;
/** Slabs without objects that a cache keeps for the next allocation. */
const FREE_SLABS_KEPT = 1;
/** Objects of this size and more have their slab's descriptor elsewhere. */
const OFF_SLAB_SIZE = PAGE_SIZE / 8;
const MAX_GFP_ORDER = 5;

const PAGE_NEXT = page.offset("list.next");
const PAGE_PREV = page.offset("list.prev");
const FLAGS = page.offset("flags");

function align(size: number, alignment: number): number {
  return Math.ceil(size / alignment) * alignment;
}

function bufctl(slab: number, index: number): u32 {
  return slab + slab_t.size + 4 * index;
}

/** Bytes before the first object when the descriptor is on the slab. */
function header(objects: number, alignment: number): number {
  return align(slab_t.size + 4 * objects, alignment);
}

/** Chooses the slab size: the smallest that wastes no more than an eighth of itself. */
function geometry(objsize: number, alignment: number): { gfporder: number; num: number; offset: number } {
  const on_slab = objsize < OFF_SLAB_SIZE;
  for (let gfporder = 0; ; gfporder++) {
    const bytes = PAGE_SIZE << gfporder;
    let num = Math.floor(bytes / objsize);
    if (on_slab) while (num > 0 && header(num, alignment) + num * objsize > bytes) num--;
    const offset = on_slab ? header(num, alignment) : 0;
    const waste = bytes - offset - num * objsize;
    if (num > 0 && (waste * 8 <= bytes || gfporder >= MAX_GFP_ORDER)) return { gfporder, num, offset };
  }
}

/** @bounded by the longest name of a cache */
function name_at(address: number): string {
  return read_cstring(address, NAME_LENGTH);
}

function init_cache(cache: kmem_cache_t, name: number, size: number, alignment: number): void {
  INIT_LIST_HEAD(cache.slabs_full.address);
  INIT_LIST_HEAD(cache.slabs_partial.address);
  INIT_LIST_HEAD(cache.slabs_free.address);
  spin_lock_init(cache.spinlock.address);
  cache.name = name_at(name);
  cache.objsize = align(Math.max(size, 4), alignment);
  cache.num_active = cache.num_slabs = cache.num_free_slabs = 0;
  const { gfporder, num, offset } = geometry(cache.objsize, alignment);
  cache.gfporder = gfporder;
  cache.num = num;
  cache.offset = offset;
  list_add_tail(cache.next.address, cache_chain.address);
}

/** Every cache, in order of creation. */
export function* for_each_cache(): Generator<kmem_cache_t, void, undefined> {
  for (const entry of list_for_each(cache_chain.address))
    yield kmem_cache_t.at(container_of(entry, kmem_cache_t, "next"));
}

/** Starts the slab allocator and the kmalloc caches; the page allocator works already. @context irqs_disabled */
export const kmem_cache_init = kernel_function("kmem_cache_init", [], undefined, function* () {
  INIT_LIST_HEAD(cache_chain.address);
  init_cache(cache_cache.value, kmem_cache_name.address, kmem_cache_t.size, 4);
  for (let i = 0; i < KMALLOC_SIZES.length; i++) {
    const entry = malloc_sizes.value.get(i);
    entry.cs_size = KMALLOC_SIZES[i];
    entry.cs_cachep = yield* kmem_cache_create(kmalloc_names[i].address, KMALLOC_SIZES[i], 4);
    if (entry.cs_cachep === 0) BUG("no memory for the kmalloc caches");
  }
});

/**
 * Makes a cache of objects of `size` bytes (1 to 131072) at multiples of `alignment` (a power of two, 0 for words).
 * Returns the cache, or 0 when out of memory.
 * @context might_sleep
 */
export const kmem_cache_create = kernel_function(
  "kmem_cache_create",
  [pointer("char"), u32, u32],
  pointer("kmem_cache_t"),
  function* (name, size, alignment): Steps<number> {
    const at_least_words = Math.max(alignment, 4);
    if (size === 0 || size > PAGE_SIZE << MAX_GFP_ORDER) BUG(`cache ${name_at(name)}: objects of ${size} bytes`);
    if (at_least_words & (at_least_words - 1) || at_least_words > PAGE_SIZE)
      BUG(`cache ${name_at(name)}: alignment ${alignment}`);
    const cache = yield* kmem_cache_alloc(cache_cache.address, GFP_KERNEL);
    if (cache !== 0) init_cache(kmem_cache_t.at(cache), name, size, at_least_words);
    return cache;
  },
);

/** Gives a cache one more slab. Returns whether there was memory. @context might_sleep if gfp & __GFP_WAIT */
const kmem_cache_grow: KernelFunction<[number, number], number, ScalarType<"i32">> = kernel_function(
  "kmem_cache_grow",
  [pointer("kmem_cache_t"), u32],
  i32,
  function* (cachep, gfp): Steps<number> {
    const cache = kmem_cache_t.at(cachep);
    const pages = yield* __get_free_pages(gfp, cache.gfporder);
    if (pages === 0) return 0;
    const slab: u32 = cache.offset === 0 ? yield* kmalloc(slab_t.size + 4 * cache.num, gfp) : pages;
    if (slab === 0) {
      yield* free_pages(pages, cache.gfporder);
      return 0;
    }
    const m = memory();
    const end_page: u32 = virt_to_page(pages) + (page.size << cache.gfporder);
    for (let at: u32 = virt_to_page(pages); at < end_page; at += page.size) {
      m.write32(at + FLAGS, PG_slab);
      m.write32(at + PAGE_NEXT, cachep);
      m.write32(at + PAGE_PREV, slab);
    }
    const view = slab_t.at(slab);
    view.s_mem = pages + cache.offset;
    view.inuse = 0;
    view.free = 0;
    const last: i32 = cache.num - 1;
    for (let i: i32 = 0; i < last; i++) m.write32(bufctl(slab, i), i + 1);
    m.write32(bufctl(slab, last), END);
    const flags = yield* spin_lock_irqsave(cache.spinlock.address);
    list_add(slab, cache.slabs_free.address);
    cache.num_slabs++;
    cache.num_free_slabs++;
    yield* spin_unlock_irqrestore(cache.spinlock.address, flags);
    return 1;
  },
);

/** Gives the pages of a slab without objects back. */
const kmem_slab_destroy: KernelFunction<[number, number], void, undefined> = kernel_function(
  "kmem_slab_destroy",
  [pointer("kmem_cache_t"), pointer("slab_t")],
  undefined,
  function* (cachep, slab): Steps<void> {
    const cache = kmem_cache_t.at(cachep);
    const m = memory();
    const pages: u32 = slab_t.at(slab).s_mem - cache.offset;
    const end_page: u32 = virt_to_page(pages) + (page.size << cache.gfporder);
    for (let at: u32 = virt_to_page(pages); at < end_page; at += page.size) m.write32(at + FLAGS, 0);
    yield* free_pages(pages, cache.gfporder);
    if (cache.offset === 0) yield* kfree(slab);
  },
);

/** Takes a slab without objects off its cache; 0 when there is none. */
function unlink_free_slab(cache: kmem_cache_t): u32 {
  const head = cache.slabs_free.address;
  if (list_empty(head)) return 0;
  const slab = list_next(head);
  list_del(slab);
  cache.num_slabs--;
  cache.num_free_slabs--;
  return slab;
}

/** Frees all slabs without objects. Returns pages freed. @context any */
export const kmem_cache_shrink = kernel_function(
  "kmem_cache_shrink",
  [pointer("kmem_cache_t")],
  i32,
  function* (cachep) {
    const cache = kmem_cache_t.at(cachep);
    let freed = 0;
    for (;;) {
      const flags = yield* spin_lock_irqsave(cache.spinlock.address);
      const slab = unlink_free_slab(cache);
      yield* spin_unlock_irqrestore(cache.spinlock.address, flags);
      if (slab === 0) return freed;
      yield* kmem_slab_destroy(cachep, slab);
      freed += 1 << cache.gfporder;
    }
  },
);

/** An object of a cache; 0 when out of memory. Its contents are undefined. @context might_sleep if gfp & __GFP_WAIT */
export const kmem_cache_alloc: KernelFunction<[number, number], number, ScalarType<"u32">> = kernel_function(
  "kmem_cache_alloc",
  [pointer("kmem_cache_t"), u32],
  u32,
  function* (cachep, gfp): Steps<number> {
    const cache = kmem_cache_t.at(cachep);
    for (;;) {
      const flags = yield* spin_lock_irqsave(cache.spinlock.address);
      const object = has_room(cache) ? take_object(cache) : 0;
      yield* spin_unlock_irqrestore(cache.spinlock.address, flags);
      if (object !== 0) return object;
      if ((yield* kmem_cache_grow(cachep, gfp)) === 0) return 0;
    }
  },
);

function has_room(cache: kmem_cache_t): boolean {
  return !list_empty(cache.slabs_partial.address) || !list_empty(cache.slabs_free.address);
}

/** Takes the next free object of a cache that has room. */
function take_object(cache: kmem_cache_t): u32 {
  const m = memory();
  const was_free = list_empty(cache.slabs_partial.address);
  const slab = list_next(was_free ? cache.slabs_free.address : cache.slabs_partial.address);
  const view = slab_t.at(slab);
  const index = view.free;
  const object = view.s_mem + index * cache.objsize;
  view.free = m.read32(bufctl(slab, index));
  m.write32(bufctl(slab, index), ALLOCATED);
  view.inuse++;
  cache.num_active++;
  if (was_free) cache.num_free_slabs--;
  const full = view.free === END;
  if (was_free || full) {
    list_del(slab);
    list_add(slab, full ? cache.slabs_full.address : cache.slabs_partial.address);
  }
  return object;
}

/** The cache of an object, from its page. Throws KernelBug for anything that is no slab memory. */
function cache_of(object: number): kmem_cache_t {
  const page_struct = virt_to_page(object);
  const m = memory();
  if ((m.read32(page_struct + FLAGS) & PG_slab) === 0)
    BUG(`0x${object.toString(16)} is freed but is no object of a slab`);
  return kmem_cache_t.at(m.read32(page_struct + PAGE_NEXT));
}

function object_name(cache: kmem_cache_t, object: number): string {
  return `0x${object.toString(16)} of cache ${cache.name}`;
}

/** Puts an object back. Returns a slab to destroy, or 0. */
function return_object(cache: kmem_cache_t, object: number): u32 {
  const m = memory();
  const slab = m.read32(virt_to_page(object) + PAGE_PREV) >>> 0;
  const view = slab_t.at(slab);
  const index = (object - view.s_mem) / cache.objsize;
  if (!Number.isInteger(index) || index < 0 || index >= cache.num)
    BUG(`${object_name(cache, object)} is freed but is no object's start`);
  if (m.read32(bufctl(slab, index)) >>> 0 !== ALLOCATED) BUG(`${object_name(cache, object)} is freed twice`);
  const was_full = view.free === END;
  m.write32(bufctl(slab, index), view.free);
  view.free = index;
  view.inuse--;
  cache.num_active--;
  if (view.inuse === 0) {
    list_del(slab);
    list_add(slab, cache.slabs_free.address);
    cache.num_free_slabs++;
  } else if (was_full) {
    list_del(slab);
    list_add(slab, cache.slabs_partial.address);
  }
  return cache.num_free_slabs > FREE_SLABS_KEPT ? unlink_free_slab(cache) : 0;
}

/** Frees an object of a cache. Throws KernelBug for another cache's object and for a free one. @context any */
export const kmem_cache_free: KernelFunction<[number, number], void, undefined> = kernel_function(
  "kmem_cache_free",
  [pointer("kmem_cache_t"), u32],
  undefined,
  function* (cachep, object): Steps<void> {
    const cache = cache_of(object);
    if (cache.address !== cachep)
      BUG(`0x${object.toString(16)} of cache ${cache.name} is freed to cache ${kmem_cache_t.at(cachep).name}`);
    const flags = yield* spin_lock_irqsave(cache.spinlock.address);
    const slab = return_object(cache, object);
    yield* spin_unlock_irqrestore(cache.spinlock.address, flags);
    if (slab !== 0) yield* kmem_slab_destroy(cachep, slab);
  },
);

/**
 * `size` bytes of physically contiguous memory; 0 when out of memory or for more than 128 KiB.
 * @context might_sleep if gfp & __GFP_WAIT
 */
export const kmalloc: KernelFunction<[number, number], number, ScalarType<"u32">> = kernel_function(
  "kmalloc",
  [u32, u32],
  u32,
  function* (size, gfp): Steps<number> {
    for (let i: i32 = 0; i < KMALLOC_SIZES.length; i++) {
      const entry = malloc_sizes.value.get(i);
      if (size <= entry.cs_size) return yield* kmem_cache_alloc(entry.cs_cachep, gfp);
    }
    return 0;
  },
);

/** Frees what kmalloc gave; 0 is ignored. @context any */
export const kfree: KernelFunction<[number], void, undefined> = kernel_function(
  "kfree",
  [u32],
  undefined,
  function* (object): Steps<void> {
    if (object !== 0) yield* kmem_cache_free(cache_of(object).address, object);
  },
);

/** Every cache's name and how many of its objects are in use. */
export function slab_caches(): { readonly name: string; readonly active: number }[] {
  return Array.from(for_each_cache(), ({ name, num_active }) => ({ name, active: num_active }));
}

/** The cache whose object an address is in, and how far into the object; undefined elsewhere. */
export function slab_object_at(address: number): { readonly cache: string; readonly offset: number } | undefined {
  const pfn = __pa(address) >>> PAGE_SHIFT;
  if (!pfn_valid(pfn)) return undefined;
  const at = page.at(pfn_to_page(pfn));
  if ((at.flags & PG_slab) === 0) return undefined;
  const { name: cache, objsize } = kmem_cache_t.at(at.list.next);
  return { cache, offset: (address - slab_t.at(at.list.prev).s_mem) % objsize };
}
