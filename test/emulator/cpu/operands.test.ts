import { describe, expect, it } from "vitest";
import { FS } from "../../../emulator/cpu/state-layout.ts";
import { FLAT_DATA, Guest } from "./guest.ts";

describe("bit strings in memory", () => {
  it("reach beyond the operand in both directions", () => {
    const guest = Guest.flat(`
      movl $0x40100, %ebx
      movl $67, %ecx
      btsl %ecx, (%ebx)
      movl $-1, %ecx
      btsl %ecx, (%ebx)
      movl $-17, %ecx
      btsw %cx, (%ebx)
      btcl %ecx, 8(%ebx)
      btrl %ecx, 8(%ebx)
      btl %ecx, 8(%ebx)
      setc %al
      hlt`).run();
    expect(guest.read32(0x40108)).toBe(1 << 3);
    expect(guest.read32(0x400fc)).toBe((0x80000000 | (1 << 15)) >>> 0);
    expect(guest.read32(0x40104)).toBe(0);
    expect(guest.get("eax")).toBe(0);
  });

  it("BT reads only: a read-only operand does not fault", () => {
    const guest = Guest.flat("btl $3, %fs:0x4000\n btl %ecx, %fs:0x4000\n setc %al\n hlt");
    guest.core.setSegment(FS, 0x10, 0, -1, FLAT_DATA & ~2);
    guest.memory.write32(0x4000, 1);
    expect(guest.run().get("eax")).toBe(1);
  });
});

describe("CMPXCHG8B", () => {
  it("exchanges when equal, loads when not; changes ZF alone", () => {
    const guest = Guest.flat(`
      stc
      lock cmpxchg8b 0x4000
      pushfl
      lock cmpxchg8b 0x4000
      pushfl
      hlt`);
    guest.memory.write32(0x4000, 0x11111111);
    guest.memory.write32(0x4004, 0x22222222);
    guest.set("eax", 0x11111111);
    guest.set("edx", 0x22222222);
    guest.set("ebx", 0x33333333);
    guest.set("ecx", 0x44444444);
    guest.run();
    expect([guest.read32(0x4000), guest.read32(0x4004)]).toEqual([0x33333333, 0x44444444]);
    expect([guest.get("eax"), guest.get("edx")]).toEqual([0x33333333, 0x44444444]);
    expect([guest.read32(0x7ffc) & 0x41, guest.read32(0x7ff8) & 0x41]).toEqual([0x41, 0x01]);
  });
});

describe("moves", () => {
  it("reach high and low byte registers", () => {
    const guest = Guest.flat(
      "movb $1, %al\n movb $2, %ah\n movb %ah, %cl\n movb %al, %dh\n movb $3, %bh\n xchgb %bh, %bl\n hlt",
    ).run();
    expect([guest.get("eax"), guest.get("ecx"), guest.get("edx"), guest.get("ebx")]).toEqual([0x201, 2, 0x100, 3]);
  });

  it("LEA computes without access and cuts to the operand and address size", () => {
    const guest = Guest.flat(`
      movl $0x80000001, %ebx
      leal 4(%ebx,%ebx,8), %eax
      movl $-1, %ecx
      leaw 0x12345(%ebx), %cx
      leal 0x7fff(%bx), %edx
      hlt`).run();
    expect(guest.get("eax")).toBe((0x80000001 * 9 + 4) % 2 ** 32);
    expect(guest.get("ecx")).toBe(0xffff2346);
    expect(guest.get("edx")).toBe(0x8000);
  });

  it("XLAT uses BX or EBX and an override", () => {
    const guest = Guest.flat("movb $5, %al\n movl $0x100, %ebx\n fs xlat\n hlt");
    guest.core.setSegment(FS, 0x10, 0x40000, -1, FLAT_DATA);
    guest.memory.write8(0x40105, 0x77);
    expect(guest.run().get("eax")).toBe(0x77);
  });

  it("MOV with an offset uses no ModRM byte", () => {
    const guest = Guest.flat("movb 0x4000, %al\n movl %eax, 0x4004\n movw 0x4002, %ax\n movb %al, %fs:0x10\n hlt");
    guest.core.setSegment(FS, 0x10, 0x40000, -1, FLAT_DATA);
    guest.memory.write32(0x4000, 0x443322_11);
    guest.run();
    expect([guest.read32(0x4004), guest.get("eax"), guest.read32(0x40010)]).toEqual([0x11, 0x4433, 0x33]);
  });
});

describe("port instructions", () => {
  it("use all widths, immediate and DX, and strings", () => {
    const guest = Guest.flat(`
      inb $0x81, %al
      movl %eax, %esi
      movw $0x82, %dx
      inw %dx, %ax
      movl %eax, %edi
      inl %dx, %eax
      outl %eax, $0x84
      outw %ax, %dx
      outb %al, $0x85
      movl $0x4000, %edi
      movl $3, %ecx
      rep insw
      movl $0x4002, %esi
      outsb
      hlt`);
    const writes = guest.attachTestPorts();
    guest.run();
    expect(writes).toEqual([
      { port: 0x84, size: 4, value: 0x82828282 },
      { port: 0x82, size: 2, value: 0x8282 },
      { port: 0x85, size: 1, value: 0x82 },
      { port: 0x82, size: 1, value: 0x82 },
    ]);
    expect([guest.get("edi"), guest.get("esi"), guest.get("ecx")]).toEqual([0x4006, 0x4003, 0]);
    expect(guest.read32(0x4002)).toBe(0x82828282);
  });
});

describe("a faulting instruction", () => {
  it.each([
    "addl %eax, %fs:0x1000",
    "adcl %fs:0x1000, %eax",
    "incl %fs:0x1000",
    "shll $4, %fs:0x1000",
    "xaddl %eax, %fs:0x1000",
    "cmpxchgl %eax, %fs:0x1000",
    "cmpxchg8b %fs:0x1000",
    "btsl %ecx, %fs:0x1000",
    "popl %fs:0x1000",
    "pushl %fs:0x1000",
    "movl %fs:0x1000, %ebx",
    "imull %fs:0x1000, %ebx",
    "divl %fs:0x1000",
    "call *%fs:0x1000",
    "jmp *%fs:0x1000",
    "fs movsl",
    "fs lodsl",
    "divb %ch",
    "xchgl %ebx, %fs:0x1000",
    "cmpl $5, %fs:0x1000",
    "setz %fs:0x1000",
    "negb %fs:0x1000",
    "fs xlat",
    "cmovnzl %fs:0x1000, %ebx",
  ])("%s changes nothing", (instruction) => {
    const guest = Guest.flat(`${instruction}\n hlt`);
    guest.catchExceptions();
    const { core } = guest;
    core.setSegment(FS, 0x10, 0, 0xf00, FLAT_DATA);
    const registers = [0x1001, 0x80000022, 0x2003, 0x1004, 0x8000, 0x1006, 0x1007, 0x4008];
    for (let n = 0; n < 8; n++) core.r[n] = registers[n];
    core.setEflags(0x8d5, 0xfff);
    const seen: number[][] = [];
    core.onInterrupt = (cpu) => void seen.push([...cpu.r.subarray(0, 8), cpu.getEflags() & 0x8d5, cpu.eip]);
    guest.run();
    const state = [...registers.map((value) => value | 0), 0x8d5, 0x10000];
    expect(seen[0]).toEqual(state);
  });
});
