import { describe, expect, it } from "vitest";
import { Block, CodeCache } from "../../../emulator/cpu/block-cache.ts";
import { decodeInstruction } from "../../../emulator/cpu/decoder.ts";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.ts";

class Client {
  readonly marked: number[] = [];
  ended = 0;
  markCodePage(hostPage: number): void {
    this.marked.push(hostPage);
  }
  endBlock(): void {
    this.ended++;
  }
  blocksDropped(): void {}
}

function setUp() {
  const memory = new PhysicalMemory(1 << 20, 1);
  const cache = new CodeCache(memory);
  const client = new Client();
  cache.attach(client);
  const host = (physical: number) => memory.ramOffset + physical;
  /** A block of `count` NOPs. */
  const nops = (physical: number, count: number, codeSize32 = true, secondPage = -1) => {
    const ops = Array.from({ length: count }, (_, i) => {
      const op = decodeInstruction(Uint8Array.of(0x90), 0, 1, codeSize32)!;
      op.offset = i;
      return op;
    });
    return new Block(ops, host(physical), codeSize32, secondPage);
  };
  return { memory, cache, client, host, nops };
}

describe("CodeCache", () => {
  it("finds blocks by host offset and code size", () => {
    const { cache, host, nops } = setUp();
    const block = nops(0x5000, 4);
    cache.insert(block);
    expect(cache.find(host(0x5000), true)).toBe(block);
    expect(cache.find(host(0x5000), false)).toBeUndefined();
    expect(cache.find(host(0x5001), true)).toBeUndefined();
    expect(cache.hasCode(host(0x5000) >>> 12)).toBe(true);
    expect(cache.hasCode(host(0x6000) >>> 12)).toBe(false);
  });

  it("drops the blocks that a write overlaps, and no others", () => {
    const { cache, client, host, nops } = setUp();
    const [first, second] = [nops(0x5000, 4), nops(0x5010, 4)];
    cache.insert(first);
    cache.insert(second);
    expect(client.marked).toEqual([host(0x5000) >>> 12]);
    expect(cache.bytesWritten(host(0x5004), 4)).toBe(false);
    expect(cache.bytesWritten(host(0x500c), 4)).toBe(false);
    expect(cache.bytesWritten(host(0x5003), 1)).toBe(true);
    expect([first.valid, second.valid, client.ended]).toEqual([false, true, 1]);
    expect(cache.bytesWritten(host(0x5000), 4)).toBe(false);
    expect(cache.bytesWritten(host(0x500e), 4)).toBe(true);
    // What was emptied may soon be filled again: the page is forgotten after some more writes to it.
    for (let writes = 0; writes < 100; writes++) cache.bytesWritten(host(0x5000), 4);
    expect(cache.hasCode(host(0x5000) >>> 12)).toBe(false);
  });

  it("drops what devices and loaders write over", () => {
    const { memory, cache, host, nops } = setUp();
    const block = nops(0x5000, 4);
    cache.insert(block);
    expect(memory.codePages[host(0x5000) >>> 12]).toBe(1);
    memory.write8(0x5abc, 1);
    expect(block.valid).toBe(false);
    expect(memory.codePages[host(0x5000) >>> 12]).toBe(0);
    expect(cache.find(host(0x5000), true)).toBeUndefined();
  });

  it("knows a block from either of its two pages", () => {
    for (const [offset, hit] of [
      [0x5fff, true],
      [0x6000, true],
      [0x6001, false],
    ] as const) {
      const { cache, host } = setUp();
      const op = decodeInstruction(Uint8Array.of(0xb0, 1), 0, 2, true)!;
      const block = new Block([op], host(0x5fff), true, host(0x6000) >>> 12);
      cache.insert(block);
      expect(cache.bytesWritten(host(offset), 1)).toBe(hit);
      expect(block.valid).toBe(!hit);
    }
  });

  it("does not grow without bound", () => {
    const { cache, nops } = setUp();
    const blocks: Block[] = [];
    for (let i = 0; i < 7000; i++) {
      const block = nops(i * 8, 48);
      blocks.push(block);
      cache.insert(block);
    }
    const kept = blocks.filter((block) => block.valid).length;
    expect(kept).toBeGreaterThan(0);
    expect(kept * 48).toBeLessThanOrEqual(1 << 18);
  });
});
