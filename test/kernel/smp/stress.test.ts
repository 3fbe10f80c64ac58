/** Much at once on four CPUs that are switched between at random: nothing is lost, torn or left over. */
import { describe, expect, it } from "vitest";
import { RandomInterleaver } from "../../../emulator/index.ts";
import { kernel_image } from "../../../kernel/index.ts";
import { breath } from "../../breathing.ts";
import { boot, CONFIG, no_lock_reports, program } from "../run.ts";
import { balance, Exchangeable } from "./run.ts";
import { namespaces, seven, stress } from "./stress.ts";

/** Seeds of a run: ESP0_SEEDS=1000 for a night. */
const SEEDS = Number(process.env.ESP0_SEEDS ?? 5);

const CPUS = 4;

/** Runs a program that ends with "ok" in many turns of the CPUs, and looks what it leaves. */
async function repeat(init: string, memoryModel: "sc" | "tso"): Promise<void> {
  const interleaver = new Exchangeable();
  const { kernel, log, memory, output } = boot(init, {
    image: kernel_image({ ...CONFIG, smp: true }),
    cpus: CPUS,
    files: { "/seven": program(seven) },
    interleaver,
    fromReset: true,
    memoryModel,
  });
  kernel.run_to_user();
  const start = kernel.capture();
  let before: Record<string, number> | undefined;
  let length = output().length;
  for (let seed = 1; seed <= SEEDS; seed++) {
    await breath();
    kernel.restore(start);
    interleaver.now = new RandomInterleaver(seed, 1 + (seed % 100));
    // The program is over when it writes: what it had then is what init itself has.
    const stop = kernel.run({ maxInstructions: 20_000_000 });
    no_lock_reports(kernel, log());
    expect(stop, `seed ${seed}`).toEqual({ kind: "exit", status: 0 });
    expect(output().slice(length), `seed ${seed}`).toBe("ok\n");
    length = output().length;
    const after = balance(kernel, memory);
    expect(after.threads, `seed ${seed}`).toBe(1);
    before ??= after;
    expect(after, `seed ${seed}`).toEqual(before);
  }
}

describe("much at once on four CPUs", () => {
  const timeout = 60_000 + SEEDS * 10_000;
  const models = ["sc", "tso"] as const;
  it.each(models)(
    `forks, threads, execs, pipes and signals end well and leave nothing behind, ${SEEDS} times (%s)`,
    { timeout },
    (memoryModel) => repeat(stress(5, 3), memoryModel),
  );
  it.each(models)(`pid namespaces end while everybody in them forks, ${SEEDS} times (%s)`, { timeout }, (memoryModel) =>
    repeat(namespaces(1, 2), memoryModel),
  );
});
