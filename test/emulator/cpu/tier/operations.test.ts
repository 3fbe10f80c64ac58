import { expect, it } from "vitest";
import { Random } from "../host-cpu/random.ts";
import { lockStep } from "./lock-step.ts";
import { prepare, RAM } from "./program.ts";

const PROGRAMS = Number(process.env.ESP0_FUZZ ?? 1) * 30;
const OPERATIONS = 60;
const RESULTS = 0x20000;

/** An endless loop of operations on random operands in EAX, ECX and EDX; each keeps EAX and all flags in memory. */
function operations(random: Random): Uint8Array {
  const bytes: number[] = [];
  const word = (value: number) => bytes.push(...[0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff));
  for (let i = 0; i < OPERATIONS; i++) {
    for (const load of [0xb8, 0xb9, 0xba]) {
      bytes.push(load);
      word(random.value());
    }
    if (random.oneIn(3)) bytes.push(0x66);
    const reg = random.below(8) << 3;
    const wide = random.below(2);
    const count = random.oneIn(3) ? 1 : random.below(256);
    const other = random.pick([0xaf, 0xa5, 0xad, 0xa3, 0xab, 0xb3, 0xbb, 0xbc, 0xbd, 0xb0, 0xb1, 0xc0, 0xc1]);
    bytes.push(
      ...random.pick([
        [0xc0 | wide, 0xc0 | reg, count],
        [0xd0 | random.below(4), 0xc0 | reg],
        [reg | random.below(4), 0xc1],
        [0xf6 | wide, 0xc1 | (random.between(2, 5) << 3)],
        [0x0f, other, 0xc8 | wide],
        [0xfe | wide, 0xc0 | (random.below(2) << 3)],
      ]),
    );
    // PUSHF, POP; MOV from EAX.
    bytes.push(0x9c, 0x8f, 0x05);
    word(RESULTS + 8 * i);
    bytes.push(0xa3);
    word(RESULTS + 8 * i + 4);
  }
  bytes.push(0xe9);
  word(-(bytes.length + 4));
  return Uint8Array.from(bytes);
}

it("operations in compiled code have the interpreter's results and flags, to the last bit", () => {
  let instructions = 0;
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const random = new Random(seed);
    const bytes = operations(random);
    const { difference, compiled } = lockStep(
      () => ({ memoryBytes: RAM }),
      (machine) => prepare(machine, bytes, new Random(7)),
      random,
      { instructions: 6000, slice: 900, threshold: 1 },
    );
    expect(`seed ${seed}: ${difference}`).toBe(`seed ${seed}: null`);
    instructions += compiled.tierStatistics[0]?.instructions ?? 0;
  }
  expect(instructions).toBeGreaterThan(PROGRAMS * 2000);
});
