import { describe, expect, it } from "vitest";
import { CR0_AM, DS, FLAG_AC, SS, TLB_NO_USER } from "../../../emulator/cpu/state-layout.ts";
import { FLAT_DATA, Guest, ORIGIN } from "./guest.ts";

/** Vector and error code of the fault that a program ends with. */
function faultOf(guest: Guest): [vector: number, errorCode: number] {
  guest.catchExceptions();
  guest.run();
  return [guest.get("eax"), guest.read32(guest.get("esp"))];
}

describe("segment limits", () => {
  it.each([
    ["movb 0xfff, %bl", -1],
    ["movb 0x1000, %bl", 13],
    ["movw 0xffe, %bx", -1],
    ["movw 0xfff, %bx", 13],
    ["movl 0xffc, %ebx", -1],
    ["movl 0xffd, %ebx", 13],
    ["movl 0xffffffff, %ebx", 13],
    ["movl %ebx, 0xffd", 13],
    ["incl 0xffd", 13],
  ])("%s under a limit of FFF", (instruction, vector) => {
    const guest = Guest.flat(`${instruction}\n movl $-1, %eax\n hlt`);
    guest.core.setSegment(DS, 0x10, 0x40000, 0xfff, FLAT_DATA);
    guest.catchExceptions();
    guest.run();
    expect(guest.get("eax")).toBe(vector >>> 0);
  });

  it("of expand-down segments allow what lies above", () => {
    for (const [offset, vector] of [
      [0x1000, -1],
      [0xfff, 13],
      [0x0, 13],
      [0xfffffffc, -1],
    ] as const) {
      const guest = Guest.flat(`movl ${offset}, %ebx\n movl $-1, %eax\n hlt`);
      guest.core.setSegment(DS, 0x10, 0x40000, 0xfff, FLAT_DATA | 4);
      guest.catchExceptions();
      guest.run();
      expect(guest.get("eax")).toBe(vector >>> 0);
    }
  });

  it("raise #SS(0) for the stack, and ESP stays", () => {
    const guest = Guest.flat();
    guest.core.setSegment(SS, 0x10, 0, 0x7ffb, FLAT_DATA);
    expect(() => guest.core.push32(1)).toThrow();
    expect([guest.core.fault.vector, guest.core.fault.errorCode, guest.get("esp")]).toEqual([12, 0, 0x8000]);
  });

  it("read-only and null segments refuse", () => {
    for (const [access, valid, instruction] of [
      [FLAT_DATA & ~2, true, "movl %ebx, 0x4000"],
      [FLAT_DATA, false, "movl 0x4000, %ebx"],
      [0xc099, true, "movl 0x4000, %ebx"],
      [0xc09b, true, "orl $1, 0x4000"],
    ] as const) {
      const guest = Guest.flat(instruction);
      guest.core.setSegment(DS, valid ? 0x10 : 0, 0, -1, access, valid);
      expect(faultOf(guest)).toEqual([13, 0]);
    }
  });
});

describe("accesses across pages", () => {
  const address = 0x40ffe;

  it("read and write all bytes", () => {
    const guest = Guest.flat(
      `movl $0x11223344, ${address}\n movl ${address}, %ebx\n addl $1, ${address}\n xchgw ${address + 1}, %cx\n hlt`,
    );
    guest.set("ecx", 0xabcd);
    guest.run();
    expect(guest.get("ebx")).toBe(0x11223344);
    expect(guest.get("ecx")).toBe(0x2233);
    expect(guest.read32(address)).toBe(0x11abcd45);
  });

  it("write nothing when the second page faults", () => {
    const guest = Guest.flat(`movl %ebx, ${address}\n hlt`);
    enablePaging(guest, 0x41);
    guest.set("ebx", 0xffffffff);
    expect(faultOf(guest)).toEqual([14, 2]);
    expect(guest.core.cr2).toBe(0x41000);
    expect(guest.memory.read16(address)).toBe(0);
  });
});

/** Maps the first 4 MiB one to one, less one page. */
function enablePaging(guest: Guest, absent: number): void {
  for (let page = 0; page < 1024; page++)
    guest.memory.write32(0x6000 + 4 * page, page === absent ? 0 : (page << 12) | 7);
  guest.memory.write32(0x5000, 0x6007);
  guest.core.cr3 = 0x5000;
  guest.core.cr0 |= 0x80000000;
  guest.core.flushTlb(false);
}

describe("code pages", () => {
  it("fault with the address of the page that is missing, also in the middle of an instruction", () => {
    for (const [start, errorAddress] of [
      [0x12000, 0x12000],
      [0x11ffd, 0x12000],
    ] as const) {
      const guest = Guest.flat();
      enablePaging(guest, 0x12);
      guest.load(Uint8Array.of(0xb8, 1, 2, 3, 4, 0xf4), start);
      expect(faultOf(guest)).toEqual([14, 0]);
      expect(guest.core.cr2).toBe(errorAddress);
      expect(guest.read32(guest.get("esp") + 4)).toBe(start);
    }
  });

  it("do not fault for bytes after the instruction", () => {
    const guest = Guest.flat();
    enablePaging(guest, 0x12);
    guest.load(Uint8Array.of(0x43, 0xf4), 0x11ffe);
    expect(guest.run().get("ebx")).toBe(1);
  });

  it("are looked up anew after INVLPG, for the second half of an instruction too", () => {
    const guest = Guest.flat();
    enablePaging(guest, -1);
    // At 0x11ffe: movl $imm32, %eax with three bytes of the immediate on the next page; then hlt.
    guest.memory.load(Uint8Array.of(2, 3, 4, 0xf4), 0x12000);
    guest.memory.load(Uint8Array.of(12, 13, 14, 0xf4), 0x13000);
    guest.load(Uint8Array.of(0xb8, 1), 0x11ffe);
    expect(guest.run().get("eax")).toBe(0x04030201);
    guest.memory.write32(0x6000 + 4 * 0x12, 0x13007);
    guest.core.halted = false;
    guest.core.eip = 0x11ffe;
    expect(guest.run().get("eax")).toBe(0x04030201);
    guest.core.flushTlbPage(0x12000);
    guest.core.halted = false;
    guest.core.eip = 0x11ffe;
    expect(guest.run().get("eax")).toBe(0x0e0d0c01);
  });
});

describe("devices in memory", () => {
  it("see accesses of the right width, and code runs from them", () => {
    const guest = Guest.flat(
      `movb 0xa0001, %al\n movw 0xa0002, %bx\n movl %ecx, 0xa0004\n incb 0xa0008\n call 0xa0800\n hlt`,
    );
    const seen: string[] = [];
    const code = [0x46, 0xc3];
    guest.memory.mapMmio(0xa0000, 0x1000, {
      read8: (at) => {
        if (at >= 0xa0800) return code[at - 0xa0800] ?? 0xff;
        seen.push(`r1 ${at.toString(16)}`);
        return 0x11;
      },
      read16: (at) => {
        seen.push(`r2 ${at.toString(16)}`);
        return 0x2222;
      },
      read32: (at) => {
        seen.push(`r4 ${at.toString(16)}`);
        return 0x33333333;
      },
      write8: (at, value) => void seen.push(`w1 ${at.toString(16)} ${value.toString(16)}`),
      write16: (at, value) => void seen.push(`w2 ${at.toString(16)} ${value.toString(16)}`),
      write32: (at, value) => void seen.push(`w4 ${at.toString(16)} ${value.toString(16)}`),
    });
    guest.set("ecx", 0x77);
    guest.run();
    expect(seen).toEqual(["r1 a0001", "r2 a0002", "w4 a0004 77", "r1 a0008", "w1 a0008 12"]);
    expect([guest.get("eax"), guest.get("ebx"), guest.get("esi")]).toEqual([0x11, 0x2222, 1]);
  });

  it("drop writes to ROM and keep code decoded from it", () => {
    const guest = Guest.flat("call 0xe0000\n movb $0x90, 0xe0000\n call 0xe0000\n hlt");
    guest.memory.loadRom(Uint8Array.of(0x46, 0xc3), 0xe0000);
    expect(guest.run().get("esi")).toBe(2);
    expect(guest.memory.read8(0xe0000)).toBe(0x46);
  });
});

describe("alignment checks", () => {
  it("raise #AC at CPL 3 with CR0.AM and EFLAGS.AC", () => {
    const guest = Guest.flat();
    const { core } = guest;
    core.cr0 |= CR0_AM;
    core.setEflags(FLAG_AC, FLAG_AC);
    expect(core.read32(0x4001)).toBe(0);
    core.setCpl(3);
    expect(() => core.read32(0x4002)).toThrow();
    expect([core.fault.vector, core.fault.errorCode]).toEqual([17, 0]);
    expect(core.read16(0x4002)).toBe(0);
    core.setEflags(0, FLAG_AC);
    expect(core.read32(0x4002)).toBe(0);
  });
});

describe("the TLB", () => {
  it("survives more pages than it holds", () => {
    const guest = Guest.flat();
    for (let page = 0; page < 40000; page++) guest.core.read32(page << 12);
    guest.core.write32(0x4000, 7);
    expect(guest.core.read32(0x4000)).toBe(7);
  });

  it("keeps user code from supervisor pages", () => {
    const guest = Guest.flat();
    guest.core.fillTlb(0x4000, 0x4000, TLB_NO_USER);
    expect(guest.core.read8(0x4000)).toBe(0);
    expect((guest.core.tlb[4] & guest.core.readMask) === 1).toBe(true);
    guest.core.setCpl(3);
    expect((guest.core.tlb[4] & guest.core.readMask) === 1).toBe(false);
  });
});

describe("addresses", () => {
  it("wrap at 64 KiB with 16-bit addressing in real mode", () => {
    const guest = Guest.real("movw $0xffff, %bx\n movb 2(%bx), %al\n hlt");
    guest.memory.write8(1, 0x5a);
    guest.run();
    expect(guest.get("eax") & 0xff).toBe(0x5a);
    expect(ORIGIN).toBe(0x10000);
  });
});
