/** The command that a failure names leads to the instruction where the test stood. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { type BootedKernel, bootKernel, Interleaving } from "../../testing/index.ts";
import { ESP0 } from "../dist.ts";
import { BUSY } from "./programs.ts";

/** What `esp0 debug` shows when it is told what `reproduction()` says. */
function reproduced(kernel: BootedKernel): string {
  const [, command, goto] = /^reproduce with: npx esp0 (.*)\nand there: (goto \d+)$/.exec(kernel.reproduction())!;
  const input = `${goto}\nregs\n`;
  const { stdout, stderr, status } = spawnSync("sh", ["-c", `node ${ESP0} ${command}`], {
    input,
    encoding: "utf8",
  });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout;
}

describe("the command that reproduces a run", () => {
  it.each([
    ["as it is", {}],
    ["with an interleaving's timer", { interleave: new Interleaving(3), memory: 16, args: ["an argument"] }],
  ])("stands at the same instruction, %s", (_, options) => {
    const kernel = bootKernel({ init: BUSY, ...options });
    kernel.runUntil("sched_switch");
    kernel.runUntil({ event: "irq_entry", irq: 0 });
    const shown = reproduced(kernel);
    const { eip, esp, eax } = kernel.registers();
    for (const value of [eip, esp, eax]) expect(shown).toContain(value.toString(16).padStart(8, "0"));
  });
});
