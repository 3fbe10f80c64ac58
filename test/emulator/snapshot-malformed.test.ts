/** Bytes that are no snapshot: refused, and the machine is as it was, whatever it was doing. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { crc32 } from "../../emulator/crc32.ts";
import { Machine, SnapshotError } from "../../emulator/index.ts";
import { busyMachine, OPTIONS, same } from "./busy-machine.ts";

/** Magic, version and checksum. */
const HEADER = 16;

/** A machine of the same options that runs a few instructions of its own from 0x1000. */
function small(source: string, instructions: number): Machine {
  const machine = new Machine(OPTIONS);
  const bytes = assembleBinary(source, { file: "small.S", origin: 0x1000 });
  machine.memory.load(bytes, 0x1000);
  machine.setRegister("cs", 0);
  machine.setRegister("eip", 0x1000);
  machine.run({ maxInstructions: instructions });
  return machine;
}

function busyAfter(instructions: number): Machine {
  const machine = busyMachine();
  machine.run({ maxInstructions: instructions });
  return machine;
}

const STATES: Readonly<Record<string, () => Machine>> = {
  "switched on": () => new Machine(OPTIONS),
  "with paging, stale translations and both cores busy": () => busyAfter(20_000),
  "in the middle of a disk transfer": () => busyAfter(150),
  halted: () => small(".code16\n cli\n hlt", 10),
  "shut down": () => small(".code16\n lidt 0x1100\n int3\n .org 0x100\n .word 0, 0, 0", 10),
  "about to take a single-step trap": () => small(".code16\n movw $0x800, %sp\n pushw $0x102\n popfw\n nop\n nop", 4),
  "without A20, and with a ROM": () => {
    const machine = small(".code16\n movb $0, %al\n outb %al, $0x92\n 1: jmp 1b", 10);
    machine.loadRom(Uint8Array.of(1, 2, 3), 0xe0000);
    return machine;
  },
  "with keys, serial input and written sectors": () => {
    const machine = busyAfter(3000);
    machine.keyboard.type("More of them");
    machine.com2.receive(new Uint8Array(40).fill(7));
    machine.disks[0]!.write(3, new Uint8Array(512).fill(3));
    return machine;
  },
};

function withChecksum(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= HEADER) {
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length).setInt32(12, crc32(bytes.subarray(HEADER)), true);
  }
  return bytes;
}

/** Another state of such a machine, as bytes; that of memory is short. */
const other = busyAfter(9000).save();
const stateBytes = new DataView(other.buffer).getUint32(HEADER, true);
const inState = fc.oneof(
  fc.integer({ min: HEADER, max: HEADER + 12 + stateBytes }),
  // What comes after the registers and the TLB: devices.
  fc.integer({ min: HEADER + stateBytes - 4000, max: HEADER + 12 + stateBytes }),
);

/** Bytes that are wrong somewhere; what is right by chance may be restored. */
const malformed = fc.oneof(
  fc.integer({ min: 0, max: other.length - 1 }).map((length) => other.slice(0, length)),
  fc.integer({ min: HEADER, max: HEADER + 12 + stateBytes }).map((length) => withChecksum(other.slice(0, length))),
  // The state ends sooner, and says so.
  fc.integer({ min: 0, max: stateBytes - 1 }).map((length) => {
    const rest = other.subarray(HEADER + 4 + stateBytes);
    const bytes = Buffer.concat([other.subarray(0, HEADER + 4 + length), rest]);
    bytes.writeUInt32LE(length, HEADER);
    return withChecksum(bytes);
  }),
  fc.array(fc.tuple(inState, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }).map((changes) => {
    const bytes = other.slice();
    for (const [at, value] of changes) bytes[at] = value;
    return withChecksum(bytes);
  }),
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((body) => withChecksum(Buffer.concat([other.subarray(0, HEADER), body]))),
);

/** @returns whether the bytes were refused, and the machine as before */
function refuses(machine: Machine, bytes: Uint8Array, before: Uint8Array): boolean {
  try {
    machine.restore(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(SnapshotError);
    expect(same(machine.save(), before)).toBe(true);
    return true;
  }
  machine.run({ maxInstructions: 50 });
  machine.restore(before);
  return false;
}

describe("malformed bytes", () => {
  for (const [name, make] of Object.entries(STATES)) {
    it(`leave a machine alone that is ${name}`, () => {
      const machine = make();
      const before = machine.save();
      let refused = 0;
      fc.assert(
        fc.property(malformed, (bytes) => {
          if (refuses(machine, bytes, before)) refused++;
        }),
        { numRuns: 60 },
      );
      expect(refused).toBeGreaterThan(25);
      const twin = Machine.restore(before, { disks: OPTIONS.disks! });
      machine.run({ maxInstructions: 5000 });
      twin.run({ maxInstructions: 5000 });
      expect(same(machine.save(), twin.save())).toBe(true);
    });
  }

  it("leave a machine at the breakpoint that it has passed", () => {
    const machine = new Machine(OPTIONS);
    machine.memory.load(Uint8Array.of(0x90, 0x90, 0xeb, 0xfc), 0x1000);
    machine.setRegister("cs", 0);
    machine.setRegister("eip", 0x1000);
    machine.setBreakpoints([0x1001]);
    expect(machine.run().kind).toBe("breakpoint");
    expect(() => machine.restore(other.subarray(0, 2000))).toThrow(SnapshotError);
    expect(() => machine.restore(withChecksum(other.slice(0, HEADER + 12 + stateBytes)))).toThrow(SnapshotError);
    const short = other.slice();
    new DataView(short.buffer).setUint8(HEADER + 4 + stateBytes - 1, 99);
    expect(() => machine.restore(withChecksum(short))).toThrow(SnapshotError);
    expect(machine.run({ maxInstructions: 2 }).kind).toBe("budget");
    expect(machine.getRegister("eip")).toBe(0x1000);
  });
});
