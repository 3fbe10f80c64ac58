import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { read_bytes, write_bytes } from "../../../kernel/host/memory.ts";
import { memset } from "../../../kernel/include/asm/string.ts";
import { list_for_each } from "../../../kernel/include/linux/list.ts";
import { GFP_KERNEL } from "../../../kernel/include/linux/mm.ts";
import { __get_free_pages, free_pages, nr_free_pages } from "../../../kernel/mm/page_alloc.ts";
import {
  for_each_cache,
  kfree,
  kmalloc,
  kmem_cache_alloc,
  kmem_cache_create,
  kmem_cache_free,
  kmem_cache_shrink,
  kmem_cache_t,
  slab_t,
} from "../../../kernel/mm/slab.ts";
import { Harness } from "../harness.ts";

const FRAMES = 1024;

/** A cache named "test" and its address. */
function make_cache(kernel: Harness, size: number, alignment = 0): number {
  const name = kernel.run(() => __get_free_pages(GFP_KERNEL, 0));
  kernel.inspect(() =>
    write_bytes(
      name,
      Uint8Array.from("test\0", (c) => c.charCodeAt(0)),
    ),
  );
  const cache = kernel.run(() => kmem_cache_create(name, size, alignment));
  kernel.run(() => free_pages(name, 0));
  return cache;
}

/** The counters of a cache agree with its lists. */
function check_cache(kernel: Harness, at: number): void {
  kernel.inspect(() => {
    const cache = kmem_cache_t.at(at);
    const slabs = (list: number) => [...list_for_each(list)].map((slab) => slab_t.at(slab).inuse);
    const full = slabs(cache.slabs_full.address);
    const partial = slabs(cache.slabs_partial.address);
    const free = slabs(cache.slabs_free.address);
    expect(full.every((inuse) => inuse === cache.num)).toBe(true);
    expect(partial.every((inuse) => inuse > 0 && inuse < cache.num)).toBe(true);
    expect(free.every((inuse) => inuse === 0)).toBe(true);
    expect(cache.num_slabs).toBe(full.length + partial.length + free.length);
    expect(cache.num_free_slabs).toBe(free.length);
    expect(free.length).toBeLessThanOrEqual(1);
    expect(cache.num_active).toBe([...full, ...partial].reduce((sum, inuse) => sum + inuse, 0));
  });
}

/** Frees all slabs without objects: twice, since slabs of large objects have their descriptors in other caches. */
function shrink_all(kernel: Harness): void {
  const caches = kernel.inspect(() => [...for_each_cache()].map(({ address }) => address));
  for (const cache of [...caches, ...caches]) kernel.run(() => kmem_cache_shrink(cache));
}

describe("the slab allocator", () => {
  it("hands out aligned objects that keep their contents, and gives all memory back", () => {
    const step = fc.oneof(fc.constant({ alloc: true }), fc.record({ free: fc.nat() }));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 2, max: 7 }),
        fc.array(step, { maxLength: 80 }),
        (size, log_alignment, steps) => {
          const kernel = Harness.with_slabs(FRAMES);
          const cache = make_cache(kernel, size, 1 << log_alignment);
          const free_before = kernel.inspect(nr_free_pages);
          const used: { address: number; mark: number }[] = [];
          let mark = 0;
          for (const step of steps) {
            if ("alloc" in step) {
              const address = kernel.run(() => kmem_cache_alloc(cache, GFP_KERNEL));
              expect(address % (1 << log_alignment)).toBe(0);
              mark = (mark % 250) + 1;
              kernel.run(() => memset(address, mark, size));
              used.push({ address, mark });
            } else if (used.length > 0) {
              const [{ address, mark: expected }] = used.splice(step.free % used.length, 1);
              expect(kernel.inspect(() => read_bytes(address, size)).every((byte) => byte === expected)).toBe(true);
              kernel.run(() => kmem_cache_free(cache, address));
            }
            check_cache(kernel, cache);
          }
          for (const { address } of used) kernel.run(() => kmem_cache_free(cache, address));
          check_cache(kernel, cache);
          shrink_all(kernel);
          expect(kernel.inspect(nr_free_pages)).toBe(free_before);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("kmalloc serves every size to 128 KiB and refuses more", () => {
    const kernel = Harness.with_slabs(FRAMES);
    shrink_all(kernel);
    const free_before = kernel.inspect(nr_free_pages);
    for (const size of [0, 1, 32, 33, 511, 512, 513, 4096, 5000, 65536, 131072]) {
      const address = kernel.run(() => kmalloc(size, GFP_KERNEL));
      expect(address).not.toBe(0);
      kernel.run(() => memset(address, 0xff, size));
      kernel.run(() => kfree(address));
    }
    expect(kernel.run(() => kmalloc(131073, GFP_KERNEL))).toBe(0);
    kernel.run(() => kfree(0));
    shrink_all(kernel);
    expect(kernel.inspect(nr_free_pages)).toBe(free_before);
  });

  it("returns 0 when memory is used up, and takes free slabs of other caches back first", () => {
    const kernel = Harness.with_slabs(FRAMES);
    const big = kernel.run(() => kmalloc(131072, GFP_KERNEL));
    kernel.run(() => kfree(big));
    const objects: number[] = [];
    for (;;) {
      const address = kernel.run(() => kmalloc(4096, GFP_KERNEL));
      if (address === 0) break;
      objects.push(address);
    }
    expect(objects.length * 4096).toBeGreaterThan((kernel.usable_frames - 40) * 4096);
    for (const address of objects) kernel.run(() => kfree(address));
    expect(kernel.run(() => kmalloc(131072, GFP_KERNEL))).not.toBe(0);
  });

  it("reports objects freed twice, to the wrong cache, at the wrong place, or that are none", () => {
    const kernel = Harness.with_slabs(FRAMES);
    const cache = make_cache(kernel, 100);
    const other = make_cache(kernel, 100);
    const object = kernel.run(() => kmem_cache_alloc(cache, GFP_KERNEL));
    expect(() => kernel.run(() => kmem_cache_free(other, object))).toThrow(/of cache test is freed to cache test/);
    expect(() => kernel.run(() => kmem_cache_free(cache, object + 4))).toThrow(/is no object's start/);
    kernel.run(() => kmem_cache_free(cache, object));
    expect(() => kernel.run(() => kmem_cache_free(cache, object))).toThrow(/is freed twice/);
    const page = kernel.run(() => __get_free_pages(GFP_KERNEL, 0));
    expect(() => kernel.run(() => kfree(page))).toThrow(/is no object of a slab/);
  });

  it("lists its caches by name", () => {
    const kernel = Harness.with_slabs(FRAMES);
    make_cache(kernel, 100);
    const names = kernel.inspect(() => [...for_each_cache()].map(({ name }) => name));
    expect(names.slice(0, 3)).toEqual(["kmem_cache", "size-32", "size-64"]);
    expect(names.at(-1)).toBe("test");
  });
});
