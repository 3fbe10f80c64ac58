import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memory } from "../../../kernel/host/memory.ts";
import { __pa, PAGE_SIZE } from "../../../kernel/include/asm/page.ts";
import { list_for_each } from "../../../kernel/include/linux/list.ts";
import { GFP_ATOMIC, GFP_KERNEL, MAX_ORDER, page } from "../../../kernel/include/linux/mm.ts";
import {
  __free_pages,
  __get_free_pages,
  contig_page_data,
  free_pages,
  get_page,
  get_zeroed_page,
  nr_free_pages,
  page_to_pfn,
  put_page,
  virt_to_page,
} from "../../../kernel/mm/page_alloc.ts";
import { Harness } from "../harness.ts";

const FRAMES = 1024;

/** The free blocks as the allocator's lists hold them: first frame and order. */
function free_blocks(kernel: Harness): { pfn: number; order: number }[] {
  return kernel.inspect(() => {
    const blocks = [];
    for (let order = 0; order < MAX_ORDER; order++) {
      const area = contig_page_data.value.free_area.get(order);
      const entries = [...list_for_each(area.free_list.address)];
      expect(entries).toHaveLength(area.nr_free);
      for (const entry of entries) blocks.push({ pfn: page_to_pfn(entry), order });
    }
    return blocks;
  });
}

describe("the buddy allocator", () => {
  it("hands out aligned blocks that never overlap, keeps count, and merges everything again", () => {
    const step = fc.oneof(
      fc.record({ alloc: fc.integer({ min: 0, max: MAX_ORDER - 1 }) }),
      fc.record({ free: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const kernel = new Harness(FRAMES);
        const at_start = free_blocks(kernel);
        const used: { address: number; order: number }[] = [];
        let used_pages = 0;
        for (const step of steps) {
          if ("alloc" in step) {
            const order = step.alloc;
            const address = kernel.run(() => __get_free_pages(GFP_ATOMIC, order));
            if (address === 0) {
              expect(free_blocks(kernel).every((block) => block.order < order)).toBe(true);
              continue;
            }
            const size = PAGE_SIZE << order;
            expect(__pa(address) % size).toBe(0);
            for (const other of used) {
              expect(address + size <= other.address || other.address + (PAGE_SIZE << other.order) <= address).toBe(
                true,
              );
            }
            used.push({ address, order });
            used_pages += 1 << order;
          } else if (used.length > 0) {
            const [{ address, order }] = used.splice(step.free % used.length, 1);
            kernel.run(() => free_pages(address, order));
            used_pages -= 1 << order;
          }
          expect(kernel.inspect(nr_free_pages)).toBe(kernel.usable_frames - used_pages);
        }
        for (const { address, order } of used) kernel.run(() => free_pages(address, order));
        const key = ({ pfn, order }: { pfn: number; order: number }) => pfn * MAX_ORDER + order;
        expect(free_blocks(kernel).map(key).sort()).toEqual(at_start.map(key).sort());
      }),
      { numRuns: 40 },
    );
  });

  it("joins a block to its buddy only when all of that is free", () => {
    const kernel = new Harness(FRAMES);
    const take = (order: number) => kernel.run(() => __get_free_pages(GFP_ATOMIC, order));
    // With no small block left, a larger one is cut up: two frames in one block, two single ones behind them.
    for (const { order } of free_blocks(kernel).filter(({ order }) => order <= 2)) take(order);
    const pair = take(1);
    const [third, fourth] = [take(0), take(0)];
    expect([third, fourth]).toEqual([pair + 2 * PAGE_SIZE, pair + 3 * PAGE_SIZE]);
    kernel.run(() => free_pages(third, 0));
    kernel.run(() => free_pages(pair, 1));
    const frame = kernel.inspect(() => page_to_pfn(virt_to_page(pair)));
    const blocks = free_blocks(kernel).filter(({ pfn }) => pfn >= frame && pfn < frame + 4);
    expect(blocks.sort((a, b) => a.pfn - b.pfn)).toEqual([
      { pfn: frame, order: 1 },
      { pfn: frame + 2, order: 0 },
    ]);
  });

  it("gives out every page before it says that memory is used up", () => {
    const kernel = new Harness(FRAMES);
    const pages = new Set<number>();
    for (;;) {
      const address = kernel.run(() => __get_free_pages(GFP_ATOMIC, 0));
      if (address === 0) break;
      pages.add(address);
    }
    expect(pages.size).toBe(kernel.usable_frames);
    expect(kernel.inspect(nr_free_pages)).toBe(0);
  });

  it("frees a block when its last user drops it", () => {
    const kernel = new Harness(FRAMES);
    const address = kernel.run(() => __get_free_pages(GFP_KERNEL, 0));
    kernel.run(() => get_page(kernel.inspect(() => virt_to_page(address))));
    kernel.run(() => put_page(kernel.inspect(() => virt_to_page(address))));
    expect(kernel.inspect(nr_free_pages)).toBe(kernel.usable_frames - 1);
    kernel.run(() => put_page(kernel.inspect(() => virt_to_page(address))));
    expect(kernel.inspect(nr_free_pages)).toBe(kernel.usable_frames);
  });

  it("clears the page that get_zeroed_page returns", () => {
    const kernel = new Harness(FRAMES);
    const dirty = kernel.run(() => __get_free_pages(GFP_KERNEL, 0));
    kernel.inspect(() => memory().write32(dirty + 100, -1));
    kernel.run(() => free_pages(dirty, 0));
    const clean = kernel.run(() => get_zeroed_page(GFP_KERNEL));
    expect(clean).toBe(dirty);
    expect(kernel.inspect(() => memory().read32(clean + 100))).toBe(0);
  });

  it("reports pages freed twice, with a wrong order, or of an order that does not exist", () => {
    const kernel = new Harness(FRAMES);
    const address = kernel.run(() => __get_free_pages(GFP_KERNEL, 2));
    expect(() => kernel.run(() => free_pages(address, 1))).toThrow(/freed with order 1 but was got with order 2/);
    kernel.run(() => free_pages(address, 2));
    expect(() => kernel.run(() => free_pages(address, 2))).toThrow(/is freed but not in use/);
    expect(() => kernel.run(() => __get_free_pages(GFP_KERNEL, MAX_ORDER))).toThrow(/order 10 is not in 0..9/);
    expect(() => kernel.inspect(() => virt_to_page(0xffff0000))).toThrow(/beyond the end of memory/);
  });

  it("leaves reserved pages alone", () => {
    const kernel = new Harness(FRAMES);
    const kernel_page = kernel.inspect(() => virt_to_page(0xc0000000));
    kernel.run(() => __free_pages(kernel_page, 0));
    expect(kernel.inspect(nr_free_pages)).toBe(kernel.usable_frames);
    expect(kernel.inspect(() => page.at(kernel_page).count)).toBe(0);
  });
});
