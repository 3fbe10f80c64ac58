import { describe, expect, it } from "vitest";
import { decodeInstruction } from "../../../emulator/cpu/decoder.ts";
import { CS, DS, FS, SS } from "../../../emulator/cpu/state-layout.ts";
import { FLAT_CODE, FLAT_DATA, Guest, ORIGIN } from "./guest.ts";

const decode = (bytes: number[], codeSize32 = true) =>
  decodeInstruction(Uint8Array.from(bytes), 0, bytes.length, codeSize32);

/** Runs bytes at CPL 0 and tells the vector of the exception they raise. */
function vectorOf(bytes: number[]): number {
  const guest = Guest.flat(Uint8Array.from([...bytes, 0xf4]));
  guest.catchExceptions();
  guest.set("eax", 0x4000);
  guest.run();
  return guest.core.eip >= 0x2000 && guest.core.eip < 0x3000 ? guest.get("eax") : -1;
}

describe("decoding", () => {
  it.each([
    ["mov 0x12345678(%ecx,%edx,8),%eax", [0x8b, 0x84, 0xd1, 0x78, 0x56, 0x34, 0x12], 7, 1, 2, 3, 0x12345678, DS],
    ["mov (%esp),%eax", [0x8b, 0x04, 0x24], 3, 4, 8, 0, 0, SS],
    ["mov -4(%ebp),%eax", [0x8b, 0x45, 0xfc], 3, 5, 8, 0, -4, SS],
    ["mov 0x10,%eax", [0x8b, 0x05, 0x10, 0, 0, 0], 6, 8, 8, 0, 0x10, DS],
    ["mov 0x10(,%ebp,4),%eax", [0x8b, 0x04, 0xad, 0x10, 0, 0, 0], 7, 8, 5, 2, 0x10, DS],
    ["mov %fs:(%ebp),%eax", [0x64, 0x8b, 0x45, 0], 4, 5, 8, 0, 0, FS],
    ["mov 0x20,%eax (moffs)", [0xa1, 0x20, 0, 0, 0], 5, 8, 8, 0, 0x20, DS],
  ])("%s", (_text, bytes, length, base, index, scale, disp, seg) => {
    const op = decode(bytes)!;
    expect([op.length, op.base, op.index, op.scale, op.disp, op.seg]).toEqual([length, base, index, scale, disp, seg]);
    expect(op.isMemory).toBe(true);
  });

  it.each([
    ["mov (%bx,%si),%ax", [0x8b, 0x00], 2, 3, 6, 0, DS],
    ["mov (%bp,%di),%ax", [0x8b, 0x03], 2, 5, 7, 0, SS],
    ["mov 0x1234,%ax", [0x8b, 0x06, 0x34, 0x12], 4, 8, 8, 0x1234, DS],
    ["mov -2(%bp),%ax", [0x8b, 0x46, 0xfe], 3, 5, 8, -2, SS],
    ["mov 0x8000(%bx),%ax", [0x8b, 0x87, 0x00, 0x80], 4, 3, 8, 0x8000, DS],
  ])("%s", (_text, bytes, length, base, index, disp, seg) => {
    const op = decode(bytes, false)!;
    expect([op.length, op.base, op.index, op.disp, op.seg]).toEqual([length, base, index, disp, seg]);
    expect([op.operandSize, op.addressSize, op.addressMask]).toEqual([16, 16, 0xffff]);
  });

  it("sizes immediates by the prefixes and the code size", () => {
    expect(
      [0xb8, 0x66].map((first) => decode(first === 0x66 ? [0x66, 0xb8, 1, 2] : [0xb8, 1, 2, 3, 4])!.length),
    ).toEqual([4, 5].reverse());
    expect(decode([0x66, 0xb8, 1, 2, 3, 4], false)!.imm).toBe(0x04030201);
    expect(decode([0x67, 0xa1, 0x34, 0x12])!.disp).toBe(0x1234);
    const far = decode([0xea, 1, 2, 3, 4, 5, 6])!;
    expect([far.imm, far.imm2, far.endsBlock]).toEqual([0x04030201, 0x0605, true]);
  });

  it("says when bytes are missing", () => {
    const whole = [0x81, 0x84, 0x8a, 1, 2, 3, 4, 5, 6, 7, 8];
    for (let n = 1; n < whole.length; n++) expect(decode(whole.slice(0, n))).toBe(null);
    expect(decode(whole)!.length).toBe(whole.length);
  });

  it("takes the last of several overrides and repeat prefixes", () => {
    const op = decode([0xf3, 0x2e, 0xf2, 0x64, 0xae])!;
    expect([op.repeat, op.seg, op.endsBlock]).toEqual([2, FS, true]);
  });

  it("puts the destination of register moves into rm whichever the direction bit", () => {
    for (const bytes of [
      [0x89, 0xd3],
      [0x8b, 0xda],
    ]) {
      const op = decode(bytes)!;
      expect([op.rm, op.reg]).toEqual([3, 2]);
    }
  });
});

describe("faults of decoding", () => {
  it.each([
    ["UD2", [0x0f, 0x0b]],
    ["UD1", [0x0f, 0xb9, 0xc0]],
    ["no such opcode", [0x0f, 0x04]],
    ["group member that does not exist", [0xff, 0xf8]],
    ["LEA of a register", [0x8d, 0xc0]],
    ["LOCK on a register operand", [0xf0, 0x01, 0xc0]],
    ["LOCK on an instruction without it", [0xf0, 0x8b, 0x00]],
    ["LOCK CMP", [0xf0, 0x39, 0x00]],
    ["LOCK BT", [0xf0, 0x0f, 0xa3, 0x00]],
    ["LOCK NOP", [0xf0, 0x90]],
    ["CMPXCHG8B of a register", [0x0f, 0xc7, 0xc8]],
    ["MOV to CS", [0x8e, 0xc8]],
  ])("%s is #UD", (_text, bytes) => {
    expect(vectorOf(bytes)).toBe(6);
  });

  it.each([
    ["LOCK ADD to memory", [0xf0, 0x01, 0x00]],
    ["LOCK XADD", [0xf0, 0x0f, 0xc1, 0x08]],
    ["LOCK INC", [0xf0, 0xff, 0x00]],
    ["LOCK BTS", [0xf0, 0x0f, 0xba, 0x28, 1]],
    ["long NOP", [0x0f, 0x1f, 0x44, 0, 0]],
    ["PAUSE", [0xf3, 0x90]],
    ["15 bytes", [...new Array(14).fill(0x66), 0x90]],
  ])("%s is allowed", (_text, bytes) => {
    expect(vectorOf(bytes)).toBe(-1);
  });

  it("more than 15 bytes are #GP(0)", () => {
    expect(vectorOf([...new Array(15).fill(0x66), 0x90])).toBe(13);
    expect(vectorOf(new Array(40).fill(0x2e))).toBe(13);
  });

  it.each([
    ["EMMS of MMX", [0x0f, 0x77]],
    ["FISTTP of SSE3", [0xdf, 0x08]],
  ])("what later processors have is #UD, and is reported: %s", (_, bytes) => {
    const guest = Guest.flat(Uint8Array.of(...bytes, 0xf4));
    guest.catchExceptions();
    const reported: number[][] = [];
    guest.core.onUnimplemented = (_core, code) => void reported.push(Array.from(code));
    expect(guest.run().get("eax")).toBe(6);
    expect(reported).toEqual([bytes]);
  });

  it("WAIT is #NM with CR0.MP and TS", () => {
    const guest = Guest.flat("fwait\n hlt");
    guest.catchExceptions();
    guest.core.cr0 |= 0xa;
    expect(guest.run().get("eax")).toBe(7);
  });
});

describe("any bytes", () => {
  it("never throw anything but faults, and always make progress", () => {
    let seed = 12345;
    const next = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 16;
    for (let round = 0; round < 150; round++) {
      const guest = Guest.flat(Uint8Array.from({ length: 256 }, next));
      guest.catchExceptions();
      guest.core.setSegment(CS, 8, 0, -1, round % 3 === 0 ? FLAT_CODE & ~0x4000 : FLAT_CODE);
      guest.core.setSegment(SS, 0x10, 0, -1, round % 5 === 0 ? FLAT_DATA & ~0x4000 : FLAT_DATA);
      for (let n = 0; n < 8; n++) if (n !== 4) guest.core.r[n] = next() | (next() << (n + 10));
      if (round % 3 === 0) guest.core.eip = ORIGIN & 0xffff;
      const before = guest.core.instructions;
      guest.core.run(2000);
      expect(guest.core.instructions - before).toBeGreaterThan(0);
      expect(guest.core.instructions - before).toBeLessThanOrEqual(2000);
    }
  });
});
