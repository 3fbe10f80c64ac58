import { describe, expect, it } from "vitest";
import { max_low_pfn } from "../../../../../kernel/arch/i386/kernel/setup.ts";
import { image } from "../../../../../kernel/host/context.ts";
import { memory } from "../../../../../kernel/host/memory.ts";
import { PAGE_OFFSET, PAGE_SIZE, USER_PTRS_PER_PGD } from "../../../../../kernel/include/asm/page.ts";
import { pgd_none, pgd_offset, pte_offset } from "../../../../../kernel/include/asm/pgtable.ts";
import { PG_buddy, PG_reserved, page } from "../../../../../kernel/include/linux/mm.ts";
import { init_task_union } from "../../../../../kernel/include/linux/sched.ts";
import { contig_page_data, mem_map, nr_free_pages, virt_to_page } from "../../../../../kernel/mm/page_alloc.ts";
import { boot, type Run } from "../../../run.ts";

const EXIT = ".globl _start\n_start: EXIT\n";
const MiB = 1 << 20;
/** Where the loader leaves address and size of the initramfs: offset 0x218 of the boot parameters. */
const ZERO_PAGE_RAMDISK = 0x90218;

function booted(memoryBytes: number, files: Record<string, Uint8Array> = {}): Run {
  const started = boot(EXIT, { memoryBytes, files });
  expect(started.go()).toEqual({ kind: "exit", status: 0 });
  return started;
}

describe("memory after boot", () => {
  it.each([4, 8, 64])("of %i MiB is mapped at PAGE_OFFSET page by page, code read-only, and nowhere else", (size) => {
    const { kernel, log } = booted(size * MiB);
    kernel.inspect(() => {
      const m = memory();
      const directory = image().symbol("swapper_pg_dir");
      expect(max_low_pfn.value).toBe((size * MiB) / PAGE_SIZE);
      for (let index = 0; index < USER_PTRS_PER_PGD; index++) expect(m.read32(directory + 4 * index)).toBe(0);
      for (let pfn = 0; pfn < max_low_pfn.value; pfn++) {
        const linear = PAGE_OFFSET + pfn * PAGE_SIZE;
        const entry = m.read32(pte_offset(pgd_offset(directory, linear), linear));
        const flags = linear >= image().symbol("_text") && linear < init_task_union.address ? 1 : 3;
        if (entry >>> 12 !== pfn || (entry & 7) !== flags) expect({ pfn, entry, flags }).toBe("mapped for the kernel");
      }
      const behind = pgd_offset(directory, PAGE_OFFSET + size * MiB);
      for (let at = behind; at < directory + PAGE_SIZE; at += 4) expect(pgd_none(at)).toBe(true);
    });
    const [, available, total] = /Memory: (\d+)k\/(\d+)k available/.exec(log())!;
    expect(Number(total)).toBe(size * 1024);
    expect(Number(available)).toBeGreaterThan(size * 1024 * 0.75);
  });

  it("is free but for the kernel, the hole below 1 MiB, the tables and the initramfs", () => {
    const { kernel } = booted(8 * MiB);
    kernel.inspect(() => {
      const reserved = (address: number) => (page.at(virt_to_page(address)).flags & PG_reserved) !== 0;
      expect(reserved(PAGE_OFFSET)).toBe(true);
      expect(reserved(PAGE_OFFSET + 0xa0000)).toBe(true);
      expect(reserved(PAGE_OFFSET + 0xff000)).toBe(true);
      for (const symbol of ["_text", "swapper_pg_dir", "init_task_union", "empty_zero_page"]) {
        expect(reserved(image().symbol(symbol))).toBe(true);
      }
      expect(reserved(image().symbol("_end") - 1)).toBe(true);
      expect(reserved(mem_map.value)).toBe(true);
      const zone = contig_page_data.value;
      let free = 0;
      for (let i = 0; i < zone.size; i++) {
        const { flags, private: order } = page.at(mem_map.value + i * page.size);
        if (flags & PG_buddy) free += 1 << order;
      }
      expect(free).toBe(nr_free_pages());
    });
  });

  it("does without an initramfs that it cannot reach", () => {
    const { kernel, go, log } = boot(EXIT, { memoryBytes: 8 * MiB });
    kernel.machine.writePhysical(ZERO_PAGE_RAMDISK, new Uint8Array(Uint32Array.of(16 * MiB, 4096).buffer));
    expect(go()).toEqual({ kind: "panic" });
    expect(log()).toMatch(/initrd extends beyond end of memory \(0x01001000 > 0x00800000\)/);
    expect(log()).toMatch(/No init found/);
  });

  it("does without an initramfs in memory that is not free any more", () => {
    const { kernel, go, log } = boot(EXIT, { memoryBytes: 8 * MiB });
    kernel.machine.writePhysical(ZERO_PAGE_RAMDISK, new Uint8Array(Uint32Array.of(MiB, 4096).buffer));
    expect(go()).toEqual({ kind: "panic" });
    expect(log()).toMatch(/initrd overwritten \(0x00100000 - 0x00101000\) - disabling it/);
  });

  it("keeps an initramfs that takes most of it", () => {
    const large = Uint8Array.from({ length: 4 * MiB }, (_, i) => i % 251);
    const { kernel } = booted(8 * MiB, { "/large": large });
    expect(kernel.inspect(nr_free_pages)).toBeLessThan(1024);
  });
});
