import { expect, it } from "vitest";
import { assembleBinary } from "../../../../asm/index.ts";
import { Machine, webAssemblyText } from "../../../../emulator/index.ts";
import { Random } from "../host-cpu/random.ts";
import { CODE, prepare, program, RAM } from "./program.ts";

function machineWith(bytes: Uint8Array): Machine {
  const machine = new Machine({ memoryBytes: RAM, tier: "on", tierThreshold: 2 });
  prepare(machine, bytes, new Random(1));
  return machine;
}

it("tells of a region where it is, how large, why it was left, and what its WebAssembly does", () => {
  const source = "jmp 1f; .fill 14, 1, 0x90; 1: addl $0x12345, %ecx; jnz 1b; hlt";
  const machine = machineWith(assembleBinary(source, { file: "test.S", origin: CODE }));
  machine.step(10_000);
  machine.step(10_000);
  const [region, ...others] = machine.cores[0].tierRegions;
  expect(others).toEqual([]);
  // The second block is the HLT, for which the region is left.
  expect(region).toMatchObject({ entries: [CODE + 16], blocks: [CODE + 16, CODE + 24], instructions: 2 });
  expect(region.exits).toEqual(machine.tierStatistics[0]?.exits);
  expect(region.exits.budget).toBeGreaterThan(0);
  expect(region.exits).toMatchObject({ memory: 0, division: 0, instruction: 0, attention: 0, elsewhere: 0 });
  expect(region.module.length).toBe(machine.tierStatistics[0]?.bytes);
  const text = webAssemblyText(region.module);
  const at = text.findIndex((line) => line.includes("0x12345"));
  const statement = text.slice(at, at + 8).map((line) => line.trim());
  expect(statement.indexOf("local.get $ecx")).toBeGreaterThan(0);
  expect(statement).toContain("i32.add");
  // In the loop, which is in the block that exits leave.
  expect(/^ */.exec(text[at])![0].length).toBeGreaterThanOrEqual(4);
  expect(text.some((line) => line.trim() === "loop")).toBe(true);
  expect(text.at(-1)).toBe("local.get $entry");
});

it("reads all WebAssembly that random programs become, blocks closed as they were opened", () => {
  let lines = 0;
  for (let seed = 0; seed < 20; seed++) {
    const machine = machineWith(program(new Random(seed)));
    machine.step(5000);
    for (const { module } of machine.cores[0].tierRegions) {
      const text = webAssemblyText(module);
      const count = (name: RegExp) => text.filter((line) => name.test(line)).length;
      expect(count(/^ *end$/)).toBe(count(/^ *(block|loop|if)\b/));
      expect(text.at(-1)).toBe("local.get $entry");
      lines += text.length;
    }
  }
  expect(lines).toBeGreaterThan(20_000);
});
