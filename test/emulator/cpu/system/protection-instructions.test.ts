import { beforeEach, describe, expect, it } from "vitest";
import { DS, ES, GS, LDTR, SS, TR } from "../../../../emulator/cpu/state-layout.ts";
import {
  BIG,
  CODE_CONFORMING,
  CODE_READABLE,
  DATA,
  DATA_EXPAND_DOWN,
  DATA_READ_ONLY,
  DATA_WRITABLE,
  DPL3,
  FREE,
  Guest,
  gate,
  KERNEL_CS,
  KERNEL_DS,
  KERNEL_STACK,
  LDT,
  LDT_SELECTOR,
  PAGES,
  segment,
  TSS_SELECTOR,
  TSS2,
  TSS2_SELECTOR,
  USER_CS,
  USER_DS,
} from "./guest.ts";

const ZF = 0x40;
const CODE_EXECUTE_ONLY = 0x98;

describe("segment registers", () => {
  let guest: Guest;

  beforeEach(() => {
    guest = new Guest();
  });

  it("accept data and readable code that is not too privileged", () => {
    const cases: [access: number, ring: 0 | 3, rpl: number, fault: number][] = [
      [DATA_WRITABLE, 0, 0, -1],
      [DATA_WRITABLE, 0, 3, 13],
      [DATA_WRITABLE, 3, 3, 13],
      [DATA_WRITABLE | DPL3, 3, 3, -1],
      [DATA_WRITABLE | DPL3, 0, 3, -1],
      [DATA_READ_ONLY | DPL3, 3, 0, -1],
      [CODE_READABLE, 0, 0, -1],
      [CODE_READABLE, 3, 0, 13],
      [CODE_CONFORMING, 3, 3, -1],
      [CODE_EXECUTE_ONLY, 0, 0, 13],
      [DATA_WRITABLE & 0x7f, 0, 0, 11],
      [0x82, 0, 0, 13],
      [0x8c, 0, 0, 13],
    ];
    for (const [access, ring, rpl, fault] of cases) {
      guest.setDescriptor(FREE, segment(DATA, 0xffff, access));
      const source = `movw $${FREE + rpl}, %ax; movw %ax, %gs; ${ring === 0 ? "hlt" : "int $0x80"}`;
      if (ring === 0) guest.kernel(source);
      else guest.user(source);
      if (fault < 0) {
        expect(guest.selector(GS)).toBe(FREE + rpl);
        expect(guest.core.segBase(GS)).toBe(DATA);
        expect(guest.accessByte(FREE)).toBe(access | 1);
      } else {
        expect(guest.fault).toEqual([fault, FREE]);
        expect(guest.selector(GS)).toBe(ring === 3 ? USER_DS : KERNEL_DS);
      }
    }
  });

  it("keep base, limit and rights after the descriptor has changed", () => {
    guest.setDescriptor(FREE, segment(DATA, 0xff, DATA_WRITABLE));
    guest.kernel(`movw $FREE, %ax; movw %ax, %es; movl $0, GDT+FREE; movl $0, GDT+FREE+4; movl $5, %es:8; hlt`);
    expect(guest.read32(DATA + 8)).toBe(5);
  });

  it("enforce limits: expand-up, expand-down, byte and page granularity", () => {
    const cases: [access: number, limit: number, flags: number, offset: number, allowed: boolean][] = [
      [DATA_WRITABLE, 0xff, BIG, 0xfc, true],
      [DATA_WRITABLE, 0xff, BIG, 0xfd, false],
      [DATA_WRITABLE, 0, BIG | PAGES, 0xffc, true],
      [DATA_WRITABLE, 0, BIG | PAGES, 0xffd, false],
      [DATA_WRITABLE, 0xfffff, BIG | PAGES, -4, true],
      [DATA_WRITABLE, 0xfffff, BIG | PAGES, -3, false],
      [DATA_EXPAND_DOWN, 0xff, BIG, 0xff, false],
      [DATA_EXPAND_DOWN, 0xff, BIG, 0x100, true],
      [DATA_EXPAND_DOWN, 0xff, BIG, 0x10000, true],
      [DATA_EXPAND_DOWN, 0xff, 0, 0xfffc, true],
      [DATA_EXPAND_DOWN, 0xff, 0, 0xfffd, false],
      [DATA_EXPAND_DOWN, 0xff, 0, 0x10000, false],
      [DATA_EXPAND_DOWN, 0, BIG | PAGES, 0xffc, false],
      [DATA_EXPAND_DOWN, 0, BIG | PAGES, 0x1000, true],
    ];
    for (const [access, limit, flags, offset, allowed] of cases) {
      guest.setDescriptor(FREE, segment(DATA, limit, access, flags));
      guest.kernel(`movw $FREE, %ax; movw %ax, %es; movl $${offset}, %ebx; movl %es:(%ebx), %eax; hlt`);
      expect([access, limit, flags, offset, guest.vector]).toEqual([access, limit, flags, offset, allowed ? -1 : 13]);
    }
  });

  it("enforce the type: no writes to code or read-only data, no reads of execute-only code", () => {
    guest.setDescriptor(FREE, segment(DATA, 0xffff, DATA_READ_ONLY));
    guest.setDescriptor(FREE + 8, segment(DATA, 0xffff, CODE_READABLE));
    guest.kernel("movw $FREE, %ax; movw %ax, %es; movl %es:0, %ebx; movl %ebx, %es:0");
    expect(guest.fault).toEqual([13, 0]);
    guest.kernel("movw $FREE+8, %ax; movw %ax, %es; movl %es:0, %ebx; movl %ebx, %es:0");
    expect(guest.fault).toEqual([13, 0]);
    guest.setDescriptor(FREE, segment(0, 0xfffff, CODE_EXECUTE_ONLY, BIG | PAGES));
    guest.kernel("ljmp $FREE, $1f; 1: movl %cs:0, %eax");
    expect(guest.fault).toEqual([13, 0]);
  });

  it("take null selectors in DS, ES, FS and GS, but never use them", () => {
    guest.kernel("movw $3, %ax; movw %ax, %fs; movw %fs, %bx; movl %fs:0, %eax");
    expect(guest.fault).toEqual([13, 0]);
    expect(guest.ebx & 0xffff).toBe(3);
  });

  it("refuse a MOV to CS: #UD", () => {
    guest.kernel("movw $KERNEL_CS, %ax; .byte 0x8e, 0xc8");
    expect(guest.vector).toBe(6);
  });

  it("load SS for the current level only", () => {
    guest.user("movw $KERNEL_DS+3, %ax; movw %ax, %ss");
    expect(guest.fault).toEqual([13, KERNEL_DS]);
    guest.kernel("movw $USER_DS, %ax; movw %ax, %ss");
    expect(guest.fault).toEqual([13, USER_DS & ~3]);
    guest.kernel("movw $KERNEL_DS+1, %ax; movw %ax, %ss");
    expect(guest.fault).toEqual([13, KERNEL_DS]);
    guest.setDescriptor(FREE, segment(0, 0xfffff, DATA_READ_ONLY, BIG | PAGES));
    guest.kernel("movw $FREE, %ax; movw %ax, %ss");
    expect(guest.fault).toEqual([13, FREE]);
  });

  it("are pushed zero-extended and popped; POP changes ESP only when the load succeeds", () => {
    guest.kernel("pushl %ds; movl (%esp), %eax; popl %es; pushl $0xff8; popl %fs");
    expect(guest.eax).toBe(KERNEL_DS);
    expect(guest.selector(ES)).toBe(KERNEL_DS);
    expect(guest.fault).toEqual([13, 0xff8]);
    expect(guest.esp).toBe(KERNEL_STACK - 4 - 16);
  });

  it("are loaded together with an offset by LDS, LES, LFS, LGS and LSS, or not at all", () => {
    guest.setDescriptor(FREE, segment(DATA, 0xffff, DATA_WRITABLE));
    guest.kernel("lgs 1f, %ebx; lss 2f, %esp; hlt; 1: .long 0x12345678; .word FREE; 2: .long 0x6800; .word KERNEL_DS");
    expect(guest.ebx).toBe(0x12345678);
    expect(guest.selector(GS)).toBe(FREE);
    expect(guest.esp).toBe(0x6800);
    guest.kernel("movl $1, %ebx; les 1f, %ebx; 1: .long 0x12345678; .word 0xff8");
    expect(guest.fault).toEqual([13, 0xff8]);
    expect(guest.ebx).toBe(1);
    guest.kernel(".byte 0xc5, 0xc0");
    expect(guest.vector).toBe(6);
    expect(guest.selector(DS)).toBe(KERNEL_DS);
  });

  it("treat SP alone as stack pointer in a 16-bit stack segment", () => {
    guest.setDescriptor(FREE, segment(DATA, 0xffff, DATA_WRITABLE, 0));
    guest.kernel("movw $FREE, %ax; movw %ax, %ss; movl $0x12340002, %esp; pushw %ax; pushl $7; movl %esp, %ecx; hlt");
    expect(guest.ecx).toBe(0x1234fffc);
    expect(guest.read32(DATA + 0xfffc)).toBe(7);
    expect(guest.selector(SS)).toBe(FREE);
  });
});

describe("LDTR and TR", () => {
  it("LLDT loads an LDT, whose descriptors selectors with TI then name", () => {
    const guest = new Guest();
    guest.setDescriptor(0x0c, segment(DATA, 0xffff, DATA_WRITABLE));
    guest.kernel("movw $LDT_SELECTOR, %ax; lldt %ax; sldt %ebx; movw $0x0c, %cx; movw %cx, %es; movl $3, %es:4; hlt");
    expect(guest.ebx).toBe(LDT_SELECTOR);
    expect(guest.read32(DATA + 4)).toBe(3);
    expect(guest.core.segBase(LDTR)).toBe(LDT);
  });

  it("LLDT checks its selector; null leaves no LDT", () => {
    const guest = new Guest();
    guest.setDescriptor(FREE, segment(LDT, 0xff, 0x02, 0));
    guest.kernel("movw $KERNEL_DS, %ax; lldt %ax");
    expect(guest.fault).toEqual([13, KERNEL_DS]);
    guest.kernel("movw $FREE, %ax; lldt %ax");
    expect(guest.fault).toEqual([11, FREE]);
    guest.kernel("movw $0x34, %ax; lldt %ax");
    expect(guest.fault).toEqual([13, 0x34]);
    guest.loadLdt();
    guest.kernel("xorl %eax, %eax; lldt %ax; movw $4, %ax; movw %ax, %es");
    expect(guest.fault).toEqual([13, 4]);
    guest.user("lldt %ax");
    expect(guest.fault).toEqual([13, 0]);
  });

  it("LTR marks the task busy", () => {
    const guest = new Guest();
    guest.kernel("movw $TSS2_SELECTOR, %ax; ltr %ax; str %ebx; hlt");
    expect(guest.ebx).toBe(TSS2_SELECTOR);
    expect(guest.core.segBase(TR)).toBe(TSS2);
    expect(guest.accessByte(TSS2_SELECTOR)).toBe(0x8b);
    guest.kernel("movw $TSS2_SELECTOR, %ax; ltr %ax");
    expect(guest.fault).toEqual([13, TSS2_SELECTOR]);
    guest.kernel("xorl %eax, %eax; ltr %ax");
    expect(guest.fault).toEqual([13, 0]);
  });
});

describe("LAR, LSL, VERR, VERW and ARPL", () => {
  let guest: Guest;
  const zf = () => guest.core.getEflags() & ZF;

  beforeEach(() => {
    guest = new Guest();
  });

  const tryAll = (selector: number, ring: 0 | 3) => {
    const results: boolean[] = [];
    for (const instruction of ["lar %ecx, %eax", "lsl %ecx, %eax", "verr %cx", "verw %cx"]) {
      guest.enterRing(ring);
      guest.execute(`movl $${selector}, %ecx; ${instruction}; ud2`, ring === 0 ? 0x8000 : 0x10000);
      expect(guest.vector).toBe(6);
      results.push(zf() !== 0);
    }
    return results;
  };

  it.each<[name: string, access: number, ring: 0 | 3, rpl: number, results: boolean[]]>([
    ["writable data", DATA_WRITABLE, 0, 0, [true, true, true, true]],
    ["writable data through RPL 3", DATA_WRITABLE, 0, 3, [false, false, false, false]],
    ["kernel data from ring 3", DATA_WRITABLE, 3, 0, [false, false, false, false]],
    ["user data from ring 3", DATA_WRITABLE | DPL3, 3, 3, [true, true, true, true]],
    ["read-only data", DATA_READ_ONLY, 0, 0, [true, true, true, false]],
    ["readable code", CODE_READABLE, 0, 0, [true, true, true, false]],
    ["execute-only code", CODE_EXECUTE_ONLY, 0, 0, [true, true, false, false]],
    ["conforming code from ring 3", CODE_CONFORMING, 3, 3, [true, true, true, false]],
    ["an LDT", 0x82, 0, 0, [true, true, false, false]],
    ["a busy TSS", 0x8b, 0, 0, [true, true, false, false]],
    ["a call gate", 0x8c, 0, 0, [true, false, false, false]],
    ["a task gate", 0x85, 0, 0, [true, false, false, false]],
    ["an interrupt gate", 0x8e, 0, 0, [false, false, false, false]],
    ["a reserved type", 0x88, 0, 0, [false, false, false, false]],
    ["absent data", DATA_WRITABLE & 0x7f, 0, 0, [true, true, true, true]],
  ])("judge %s", (_name, access, ring, rpl, results) => {
    guest.setDescriptor(FREE, segment(DATA, 0x1234, access));
    expect(tryAll(FREE + rpl, ring)).toEqual(results);
  });

  it("clear ZF for null selectors and selectors outside their table", () => {
    for (const selector of [0, 3, 0xff8, 4, 0x0c]) expect(tryAll(selector, 0)).toEqual([false, false, false, false]);
  });

  it("return access rights and limits in bytes", () => {
    guest.setDescriptor(FREE, segment(DATA, 0x12345, DATA_WRITABLE, BIG | PAGES));
    guest.kernel("movl $FREE, %ecx; lar %ecx, %eax; lsl %ecx, %ebx; hlt");
    expect(guest.eax).toBe(0x00c19200);
    expect(guest.ebx).toBe(0x12345fff);
    guest.kernel("movl $-1, %eax; movl %eax, %ebx; movl $FREE, %ecx; lar %cx, %ax; lsl %cx, %bx; hlt");
    expect(guest.eax).toBe(0xffff9200);
    expect(guest.ebx).toBe(0xffff5fff);
    guest.kernel("movl $5, %eax; movl $0xff8, %ecx; lar %ecx, %eax; hlt");
    expect(guest.eax).toBe(5);
  });

  it("ARPL raises an RPL and says so", () => {
    guest.kernel("movl $0x10, %eax; movl $0x1b, %ebx; arpl %bx, %ax; hlt");
    expect(guest.eax).toBe(0x13);
    expect(zf()).toBe(ZF);
    guest.kernel("movl $0x13, %eax; movl $0x18, %ebx; arpl %bx, %ax; hlt");
    expect(guest.eax).toBe(0x13);
    expect(zf()).toBe(0);
  });

  it("see gates only with enough privilege", () => {
    guest.setDescriptor(FREE, gate(KERNEL_CS, 0, 0xec));
    expect(tryAll(FREE + 3, 3)).toEqual([true, false, false, false]);
    expect(tryAll(TSS_SELECTOR, 3)).toEqual([false, false, false, false]);
    expect(tryAll(USER_CS, 3)).toEqual([true, true, true, false]);
  });
});
