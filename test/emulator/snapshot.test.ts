import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32 } from "../../emulator/crc32.ts";
import { Machine, RandomInterleaver, SnapshotError } from "../../emulator/index.ts";
import { busyMachine, OPTIONS, same } from "./busy-machine.ts";

/** Changes a snapshot, and makes its checksum fit again. */
function forged(bytes: Uint8Array, change: (body: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy.subarray(16));
  new DataView(copy.buffer).setInt32(12, crc32(copy.subarray(16)), true);
  return copy;
}

describe("a restored machine", () => {
  it("runs a program that uses everything", () => {
    const machine = busyMachine();
    expect(machine.run({ maxInstructions: 200_000 })).toEqual({ kind: "budget" });
    expect(machine.memory.read32(0x40000)).toBeGreaterThan(10);
    expect(machine.memory.read32(0x40004)).toBeGreaterThan(10);
    expect(machine.memory.read32(0x40014)).toBeGreaterThan(1000);
    expect(machine.counters.halts).toBeGreaterThan(3);
    expect(machine.memory.read8(0x41001)).not.toBe(0);
  });

  it("goes on as the saved one does, bit for bit, wherever it was saved", () => {
    const steps = fc.integer({ min: 0, max: 30_000 });
    fc.assert(
      fc.property(steps, steps, fc.integer(), (before, after, seed) => {
        const options = () => ({ ...OPTIONS, interleaver: new RandomInterleaver(seed | 0) });
        const machine = busyMachine(options());
        let sent = "";
        machine.onSerialOutput = (byte) => (sent += String.fromCharCode(byte));
        machine.run({ maxInstructions: before });
        const saved = machine.save();
        expect(same(machine.save(), saved)).toBe(true);

        const twin = Machine.restore(saved, { disks: OPTIONS.disks!, interleaver: new RandomInterleaver(0) });
        let sentByTwin = "";
        twin.onSerialOutput = (byte) => (sentByTwin += String.fromCharCode(byte));
        expect(same(twin.save(), saved)).toBe(true);
        sent = "";
        machine.run({ maxInstructions: after });
        twin.run({ maxInstructions: after });
        expect(twin.cycles).toBe(machine.cycles);
        expect(sentByTwin).toBe(sent);
        expect(same(twin.save(), machine.save())).toBe(true);
      }),
      { numRuns: 8 },
    );
  });

  it("can be the same machine, set back", () => {
    const machine = busyMachine();
    machine.run({ maxInstructions: 5000 });
    const saved = machine.save();
    machine.run({ maxInstructions: 40_000 });
    const later = machine.save();
    machine.loadRom(new Uint8Array(4096), 0xf0000);
    machine.restore(saved);
    expect(machine.memory.peek(0xf0000, 1)).toEqual(Uint8Array.of(0));
    expect(same(machine.save(), saved)).toBe(true);
    machine.run({ maxInstructions: 40_000 });
    expect(same(machine.save(), later)).toBe(true);
  });

  it("has the ROMs, and what was written to the disks", () => {
    const machine = new Machine({ ...OPTIONS, cpus: 1 });
    machine.loadRom(Uint8Array.of(1, 2, 3), 0xff000);
    machine.disks[0]!.write(3, new Uint8Array(512).fill(9));
    const twin = Machine.restore(machine.save(), { disks: OPTIONS.disks! });
    expect(twin.readPhysical(0xfffff000, 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(twin.disks[0]!.read(3)[0]).toBe(9);
    twin.memory.write8(0xff000, 7);
    expect(twin.memory.read8(0xff000)).toBe(1);
  });

  it("is small when its memory is empty", () => {
    expect(new Machine({ memoryBytes: 64 << 20 }).save().length).toBeLessThan(100_000);
  });
});

describe("what cannot be saved or restored", () => {
  const saved = busyMachine().save();
  const own = (bytes: Uint8Array) => () => Machine.restore(bytes, { disks: OPTIONS.disks! });

  it("says what is wrong with the bytes", () => {
    expect(own(new Uint8Array(3))).toThrow('not a snapshot: it does not begin with "esp0snap"');
    expect(own(saved.subarray(0, 12))).toThrow("the snapshot ends after 12 bytes");
    const newer = saved.slice();
    newer[8] = 99;
    expect(own(newer)).toThrow("a snapshot of version 99; this emulator reads version 3");
    const damaged = saved.slice();
    damaged[1000] ^= 1;
    expect(own(damaged)).toThrow("the snapshot is damaged: its checksum does not fit");
    expect(own(forged(saved, (body) => body.fill(0)))).toThrow(SnapshotError);
  });

  it("refuses a snapshot of another machine, and leaves this one as it was", () => {
    const machine = new Machine({ memoryBytes: 2 << 20 });
    const before = machine.save();
    expect(() => machine.restore(saved)).toThrow(
      "a snapshot of a machine with memoryBytes 4194304; this one has 2097152",
    );
    const forgiving = new Machine({ ...OPTIONS, serial: {} });
    expect(() => forgiving.restore(saved)).toThrow("a snapshot of a machine with strictUart true; this one has false");
    expect(() => Machine.restore(saved)).toThrow(SnapshotError);
    expect(same(machine.save(), before)).toBe(true);
  });

  it("refuses machines whose state is not all their own", () => {
    const scheduled = new Machine();
    scheduled.clock.schedule(100, () => {});
    expect(() => scheduled.save()).toThrow("1 events in its clock are not its devices' but the host's");
    const running = busyMachine();
    let thrown: unknown;
    running.run({
      maxInstructions: 10,
      until: () => {
        try {
          running.save();
        } catch (error) {
          thrown = error;
        }
        return true;
      },
    });
    expect(String(thrown)).toContain("cannot be saved from a callback while it runs");
  });

  it("survives forged snapshots: either refused, or a machine that runs", () => {
    const machine = busyMachine();
    machine.run({ maxInstructions: 20_000 });
    const bytes = machine.save();
    // RAM may hold anything; forge what comes before and after it.
    const start = 16;
    const spots = fc.oneof(
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: bytes.length - start - 16_000, max: bytes.length - start - 1 }),
    );
    const changes = fc.array(fc.tuple(spots, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    let refused = 0;
    fc.assert(
      fc.property(changes, (list) => {
        const twin = new Machine(OPTIONS);
        try {
          twin.restore(
            forged(bytes, (body) => {
              for (const [at, value] of list) body[at] = value;
            }),
          );
        } catch (error) {
          if (!(error instanceof SnapshotError)) throw error;
          refused++;
          return;
        }
        twin.run({ maxInstructions: 300 });
      }),
      { numRuns: 30 },
    );
    expect(refused).toBeGreaterThan(0);
  });
});
