import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memory } from "../../../kernel/host/memory.ts";
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE } from "../../../kernel/include/asm/mman.ts";
import { PAGE_SIZE, TASK_SIZE } from "../../../kernel/include/asm/page.ts";
import { pgd_none, pgd_offset, pte_none, pte_offset, pte_write } from "../../../kernel/include/asm/pgtable.ts";
import { memset } from "../../../kernel/include/asm/string.ts";
import { EINVAL, ENOMEM } from "../../../kernel/include/linux/errno.ts";
import { GFP_KERNEL, mm_struct, VM_STACK_FLAGS } from "../../../kernel/include/linux/mm.ts";
import { copy_page_range, handle_mm_fault, pgd_alloc, pgd_free, pte_page } from "../../../kernel/mm/memory.ts";
import { do_brk, do_mmap_pgoff, do_munmap, exit_mmap, expand_stack, sys_brk } from "../../../kernel/mm/mmap.ts";
import { __get_free_pages, nr_free_pages, page_address } from "../../../kernel/mm/page_alloc.ts";
import {
  for_each_cache,
  kfree,
  kmalloc,
  kmem_cache_alloc,
  kmem_cache_shrink,
  kmem_cache_t,
} from "../../../kernel/mm/slab.ts";
import {
  find_vma,
  find_vma_prev,
  for_each_vma,
  insert_anonymous_area,
  vm_area_cachep,
  vma_init,
} from "../../../kernel/mm/vma.ts";
import { Harness } from "../harness.ts";

const FRAMES = 1024;
/** Areas of the tests lie here, across a page-table boundary. */
const BASE = 0x08048000 + 0x3f0 * PAGE_SIZE;

function start(): { kernel: Harness; mm: number; free_pages: () => number; free_at_start: number } {
  const kernel = Harness.with_slabs(FRAMES);
  kernel.run(() => vma_init());
  const free_pages = () => {
    const caches = kernel.inspect(() => [...for_each_cache()].map(({ address }) => address));
    for (const cache of caches) kernel.run(() => kmem_cache_shrink(cache));
    return kernel.inspect(nr_free_pages);
  };
  const free_at_start = free_pages();
  return { kernel, mm: new_mm(kernel), free_pages, free_at_start };
}

/** The end of an address space, as mmput brings it about. */
function exit(kernel: Harness, mm: number): void {
  kernel.use_mm(mm);
  kernel.run(() => exit_mmap(mm));
  expect(kernel.inspect(() => mm_struct.at(mm).rss)).toBe(0);
  kernel.run(() => pgd_free(kernel.inspect(() => mm_struct.at(mm).pgd)));
  kernel.run(() => kfree(mm));
}

function new_mm(kernel: Harness): number {
  const mm = kernel.run(() => kmalloc(mm_struct.size, GFP_KERNEL));
  kernel.run(() => memset(mm, 0, mm_struct.size));
  const pgd = kernel.run(() => pgd_alloc(mm));
  kernel.inspect(() => (mm_struct.at(mm).pgd = pgd));
  kernel.use_mm(mm);
  return mm;
}

function areas(kernel: Harness, mm: number): [start: number, end: number][] {
  return kernel.inspect(() =>
    [...for_each_vma(mm)].map(({ vm_start, vm_end }) => [vm_start, vm_end] as [number, number]),
  );
}

const RW = PROT_READ | PROT_WRITE;
const FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

function signed(value: number): number {
  return value | 0;
}

describe("areas of an address space", () => {
  it("stay sorted, apart and counted under any sequence of mmap, munmap and brk", () => {
    const range = { page: fc.integer({ min: 0, max: 60 }), pages: fc.integer({ min: 1, max: 20 }) };
    const step = fc.oneof(
      fc.record({ op: fc.constant("map" as const), ...range, prot: fc.constantFrom(PROT_READ, RW) }),
      fc.record({ op: fc.constant("unmap" as const), ...range }),
      fc.record({ op: fc.constant("brk" as const), ...range }),
      fc.record({ op: fc.constant("touch" as const), ...range }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { kernel, mm, free_pages, free_at_start } = start();
        const mapped = new Set<number>();
        for (const { op, page, pages, ...rest } of steps) {
          const at = BASE + page * PAGE_SIZE;
          const size = pages * PAGE_SIZE;
          if (op === "touch") {
            for (let i = page; i < page + pages; i++) {
              if (!mapped.has(i)) continue;
              const address = BASE + i * PAGE_SIZE;
              expect(
                kernel.run(() =>
                  handle_mm_fault(
                    mm,
                    kernel.run(() => find_vma(mm, address)),
                    address,
                    1,
                  ),
                ),
              ).toBe(1);
            }
            continue;
          }
          if (op === "map") {
            const prot = "prot" in rest ? rest.prot : RW;
            expect(kernel.run(() => do_mmap_pgoff(0, at, size - 7, prot, FIXED, 0))).toBe(at);
          } else if (op === "brk") {
            expect(kernel.run(() => do_brk(at, size))).toBe(at);
          } else {
            expect(kernel.run(() => do_munmap(mm, at, size))).toBe(0);
          }
          for (let i = page; i < page + pages; i++) {
            if (op === "unmap") mapped.delete(i);
            else mapped.add(i);
          }
          const found = areas(kernel, mm);
          const covered = found.flatMap(([from, to]) =>
            Array.from({ length: (to - from) / PAGE_SIZE }, (_, i) => (from - BASE) / PAGE_SIZE + i),
          );
          expect(covered).toEqual([...mapped].sort((a, b) => a - b));
          kernel.inspect(() => {
            expect(mm_struct.at(mm).map_count).toBe(found.length);
            expect(mm_struct.at(mm).total_vm).toBe(mapped.size);
          });
        }
        exit(kernel, mm);
        expect(free_pages()).toBe(free_at_start);
      }),
      { numRuns: 40 },
    );
  });

  it("find_vma gives the first area that ends after the address, with the one before it", () => {
    const { kernel, mm } = start();
    for (const at of [0x10000, 0x40000]) kernel.run(() => do_mmap_pgoff(0, at, 0x1000, RW, FIXED, 0));
    const look = (address: number) =>
      kernel.inspect(() => {
        const prev = kernel.run(() => find_vma_prev(mm, address));
        const vma = kernel.run(() => find_vma(mm, address));
        const [first, second] = [...for_each_vma(mm)].map((area) => area.address);
        const name = (at: number) => (at === first ? "first" : at === second ? "second" : "none");
        return [name(vma), name(prev)];
      });
    expect(look(0)).toEqual(["first", "none"]);
    expect(look(0x10fff)).toEqual(["first", "none"]);
    expect(look(0x11000)).toEqual(["second", "first"]);
    expect(look(0x41000)).toEqual(["none", "second"]);
  });

  it("mmap picks the first gap from a third of user space on, or the wished-for place", () => {
    const { kernel } = start();
    const map = (wish: number, size: number) =>
      kernel.run(() => do_mmap_pgoff(0, wish, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 0));
    const first = map(0, 0x3000);
    expect(first).toBe(0x40000000);
    expect(map(0, 0x1000)).toBe(first + 0x3000);
    expect(map(first, 0x1000)).toBe(first + 0x4000);
    expect(map(0x50000123, 0x1000)).toBe(0x50001000);
  });

  it("refuses what Linux refuses", () => {
    const { kernel, mm } = start();
    const map = (at: number, size: number, flags: number) =>
      signed(kernel.run(() => do_mmap_pgoff(0, at, size, RW, flags, 0)));
    expect(map(0x1001, 0x1000, FIXED)).toBe(-EINVAL);
    expect(map(TASK_SIZE - 0x1000, 0x2000, FIXED)).toBe(-ENOMEM);
    expect(map(0, 0xffffffff, MAP_PRIVATE | MAP_ANONYMOUS)).toBe(-EINVAL);
    expect(map(0, TASK_SIZE, MAP_PRIVATE | MAP_ANONYMOUS)).toBe(-ENOMEM);
    expect(map(0, 0x1000, MAP_ANONYMOUS)).toBe(-EINVAL);
    expect(kernel.run(() => do_munmap(mm, 0x1001, 0x1000))).toBe(-EINVAL);
    expect(kernel.run(() => do_munmap(mm, TASK_SIZE, 0x1000))).toBe(-EINVAL);
    expect(kernel.run(() => do_munmap(mm, 0x1000, 0))).toBe(-EINVAL);
    expect(signed(kernel.run(() => do_brk(TASK_SIZE, 0x1000)))).toBe(-EINVAL);
    expect(areas(kernel, mm)).toEqual([]);
  });

  it("an area that overlaps another is a bug", () => {
    const { kernel, mm } = start();
    kernel.run(() => do_mmap_pgoff(0, 0x10000, 0x2000, RW, FIXED, 0));
    expect(() => kernel.run(() => insert_anonymous_area(mm, 0x11000, 0x13000, VM_STACK_FLAGS))).toThrow(
      /areas overlap/,
    );
  });

  it("brk moves the end of the heap both ways and stops at other areas", () => {
    const { kernel, mm } = start();
    const heap = 0x0804b000;
    kernel.inspect(() => {
      const view = mm_struct.at(mm);
      view.start_brk = view.brk = heap;
      view.end_code = heap - 0x1000;
    });
    kernel.run(() => do_mmap_pgoff(0, heap + 0x100000, 0x1000, RW, FIXED, 0));
    const brk = (end: number) => kernel.run(() => sys_brk(end));
    expect(brk(0)).toBe(heap);
    expect(brk(heap + 5)).toBe(heap + 5);
    expect(brk(heap + 0x1800)).toBe(heap + 0x1800);
    expect(areas(kernel, mm)[0]).toEqual([heap, heap + 0x2000]);
    expect(brk(heap + 0x200000)).toBe(heap + 0x1800);
    expect(brk(heap + 0x100000)).toBe(heap + 0x1800);
    expect(brk(heap + 0x10)).toBe(heap + 0x10);
    expect(areas(kernel, mm)[0]).toEqual([heap, heap + 0x1000]);
    expect(brk(heap - 1)).toBe(heap + 0x10);
    expect(brk(0xfffff000)).toBe(heap + 0x10);
  });

  it("a stack grows down to its limit", () => {
    const { kernel, mm } = start();
    const area = kernel.run(() => insert_anonymous_area(mm, TASK_SIZE - 0x1000, TASK_SIZE, VM_STACK_FLAGS));
    const stack = { address: Number(area) };
    expect(kernel.run(() => expand_stack(stack.address, TASK_SIZE - 0x2801))).toBe(0);
    expect(areas(kernel, mm)).toEqual([[TASK_SIZE - 0x3000, TASK_SIZE]]);
    expect(kernel.inspect(() => mm_struct.at(mm).total_vm)).toBe(3);
    expect(kernel.run(() => expand_stack(stack.address, TASK_SIZE - 0x800000))).toBe(0);
    expect(kernel.run(() => expand_stack(stack.address, TASK_SIZE - 0x800001))).toBe(-ENOMEM);
  });
});

describe("copy-on-write", () => {
  const PAGES = 6;

  /** Maps `PAGES` pages at BASE, across two page tables. */
  function map(kernel: Harness): void {
    kernel.run(() => do_mmap_pgoff(0, BASE, PAGES * PAGE_SIZE, RW, FIXED, 0));
  }

  function entry(mm: number, address: number): number {
    const directory = pgd_offset(mm_struct.at(mm).pgd, address);
    return pgd_none(directory) ? 0 : memory().read32(pte_offset(directory, address));
  }

  /** What the CPU and do_page_fault do for a store; returns false when out of memory. */
  function store(kernel: Harness, mm: number, address: number, value: number): boolean {
    kernel.use_mm(mm);
    const faults = kernel.inspect(() => pte_none(entry(mm, address)) || !pte_write(entry(mm, address)));
    if (
      faults &&
      kernel.run(() =>
        handle_mm_fault(
          mm,
          kernel.run(() => find_vma(mm, address)),
          address,
          1,
        ),
      ) < 1
    )
      return false;
    kernel.inspect(() => memory().write32(page_address(pte_page(entry(mm, address))) + (address & 0xfff), value));
    return true;
  }

  function load(kernel: Harness, mm: number, address: number): number {
    kernel.use_mm(mm);
    if (kernel.inspect(() => pte_none(entry(mm, address)))) {
      expect(
        kernel.run(() =>
          handle_mm_fault(
            mm,
            kernel.run(() => find_vma(mm, address)),
            address,
            0,
          ),
        ),
      ).toBe(1);
    }
    return kernel.inspect(() => memory().read32(page_address(pte_page(entry(mm, address))) + (address & 0xfff)));
  }

  /** The child of `parent`: areas and pages copied as dup_mmap does. */
  function fork(kernel: Harness, parent: number): number {
    const child = new_mm(kernel);
    kernel.use_mm(child);
    for (const [from, to] of areas(kernel, parent)) {
      kernel.run(() => do_mmap_pgoff(0, from, to - from, RW, FIXED, 0));
      const area = kernel.run(() => find_vma(parent, from));
      expect(kernel.run(() => copy_page_range(child, parent, area))).toBe(0);
    }
    return child;
  }

  it("keeps every process's memory its own, whoever forks, reads and writes, and frees all frames in the end", () => {
    const who = fc.nat();
    const where = fc.integer({ min: 0, max: PAGES - 1 });
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ op: fc.constant("store" as const), who, where }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant("load" as const), who, where }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant("fork" as const), who, where }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant("exit" as const), who, where }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { kernel, mm, free_pages, free_at_start } = start();
        map(kernel);
        let processes = [{ mm, contents: new Array<number>(PAGES).fill(0) }];
        let value = 0;
        for (const { op, who, where } of steps) {
          if (processes.length === 0) break;
          const process = processes[who % processes.length];
          const address = BASE + where * PAGE_SIZE + 8;
          if (op === "store") {
            expect(store(kernel, process.mm, address, ++value)).toBe(true);
            process.contents[where] = value;
          } else if (op === "load") {
            expect(load(kernel, process.mm, address)).toBe(process.contents[where]);
          } else if (op === "fork" && processes.length < 6) {
            processes.push({ mm: fork(kernel, process.mm), contents: [...process.contents] });
          } else if (op === "exit") {
            exit(kernel, process.mm);
            processes = processes.filter((other) => other !== process);
          }
        }
        for (const { mm: at, contents } of processes) {
          for (const [i, expected] of contents.entries()) {
            expect(load(kernel, at, BASE + i * PAGE_SIZE + 8)).toBe(expected);
          }
        }
        for (const { mm: at } of processes) exit(kernel, at);
        expect(free_pages()).toBe(free_at_start);
      }),
      { numRuns: 40 },
    );
  });

  it("copies for all writers but the last, who gets the page itself", () => {
    const { kernel, mm } = start();
    map(kernel);
    store(kernel, mm, BASE, 1);
    const frame_of = (at: number) => kernel.inspect(() => page_address(pte_page(entry(at, BASE))));
    const shared = frame_of(mm);
    const children = [fork(kernel, mm), fork(kernel, mm)];
    for (const at of [mm, ...children]) {
      expect(frame_of(at)).toBe(shared);
      expect(kernel.inspect(() => pte_write(entry(at, BASE)))).toBe(false);
    }
    store(kernel, mm, BASE, 2);
    store(kernel, children[0], BASE, 3);
    expect(frame_of(mm)).not.toBe(shared);
    expect(frame_of(children[0])).not.toBe(shared);
    store(kernel, children[1], BASE, 4);
    expect(frame_of(children[1])).toBe(shared);
    expect([mm, ...children].map((at) => load(kernel, at, BASE))).toEqual([2, 3, 4]);
  });

  it("running out of memory in a copy is an error that leaves both sides as they were", () => {
    const { kernel, mm } = start();
    map(kernel);
    store(kernel, mm, BASE, 1);
    const child = fork(kernel, mm);
    while (kernel.run(() => __get_free_pages(GFP_KERNEL, 0)) !== 0);
    expect(store(kernel, child, BASE, 2)).toBe(false);
    expect(load(kernel, child, BASE)).toBe(1);
    expect(load(kernel, mm, BASE)).toBe(1);
    const cache = kernel.inspect(() => kmem_cache_t.at(vm_area_cachep.value));
    while (kernel.run(() => kmem_cache_alloc(cache.address, GFP_KERNEL)) !== 0);
    const before = areas(kernel, mm);
    kernel.use_mm(mm);
    expect(kernel.run(() => do_munmap(mm, BASE + PAGE_SIZE, PAGE_SIZE))).toBe(-ENOMEM);
    expect(areas(kernel, mm)).toEqual(before);
  });
});
