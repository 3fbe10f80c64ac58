import { describe, expect, it } from "vitest";
import { DS, ES } from "../../../emulator/cpu/state-layout.ts";
import { FLAT_DATA, Guest, ORIGIN } from "./guest.ts";

const bytesAt = (guest: Guest, address: number, length: number) =>
  Array.from(guest.memory.bytes.subarray(guest.memory.ramOffset + address, guest.memory.ramOffset + address + length));

describe("REP MOVS", () => {
  it("copies, and retires one instruction for each page-sized piece", () => {
    const guest = Guest.flat("movl $0x40000, %esi\n movl $0x50000, %edi\n movl $0x800, %ecx\n rep movsl\n hlt");
    const data = Uint8Array.from({ length: 0x2000 }, (_, i) => (i * 7) ^ (i >> 8));
    guest.memory.load(data, 0x40000);
    guest.run();
    expect(bytesAt(guest, 0x50000, 0x2000)).toEqual(Array.from(data));
    expect([guest.get("esi"), guest.get("edi"), guest.get("ecx")]).toEqual([0x42000, 0x52000, 0]);
    expect(guest.core.instructions).toBe(3 + 2 + 1);
  });

  it("ends pieces at page boundaries of either operand, the same with a cold and a warm TLB", () => {
    const source = "movl $0x40ffe, %esi\n movl $0x50003, %edi\n movl $0x2000, %ecx\n rep movsb\n hlt";
    const guest = Guest.flat(source).run();
    const cold = guest.core.instructions;
    // Pieces: 2, up to EDI 0x51000, up to ESI 0x42000, …
    expect(cold).toBe(3 + 5 + 1);
    guest.core.halted = false;
    guest.core.eip = ORIGIN;
    guest.run();
    expect(guest.core.instructions).toBe(2 * cold);
  });

  it("replicates when the destination overlaps what is still to be read", () => {
    const guest = Guest.flat("movl $0x40000, %esi\n movl $0x40001, %edi\n movl $8, %ecx\n rep movsb\n hlt");
    guest.memory.load(Uint8Array.of(0xaa), 0x40000);
    guest.run();
    expect(bytesAt(guest, 0x40000, 10)).toEqual([...new Array(9).fill(0xaa), 0]);
  });

  it("replicates also when both pages have been used before", () => {
    const guest = Guest.flat(`
      movb $0xaa, 0x40000
      movl $0x40000, %esi
      movl $0x40001, %edi
      movl $8, %ecx
      rep movsb
      movl $0x40010, %esi
      movl $0x40012, %edi
      movw $0xbbcc, 0x40010
      movl $4, %ecx
      rep movsw
      hlt`).run();
    expect(bytesAt(guest, 0x40000, 10)).toEqual([...new Array(9).fill(0xaa), 0]);
    expect(bytesAt(guest, 0x40010, 12)).toEqual([0xcc, 0xbb, 0xcc, 0xbb, 0xcc, 0xbb, 0xcc, 0xbb, 0xcc, 0xbb, 0, 0]);
  });

  it("goes down with DF set", () => {
    const guest = Guest.flat("std\n movl $0x40006, %esi\n movl $0x41006, %edi\n movl $4, %ecx\n rep movsw\n hlt");
    guest.memory.load(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 0x40000);
    guest.run();
    expect(bytesAt(guest, 0x41000, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([guest.get("esi"), guest.get("edi")]).toEqual([0x3fffe, 0x40ffe]);
  });

  it("lets an interrupt in between pieces and goes on afterwards", () => {
    const guest = Guest.flat("sti\n movl $0x40000, %esi\n movl $0x60000, %edi\n movl $0x4000, %ecx\n rep movsb\n hlt");
    guest.catchExceptions();
    guest.core.acknowledge = () => {
      guest.core.intr = 0;
      return 0x20;
    };
    guest.core.run(6);
    expect(guest.get("ecx")).toBe(0x2000);
    guest.core.intr = 1;
    guest.core.run(10);
    expect(guest.get("eax")).toBe(0x20);
    const returnAddress = guest.read32(guest.get("esp"));
    expect(bytesAt(guest, returnAddress, 2)).toEqual([0xf3, 0xa4]);
    guest.core.halted = false;
    guest.core.eip = returnAddress;
    guest.core.run(10);
    expect([guest.get("ecx"), guest.get("edi")]).toEqual([0, 0x64000]);
  });

  it("leaves the registers after the last complete element when it faults", () => {
    const guest = Guest.flat("movl $0x40000, %esi\n movl $0x20, %edi\n movl $64, %ecx\n rep movsl\n hlt");
    guest.catchExceptions();
    guest.core.setSegment(ES, 0x10, 0x50000, 0x3f, FLAT_DATA);
    guest.run();
    expect([guest.get("eax"), guest.get("edi"), guest.get("ecx"), guest.get("esi")]).toEqual([13, 0x40, 56, 0x40020]);
    expect(bytesAt(guest, guest.read32(guest.get("esp") + 4), 2)).toEqual([0xf3, 0xa5]);
  });

  it("uses SI, DI and CX with 16-bit addresses, wrapping at 64 KiB", () => {
    const guest = Guest.flat(
      "movl $0x1fffe, %esi\n movl $0x24000, %edi\n movl $0xff0004, %ecx\n addr16 rep movsb\n hlt",
    );
    guest.memory.load(Uint8Array.of(3, 4), 0);
    guest.memory.load(Uint8Array.of(1, 2), 0xfffe);
    guest.run();
    expect(bytesAt(guest, 0x4000, 4)).toEqual([1, 2, 3, 4]);
    expect([guest.get("esi"), guest.get("edi"), guest.get("ecx")]).toEqual([0x10002, 0x24004, 0xff0000]);
  });

  it("does nothing with a count of 0", () => {
    const guest = Guest.flat("xorl %ecx, %ecx\n movl $0xf0000000, %esi\n rep movsl\n hlt").run();
    expect(guest.get("esi")).toBe(0xf0000000);
  });
});

describe("STOS, LODS", () => {
  it.each([
    ["stosb", 1, [0x44, 0x44, 0x44]],
    ["stosw", 2, [0x44, 0x33, 0x44, 0x33, 0x44, 0x33]],
    ["stosl", 4, [0x44, 0x33, 0x22, 0x11, 0x44, 0x33, 0x22, 0x11, 0x44, 0x33, 0x22, 0x11]],
  ])("rep %s fills", (mnemonic, size, expected) => {
    const guest = Guest.flat(`movl $0x11223344, %eax\n movl $0x40000, %edi\n movl $3, %ecx\n rep ${mnemonic}\n hlt`);
    guest.run();
    expect(bytesAt(guest, 0x40000, 3 * size + 1)).toEqual([...expected, 0]);
    expect(guest.get("edi")).toBe(0x40000 + 3 * size);
  });

  it("loads from the overriding segment", () => {
    const guest = Guest.flat("movl $4, %esi\n fs lodsl\n lodsb\n hlt");
    guest.core.setSegment(4, 0x10, 0x40000, -1, FLAT_DATA);
    guest.memory.load(Uint8Array.of(1, 2, 3, 4), 0x40004);
    guest.memory.load(Uint8Array.of(0x99), 8);
    expect(guest.run().get("eax")).toBe(0x04030299);
  });
});

describe("SCAS, CMPS", () => {
  it("REPNE SCASB finds a byte", () => {
    const guest = Guest.flat("movl $0x40000, %edi\n xorl %eax, %eax\n movl $-1, %ecx\n repne scasb\n hlt");
    guest.memory.load(new TextEncoder().encode("hello\0"), 0x40000);
    guest.run();
    expect(~guest.get("ecx") >>> 0).toBe(6);
    expect(guest.get("edi")).toBe(0x40006);
    expect(guest.core.getEflags() & 0x40).toBe(0x40);
  });

  it("REPE CMPSB stops at the first difference with its flags", () => {
    const guest = Guest.flat("movl $0x40000, %esi\n movl $0x41000, %edi\n movl $9, %ecx\n repe cmpsb\n hlt");
    guest.memory.load(Uint8Array.of(1, 2, 3, 4), 0x40000);
    guest.memory.load(Uint8Array.of(1, 2, 5, 4), 0x41000);
    guest.run();
    expect(guest.get("ecx")).toBe(6);
    expect(guest.core.getEflags() & 0xc1).toBe(0x81);
  });

  it("keeps the flags when the count is 0", () => {
    const guest = Guest.flat("xorl %ecx, %ecx\n stc\n repe cmpsl\n hlt").run();
    expect(guest.core.getEflags() & 0x41).toBe(0x41);
  });

  it("scans over page boundaries in both directions", () => {
    for (const [direction, start, found] of [
      ["cld", 0x40800, 0x42802],
      ["std", 0x44000, 0x427fe],
    ] as const) {
      const guest = Guest.flat(
        `${direction}\n movl $${start}, %edi\n movl $0x10000, %ecx\n movw $0x1234, %ax\n repne scasw\n hlt`,
      );
      guest.memory.load(Uint8Array.of(0x34, 0x12), 0x42800);
      expect(guest.run().get("edi")).toBe(found);
    }
  });
});

describe("segments of string operands", () => {
  it("are checked: DS may be overridden, ES may not", () => {
    const guest = Guest.flat("movl $0x100, %esi\n movl $0x100, %edi\n fs movsb\n hlt");
    guest.catchExceptions();
    guest.core.setSegment(DS, 0x10, 0, 0xff, FLAT_DATA);
    guest.core.setSegment(ES, 0x10, 0, 0x100, FLAT_DATA);
    guest.memory.load(Uint8Array.of(0x5a), 0x100);
    guest.run();
    expect([guest.get("eax"), guest.get("edi")]).toEqual([0, 0x101]);
  });
});
