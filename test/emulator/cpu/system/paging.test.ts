import { beforeEach, describe, expect, it } from "vitest";
import { probe } from "../../../../emulator/cpu/paging.ts";
import {
  CODE,
  FREE,
  Guest,
  gate,
  KERNEL_CS,
  KERNEL_STACK,
  PAGE_DIRECTORY,
  PAGE_TABLE,
  TSS,
  TSS_SELECTOR,
  TSS2_SELECTOR,
  USER_CODE,
  USER_CS,
} from "./guest.ts";

const PRESENT = 1;
const WRITABLE = 2;
const USER = 4;
const ACCESSED = 0x20;
const DIRTY = 0x40;
const LARGE = 0x80;
const GLOBAL = 0x100;

const PAGE = 0x100000;
const WP = 0x10000;
const PSE = 0x10;
const PGE = 0x80;

describe("page protection", () => {
  /** Error code expected for an access, or -1 when it is allowed (Intel SDM vol. 3, 4.6 and 4.7). */
  const expected = (entry: number, write: boolean, user: boolean, wp: boolean): number => {
    const code = (write ? 2 : 0) | (user ? 4 : 0);
    if ((entry & PRESENT) === 0) return code;
    const writable = (entry & WRITABLE) !== 0 || (!user && !wp);
    const allowed = (!user || (entry & USER) !== 0) && (!write || writable);
    return allowed ? -1 : code | 1;
  };

  for (const where of ["page table", "page directory"] as const) {
    for (const wp of [false, true]) {
      it(`holds for every kind of access and entry, bits in the ${where}, WP ${wp ? 1 : 0}`, () => {
        const guest = new Guest();
        guest.enablePaging(wp ? WP : 0);
        guest.memory.write32(PAGE_DIRECTORY + 4, PAGE_TABLE | 7);
        // The page is looked at through the second 4 MiB, so that its directory entry can differ too.
        const linear = 0x400000 + PAGE;
        for (let entry = 0; entry < 8; entry++) {
          if (where === "page table") guest.setPage(PAGE, PAGE | entry);
          else guest.memory.write32(PAGE_DIRECTORY + 4, PAGE_TABLE | entry);
          for (const user of [false, true]) {
            for (const write of [false, true]) {
              guest.core.flushTlb(false);
              const source = write ? `movl %eax, ${linear}` : `movl ${linear}, %eax`;
              if (user) guest.user(`${source}; int $0x80`);
              else guest.kernel(`${source}; int $0x80`);
              const code = expected(entry, write, user, wp);
              if (code < 0) {
                expect(guest.vector).toBe(0x80);
              } else {
                expect(guest.fault).toEqual([14, code]);
                expect(guest.core.cr2).toBe(linear);
                expect(guest.stack(1)).toBe(user ? USER_CODE : CODE);
              }
            }
          }
        }
      });
    }
  }

  it("applies to instruction fetches", () => {
    const guest = new Guest();
    guest.enablePaging();
    guest.setPage(PAGE, PAGE | PRESENT);
    guest.user(`jmp ${PAGE}`);
    expect(guest.fault).toEqual([14, 5]);
    expect(guest.stack(1)).toBe(PAGE);
    expect(guest.core.cr2).toBe(PAGE);
  });

  it("gives implicit supervisor accesses supervisor rights at CPL 3", () => {
    const guest = new Guest();
    guest.enablePaging(WP);
    for (const page of [0x1000, 0x2000, 0x3000, 0x4000, KERNEL_STACK - 0x1000]) {
      guest.setPage(page, guest.page(page) & ~USER);
    }
    guest.user("movw $USER_DS, %ax; movw %ax, %es; int $0x80");
    expect(guest.vector).toBe(0x80);
  });

  it("stops a write that spans two pages before the first byte", () => {
    const guest = new Guest();
    guest.enablePaging();
    guest.setPage(PAGE + 0x1000, 0);
    guest.kernel(`movl $-1, ${PAGE + 0xffe}`);
    expect(guest.fault).toEqual([14, 2]);
    expect(guest.core.cr2).toBe(PAGE + 0x1000);
    expect(guest.memory.read16(PAGE + 0xffe)).toBe(0);
  });
});

describe("instructions with several accesses", () => {
  const LAST = PAGE + 0xff8;

  it.each([
    ["iret", `movl $${LAST}, %esp; iret`, 4, PAGE + 0x1000],
    ["lret", `movl $${LAST + 4}, %esp; lret`, 4, PAGE + 0x1000],
    ["lcall", `movl $${PAGE + 0x2004}, %esp; lcall $USER_CS, $USER_CODE`, 6, PAGE + 0x1ffc],
  ])("change nothing when a later access faults: %s", (_name, source, code, address) => {
    const guest = new Guest();
    guest.enablePaging();
    guest.setPage(PAGE + 0x1000, 0);
    guest.memory.write32(LAST, USER_CODE);
    guest.memory.write32(LAST + 4, USER_CS);
    guest.user(source);
    expect(guest.fault).toEqual([14, code]);
    expect(guest.core.cr2).toBe(address);
    expect(guest.stack(1)).toBe(USER_CODE + 5);
    expect(guest.stack(2)).toBe(USER_CS);
    expect([LAST, LAST + 4, PAGE + 0x2004]).toContain(guest.stack(4));
    expect(guest.register(7)).toBe(0);
  });

  it.each([
    ["of one page", PAGE + 0x1010, PAGE + 0x1010],
    ["over the end of one", PAGE + 0xffc, PAGE + 0x1000],
  ])("CMPXCHG8B writes its operand, %s, whatever it finds there", (_where, operand, address) => {
    const guest = new Guest();
    guest.enablePaging();
    guest.setPage(PAGE + 0x1000, PAGE + 0x1000 + PRESENT + USER);
    guest.memory.write32(operand, 0x11111111);
    guest.user(`movl $1, %eax; xorl %edx, %edx; cmpxchg8b ${operand}; int $0x80`);
    expect(guest.fault).toEqual([14, 7]);
    expect(guest.core.cr2).toBe(address);
    expect([guest.eax, guest.edx]).toEqual([1, 0]);
    expect(guest.memory.read32(operand)).toBe(0x11111111);
  });

  it("copy no gate parameter to the new stack for good when one cannot be read", () => {
    const guest = new Guest();
    guest.enablePaging();
    guest.setPage(PAGE + 0x1000, 0);
    guest.setDescriptor(FREE, gate(KERNEL_CS, CODE, 0xec, 4));
    guest.user(`movl $${LAST}, %esp; lcall $FREE+3, $0`);
    expect(guest.fault).toEqual([14, 4]);
    expect(guest.stack(1)).toBe(USER_CODE + 5);
    expect(guest.stack(4)).toBe(LAST);
  });

  it("keep the whole state of a task switch that cannot save the old task", () => {
    const guest = new Guest();
    guest.enablePaging(WP);
    guest.setPage(TSS, guest.page(TSS) & ~WRITABLE);
    guest.kernel("movl $7, %ebx; ljmp $TSS2_SELECTOR, $0");
    expect(guest.fault).toEqual([14, 3]);
    expect(guest.ebx).toBe(7);
    expect(guest.accessByte(TSS2_SELECTOR)).toBe(0x89);
    expect(guest.accessByte(TSS_SELECTOR)).toBe(0x8b);
  });
});

describe("accessed and dirty bits", () => {
  let guest: Guest;

  beforeEach(() => {
    guest = new Guest();
    guest.enablePaging();
  });

  it("are set by reads and writes", () => {
    guest.kernel(`movl ${PAGE}, %eax; hlt`);
    expect(guest.page(PAGE)).toBe(PAGE | 7 | ACCESSED);
    expect(guest.read32(PAGE_DIRECTORY)).toBe(PAGE_TABLE | 7 | ACCESSED);
    guest.kernel(`movl %eax, ${PAGE}; hlt`);
    expect(guest.page(PAGE)).toBe(PAGE | 7 | ACCESSED | DIRTY);
    guest.kernel(`movl %eax, ${PAGE + 0x1000}; hlt`);
    expect(guest.page(PAGE + 0x1000)).toBe((PAGE + 0x1000) | 7 | ACCESSED | DIRTY);
    expect(guest.read32(PAGE_DIRECTORY)).toBe(PAGE_TABLE | 7 | ACCESSED);
  });

  it("stay clear when the access faults", () => {
    guest.setPage(PAGE, PAGE | PRESENT);
    guest.user(`movl ${PAGE}, %eax`);
    expect(guest.vector).toBe(14);
    expect(guest.page(PAGE)).toBe(PAGE | PRESENT);
  });

  it("are not set again while the TLB holds the page, until it is flushed", () => {
    guest.kernel(`movl %eax, ${PAGE}; hlt`);
    guest.setPage(PAGE, PAGE | 7);
    guest.kernel(`movl %eax, ${PAGE}; hlt`);
    expect(guest.page(PAGE)).toBe(PAGE | 7);
    guest.kernel(`movl %cr3, %ebx; movl %ebx, %cr3; movl %eax, ${PAGE}; hlt`);
    expect(guest.page(PAGE)).toBe(PAGE | 7 | ACCESSED | DIRTY);
  });
});

describe("the TLB", () => {
  let guest: Guest;
  const OTHER = 0x180000;

  beforeEach(() => {
    guest = new Guest();
    guest.enablePaging();
    guest.memory.write32(PAGE, 0x1111);
    guest.memory.write32(OTHER, 0x2222);
  });

  /** Reads PAGE, points it to OTHER, does `between`, reads again. */
  const readTwice = (between: string) =>
    guest.kernel(`
      movl ${PAGE}, %eax
      movl $${OTHER | 7 | GLOBAL}, ${PAGE_TABLE + (PAGE >> 12) * 4}
      ${between}
      movl ${PAGE}, %ebx
      hlt`);

  it("keeps a stale translation until something drops it", () => {
    readTwice("nop");
    expect([guest.eax, guest.ebx]).toEqual([0x1111, 0x1111]);
  });

  it.each([
    ["INVLPG", `invlpg ${PAGE}`],
    ["a CR3 load", "movl %cr3, %ecx; movl %ecx, %cr3"],
    ["turning WP on", "movl %cr0, %ecx; orl $0x10000, %ecx; movl %ecx, %cr0"],
    ["a change of CR4.PGE", "movl %cr4, %ecx; xorl $0x80, %ecx; movl %ecx, %cr4"],
    ["a change of CR4.PSE", "movl %cr4, %ecx; xorl $0x10, %ecx; movl %ecx, %cr4"],
  ])("is refreshed by %s", (_name, source) => {
    readTwice(source);
    expect([guest.eax, guest.ebx]).toEqual([0x1111, 0x2222]);
  });

  it("keeps global pages over CR3 loads with CR4.PGE, but not over INVLPG or a change of CR4.PGE", () => {
    guest.core.cr4 = PGE;
    guest.setPage(PAGE, PAGE | 7 | GLOBAL);
    readTwice("movl %cr3, %ecx; movl %ecx, %cr3");
    expect(guest.ebx).toBe(0x1111);
    guest.kernel(`invlpg ${PAGE}; movl ${PAGE}, %ebx; hlt`);
    expect(guest.ebx).toBe(0x2222);
    guest.setPage(PAGE, PAGE | 7 | GLOBAL);
    guest.kernel(`movl %cr4, %ecx; xorl $0x80, %ecx; movl %ecx, %cr4; movl ${PAGE}, %ebx; hlt`);
    expect(guest.ebx).toBe(0x1111);
  });

  it("keeps no page over a CR3 load without CR4.PGE, global or not", () => {
    guest.setPage(PAGE, PAGE | 7 | GLOBAL);
    readTwice("movl %cr3, %ecx; movl %ecx, %cr3");
    expect([guest.eax, guest.ebx]).toEqual([0x1111, 0x2222]);
  });

  it("is asked for code, too: after INVLPG other instructions run at the same address", () => {
    const entry = PAGE_TABLE + (PAGE >> 12) * 4;
    guest.load("movl $1, %eax; ret", PAGE);
    guest.load("movl $2, %eax; ret", OTHER);
    guest.kernel(
      `
      call PAGE
      movl %eax, %ebx
      movl $${OTHER | 7}, ${entry}
      invlpg PAGE
      call PAGE
      hlt`.replaceAll("PAGE", `${PAGE}`),
    );
    expect([guest.ebx, guest.eax]).toEqual([1, 2]);
  });

  it("is asked for both pages of an instruction that spans two", () => {
    const entry = PAGE_TABLE + ((PAGE >> 12) + 1) * 4;
    const second = PAGE + 0x1000;
    guest.load("ret", second + 3);
    guest.load("ret", OTHER + 3);
    // movl $…, %eax, whose immediate's last three bytes are in the second page.
    guest.core.bytes.set([0xb8, 1], guest.core.resolveCode(PAGE + 0xffe));
    guest.kernel(
      `
      call first
      movl %eax, %ebx
      movl $${OTHER | 7}, ${entry}
      call first
      movl %eax, %ecx
      invlpg ${second}
      call first
      hlt
      .set first, ${PAGE + 0xffe}`,
    );
    expect([guest.ebx, guest.core.r[1], guest.eax]).toEqual([1, 1, 0x222201]);
  });

  it("lets a page become more restricted only when flushed", () => {
    guest.user(`movl %eax, ${PAGE}; int $0x80`);
    guest.setPage(PAGE, PAGE | PRESENT | USER);
    guest.user(`movl %eax, ${PAGE}; int $0x80`);
    expect(guest.vector).toBe(0x80);
    guest.core.flushTlbPage(PAGE);
    guest.user(`movl %eax, ${PAGE}; int $0x80`);
    expect(guest.fault).toEqual([14, 7]);
  });

  it("holds nothing after a fault: a page that has become present is found at once", () => {
    guest.setPage(PAGE, 0);
    guest.kernel(`movl ${PAGE}, %eax`);
    expect(guest.vector).toBe(14);
    guest.setPage(PAGE, PAGE | 7);
    guest.kernel(`movl ${PAGE}, %eax; hlt`);
    expect(guest.eax).toBe(0x1111);
  });
});

describe("4 MiB pages", () => {
  let guest: Guest;

  beforeEach(() => {
    guest = new Guest();
    guest.enablePaging();
    guest.core.cr4 = PSE;
    guest.memory.write32(PAGE_DIRECTORY + 8, 0x400000 | LARGE | 7);
    guest.memory.write32(0x523456, 0x77777777);
  });

  it("map with the directory alone, and keep their A and D bits there", () => {
    guest.user("movl 0x923456, %eax; int $0x80");
    expect(guest.eax).toBe(0x77777777);
    expect(guest.read32(PAGE_DIRECTORY + 8)).toBe(0x400000 | LARGE | 7 | ACCESSED);
    guest.user("movl $5, 0x923456; int $0x80");
    expect(guest.read32(0x523456)).toBe(5);
    expect(guest.read32(PAGE_DIRECTORY + 8)).toBe(0x400000 | LARGE | 7 | ACCESSED | DIRTY);
  });

  it("obey protection", () => {
    guest.memory.write32(PAGE_DIRECTORY + 8, 0x400000 | LARGE | PRESENT | USER);
    guest.user("movl $5, 0x923456");
    expect(guest.fault).toEqual([14, 7]);
    guest.memory.write32(PAGE_DIRECTORY + 8, 0x400000 | LARGE | PRESENT | WRITABLE);
    guest.user("movl 0x923456, %eax");
    expect(guest.fault).toEqual([14, 5]);
  });

  it("raise #PF with the RSVD bit when reserved address bits are set", () => {
    guest.memory.write32(PAGE_DIRECTORY + 8, 0x402000 | LARGE | 7);
    guest.kernel("movl 0x800000, %eax");
    expect(guest.fault).toEqual([14, 9]);
  });

  it("do not exist without CR4.PSE", () => {
    guest.core.cr4 = 0;
    guest.memory.write32(PAGE_DIRECTORY + 8, PAGE_TABLE | LARGE | 7);
    guest.memory.write32(PAGE, 0x1234);
    guest.kernel(`movl ${0x800000 + PAGE}, %eax; hlt`);
    expect(guest.eax).toBe(0x1234);
  });
});

describe("probe", () => {
  it("finds physical addresses without touching anything", () => {
    const guest = new Guest();
    expect(probe(guest.core, 0x12345678)).toBe(0x12345678);
    guest.enablePaging();
    guest.core.cr4 = PSE;
    guest.setPage(PAGE, 0x180000 | 7);
    guest.setPage(PAGE + 0x1000, 0);
    guest.memory.write32(PAGE_DIRECTORY + 8, 0x400000 | LARGE | 7);
    expect(probe(guest.core, PAGE + 5)).toBe(0x180005);
    expect(probe(guest.core, PAGE + 0x1000)).toBe(-1);
    expect(probe(guest.core, 0x81234567)).toBe(-1);
    expect(probe(guest.core, 0x923456)).toBe(0x523456);
    expect(guest.page(PAGE) & ACCESSED).toBe(0);
  });
});
