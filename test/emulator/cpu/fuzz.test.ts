import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Core } from "../../../emulator/cpu/core.ts";
import {
  CPL,
  CR0_AM,
  CR0_PE,
  CR0_PG,
  CR0_WP,
  CS,
  ECX,
  EDI,
  ESI,
  ESP,
  FLAG_DF,
  FLAG_FIXED,
  FLAG_IOPL,
  FLAG_VM,
  LDTR,
  TR,
  ZERO,
} from "../../../emulator/cpu/state-layout.ts";
import { Machine } from "../../../emulator/index.ts";
import { Guest } from "./guest.ts";
import { Random } from "./host-cpu/random.ts";

/** Physical addresses of what a program finds. Memory is 1 MiB. */
const RAM = 1 << 20;
const GDT = 0x1000;
const LDT = 0x1800;
const IDT = 0x2000;
const TSS = 0x3000;
const TSS2 = 0x3800;
const STACK = 0x7000;
const PAGE_DIRECTORY = 0x8000;
const PAGE_TABLE = 0x9000;
const CODE = 0x10000;
const TABLE_ENTRIES = 32;

const EFLAGS_BITS = 0x3f7fd7;

/** Opcodes that take part of the machine with them, so that random bytes hold enough of them; 0F is one of them. */
const INTERESTING = [
  0x0f, 0x0f, 0x0f, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x64, 0x8e, 0x9a, 0xea, 0xcb, 0xcf, 0xcd, 0x9d, 0x9c,
  0xff, 0xa4, 0xa5, 0xaa, 0xab, 0xa6, 0xaf, 0x6c, 0x6f, 0xee, 0xef, 0xec, 0xe6, 0xfb, 0xf4, 0xc8, 0x17, 0xd9, 0xdd,
  0xdb, 0xe8,
];
const INTERESTING_0F = [
  0x00, 0x01, 0x02, 0x03, 0x06, 0x20, 0x21, 0x22, 0x23, 0x30, 0x32, 0x34, 0x35, 0xa2, 0x31, 0xc7, 0xb2,
];

const codeBytes = fc
  .array(fc.tuple(fc.nat(3), fc.nat(255), fc.nat(255)), { minLength: 8, maxLength: 60 })
  .map((tuples) =>
    Uint8Array.from(
      tuples.flatMap(([kind, a, b]) =>
        kind === 0
          ? [INTERESTING[a % INTERESTING.length], b]
          : kind === 1
            ? [0x0f, INTERESTING_0F[a % INTERESTING_0F.length], b]
            : [a, b],
      ),
    ),
  );

const MODES = ["real", "protected 16", "protected 32", "virtual 8086"] as const;

const situation = fc.record({
  mode: fc.constantFrom(...MODES),
  ring: fc.constantFrom<0 | 3>(0, 3),
  paging: fc.boolean(),
  code: codeBytes,
  /** Makes tables, registers and flags. */
  seed: fc.integer(),
});
type Situation = typeof situation extends fc.Arbitrary<infer T> ? T : never;

function write32(machine: Machine, address: number, value: number): void {
  machine.memory.write32(address, value);
}

/** A descriptor whose parts are each likely to make sense. */
function descriptor(random: Random): [number, number] {
  const base = random.pick([0, 0, 0, TSS2, LDT, CODE, random.bits()]);
  const limit = random.pick([0xfffff, 0xffff, 0x67, 0x2b, 0xfff, random.bits() & 0xfffff]);
  const access = random.pick([0x9a, 0xfa, 0x92, 0xf2, 0x96, 0x9e, 0x89, 0x8b, 0x81, 0x82, 0xe9, random.below(256)]);
  const flags = random.pick([0xc, 0x4, 0, 8, random.below(16)]);
  if (random.oneIn(5)) return gate(random);
  return [
    (limit & 0xffff) | (base << 16),
    ((base >>> 16) & 0xff) | (access << 8) | (limit & 0xf0000) | (flags << 20) | (base & 0xff000000),
  ];
}

function gate(random: Random): [number, number] {
  const offset = random.pick([CODE, CODE + random.below(64), STACK, random.bits()]);
  const access = random.pick([0x8e, 0xee, 0x8f, 0x86, 0xe6, 0x85, 0xe5, 0x8c, 0xec, 0x84, random.below(256)]);
  return [(selector(random) << 16) | (offset & 0xffff), (offset & 0xffff0000) | (access << 8) | random.below(33)];
}

function selector(random: Random): number {
  return random.oneIn(10) ? random.bits() & 0xffff : random.below(TABLE_ENTRIES * 8);
}

/** Random tables: half of the entries are as a sane system has them, so that programs get somewhere. */
function fillTables(machine: Machine, random: Random): void {
  const put = (address: number, [low, high]: [number, number]) => {
    write32(machine, address, low);
    write32(machine, address + 4, high);
  };
  for (let i = 1; i < TABLE_ENTRIES; i++) {
    put(GDT + i * 8, descriptor(random));
    put(LDT + i * 8, descriptor(random));
  }
  put(GDT + 8, [0xffff, 0xcf9a00]);
  put(GDT + 16, [0xffff, 0xcf9200]);
  put(GDT + 24, [0xffff, 0xcffa00]);
  put(GDT + 32, [0xffff, 0xcff200]);
  for (let i = 0; i < 256; i++) {
    put(IDT + i * 8, random.oneIn(3) ? gate(random) : [(8 << 16) | (CODE & 0xffff), (CODE & 0xffff0000) | 0xee00]);
  }
  // The interrupt table of real mode.
  for (let i = 0; i < 256; i++)
    write32(machine, i * 4, random.oneIn(4) ? random.bits() : ((CODE >> 4) << 16) | random.below(64));
  for (const task of [TSS, TSS2]) {
    for (let i = 0; i < 0x68; i += 4) {
      write32(machine, task + i, random.pick([selector(random), STACK, CODE, PAGE_DIRECTORY, random.bits()]));
    }
    write32(machine, task + 4, STACK);
    write32(machine, task + 8, 0x10);
  }
  for (let i = 0; i < 1024; i++) {
    const regular = (i & 0xff) << 12;
    const rights = random.oneIn(8) ? random.below(4096) : 7;
    write32(machine, PAGE_TABLE + i * 4, (random.oneIn(30) ? random.bits() & ~0xfff : regular) | rights);
  }
  const rights = random.oneIn(8) ? random.below(4096) : 7;
  for (const entry of [0, 1, 0x300, 0x3fb]) write32(machine, PAGE_DIRECTORY + entry * 4, PAGE_TABLE | rights);
  // A large page, and one that maps the tables themselves.
  write32(machine, PAGE_DIRECTORY + 8, (random.bits() & 0xffc00000) | 0x87);
  write32(machine, PAGE_DIRECTORY + 12, PAGE_DIRECTORY | 7);
}

function fillRegisters(core: Core, random: Random): void {
  for (let i = 0; i < 8; i++) core.r[i] = random.pick([random.value(), STACK, CODE, 0xb8000, TSS, GDT, 0xfffff]);
  core.r[ESP] = random.oneIn(6) ? random.value() : STACK;
}

function enterMode({ mode, ring, paging }: Situation, core: Core, random: Random): void {
  const is32 = mode === "protected 32";
  const isProtected = mode === "protected 16" || is32;
  const cpl = isProtected ? ring : mode === "real" ? 0 : 3;
  core.gdtrBase = GDT;
  core.gdtrLimit = TABLE_ENTRIES * 8 - 1;
  core.idtrBase = mode === "real" ? 0 : IDT;
  core.idtrLimit = random.oneIn(10) ? random.below(0x800) : 0x7ff;
  core.cr3 = PAGE_DIRECTORY | (random.oneIn(10) ? random.below(4096) : 0);
  core.cr4 = random.bits() & 0x9f & random.bits();
  // With MP, EM, TS and NE at random.
  const numeric = random.bits() & 0x2e & random.bits();
  const memory = (paging ? CR0_PG | (random.oneIn(2) ? CR0_WP : 0) : 0) | CR0_AM;
  core.cr0 = mode === "real" ? 0x10 | numeric : CR0_PE | 0x10 | numeric | memory;
  core.setSegment(TR, 0x28, TSS, random.oneIn(4) ? 0x2b : 0x67, 0x8b);
  core.setSegment(LDTR, 0x30, LDT, TABLE_ENTRIES * 8 - 1, 0x82);
  const flat = isProtected && random.oneIn(2);
  const size = is32 ? 0x4000 : 0;
  for (let seg = 0; seg < 6; seg++) {
    if (seg === CS) continue;
    const base = flat || random.oneIn(2) ? 0 : random.pick([0x100, 0x7fff0, -16, random.bits()]);
    const access = random.pick([0x93, 0x93, 0x91, 0x97]) | (cpl << 5);
    const isRegular = seg === 2 || flat || !isProtected;
    if (!isProtected)
      core.setSegment(seg, (base >>> 4) & 0xffff, ((base >>> 4) & 0xffff) << 4, 0xffff, 0x93 | (cpl << 5));
    else
      core.setSegment(
        seg,
        0x20 | cpl,
        isRegular ? 0 : base,
        flat ? -1 : 0xffff,
        (isRegular ? 0x93 | (cpl << 5) : access) | size,
      );
  }
  if (isProtected) core.setSegment(CS, 0x08 | cpl, 0, is32 ? -1 : 0x1ffff, 0x9b | (cpl << 5) | size);
  else core.setSegment(CS, CODE >> 4, CODE, 0xffff, mode === "real" ? 0x93 : 0xf3);
  core.setCpl(cpl);
  // IF, IOPL, NT, RF, AC and TF as it comes.
  const flags = random.bits() & EFLAGS_BITS & ~FLAG_VM & (random.oneIn(4) ? -1 : ~0x14100);
  core.setEflags(flags | FLAG_FIXED | (mode === "virtual 8086" ? FLAG_VM : 0) | (random.oneIn(2) ? FLAG_IOPL : 0));
  core.eip = isProtected ? CODE : 0;
}

/** RAM below and above display memory. */
const LOW = new Uint8Array(0xa0000);
const HIGH = new Uint8Array(RAM - 0xc0000);

/** Puts a machine into the situation, whatever happened to it before. */
function prepare(machine: Machine, values: Situation): void {
  const random = new Random(values.seed);
  machine.reset();
  machine.load(LOW, 0);
  machine.load(HIGH, 0xc0000);
  fillTables(machine, random);
  machine.load(values.code, CODE);
  const core = machine.cores[0];
  fillRegisters(core, random);
  enterMode(values, core, random);
}

function newMachine(): Machine {
  return new Machine({ memoryBytes: RAM, cpus: 2, disks: [{ image: new Uint8Array(64 * 512) }] });
}

/** Whether what holds of a core whatever it has run does hold. */
function isSane(core: Core): boolean {
  const flags = core.getEflags();
  const cpl = core.r[CPL];
  const isReal = (core.cr0 & CR0_PE) === 0;
  const rightPrivilege = (flags & FLAG_VM) !== 0 ? cpl === 3 : isReal ? cpl === 0 : cpl >= 0 && cpl <= 3;
  return core.r[ZERO] === 0 && (flags & FLAG_FIXED) !== 0 && (flags & ~EFLAGS_BITS) === 0 && rightPrivilege;
}

/** All that a program can have changed in a core. */
function stateOf(machine: Machine): unknown {
  const cores = machine.cores.map((core) => [
    ...core.r.subarray(0, 10),
    core.getEflags(),
    ...core.r.subarray(16, 37),
    ...core.r.subarray(48, 88),
  ]);
  return { cores, instructions: machine.instructions, cycles: machine.cycles };
}

const STOPS: ReadonlySet<string> = new Set(["budget", "exit", "triple-fault", "halted-forever"]);

describe("random bytes as code, in every mode", () => {
  it("run to the end of their budget, or to a documented stop, and leave a sane core", () => {
    const machine = newMachine();
    fc.assert(
      fc.property(situation, (values) => {
        prepare(machine, values);
        const before = machine.instructions;
        const { kind } = machine.run({ maxInstructions: 400 });
        expect(STOPS.has(kind) && machine.instructions - before <= 400 && machine.cores.every(isSane)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it("run the same in one piece and in many", () => {
    fc.assert(
      fc.property(situation, fc.integer({ min: 1, max: 40 }), (values, piece) => {
        const whole = newMachine();
        const parts = newMachine();
        prepare(whole, values);
        prepare(parts, values);
        whole.run({ maxInstructions: 120 });
        for (let left = 120; left > 0; left -= piece) {
          if (parts.run({ maxInstructions: Math.min(piece, left) }).kind !== "budget") break;
        }
        expect(stateOf(parts)).toEqual(stateOf(whole));
        const memory = (machine: Machine) => Buffer.from(machine.readPhysical(0, RAM));
        expect(memory(parts).equals(memory(whole))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a repeated string instruction with a huge count", () => {
  const OPCODES = [0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0x6c, 0x6d, 0x6e, 0x6f];

  it("does no more than a page at a time", () => {
    const guest = Guest.flat();
    const { core } = guest;
    fc.assert(
      fc.property(
        fc.constantFrom(...OPCODES),
        fc.constantFrom(0xf2, 0xf3),
        fc.boolean(),
        fc.integer(),
        fc.integer(),
        (opcode, prefix, down, source, destination) => {
          guest.load(Uint8Array.of(prefix, opcode, 0xeb, 0xfe));
          guest.catchExceptions();
          core.halted = false;
          core.r[ESP] = 0x8000;
          core.r[ECX] = -1;
          core.r[ESI] = source;
          core.r[EDI] = destination;
          core.setEflags(down ? FLAG_DF : 0);
          core.run(1);
          expect(-1 - core.r[ECX]).toBeGreaterThanOrEqual(0);
          expect(-1 - core.r[ECX]).toBeLessThanOrEqual(4096);
        },
      ),
      { numRuns: 300 },
    );
  });
});
