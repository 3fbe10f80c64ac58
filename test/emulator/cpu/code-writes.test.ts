/** What it costs the host when a guest writes to code that was decoded: never much more than it cost to decode it. */
import { describe, expect, it } from "vitest";
import { Machine } from "../../../emulator/index.ts";

const CODE = 0x20000;
const BLOCKS = 4096;

/** A machine with a page of one-byte instructions, each decoded as the start of a block of its own, in 32-bit code. */
function fullPage(big: boolean): Machine {
  const machine = new Machine({ memoryBytes: 1 << 20 });
  const core = machine.cores[0];
  for (const segment of [0, 1, 2, 3]) {
    core.setSegment(segment, 8, 0, 0xffffffff | 0, segment === 1 ? 0xc09b : 0xc093);
  }
  core.setSegment(1, 8, 0, 0xffffffff | 0, big ? 0xc09b : 0x809b);
  machine.memory.load(new Uint8Array(BLOCKS).fill(0x90), CODE);
  for (let start = 0; start < BLOCKS; start++) {
    core.eip = CODE + start;
    machine.step();
  }
  return machine;
}

function milliseconds(action: () => void): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

function loadAndStart(machine: Machine, code: readonly number[]): void {
  machine.memory.load(Uint8Array.from(code), 0x1000);
  machine.cores[0].setSegment(1, 8, 0, 0xffffffff | 0, 0xc09b);
  machine.setRegister("eip", 0x1000);
  machine.setRegister("eax", 0x40404040);
  machine.setRegister("edi", CODE + BLOCKS - 1);
  machine.setRegister("ecx", BLOCKS);
}

describe("writes to a page full of decoded code", () => {
  it("take one instruction little time, and change what runs next", () => {
    for (const big of [true, false]) {
      const machine = fullPage(big);
      // std; rep stosb; cld
      loadAndStart(machine, [0xfd, 0xf3, 0xaa, 0xfc, 0xe9, ...bytesOf(CODE - 0x1009)]);
      expect(milliseconds(() => machine.step(3))).toBeLessThan(700);
      machine.setRegister("eax", 0);
      machine.step(101);
      // INC EAX where NOP was.
      expect(machine.getRegister("eax")).toBe(100);
      expect(machine.getRegister("eip")).toBe(CODE + 100);
    }
  });

  it("take as little when they come one instruction at a time", () => {
    const machine = fullPage(true);
    // 1: movb %al, (%edi); decl %edi; loop 1b
    loadAndStart(machine, [0x88, 0x07, 0x4f, 0xe2, 0xfb]);
    expect(milliseconds(() => machine.step(3 * BLOCKS))).toBeLessThan(700);
    expect(machine.readPhysical(CODE, BLOCKS)).toEqual(new Uint8Array(BLOCKS).fill(0x40));
  });

  it("drop nothing that another instruction shares no byte with", () => {
    const machine = fullPage(true);
    const { codeCache } = machine.cores[0];
    const host = machine.memory.hostPage(CODE >>> 12);
    // Blocks of 48 instructions: the first begins far before what is written, and ends right before it.
    loadAndStart(machine, [0xc6, 0x05, ...bytesOf(CODE + 48), 0x40]);
    machine.step();
    expect(codeCache.find(host, true)).toBeDefined();
    for (let start = 1; start <= 48; start++) expect(codeCache.find(host + start, true)).toBeUndefined();
    for (let start = 49; start < BLOCKS; start++) expect(codeCache.find(host + start, true)).toBeDefined();
  });

  it("cost little over and over when code and the writes to it alternate, with every translation in use", () => {
    const machine = new Machine({ memoryBytes: 64 << 20, cpus: 1 });
    const core = machine.cores[0];
    for (const segment of [0, 1, 2, 3]) {
      core.setSegment(segment, 8, 0, 0xffffffff | 0, segment === 1 ? 0xc09b : 0xc093);
    }
    for (let page = 0x100; page < 0x3f00; page++) core.read8(page << 12);
    // 1: movb $0xc3, 0x20000; call 0x20000; jmp 1b
    machine.memory.load(
      Uint8Array.from([0xc6, 0x05, ...bytesOf(CODE), 0xc3, 0xe8, ...bytesOf(CODE - 0x100c), 0xeb, 0xf2]),
      0x1000,
    );
    machine.setRegister("eip", 0x1000);
    machine.setRegister("esp", 0x9000);
    machine.step(100);
    expect(milliseconds(() => machine.step(40_000))).toBeLessThan(1200);
  });
});

function bytesOf(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
}
