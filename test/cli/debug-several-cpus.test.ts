/** `esp0 debug` on a machine with several cores: selecting one, stepping one alone, going back. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { ESP0 } from "../dist.ts";

const directory = mkdtempSync(join(tmpdir(), "esp0-smp-"));
afterAll(() => rmSync(directory, { recursive: true }));

function esp0(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [ESP0, ...args], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return stdout;
}

it("selects cores, steps one alone or all, and goes back", () => {
  const elf = join(directory, "smp.elf");
  const commands = join(directory, "commands");
  esp0("as", "-g", "-o", elf, "examples/machine/smp.S", "--link", "0x100000");
  writeFileSync(
    commands,
    ["break count", "continue", "continue", "cpu", "stepi 3 alone", "reverse-stepi", "cpu 0", "stepi", "apic"].join(
      "\n",
    ),
  );
  const lines = esp0("debug", "--cpus", "4", "--multiboot", elf, "--commands", commands).split("\n");
  const stops = lines.filter((line) => line.startsWith("#")).map((line) => /^#([\d,]+) {2}cpu (\d)/.exec(line)!);
  const positions = stops.map(([, position]) => Number(position.replaceAll(",", "")));
  const cores = stops.map(([, , core]) => Number(core));
  // Start; core 0, then core 1 at `count`; core 1 alone; back; core 0 looked at; all cores one instruction on.
  expect(cores.slice(0, 6)).toEqual([0, 0, 1, 1, 1, 0]);
  expect(positions[3]).toBe(positions[2] + 3);
  expect(positions[4]).toBe(positions[3] - 1);
  expect(lines).toContainEqual(expect.stringMatching(/^\* 1 {2}0x[0-9a-f]{8} <count>$/));
  expect(lines).toContainEqual(expect.stringMatching(/^Local APIC of CPU \d: /));
});
