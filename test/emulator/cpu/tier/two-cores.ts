/** Random programs on two cores, with the compiled tier and without. */
import { expect } from "vitest";
import { RandomInterleaver } from "../../../../emulator/index.ts";
import { Random } from "../host-cpu/random.ts";
import { lockStep } from "./lock-step.ts";
import { prepare, program, RAM } from "./program.ts";

/** @param breakpoints as for `lockStep` */
export function expectSameOnTwoCores(programs: number, breakpoints: boolean): void {
  for (let seed = 0; seed < programs; seed++) {
    const random = new Random(seed);
    const bytes = program(random);
    const tables = random.bits();
    const { difference } = lockStep(
      () => ({ memoryBytes: RAM, cpus: 2, interleaver: new RandomInterleaver(seed) }),
      (machine) => prepare(machine, bytes, new Random(tables)),
      random,
      { instructions: 20_000, slice: 3000, breakpoints },
    );
    expect(`seed ${seed}: ${difference}`).toBe(`seed ${seed}: null`);
  }
}
