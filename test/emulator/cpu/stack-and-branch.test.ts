import { describe, expect, it } from "vitest";
import { SS } from "../../../emulator/cpu/state-layout.ts";
import { FLAT_DATA, Guest, STACK } from "./guest.ts";

describe("PUSH, POP", () => {
  it("push the old ESP, pop into ESP, and into memory addressed by the new ESP", () => {
    const guest = Guest.flat(`
      pushl %esp
      popl %ebx
      pushl $0x1234
      popl 4(%esp)
      movl 4(%esp), %ecx
      pushl $0x7000
      popl %esp
      hlt`).run();
    expect(guest.get("ebx")).toBe(STACK);
    expect(guest.get("ecx")).toBe(0x1234);
    expect(guest.get("esp")).toBe(0x7000);
  });

  it("use SP alone with a 16-bit stack, wrapping at 64 KiB", () => {
    const guest = Guest.flat("pushl $0x11223344\n pushw $0x5566\n hlt");
    guest.core.setSegment(SS, 0x10, 0x40000, 0xffff, FLAT_DATA & ~0x4000);
    guest.set("esp", 0xabcd0002);
    guest.core.push16(1);
    expect(guest.get("esp")).toBe(0xabcd0000);
    guest.run();
    expect(guest.get("esp")).toBe(0xabcdfffa);
    expect(guest.read32(0x4fffc)).toBe(0x11223344);
    expect(guest.memory.read16(0x4fffa)).toBe(0x5566);
  });

  it("PUSHA and POPA move all registers, but the saved ESP is dropped", () => {
    const guest = Guest.flat(
      "pushal\n xorl %eax, %eax\n movl $0, 12(%esp)\n incl 28(%esp)\n popal\n pushaw\n popaw\n hlt",
    );
    for (let n = 0; n < 8; n++) if (n !== 4) guest.core.r[n] = 0x1000 * (n + 1) + 0x10000;
    guest.run();
    expect(Array.from(guest.core.r.subarray(0, 8))).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((n) => (n === 4 ? STACK : 0x1000 * (n + 1) + 0x10000 + (n === 0 ? 1 : 0))),
    );
  });

  it("ENTER and LEAVE build and drop frames, nested ones with their display", () => {
    const guest = Guest.flat("enter $16, $0\n movl %esp, %esi\n leave\n movl %esp, %edi\n enter $8, $3\n hlt");
    guest.set("ebp", 0x6000);
    guest.memory.write32(0x5ffc, 0xaaaa);
    guest.memory.write32(0x5ff8, 0xbbbb);
    guest.run();
    expect([guest.get("esi"), guest.get("edi")]).toEqual([STACK - 20, STACK]);
    expect(guest.get("ebp")).toBe(STACK - 4);
    expect([1, 2, 3, 4].map((n) => guest.read32(STACK - 4 * n))).toEqual([0x6000, 0xaaaa, 0xbbbb, STACK - 4]);
    expect(guest.get("esp")).toBe(STACK - 16 - 8);
  });
});

describe("branches", () => {
  it("CALL and RET nest; RET imm16 drops parameters", () => {
    const guest = Guest.flat(`
      pushl $5
      pushl $7
      call add
      movl $sub, %ecx
      pushl $1
      call *%ecx
      call *table
      hlt
      add: movl 4(%esp), %eax
      addl 8(%esp), %eax
      ret $8
      sub: decl %eax
      ret $4
      three: addl $3, %eax
      ret
      table: .long three`).run();
    expect(guest.get("eax")).toBe(14);
    expect(guest.get("esp")).toBe(STACK);
  });

  it("LOOP counts CX or ECX by the address size", () => {
    const guest = Guest.flat(`
      movl $3, %ecx
      1: incl %eax
      loop 1b
      movl $0x10002, %ecx
      2: incl %ebx
      addr16 loop 2b
      xorl %edx, %edx
      jecxz 3f
      jcxz 4f
      3: hlt
      4: movl $1, %edx
      hlt`).run();
    expect([guest.get("eax"), guest.get("ebx"), guest.get("ecx"), guest.get("edx")]).toEqual([3, 2, 0x10000, 1]);
  });

  it("LOOPE and LOOPNE look at ZF", () => {
    const guest = Guest.flat(`
      movl $10, %ecx
      1: incl %eax
      cmpl $4, %eax
      loopne 1b
      movl $10, %esi
      xchgl %ecx, %esi
      2: incl %ebx
      cmpl $3, %ebx
      setb %dl
      cmpb $1, %dl
      loope 2b
      hlt`).run();
    expect([guest.get("esi"), guest.get("ecx")]).toEqual([6, 7]);
  });

  it("cut the target to 16 bits with a 16-bit operand size", () => {
    const guest = Guest.flat("jmpw *%ax\n hlt");
    guest.memory.load(Uint8Array.of(0x43, 0xf4), 0x9000);
    guest.set("eax", 0x12349000);
    guest.run();
    expect(guest.core.eip).toBe(0x9002);
  });

  it("take each of the sixteen conditions", () => {
    // For each pair, what CMP says about it: conditions O NO B AE Z NZ BE A S NS P NP L GE LE G.
    for (const [a, b] of [
      [1, 2],
      [2, 1],
      [5, 5],
      [0x80000000, 1],
      [0x7fffffff, 0xffffffff],
      [0, 0x80000000],
      [3, 0],
    ] as const) {
      const signedA = a | 0;
      const signedB = b | 0;
      const difference = (a - b) | 0;
      const overflow = signedA - signedB !== difference;
      let parity = 1;
      for (let bit = 0; bit < 8; bit++) parity ^= (difference >> bit) & 1;
      const even = [
        overflow,
        a < b,
        a === b,
        a <= b,
        difference < 0,
        parity === 1,
        signedA < signedB,
        signedA <= signedB,
      ];
      const expected = even.flatMap((holds) => [holds, !holds]);
      for (let code = 0; code < 16; code++) {
        // cmp %ebx, %eax; jcc +1; hlt; setcc %dl; inc %ecx; hlt
        const guest = Guest.flat(Uint8Array.of(0x39, 0xd8, 0x70 + code, 1, 0xf4, 0x0f, 0x90 + code, 0xc2, 0x41, 0xf4));
        guest.set("eax", a);
        guest.set("ebx", b);
        guest.run();
        expect([code, guest.get("ecx") === 1, guest.get("edx") === 1]).toEqual([code, expected[code], expected[code]]);
        const wide = Guest.flat(Uint8Array.of(0x39, 0xd8, 0x0f, 0x80 + code, 1, 0, 0, 0, 0xf4, 0x41, 0xf4));
        wide.set("eax", a);
        wide.set("ebx", b);
        expect(wide.run().get("ecx") === 1).toBe(expected[code]);
      }
    }
  });
});

describe("BOUND", () => {
  it.each([
    [-5, -1],
    [10, -1],
    [-6, 5],
    [11, 5],
  ])("index %i within -5 to 10", (index, vector) => {
    const guest = Guest.flat("boundl %ecx, 0x4000\n movl $-1, %eax\n hlt");
    guest.catchExceptions();
    guest.memory.write32(0x4000, -5);
    guest.memory.write32(0x4004, 10);
    guest.set("ecx", index);
    expect(guest.run().get("eax") | 0).toBe(vector);
  });
});
