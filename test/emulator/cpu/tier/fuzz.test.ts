import { expect, it } from "vitest";
import { Random } from "../host-cpu/random.ts";
import { lockStep } from "./lock-step.ts";
import { prepare, program, RAM } from "./program.ts";

const PROGRAMS = Number(process.env.ESP0_FUZZ ?? 1) * 60;

it.each([
  ["", false],
  [", with breakpoints of the host", true],
])("random programs run the same with the compiled tier and without%s", (_, breakpoints) => {
  let instructions = 0;
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const random = new Random(seed);
    const bytes = program(random);
    const tables = random.bits();
    const { difference, compiled } = lockStep(
      () => ({ memoryBytes: RAM }),
      (machine) => prepare(machine, bytes, new Random(tables)),
      random,
      { instructions: 20_000, slice: 3000, breakpoints },
    );
    expect(`seed ${seed}: ${difference}`).toBe(`seed ${seed}: null`);
    instructions += compiled.tierStatistics[0]?.instructions ?? 0;
  }
  expect(instructions).toBeGreaterThan(PROGRAMS * 2000);
});
