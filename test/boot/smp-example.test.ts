import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assemble, link, writeExecutable } from "../../asm/index.ts";
import { bootMultiboot } from "../../boot/index.ts";
import { Machine, MP_FLOATING_POINTER, RandomInterleaver } from "../../emulator/index.ts";
import { hasQemu, qemu } from "./qemu.ts";

const source = readFileSync(new URL("../../examples/machine/smp.S", import.meta.url), "utf8");
const kernel = writeExecutable(link([assemble(source, { file: "smp.S" })], { textAddress: 0x100000 }));
const ROUNDS = 20_000;

function boot(cpus: number, interleaver?: RandomInterleaver) {
  const machine = new Machine({ memoryBytes: 4 << 20, cpus, ...(interleaver === undefined ? {} : { interleaver }) });
  bootMultiboot(machine, { kernel });
  let output = "";
  machine.onSerialOutput = (byte) => {
    output += String.fromCharCode(byte);
  };
  return { machine, run: () => ({ reason: machine.run({ maxInstructions: 10_000_000 }), lines: output.split("\n") }) };
}

/** The count without LOCK is any that the race may bring about; the other lines are certain. */
function expectLines(lines: readonly string[], cpus: number): void {
  expect(lines.slice(0, 2)).toEqual([`processors: ${cpus}`, `with LOCK: ${cpus * ROUNDS}`]);
  const plain = Number(/^without LOCK: (\d+)$/.exec(lines[2])![1]);
  expect(plain).toBeLessThanOrEqual(cpus * ROUNDS);
  expect(plain).toBeGreaterThan(0);
  if (cpus === 1) expect(plain).toBe(ROUNDS);
}

describe("examples/machine/smp.S", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "finds %i cores through the MP tables, starts them, and counts right with LOCK",
    (cpus) => {
      const { reason, lines } = boot(cpus).run();
      expect(reason).toEqual({ kind: "exit", value: 0 });
      expectLines(lines, cpus);
    },
  );

  it.each([2, 4, 8])("loses counts without LOCK on %i cores", (cpus) => {
    const { lines } = boot(cpus).run();
    expect(Number(lines[2].slice("without LOCK: ".length))).toBeLessThan(cpus * ROUNDS);
  });

  it("counts right under random interleavings, the same way for the same seed", () => {
    const runs = [1, 1, 2].map((seed) => boot(4, new RandomInterleaver(seed)).run());
    for (const { reason, lines } of runs) {
      expect(reason).toEqual({ kind: "exit", value: 0 });
      expectLines(lines, 4);
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2].lines).not.toEqual(runs[0].lines);
  });

  it("says so when there are no tables", () => {
    const { machine, run } = boot(1);
    machine.writePhysical(MP_FLOATING_POINTER, new Uint8Array(16));
    expect(run()).toEqual({ reason: { kind: "exit", value: 2 }, lines: ["no MP tables", ""] });
  });

  it.skipIf(!hasQemu).each([1, 4, 8])("prints the same under QEMU with %i cores", (cpus) => {
    const { status, output } = qemu(["-smp", `${cpus},sockets=${cpus}`, "-kernel", "smp.elf"], { "smp.elf": kernel });
    expect(status).toBe(1);
    expectLines(output.replaceAll("\r", "").split("\n"), cpus);
  });
});
