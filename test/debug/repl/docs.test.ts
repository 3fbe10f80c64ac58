import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sessionsOf, shape, withAnswers } from "./console-blocks.ts";
import { answers, debugRun } from "./debug-run.ts";

const PAGE = new URL("../../../docs/debugger.md", import.meta.url);

if (process.env["UPDATE_DOCS"] === "1") {
  const page = readFileSync(PAGE, "utf8");
  const all: string[] = [];
  for (const { args, commands } of sessionsOf(page)) {
    const run = await debugRun(
      args,
      commands.flatMap(({ command, more }) => [command, ...more]),
    );
    all.push(...answers(run));
  }
  writeFileSync(PAGE, withAnswers(page, all));
}

describe("docs/debugger.md", () => {
  const sessions = sessionsOf(readFileSync(PAGE, "utf8"));

  it("shows sessions", () => {
    expect(sessions.length).toBeGreaterThanOrEqual(6);
  });

  for (const { args, commands } of sessions) {
    it(`shows what esp0 debug ${args.join(" ")} answers to ${commands[0].command}`, async () => {
      const run = await debugRun(
        args,
        commands.flatMap(({ command, more }) => [command, ...more]),
      );
      const given = answers(run);
      commands.forEach(({ command, output }, i) => {
        expect(`${command}\n${shape(given[i] ?? "nothing")}`).toBe(`${command}\n${shape(output)}`);
      });
      expect(run.status).toBe(commands.some(({ output }) => output.startsWith("Error:")) ? 1 : 0);
    });
  }

  it("finds what a new user is to find: both stacks, the way back, esp0, the copied page", async () => {
    const { args, commands } = sessions.at(-1)!;
    const run = await debugRun(
      args,
      commands.flatMap(({ command, more }) => [command, ...more]),
    );
    const given = answers(run);
    const all = (command: string) => commands.flatMap((shown, i) => (shown.command === command ? [given[i]] : []));

    const [before, after] = all("stack");
    expect(before).toMatch(/^Kernel stack of pid 1 .*\nesp->.*saved ebp \(switch_to\)\n/);
    expect(before).toContain("return address of switch_to: context_switch+");
    expect(after).toMatch(/^Kernel stack of pid 2 .*\nesp->.*struct pt_regs begins/);

    const [back, again] = all("p/x $esp").map((text) => text.replace(/^\$\d+ = /, ""));
    expect(back).not.toBe(again);
    expect(before).toContain(`esp-> ${back.slice(2)}:`);
    expect(after).toContain(`esp-> ${again.slice(2)}:`);

    const [old, now] = all("p/x init_tss.esp0").map((text) => Number.parseInt(text.replace(/^\$\d+ = /, ""), 16));
    expect(old - Number.parseInt(back, 16)).toBeLessThan(8192);
    expect(now - Number.parseInt(again, 16)).toBeLessThan(8192);
    expect(old).not.toBe(now);

    const cow = all("continue").at(-1)!;
    const [, shared, copy] = /old_frame=(\S+) new_frame=(\S+)/.exec(cow)!;
    expect(all("pt value of 1")[0]).toContain(`page at ${shared}`);
    expect(all("pt value of 2")[0]).toContain(`page at ${copy}`);
  });
});
