/** What snapshots are made of: no byte is lost, whatever there is to save. */
import { describe, expect, it } from "vitest";
import { Clock } from "../../emulator/clock.ts";
import { Machine } from "../../emulator/index.ts";
import type { Snapshot } from "../../emulator/snapshot.ts";
import { SnapshotReader, SnapshotWriter } from "../../emulator/snapshot-bytes.ts";
import { same } from "./busy-machine.ts";

/** Lengths at which the writer's buffer grows. */
const GROWTHS = [1 << 14, 1 << 15, 1 << 16];

/** What a device may save: written, and read back into an array. */
const VALUES: Readonly<Record<string, (s: Snapshot, restored: unknown[]) => void>> = {
  flag: (s, restored) => restored.push(s.flag(true)),
  choice: (s, restored) => restored.push(s.choice("xyz", ["abc", "xyz"])),
  integer: (s, restored) => restored.push(s.integer(0x12345678, 0, 0xffffffff)),
  bytes: (s, restored) => {
    const bytes = s.restoring ? new Uint8Array(5) : Uint8Array.of(9, 8, 7, 6, 5);
    s.bytes(bytes);
    restored.push(...bytes);
  },
  list: (s, restored) => {
    const list = s.restoring ? [] : [3, 1, 2];
    s.list(list, 3, 3);
    restored.push(...list);
  },
  section: (s) => s.section("name"),
};

describe("a snapshot whose buffer grows", () => {
  for (const [kind, value] of Object.entries(VALUES)) {
    it(`keeps a ${kind} at each place around the growth`, () => {
      for (const growth of GROWTHS) {
        for (let before = growth - 24; before <= growth + 1; before++) {
          const both = (s: Snapshot) => {
            const restored: unknown[] = [];
            const first = s.restoring ? new Uint8Array(before) : new Uint8Array(before).fill(0xa5);
            s.bytes(first);
            value(s, restored);
            value(s, restored);
            restored.push(s.flag(true));
            return [first.every((byte) => byte === 0xa5), ...restored];
          };
          const writer = new SnapshotWriter(new Clock());
          const saved = both(writer);
          const reader = new SnapshotReader(writer.finish());
          expect(both(reader), `${kind} after ${before} bytes`).toEqual(saved);
          reader.finish();
        }
      }
    });
  }
});

describe("a machine's snapshot", () => {
  const BYTES = 1 << 20;

  it("has RAM whose last page is used", () => {
    for (const used of [BYTES, BYTES - 1, BYTES - 4096, BYTES - 4097]) {
      const machine = new Machine({ memoryBytes: BYTES });
      machine.memory.load(Uint8Array.of(0x5a), used - 1);
      const twin = Machine.restore(machine.save());
      expect(twin.readPhysical(used - 1, 1)).toEqual(Uint8Array.of(0x5a));
      expect(same(twin.save(), machine.save())).toBe(true);
    }
  });

  it("has RAM of any number of pages, all of them used", () => {
    for (const pages of [256, 257, 319, 320, 321]) {
      const machine = new Machine({ memoryBytes: pages * 4096 });
      for (let page = 256; page < pages; page++) machine.memory.load(new Uint8Array(4096).fill(page), page * 4096);
      machine.memory.load(new Uint8Array(0xa0000).fill(0x77), 0);
      const twin = Machine.restore(machine.save());
      expect(same(twin.readPhysical(0, pages * 4096), machine.readPhysical(0, pages * 4096))).toBe(true);
    }
  });
});
