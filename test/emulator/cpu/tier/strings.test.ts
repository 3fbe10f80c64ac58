import { expect, it } from "vitest";
import { Random } from "../host-cpu/random.ts";
import { lockStep } from "./lock-step.ts";
import { prepare, RAM } from "./program.ts";

const PROGRAMS = Number(process.env.ESP0_FUZZ ?? 1) * 12;
const OPERATIONS = 24;
/** Eight pages of plain memory, and DATA of program.ts: two that do not lie behind each other, a read-only and a missing one. */
const PLAIN = 0x50000;
const DATA = 0x20000;
const RESULTS = 0x60000;
const [MOVS, CMPS, STOS, LODS, SCAS] = [0xa4, 0xa6, 0xaa, 0xac, 0xae];

/** An endless loop of string instructions, after each of which registers and flags are kept in memory. */
function strings(random: Random): Uint8Array {
  const bytes: number[] = [];
  const word = (value: number) => bytes.push(...[0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff));
  const load = (register: number, value: number) => {
    bytes.push(0xb8 | register);
    word(value);
  };
  /** Near an edge of a page, or anywhere; now and then where a fault comes. */
  const place = () => {
    const page = random.oneIn(80) ? DATA + 0x1000 * random.below(4) : PLAIN + 0x1000 * random.below(8);
    return page + (random.oneIn(2) ? random.below(0x1000) : 0xff0 + random.below(0x10));
  };
  const count = () => (random.oneIn(8) ? 0 : random.oneIn(3) ? random.below(5000) : random.below(40));
  for (let i = 0; i < OPERATIONS; i++) {
    const source = place();
    load(0, random.oneIn(2) ? Math.imul(random.below(3), 0x1010101) : random.value());
    load(1, count());
    load(6, source);
    load(7, random.oneIn(4) ? source + random.below(17) - 8 : place());
    // CLD or STD; CMP ECX, imm8.
    bytes.push(random.oneIn(4) ? 0xfd : 0xfc, 0x83, 0xf9, random.below(128));
    if (random.oneIn(4)) bytes.push(0x66);
    if (random.oneIn(30)) bytes.push(random.pick([0x26, 0x36, 0x64, 0x67]));
    if (!random.oneIn(4)) bytes.push(0xf2 | random.below(2));
    bytes.push(random.pick([MOVS, MOVS, CMPS, STOS, STOS, LODS, SCAS]) | random.below(2));
    // A branch on the flags, or PUSHF, POP; then MOV of EAX, ECX, ESI and EDI.
    const at = RESULTS + 20 * i;
    bytes.push(0x72, 8, 0x9c, 0x8f, 0x05);
    word(at);
    bytes.push(0x90, 0x90);
    [0, 1, 6, 7].forEach((register, n) => {
      bytes.push(0x89, (register << 3) | 5);
      word(at + 4 + 4 * n);
    });
  }
  bytes.push(0xe9);
  word(-(bytes.length + 4));
  return Uint8Array.from(bytes);
}

it("string instructions, repeated or not, have in compiled code the interpreter's results", () => {
  let instructions = 0;
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const random = new Random(seed);
    const bytes = strings(random);
    const { difference, compiled } = lockStep(
      () => ({ memoryBytes: RAM }),
      (machine) => prepare(machine, bytes, new Random(7)),
      random,
      { instructions: 12_000, slice: 900, threshold: 1 },
    );
    expect(`seed ${seed}: ${difference}`).toBe(`seed ${seed}: null`);
    instructions += compiled.tierStatistics[0]?.instructions ?? 0;
  }
  expect(instructions).toBeGreaterThan(PROGRAMS * 4000);
});
