/** `pt-diff`: what has changed in page tables from one moment to another. */
import { expect, it } from "vitest";
import { assembleBinary } from "../../../asm/index.ts";
import { bootRaw } from "../../../boot/index.ts";
import { Repl, SourceTexts } from "../../../debug/repl/index.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { Machine } from "../../../emulator/index.ts";
import { answers, debugRun } from "./debug-run.ts";

/** What is answered to commands about cow.S. */
async function ask(...commands: readonly string[]): Promise<string[]> {
  return answers(await debugRun(["-q", "examples/cow.S"], commands));
}

/** Position of a stop, as it is shown. */
function positionOf(text: string): string {
  return /^#([\d,]+)/m.exec(text)![1];
}

const TO_WRITE = ["break do_wp_page", "continue", "delete"];
const TO_COPY = ["catch cow", "continue"];

it("shows that a copy-on-write fault has changed its entry, and nothing else, of one task's tables", async () => {
  const [, fault] = await ask(...TO_WRITE);
  const before = positionOf(fault);
  const given = await ask(
    ...TO_WRITE,
    ...TO_COPY,
    `pt-diff ${before}`,
    `pt-diff #${before} of 2`,
    `pt-diff ${before} of 1`,
  );
  const copied = given[4];
  const [, old, copy] = /old_frame=(0x\w+) new_frame=(0x\w+)/.exec(copied)!;
  const entry = (frame: string, bits: number) => `0x${((Number(frame) | bits) >>> 0).toString(16).padStart(8, "0")}`;
  const expected = [
    `Page tables of pid 2 (cow), at #${before} -> #${positionOf(copied)}`,
    `  0x0804a000  PTE   74: ${entry(old, 0x045)} -> ${entry(copy, 0x067)}  frame ${old} -> ${copy}  P US D -> P RW US A D`,
    "  1 entry differs.",
  ].join("\n");
  expect(given[5]).toBe(expected);
  expect(given[6]).toBe(expected);
  expect(given[7]).toBe(`Page tables of pid 1 (cow), at #${before} -> #${positionOf(copied)}\n  No entry differs.`);
});

it("looks at other moments, and is where it was then: with its task, frame and breakpoints", async () => {
  const [, , , , there] = await ask(...TO_WRITE, ...TO_COPY);
  const here = positionOf(there);
  const given = await ask(
    ...TO_WRITE,
    ...TO_COPY,
    "up",
    "pt-diff -300 -10",
    "frame",
    "stepi",
    "reverse-stepi",
    "info breakpoints",
  );
  expect(given[6]).toMatch(/^Page tables of pid 2 \(cow\), at #[\d,]+ -> #[\d,]+\n/);
  expect(given[7]).toBe(given[5]);
  expect(positionOf(given[9])).toBe(here);
  expect(given[10]).toContain("hit 1 time");
});

it("shows what fork has made read-only", async () => {
  const [, fork] = await ask("break sys_fork", "continue");
  const given = await ask("break sys_fork", "continue", "finish", `pt-diff ${positionOf(fork)}`);
  const [heading, data, stack, ...rest] = given[3].split("\n");
  expect(heading).toMatch(/^Page tables of pid 1 \(cow\), at #/);
  expect(data).toMatch(/^ {2}0x0804a000 {2}PTE {3}74: (?<frame>0x\w+)067 -> \k<frame>065 {2}P RW US A D -> P US A D$/);
  expect(stack).toMatch(/^ {2}0xbffff000 {2}PTE 1023: (?<frame>0x\w+)067 -> \k<frame>065 {2}P RW US A D -> P US A D$/);
  expect(rest).toEqual(["  2 entries differ."]);
});

it.each([
  ["pt-diff", /^Error: pt-diff POSITION \[POSITION\] \[of PID\] is expected/],
  ["pt-diff 1 2 3", /^Error: pt-diff POSITION \[POSITION\] \[of PID\] is expected/],
  ["pt-diff 100 of 9", /^Error: no task with pid 9; there are 0, 1/],
  ["pt-diff 0", /^Error: at #0: there are no tasks yet/],
  ["pt-diff -99999999", /^Error: -99999999: a position, 0 or more, is expected, or -N, N instructions before #/],
  ["pt-diff 999999999", /^Error: the run ends or waits at #[\d,]+, before #999,999,999 \(exit\)$/m],
])("says what is wrong with %s", async (command, message) => {
  expect((await ask("tbreak _start", "continue", command))[2]).toMatch(message);
});

it("shows directories and page tables as they come into being, on a bare machine", async () => {
  const code = assembleBinary(
    `	movl $0x00000083, 0x10000	# 0: 4 MiB
	movl $0x00012007, 0x10004	# 0x00400000: a page table
	movl $0x10000, %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x10, %eax
	movl %eax, %cr4
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	movl $0x00005003, 0x12004
	movl $0, 0x401000
	movl $0x00020000, 0x12008
	movl $0, 0x10004
	hlt
`,
    { file: "paging.S", origin: 0x1000 },
  );
  const make = () => {
    const machine = new Machine();
    bootRaw(machine, { images: [{ name: "code", bytes: code, address: 0x1000 }], mode: "protected" });
    return machine;
  };
  let text = "";
  const repl = new Repl(DebugSession.forMachine(make), {
    write: (more) => (text += more),
    color: false,
    sources: new SourceTexts(),
  });
  const answer = async (line: string) => {
    text = "";
    await repl.execute(line);
    return text.trimEnd();
  };
  await answer("stepi 10");
  expect(await answer("pt-diff 0")).toBe(
    [
      "Page tables of CPU 0, at #0 -> #10",
      "  CR3 none, paging is off -> 0x00010000",
      "  0x00000000  PDE    0: 0x00000000 -> 0x00000083  empty -> P RW PS",
      "  0x00400000  PDE    1: 0x00000000 -> 0x00012007  frame 0x00000000 -> 0x00012000  empty -> P RW US",
      "  2 entries differ.",
    ].join("\n"),
  );
  await answer("stepi 3");
  expect(await answer("pt-diff 10")).toBe(
    [
      "Page tables of CPU 0, at #10 -> #13",
      "  0x00000000  PDE    0: 0x00000083 -> 0x000000e3  P RW PS -> P RW A D PS",
      "  0x00400000  PDE    1: 0x00012007 -> 0x00012027  P RW US -> P RW US A",
      "  0x00401000  PTE    1: 0x00000000 -> 0x00005063  frame 0x00000000 -> 0x00005000  empty -> P RW A D",
      "  0x00402000  PTE    2: 0x00000000 -> 0x00020000  frame 0x00000000 -> 0x00020000  empty -> not present",
      "  4 entries differ.",
    ].join("\n"),
  );
  await answer("stepi");
  expect(await answer("pt-diff -1")).toMatch(
    /PDE {4}1: 0x00012027 -> 0x00000000 .*P RW US A -> empty\n.*PTE {4}1: 0x00005063 -> 0x0/,
  );
});
