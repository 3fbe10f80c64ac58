/**
 * The short ways of interrupts, IRET and segment loads (emulator/cpu/short-ways.ts) do what the long ones do. A watchpoint of
 * the host on descriptors and stacks keeps a machine from going the short ways.
 */
import { expect, it } from "vitest";
import { Machine } from "../../../../emulator/index.ts";
import { Random } from "../host-cpu/random.ts";
import { difference, memoryDifference } from "../tier/lock-step.ts";

const GDT = 0x1000;
const IDT = 0x2000;
const TSS = 0x3000;
const STACKS = 0x4000;
const CODE = 0x8000;
const PAGE_DIRECTORY = 0x10000;
const PAGE_TABLE = 0x11000;
const ENTRIES = 12;
const VECTOR = 0x50;
const [CS, SS, LDTR, TR] = [1, 2, 6, 7];

/** High doubleword of a segment of 4 GiB: code or data for a ring. */
function flat(code: boolean, ring: number): number {
  return 0x00cf9000 | (ring << 13) | (code ? 0xb00 : 0x300);
}

/** What may be unusual about a segment, by bits of its high doubleword: accessed, R/W, C/E, code, S, DPL, P, limit, AVL, L, D, G, base. */
const UNUSUAL = [
  ...[0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000, 0x6000, 0x8000, 0x10000],
  ...[0x100000, 0x200000, 0x400000, 0x800000, 0x1000000, 1],
];

function tweak(random: Random, value: number, bits: readonly number[]): number {
  return random.oneIn(4) ? value ^ random.pick(bits) : value;
}

interface Round {
  readonly words: readonly (readonly [address: number, value: number])[];
  readonly code: readonly number[];
  readonly cpl: number;
  readonly registers: readonly number[];
  readonly eflags: number;
  /** Of SS and TR. */
  readonly stackHigh: number;
  readonly taskAccess: number;
  readonly taskLimit: number;
  readonly idtrLimit: number;
  readonly gdtrLimit: number;
}

/** Entry 2 * n + 1 is mostly code for ring n, 2 * n + 2 data. */
function selector(random: Random): number {
  const entry = random.below(ENTRIES);
  const ring = random.oneIn(6) ? random.below(4) : ((entry - 1) >> 1) & 3;
  return (entry << 3) | (random.oneIn(20) ? 4 : 0) | ring;
}

function selectorOf(random: Random, code: boolean, ring: number): number {
  return random.oneIn(5) ? selector(random) : ((2 * ring + (code ? 1 : 2)) << 3) | ring;
}

/** Mostly in the middle of a page. */
function stackPointer(random: Random): number {
  return (
    STACKS + (random.oneIn(4) ? 0x1000 + 4 * random.below(8) - 16 : 0x200 + 4 * random.below(64)) + random.below(2)
  );
}

function instruction(random: Random): number[] {
  const kind = random.below(9);
  if (kind < 3) return [0xcd, VECTOR];
  if (kind < 6) return random.oneIn(8) ? [0x66, 0xcf] : [0xcf];
  if (kind === 6) return [0xf7, 0xf1];
  const seg = random.pick([0, 2, 3, 4, 5, 3, 0]);
  if (random.oneIn(2)) return [0x8e, 0xc0 | (seg << 3)];
  return [[0x07], [], [0x17], [0x1f], [0x0f, 0xa1], [0x0f, 0xa9]][seg];
}

function round(random: Random): Round {
  const words: [number, number][] = [];
  for (let n = 1; n < ENTRIES; n++) {
    const ring = ((n - 1) >> 1) & 3;
    words.push([GDT + 8 * n, tweak(random, 0xffff, [0x10000, 1, 0x8000])]);
    words.push([GDT + 8 * n + 4, tweak(random, flat((n & 1) !== 0, ring), UNUSUAL)]);
  }
  // Double faults and those on the way to handlers find handlers, too.
  for (const vector of [0, 8, 10, 11, 12, 13, VECTOR]) {
    const ring = random.oneIn(8) ? random.below(4) : 0;
    words.push([IDT + 8 * vector, (selectorOf(random, true, ring) << 16) | 0x9000]);
    words.push([IDT + 8 * vector + 4, tweak(random, 0xee00, [0x100, 0x200, 0x800, 0x1000, 0x2000, 0x6000, 0x8000])]);
  }
  for (let ring = 0; ring < 3; ring++) {
    words.push([TSS + 4 + 8 * ring, stackPointer(random)]);
    words.push([TSS + 8 + 8 * ring, selectorOf(random, false, ring)]);
  }
  const cpl = random.pick([0, 0, 3, 3, 3, 1, 2]);
  const esp = stackPointer(random);
  const to = random.oneIn(3) ? random.between(cpl, 3) : 3;
  const kept = random.bits() & 0x244fd5;
  const eflags = random.oneIn(10) ? kept : kept & ~0x4100;
  const returned = random.oneIn(8) ? random.bits() : random.bits() & 0x247fd5 & ~0x4100;
  const frame = [0x9100, selectorOf(random, true, to), returned, stackPointer(random), selectorOf(random, false, to)];
  frame.forEach((value, i) => {
    words.push([esp + 4 * i, value]);
  });
  // What lies behind the first page of stacks in physical memory could be the end of a frame.
  for (let i = 0; i < 4; i++) words.push([STACKS + 0x2000 + 4 * i, selectorOf(random, false, 3)]);
  const code = instruction(random);
  // POP takes a selector.
  if (code[0] !== 0xcf && code[0] !== 0x66) words.push([esp, selector(random)]);
  return {
    words,
    code,
    cpl,
    registers: [selector(random), 0, 0, 0, esp, 0, 0, 0],
    eflags,
    stackHigh: random.oneIn(6) ? tweak(random, flat(false, cpl), [0x400000, 0x400, 1]) : flat(false, cpl),
    taskAccess: random.oneIn(10) ? 0x83 : 0x8b,
    taskLimit: random.oneIn(10) ? random.below(16) : 0x67,
    idtrLimit: random.oneIn(20) ? VECTOR * 8 + random.below(16) : 0x7ff,
    gdtrLimit: random.oneIn(10) ? random.below(ENTRIES * 8) : ENTRIES * 8 - 1,
  };
}

function enter(machine: Machine, { words, code, cpl, registers, eflags, ...rest }: Round): void {
  const [core] = machine.cores;
  core.reset();
  machine.load(Uint8Array.from(code), CODE);
  // Pages of stacks that follow each other do not lie behind each other.
  machine.memory.write32(PAGE_DIRECTORY, PAGE_TABLE | 7);
  for (let page = 0; page < 32; page++) {
    const isStack = page >> 1 === STACKS >> 13;
    machine.memory.write32(PAGE_TABLE + 4 * page, ((isStack ? page ^ 1 : page) << 12) | 7);
  }
  core.cr3 = PAGE_DIRECTORY;
  core.cr0 = 0x80000011 | 0;
  for (const [address, value] of words) core.systemWrite32(address, value);
  core.gdtrBase = GDT;
  core.gdtrLimit = rest.gdtrLimit;
  core.idtrBase = IDT;
  core.idtrLimit = rest.idtrLimit;
  core.setSegment(LDTR, 0, 0, 0, 0, false);
  core.setSegment(TR, 0x30, TSS, rest.taskLimit, rest.taskAccess);
  for (const seg of [0, 3, 4, 5]) core.setSegment(seg, 0x10, 0, -1, 0xc093 | (seg === 4 ? 0 : cpl << 5));
  const access = (rest.stackHigh >>> 8) & 0xf0ff;
  core.setSegment(SS, ((2 * cpl + 2) << 3) | cpl, (rest.stackHigh & 1) << 16, -1, access);
  core.setSegment(CS, ((2 * cpl + 1) << 3) | cpl, 0, -1, 0xc09b | (cpl << 5));
  core.setCpl(cpl);
  registers.forEach((value, n) => {
    core.r[n] = value;
  });
  core.setEflags(eflags);
  core.eip = CODE;
  // What the short ways ask of the TLB.
  for (let page = 0; page < 10; page++) core.systemRead8(page << 12);
  for (const [address] of words) core.systemWrite8(address, core.systemRead8(address));
}

it("interrupts, IRET and segment loads of all kinds come to the same the short way and the long way", () => {
  const short = new Machine({ memoryBytes: 1 << 20, tier: "off" });
  const long = new Machine({ memoryBytes: 1 << 20, tier: "off" });
  long.setWatchpoints([{ space: "linear", address: GDT, length: 0x7000 }], () => false);
  let handled = 0;
  for (let seed = 0; seed < 6000; seed++) {
    const setting = round(new Random(seed));
    const results = [short, long].map((machine) => {
      enter(machine, setting);
      machine.step(1);
      return machine.cores[0];
    });
    const where = `seed ${seed}: `;
    expect(where + difference(short, long)).toBe(`${where}null`);
    if (results[0].eip >>> 12 === 9) handled++;
    expect([seed, results[0].readMask, results[0].attention, results[0].jumpBase, results[0].stackMask]).toEqual([
      seed,
      results[1].readMask,
      results[1].attention,
      results[1].jumpBase,
      results[1].stackMask,
    ]);
    if (seed % 100 === 99) expect([seed, memoryDifference(short, long)]).toEqual([seed, -1]);
  }
  expect(memoryDifference(short, long)).toBe(-1);
  // Not all of it may fault on the way.
  expect(handled).toBeGreaterThan(1500);
});
