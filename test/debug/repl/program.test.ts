import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { answers, debugRun } from "./debug-run.ts";

const PROGRAMS = new URL("../programs/", import.meta.url);
const files = Object.fromEntries(
  ["program.O0", "program.O2", "program.c"].map((name) => [name, readFileSync(new URL(name, PROGRAMS))]),
);

/** What `esp0 debug` answers to commands on program.c, compiled without optimization. */
async function ask(...commands: readonly string[]): Promise<string[]> {
  return answers(await debugRun(["-q", "program.O0"], commands, { files }));
}

async function askOptimized(...commands: readonly string[]): Promise<string[]> {
  return answers(await debugRun(["-q", "program.O2"], commands, { files }));
}

/** The place of a stop, without position, task and ring. */
const place = (text: string | undefined) => /ring \d {2}(.*)$/m.exec(text ?? "")?.[1];
/** The line of the source that a stop shows. */
const line = (text: string | undefined) => Number(/^ {1,4}(\d+) {2}/m.exec(text ?? "")?.[1]);

describe("a C program", () => {
  it("is stepped by lines: over calls, into them and out of them", async () => {
    const given = await ask(
      ...["break main", "continue", "next", "next", "step", "next", "next 2", "bt", "next 3"],
      ...["tbreak fib", "reverse-continue", "step", "step", "finish", "step"],
    );
    expect(given[0]).toMatch(/^Breakpoint 1: 0x\w+ <main\+0x\w+> program\.c:67$/);
    expect([1, 2, 3, 4].map((i) => line(given[i]))).toEqual([67, 68, 69, 39]);
    expect(place(given[4])).toBe("fill (list=0x0804a020 <nodes>, count=3) at program.c:40");
    expect(line(given[5])).toBe(41);
    expect(line(given[6])).toBe(44);
    expect(given[7]).toMatch(
      /^#0 {2}fill \(list=.*, count=3\) at program\.c:44\n#1 {2}0x\w+ in main \(\) at program\.c:69\n/,
    );
  });
});
