import { beforeEach, describe, expect, it } from "vitest";
import { EBX } from "../../emulator/cpu/state-layout.ts";
import { type Interleaver, Machine, PhysicalMemory, RoundRobin } from "../../emulator/index.ts";
import type { PageImage } from "../../emulator/memory/page-image.ts";
import {
  CODE,
  DATA,
  DATA_WRITABLE,
  FREE,
  Guest,
  KERNEL_CS,
  KERNEL_DS,
  PAGE_TABLE,
  STACK2,
  segment,
  TSS2,
} from "./cpu/system/guest.ts";
import { smpGuest } from "./smp/guest.ts";

const PAGE_SIZE = 4096;
/** Pages of ROM come first in an image. */
const ROM_PAGES = 512;

/** Physical pages of RAM that an image has otherwise than memory has them. */
function wrongPages(memory: PhysicalMemory, image: PageImage): number[] {
  const wrong: number[] = [];
  const zeros = new Uint8Array(PAGE_SIZE);
  for (let page = 0; page < memory.ramSize / PAGE_SIZE; page++) {
    const start = memory.ramOffset + page * PAGE_SIZE;
    const now = memory.bytes.subarray(start, start + PAGE_SIZE);
    if (Buffer.compare(image.page(ROM_PAGES + page) ?? zeros, now) !== 0) wrong.push(page);
  }
  return wrong;
}

/** Physical pages of RAM that two images do not share. */
function changedPages(before: PageImage, after: PageImage): number[] {
  const changed: number[] = [];
  after.forEachDifference(before, (index) => changed.push(index - ROM_PAGES));
  return changed;
}

const pageOf = (address: number) => address >>> 12;

describe("a capture sees what was written since the last one", () => {
  let guest: Guest;

  beforeEach(() => {
    guest = new Guest();
  });

  function capture(): PageImage {
    const image = guest.memory.capturePages();
    guest.core.markPagesClean();
    return image;
  }

  /** Does something twice, with other values in EBX, and captures before the second time and after it. */
  function expectSeen(work: () => void, pages: readonly number[], between = () => {}): void {
    guest.core.r[EBX] = 0x120;
    work();
    between();
    const before = capture();
    expect(wrongPages(guest.memory, before)).toEqual([]);
    guest.core.r[EBX] = 0x240;
    work();
    const after = guest.memory.capturePages();
    expect(wrongPages(guest.memory, after)).toEqual([]);
    expect(changedPages(before, after)).toEqual(expect.arrayContaining([...pages]));
  }

  const page = pageOf(DATA);
  it.each<[what: string, source: string, pages: number[]]>([
    ["a byte", "movb %bl, DATA", [page]],
    ["a word", "movw %bx, DATA", [page]],
    ["a doubleword", "movl %ebx, DATA", [page]],
    ["a word across pages", "movw %bx, DATA + 0xfff", [page, page + 1]],
    ["a doubleword across pages", "movl %ebx, DATA + 0xfff", [page, page + 1]],
    ["an operand of 8 bits that is read first", "addb %bl, DATA", [page]],
    ["one of 16 bits", "addw %bx, DATA", [page]],
    ["one of 32 bits", "addl %ebx, DATA", [page]],
    ["one with LOCK", "lock addl %ebx, DATA", [page]],
    ["XCHG", "xchgl %ebx, DATA", [page]],
    ["CMPXCHG", "movl DATA, %eax; lock cmpxchgl %ebx, DATA", [page]],
    ["CMPXCHG8B", "movl DATA, %eax; movl DATA + 4, %edx; movl %ebx, %ecx; lock cmpxchg8b DATA", [page]],
    ["SETcc", "cmpl $0x120, %ebx; sete DATA", [page]],
    ["BTC", "movl %ebx, %eax; shrl $5, %eax; btcl %eax, DATA", [page]],
    ["MOVS", "movl %ebx, 0x20000; movl $0x20000, %esi; movl $DATA, %edi; movsl", [page]],
    ["STOSB", "movl $DATA, %edi; movl %ebx, %eax; stosb", [page]],
    ["REP STOSB", "movl $DATA, %edi; movl %ebx, %eax; movl $9, %ecx; rep stosb", [page]],
    ["REP STOSW", "movl $DATA, %edi; movl %ebx, %eax; movl $9, %ecx; rep stosw", [page]],
    ["REP STOSL", "movl $DATA, %edi; movl %ebx, %eax; movl $9, %ecx; rep stosl", [page]],
    ["REP STOSL over pages", "movl $DATA, %edi; movl %ebx, %eax; movl $1500, %ecx; rep stosl", [page, page + 1]],
    ["REP STOSL down", "std; movl $DATA + 64, %edi; movl %ebx, %eax; movl $9, %ecx; rep stosl; cld", [page]],
    ["REP MOVSB", "movl %ebx, 0x20000; movl $0x20000, %esi; movl $DATA, %edi; movl $9, %ecx; rep movsb", [page]],
    ["REP MOVSL", "movl %ebx, 0x20000; movl $0x20000, %esi; movl $DATA, %edi; movl $9, %ecx; rep movsl", [page]],
    ["FST of 32 bits", "movl %ebx, 0x20000; finit; fildl 0x20000; fstps DATA", [page]],
    ["FST of 64 bits", "movl %ebx, 0x20000; finit; fildl 0x20000; fstpl DATA", [page]],
    ["FST of 80 bits across pages", "movl %ebx, 0x20000; finit; fildl 0x20000; fstpt DATA + 0xff8", [page, page + 1]],
    ["FBSTP", "movl %ebx, 0x20000; finit; fildl 0x20000; fbstp DATA", [page]],
    ["FNSAVE", "movl %ebx, 0x20000; finit; fildl 0x20000; fnsave DATA", [page]],
    ["PUSH", "movl $DATA + 8, %esp; pushl %ebx", [page]],
    ["PUSHA", "movl $DATA + 64, %esp; pusha", [page]],
    ["CALL", "leal DATA(%ebx), %esp; call 1f; 1:", [page]],
    ["ENTER", "movl $DATA + 64, %esp; movl %ebx, %ebp; enter $8, $0", [page]],
    ["SGDT", "sgdt DATA(%ebx)", [page]],
    ["an exception", "leal DATA(%ebx), %esp; ud2", [page]],
    ["an interrupt", "leal DATA(%ebx), %esp; int $0x30", [page]],
  ])("%s", (_, source, pages) => {
    expectSeen(() => guest.kernel(`${source}; hlt`), pages);
  });

  it("an interrupt that changes to an inner stack", () => {
    expectSeen(() => guest.user("movl %ebx, %esp; int $0x80"), [5]);
  });

  it("a task switch, in the TSS and the descriptors", () => {
    guest.memory.write32(TSS2 + 0x20, 0x9000);
    guest.memory.write32(TSS2 + 0x24, 2);
    guest.memory.write32(TSS2 + 0x38, STACK2);
    for (let i = 0; i < 6; i++) guest.memory.write32(TSS2 + 0x48 + i * 4, i === 1 ? KERNEL_CS : KERNEL_DS);
    guest.load("1: hlt; ljmp $TSS_SELECTOR, $0; jmp 1b", 0x9000);
    guest.kernel("1: ljmp $TSS2_SELECTOR, $0; hlt; jmp 1b");
    expectSeen(() => guest.run(), [1, 3]);
  });

  it("the accessed bit of a descriptor", () => {
    const clear = () => guest.setDescriptor(FREE, segment(0, 0xfffff, DATA_WRITABLE));
    clear();
    expectSeen(() => guest.kernel("movw $FREE, %ax; movw %ax, %fs; hlt"), [1], clear);
  });

  it("the busy bit of LTR", () => {
    const clear = () => guest.setDescriptor(FREE, segment(TSS2, 0x67, 0x89, 0));
    clear();
    expectSeen(() => guest.kernel("movw $FREE, %ax; ltr %ax; hlt"), [1], clear);
  });

  it("accessed and dirty bits of page tables", () => {
    guest.enablePaging();
    const clear = () => {
      guest.setPage(DATA, DATA | 7);
      guest.core.flushTlb(false);
    };
    expectSeen(() => guest.kernel("movl DATA, %eax; hlt"), [pageOf(PAGE_TABLE)], clear);
    expect(guest.page(DATA)).toBe(DATA | 0x27);
    expectSeen(() => guest.kernel("movl DATA, %eax; movl %ebx, DATA; hlt"), [pageOf(PAGE_TABLE), page], clear);
    expect(guest.page(DATA)).toBe(DATA | 0x67);
  });

  it("a write through a translation that came after the last capture, or by another linear address", () => {
    guest.enablePaging();
    guest.setPage(0x300000, DATA | 7);
    expectSeen(() => guest.kernel("movl %ebx, 0x300000; addl %ebx, DATA + 4; hlt"), [page]);
    expectSeen(() => guest.kernel("invlpg 0x300000; movl 0x300000, %eax; movl %ebx, 0x300000; hlt"), [page]);
  });

  it("code that is written over", () => {
    expectSeen(() => guest.kernel("movb %bl, 1f + 1; 1: movb $0, %al; hlt"), [pageOf(CODE)]);
    expectSeen(() => guest.kernel("movb %bl, 1f + 1; 1: movb $0, %al; lock; incl 1b; hlt"), [pageOf(CODE)]);
  });

  it("what devices and the host write", () => {
    const { memory } = guest;
    expectSeen(() => memory.write8(DATA, guest.core.r[EBX] >>> 4), [page]);
    expectSeen(() => memory.write16(DATA, guest.core.r[EBX]), [page]);
    expectSeen(() => memory.write32(DATA + 0xffe, guest.core.r[EBX] << 12), [page, page + 1]);
    expectSeen(() => memory.load(Uint8Array.of(guest.core.r[EBX] >>> 4), DATA + 0xfff), [page]);
    memory.exposeVideoMemory(0xb8000, 0x8000);
    expectSeen(() => guest.kernel("movl %ebx, 0xb8000; hlt"), [0xb8]);
  });

  it("and nothing else", () => {
    guest.core.r[EBX] = 5;
    guest.kernel("movl DATA, %eax; movl DATA + 0x1000, %eax; movl %ebx, DATA; hlt");
    capture();
    guest.load("movl %ebx, DATA; movl DATA + 0x1000, %eax; cmpxchgl %ebx, 0xfee00000; movl %ebx, 0xa0000; hlt", CODE);
    const before = capture();
    guest.core.eip = CODE;
    guest.run();
    expect(changedPages(before, capture())).toEqual([page]);
  });
});

describe("restoring pages", () => {
  it("has them noted again when they are written, by every core", () => {
    const { machine, word } = smpGuest(
      `boot:	movl $1, %eax
	call start_others
1:	incl first
	jmp 1b
work:	incl second
	jmp work
.data
.align 4096
first:	.long 0
.align 4096
second:	.long 0
`,
      { cpus: 2 },
    );
    machine.run({ maxInstructions: 3000 });
    const start = machine.capture();
    for (let i = 0; i < 3; i++) {
      const words = [word("first"), word("second")];
      machine.run({ maxInstructions: 1000 });
      expect(word("first")).toBeGreaterThan(words[0]);
      expect(word("second")).toBeGreaterThan(words[1]);
      expect(wrongPages(machine.memory, machine.capture().pages)).toEqual([]);
      machine.run({ maxInstructions: 1000 });
      machine.restore(start);
      expect(wrongPages(machine.memory, start.pages)).toEqual([]);
      expect([word("first"), word("second")]).toEqual(words);
    }
  });

  it("has them noted after one that was refused, too", () => {
    const { machine, word } = smpGuest("boot: incl here\n jmp boot\n.data\n.align 4096\nhere: .long 0\n");
    machine.run({ maxInstructions: 1000 });
    const refused = new Machine({ memoryBytes: 1 << 20, interleaver: new Rules() }).capture();
    machine.capture();
    expect(() => machine.restore(refused)).toThrow("instead of");
    machine.run({ maxInstructions: 1000 });
    expect(word("here")).toBeGreaterThan(900);
    expect(wrongPages(machine.memory, machine.capture().pages)).toEqual([]);
  });

  it("sees code that is written over again and again", () => {
    const guest = () =>
      smpGuest(
        "boot: call rest\n incb 1f + 1\n1: movb $0, %al\n addl %eax, sum\n jmp boot\nrest: ret\n.data\n.align 4096\nsum: .long 0\n",
      );
    const [one, other] = [guest(), guest()];
    one.machine.run({ maxInstructions: 1000 });
    other.machine.run({ maxInstructions: 500 });
    other.machine.restore(other.machine.capture());
    other.machine.run({ maxInstructions: 500 });
    expect(other.word("sum")).toBe(one.word("sum"));
  });

  it("drops code that is another", () => {
    const { machine, word } = smpGuest("boot: movl $1, here\n1: jmp boot\n.data\n.align 4096\nhere: .long 0\n");
    machine.run({ maxInstructions: 100 });
    const first = machine.capture();
    const { eip } = machine.cores[0];
    const boot = machine.readPhysical(0x10000, 0x1000);
    const at = 0x10000 + boot.findIndex((_, i) => boot[i] === 0xc7 && boot[i + 1] === 0x05 && boot[i + 6] === 1);
    machine.writePhysical(at + 6, Uint8Array.of(2));
    machine.run({ maxInstructions: 100 });
    expect(word("here")).toBe(2);
    const second = machine.capture();
    machine.restore(first);
    expect(machine.cores[0].eip).toBe(eip);
    machine.run({ maxInstructions: 100 });
    expect(word("here")).toBe(1);
    machine.restore(second);
    machine.run({ maxInstructions: 100 });
    expect(word("here")).toBe(2);
  });
});

/** An interleaver of one's own. */
class Rules implements Interleaver {
  readonly quantum = 1;
  next(runnable: number): number {
    return 31 - Math.clz32(runnable);
  }
}

describe("an access that is split between two turns", () => {
  const TWO = `boot:	movl $1, %eax
	call start_others
work:	nop
place:	incl counter
	jmp work
.data
.align 4096
counter: .long 0
`;
  const two = () => smpGuest(TWO, { cpus: 2, interleaver: new RoundRobin(1) });

  it("is seen when a breakpoint stops before its second half", () => {
    const { machine, image } = two();
    machine.setBreakpoints([image.symbol("place")]);
    let stops = 0;
    for (let i = 0; i < 600; i++) {
      if (machine.run({ maxInstructions: 1 }).kind === "breakpoint") stops++;
      expect(wrongPages(machine.memory, machine.capture().pages)).toEqual([]);
    }
    expect(stops).toBeGreaterThan(50);
  });

  it("is split whether or not its page was captured", () => {
    const [one, other] = [two(), two()];
    one.machine.run({ maxInstructions: 3000 });
    for (let i = 0; i < 3000; i++) {
      other.machine.run({ maxInstructions: 1 });
      if (i % 3 === 0) other.machine.capture();
    }
    expect(other.word("counter")).toBe(one.word("counter"));
    expect(Buffer.compare(other.machine.save(), one.machine.save())).toBe(0);
  });
});

describe("ROM", () => {
  it("is captured with its contents", () => {
    const memory = new PhysicalMemory(1 << 20, 1);
    memory.loadRom(Uint8Array.of(1, 2, 3), 0xff000);
    const first = memory.capturePages();
    memory.loadRom(Uint8Array.of(4), 0xfe000);
    const second = memory.capturePages();
    expect(first.page(0)?.subarray(0, 4)).toEqual(Uint8Array.of(1, 2, 3, 0xff));
    expect(second.page(1)?.[0]).toBe(4);
    expect(second.page(0)).toBe(first.page(0));
    memory.restorePages(first);
    expect(memory.peek(0xfe000, 1)).toEqual(Uint8Array.of(0));
  });
});
