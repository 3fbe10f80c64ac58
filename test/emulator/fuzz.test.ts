import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CR0_PE, CS, ESP } from "../../emulator/cpu/state-layout.ts";
import { Machine } from "../../emulator/index.ts";

const CODE = 0x10000;
const IDT = 0x1000;
const GDT = 0x1800;
const HANDLER = 0x2000;
const STACK = 0x8000;

/** Ports of all devices, and some of none. */
const PORTS: readonly (readonly [first: number, count: number])[] = [
  [0x20, 2],
  [0xa0, 2],
  [0x4d0, 2],
  [0x40, 4],
  [0x61, 1],
  [0x60, 5],
  [0x70, 2],
  [0x92, 1],
  [0x22, 2],
  [0xf0, 2],
  [0x1f0, 8],
  [0x170, 8],
  [0x3f6, 1],
  [0x376, 1],
  [0x3f8, 8],
  [0x2f8, 8],
  [0x3c0, 0x20],
  [0xe9, 1],
  [0x80, 1],
  [0, 0x10000],
];

/** Memory that is a device's. */
const REGISTERS: readonly (readonly [first: number, count: number])[] = [
  [0xfee00000, 0x400],
  [0xfec00000, 0x40],
  [0xb8000, 0x8000],
  [0xa0000, 0x20000],
  [0xf0000000, 0x1000000],
  [0xfffffff0, 0x10],
];

const place = (ranges: readonly (readonly [number, number])[]) =>
  fc.tuple(fc.constantFrom(...ranges), fc.nat()).map(([[first, count], n]) => (first + (n % count)) >>> 0);

const value = fc.oneof(fc.nat(0xff), fc.constantFrom(0, 1, 0x20, 0x60, 0xec, 0x30, 0xffffffff), fc.nat(0xffffffff));
const size = fc.constantFrom(1, 2, 4);
const access = fc.record({
  kind: fc.constantFrom("in", "out", "out", "load", "store", "store", "wait"),
  port: place(PORTS),
  address: fc.oneof(
    place(REGISTERS),
    place(REGISTERS).map((address) => (address & ~0xf) >>> 0),
  ),
  value,
  size,
});
type Access = typeof access extends fc.Arbitrary<infer T> ? T : never;

const word = (value: number) => [value & 0xff, (value >>> 8) & 0xff];
const dword = (value: number) => [...word(value), ...word(value >>> 16)];

/** The instructions of one access, in 32-bit code. */
function instructions({ kind, port, address, value, size }: Access): number[] {
  const prefix = size === 2 ? [0x66] : [];
  const wide = size === 1 ? 0 : 1;
  // mov $value, %eax; mov $port, %edx
  const operands = [0xb8, ...dword(value), 0xba, ...dword(port)];
  switch (kind) {
    case "in":
      return [...operands, ...prefix, 0xec | wide];
    case "out":
      return [...operands, ...prefix, 0xee | wide];
    case "load":
      return [...prefix, 0xa0 | wide, ...dword(address)];
    case "store":
      return [...operands, ...prefix, 0xa2 | wide, ...dword(address)];
    default:
      // sti; hlt: until a device interrupts.
      return [0xfb, 0xf4];
  }
}

/** Flat ring 0 with an IDT whose every handler returns, and the accesses as a program that repeats. */
function load(machine: Machine, accesses: readonly Access[]): void {
  machine.reset();
  const body = accesses.flatMap(instructions);
  // jmp to the start
  machine.load(Uint8Array.from([...body, 0xe9, ...dword(-(body.length + 5))]), CODE);
  machine.load(Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0]), GDT);
  for (let vector = 0; vector < 256; vector++) {
    machine.load(Uint8Array.from([...dword((8 << 16) | HANDLER), ...dword(0x8e00)]), IDT + vector * 8);
  }
  // iret
  machine.load(Uint8Array.of(0xcf), HANDLER);
  const core = machine.cores[0];
  core.cr0 |= CR0_PE;
  for (const seg of [0, 2, 3, 4, 5]) core.setSegment(seg, 0x10, 0, -1, 0xc093);
  core.setSegment(CS, 8, 0, -1, 0xc09b);
  core.gdtrBase = GDT;
  core.gdtrLimit = 15;
  core.idtrBase = IDT;
  core.idtrLimit = 0x7ff;
  core.r[ESP] = STACK;
  core.eip = CODE;
}

describe("random accesses to ports and memory-mapped registers", () => {
  it("never trouble the host, and time goes on", () => {
    const machine = new Machine({
      memoryBytes: 1 << 20,
      cpus: 2,
      disks: [{ image: new Uint8Array(64 * 512) }, null, { image: new Uint8Array(16 * 512) }],
    });
    const stops = new Set(["budget", "exit", "triple-fault", "halted-forever"]);
    fc.assert(
      fc.property(fc.array(access, { minLength: 1, maxLength: 60 }), (accesses) => {
        load(machine, accesses);
        const before = machine.cycles;
        const { kind } = machine.run({ maxInstructions: 500, untilCycle: before + 50_000_000 });
        expect(stops.has(kind) && machine.cycles >= before).toBe(true);
      }),
      { numRuns: 800 },
    );
  });

  it("read values as wide as the access", () => {
    const machine = new Machine({ memoryBytes: 1 << 20, disks: [{ image: new Uint8Array(16 * 512) }] });
    const { ports, memory } = machine;
    const fits = (read: number, bits: number) => (bits === 32 ? read === (read | 0) : read >= 0 && read < 1 << bits);
    fc.assert(
      fc.property(place(PORTS), place(REGISTERS), (port, address) => {
        expect(fits(ports.read8(port), 8) && fits(ports.read16(port), 16) && fits(ports.read32(port), 32)).toBe(true);
        expect(fits(memory.read8(address), 8) && fits(memory.read16(address), 16)).toBe(true);
        expect(fits(memory.read32(address), 32)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
