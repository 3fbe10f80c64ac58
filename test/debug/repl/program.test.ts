import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bootOptions } from "../../../cli/kernel-boot.ts";
import { Repl, SourceTexts } from "../../../debug/repl/index.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { FakeIo } from "../../cli/fake-io.ts";
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
const position = (text: string | undefined) => /^#([\d,]+)/m.exec(text ?? "")?.[1];

describe("stepping a C program", () => {
  it("goes by lines: over calls, into them, to the end of loops and out of functions", async () => {
    const given = await ask(
      ...["break main", "continue", "next", "next", "step", "next", "next 2", "bt"],
      ...["tbreak program.c:54", "continue", "step", "finish", "next", "delete", "advance 56", "bt 1", "finish"],
    );
    expect(given[0]).toMatch(/^Breakpoint 1: 0x\w+ <main\+0x\w+> program\.c:67$/);
    expect([1, 2, 3].map((i) => line(given[i]))).toEqual([67, 68, 69]);
    expect(place(given[4])).toBe("fill (list=0x08049040 <nodes>, count=3) at program.c:40");
    expect([5, 6].map((i) => line(given[i]))).toEqual([41, 43]);
    expect(given[7]).toMatch(
      /^#0 {2}fill \(.*\) at program\.c:43\n#1 {2}0x\w+ in main \(\) at program\.c:69\n#2 {2}0x/,
    );
    expect(line(given[9])).toBe(54);
    expect(place(given[10])).toBe("twice (v=0) at program.c:26");
    expect(place(given[11])).toBe("fill (list=0x08049040 <nodes>, count=3) at program.c:54");
    expect(line(given[12])).toBe(41);
    expect(given[15]).toMatch(/^#0 {2}fill .* at program\.c:56\n\(More stack frames follow/);
    expect(given[16]).toMatch(/^Run till exit from #0 {2}fill/);
    expect(given[16]).toMatch(/Value returned is \$1 = 9$/);
    expect(place(given[16])).toBe("main () at program.c:69");
  });

  it("goes back by lines, into what was called and over it, to where it came from", async () => {
    const given = await ask(
      ...["tbreak fib if n == 2", "continue", "reverse-step", "reverse-finish", "tbreak program.c:71", "continue"],
      ...["reverse-next", "reverse-step", "reverse-step", "step", "reverse-stepi", "stepi"],
    );
    expect(place(given[1])).toBe("fib (n=2) at program.c:31");
    expect(place(given[2])).toBe("fib (n=3) at program.c:33");
    expect(place(given[3])).toBe("fib (n=4) at program.c:33");
    expect(given[3]).toContain("call");
    expect(line(given[5])).toBe(71);
    expect(line(given[6])).toBe(70);
    // The call in line 69 returned in the middle of it: what was before is the end of the function.
    expect(place(given[7])).toBe("fill (list=0x08049040 <nodes>, count=3) at program.c:59");
    expect(line(given[8])).toBe(58);
    expect(line(given[9])).toBe(59);
    expect(position(given[11])).toBe(position(given[9]));
  });

  it("leaves loops with until, and goes over a system call with next", async () => {
    const given = await ask(
      "tbreak program.c:54",
      "continue",
      "next 1",
      "until",
      "until",
      "tbreak write_all",
      "c",
      "next",
      "next",
    );
    expect([2, 3, 4].map((i) => line(given[i]))).toEqual([41, 56, 57]);
    expect(place(given[6])).toMatch(/^write_all \(s=0x\w+ "hello\\n", n=6\) at program\.c:63$/);
    expect(line(given[7])).toBe(64);
    expect(place(given[8])).toBe("main () at program.c:71");
  });

  it("stops at the lines of optimized code, and shows what the compiler has put into one another", async () => {
    const given = await askOptimized(
      "tbreak write_all",
      "c",
      "bt",
      "up",
      "info locals",
      "info frame",
      "p total",
      "down",
    );
    expect(given[2]).toMatch(
      /^#0 {2}write_all \(n=6, s=0x\w+ "hello\\n"\) at program\.c:63\n#1 {2}main \(\) at program\.c:71\n#2/,
    );
    expect(given[3]).toMatch(/^#1 {2}main \(\) at program\.c:71\n {3}71 {4}write_all/);
    expect(given[4]).toBe('text = "hello\\n"\ntotal = 14');
    expect(given[6]).toBe("$1 = 14");
    expect(given[7]).toContain("63");
  });

  it("says that a variable is optimized out, and not what it is not", async () => {
    const given = await askOptimized("tbreak fib if n == 3", "c", "info locals", "p right", "p right + 1");
    expect(given[2]).toContain("right = <optimized out>");
    expect(given[3]).toBe("$1 = <optimized out>");
    expect(given[4]).toMatch(/^Error: the value is optimized out/);
  });
});

describe("stops of a C program", () => {
  it("have conditions over variables of where they are", async () => {
    const given = await ask(
      "break fib if n == 1 && left == 0 || n == 3",
      "c",
      "p n",
      "condition 1 n == 1",
      "c",
      "p n",
      "c",
      "info b",
    );
    expect([given[2], given[5]]).toEqual(["$1 = 3", "$2 = 1"]);
    expect(given[7]).toContain("hit 3 times");
  });

  it("carry out commands, silently when asked to", async () => {
    const lines = ["break 45", "commands", "silent", "print i", "continue", "end", "c"];
    const given = await ask("tbreak fill", "c", ...lines);
    expect(given.at(-1)).toMatch(/^\$1 = 0\n\$2 = 1\n\$3 = 2\n/);
    expect(given.at(-1)).toContain("The guest has ended");
    expect(given.at(-1)).not.toContain("Breakpoint 2");
  });

  it("show the commands of a breakpoint, after it as usual", async () => {
    const given = await ask("tbreak fib", "commands 1", "info args", "end", "info breakpoints", "c");
    expect(given[1]).toBe(">info args\n>end");
    expect(given[2]).toMatch(/fib.*\n {8}info args$/);
    expect(given[3]).toMatch(/^Breakpoint 1.*\n(.*\n)+n = 5$/);
  });

  it("watch a local until its function returns", async () => {
    const given = await ask("tbreak 41", "tbreak program.c:41", "c").catch(() => []);
    expect(given[0]).toMatch(/^Error: 41: a line of which file/);
    const watched = await ask(
      "tbreak program.c:41",
      "c",
      "watch sum",
      "c",
      "c",
      "info watchpoints",
      "c",
      "info watchpoints",
    );
    expect(watched[3]).toMatch(/^Watchpoint 2: wrote 4 bytes .*: 0x00000000 -> 0x00000003\./);
    expect(watched[4]).toMatch(/0x00000003 -> 0x00000009\./);
    expect(watched[5]).toMatch(/watch sum.*hit 2 times/);
    expect(watched[6]).toMatch(
      /^Watchpoint 2 deleted because the program has left the block in\nwhich its expression is valid\./,
    );
    expect(place(watched[6])).toBe("main () at program.c:69");
    expect(watched[7]).toBe("There are no breakpoints.");
  });

  it("show displays where they mean something", async () => {
    const given = await ask(
      ...["tbreak fill", "c", "display sum", "display/x count", "display/i $pc", "info display", "next"],
      ...["undisplay 3", "disable display 2", "next", "tbreak fib", "c", "undisplay", "info display"],
    );
    expect(given[2]).toBe("1: sum = 0");
    expect(given[3]).toBe("2: /x count = 0x3");
    expect(given[4]).toMatch(/^3: x\/i \$pc\n.*\n=> \w+:/);
    expect(given[5]).toBe("1:   y  sum\n2:   y  /x count\n3:   y  /i $pc");
    expect(given[6]).toMatch(/1: sum = 0\n2: \/x count = 0x3\n3: x\/i \$pc/);
    expect(given[9]).toMatch(/1: sum = 0$/);
    expect(given[11]).not.toContain("1: sum");
    expect(given[13]).toBe("There are no auto-display expressions now.");
  });

  it("can be reached from the past: who wrote a value", async () => {
    const given = await ask(
      "tbreak program.c:56",
      "c",
      "last-write nodes[1].at.y",
      "p i",
      "last-write counter",
      "last-write calls",
    );
    expect(given[2]).toMatch(/^nodes\[1\]\.at\.y \(0x\w+\) was written here: 0x00000000 -> 0xffffffff\./);
    expect(place(given[2])).toMatch(/^fill .* at program\.c:46$/);
    expect(given[3]).toBe("$1 = 1");
    // Before the program itself: the kernel, which has made the page.
    expect(given[4]).toContain("ring 0");
  });
});

describe("values of a C program", () => {
  const atLoop = ["tbreak program.c:54", "c", "c 1"].slice(0, 2);

  it("are printed with the types of C", async () => {
    const given = await ask(
      ...[
        ...atLoop,
        "p *n",
        "p n->at",
        "p/x n->big",
        "p n->color",
        "p (enum color)5",
        "p n->b",
        "p n->b.c[3]",
        "p &n->at",
      ],
      ...["p list[0] == 1", "p small * 2", "p ratio", "p table[1]", "p sizeof(struct node)", "p sizeof *n", "p n->op"],
      ...[
        "p (unsigned char)300",
        "p 7 / 2.0",
        "p *n->name@4",
        "p n->s1",
        "whatis n->op",
        "whatis &table",
        "ptype struct point",
      ],
    ).catch(() => []);
    expect(given[2]).toContain("color = BLUE");
    expect(given[2]).toContain("level = 17");
    expect(given[2]).toContain("{s1 = -1, s2 = 0}");
    expect(given.slice(3, 10)).toEqual([
      "$2 = {x = 0, y = 0}",
      "$3 = 0x123456789abcdef",
      "$4 = BLUE",
      "$5 = GREEN",
      '$6 = {i = 1094861636, c = "DCBA"}',
      "$7 = 65 'A'",
      expect.stringMatching(/^\$8 = \(struct point \*\) 0x\w+ <nodes\+0x8>$/),
    ]);
    expect(given[10]).toMatch(/^Error: a number is expected; this is a struct node:/);
  });

  it("are computed as C computes them, in 64 bits and in floating point", async () => {
    const given = await ask(
      ...[
        ...atLoop,
        "p small * 2",
        "p ratio",
        "p table[1]",
        "p sizeof(struct node)",
        "p sizeof *n",
        "p n->op",
        "p (unsigned char)300",
      ],
      ...[
        "p 7 / 2.0",
        "p *n->name@4",
        "whatis n->op",
        "whatis &table",
        "p n->big * 2",
        "p 0xffffffffffffffff",
        "p -1LL",
        "p n->big == 81985529216486895",
      ],
    );
    expect(given.slice(2)).toEqual([
      "$1 = 6.2800002098083496",
      "$2 = 1.5",
      "$3 = {4, 5, 6}",
      "$4 = 44",
      "$5 = 44",
      expect.stringMatching(/^\$6 = \(int \(\*\)\(int, int\)\) 0x\w+ <add>$/),
      "$7 = 44 ','",
      "$8 = 3.5",
      '$9 = "node"',
      "type = int (*)(int, int)",
      "type = int (*)[2][3]",
      "$10 = 163971058432973790",
      "$11 = 18446744073709551615",
      "$12 = -1",
      "$13 = 1",
    ]);
  });

  it("are remembered as they were, and set in memory, registers and bits", async () => {
    const given = await ask(
      ...[
        "tbreak program.c:54",
        "c",
        "p n->at",
        "set var n->at.x = 7",
        "p n->at",
        "p $1",
        "p $$2",
        "p n->level = 9",
        "p n->flag",
      ],
      ...[
        "p n->b.c[0] += 1",
        "set $k = 40",
        "p $k + 2",
        "p $",
        "set $eax = 5",
        "p $al",
        "p i = 1",
        "p twice::v",
        "p fill::calls",
        "p program.c::counter",
      ],
    );
    expect(given[3]).toMatch(/^\$2 = 7$/);
    expect(given[4]).toBe("$3 = {x = 7, y = 0}");
    expect(given[5]).toBe("$4 = {x = 0, y = 0}");
    expect(given[6]).toBe("$5 = 7");
    expect(given[7]).toBe("$6 = 9");
    expect(given[8]).toBe("$7 = 0");
    expect(given[9]).toBe("$8 = 69 'E'");
    expect(given[11]).toBe("$9 = 42");
    expect(given[12]).toBe("$10 = 42");
    expect(given[14]).toMatch(/= 5$/);
    expect(given[15]).toMatch(/= 1$/);
    expect(given[16]).toMatch(/^Error: no symbol twice::v/);
  });

  it("are examined in memory, and found there", async () => {
    const given = await ask(
      ...["tbreak program.c:56", "c", "x/2gx &nodes[0].big", "x/4dw table", "x/s nodes[0].name", "x/1fg &ratio"],
      ...[
        "find &nodes, +sizeof(nodes), 0x41424344",
        "p $numfound",
        'find /1 &nodes, +200, (char)0x44, "CB"',
        "find &nodes, +4, 99",
      ],
    );
    expect(given[2]).toContain("0x0123456789abcdef");
    expect(given[3]).toMatch(/: {2}1 {2}2 {2}3 {2}4$/);
    expect(given[4]).toMatch(/"node"$/);
    expect(given[5]).toMatch(/ {2}1\.5$/);
    expect(given[6].split("\n")).toHaveLength(4);
    expect(given[6]).toMatch(/^0x\w+ <nodes\+0x18>\n(.*\n)*3 patterns found\.$/);
    expect(given[7]).toBe("$1 = 3");
    expect(given[8]).toMatch(/^0x\w+ <nodes\+0x18>\n1 pattern found\.$/);
    expect(given[9]).toBe("Pattern not found.");
  });
});

describe("the text of a C program", () => {
  it("is listed around where it stands, and on and back from there", async () => {
    const given = await ask(
      "tbreak program.c:47",
      "c",
      "list",
      "",
      "list -",
      "list fib",
      "list 10,12",
      "list program.c:1",
      "list 99",
    );
    const numbers = (text: string | undefined) =>
      [...(text ?? "").matchAll(/^(?:=>| {2}) +(\d+)/gm)].map((match) => Number(match[1]));
    expect(numbers(given[2])).toEqual([42, 43, 44, 45, 46, 47, 48, 49, 50, 51]);
    expect(given[2]).toMatch(/^=> {3}47 {6}n->color/m);
    expect(numbers(given[3])).toEqual([52, 53, 54, 55, 56, 57, 58, 59, 60, 61]);
    expect(numbers(given[5])).toContain(30);
    expect(numbers(given[6])).toEqual([10, 11, 12]);
    expect(numbers(given[7])[0]).toBe(1);
    expect(given[8]).toMatch(/^Error: Line number 94 out of range/);
  });

  it("is told of: lines, scopes, functions and variables", async () => {
    const given = await ask(
      ...["tbreak program.c:45", "c", "info line", "info line fib", "info source", "info scope program.c:45"],
      ...["info functions ^fi", "info variables ^coun", "info symbol &nodes[1]", "info line program.c:900"],
    );
    expect(given[2]).toMatch(/^Line 45 of "program\.c" starts at address 0x\w+ <fill\+0x\w+> and ends at 0x/);
    expect(given[3]).toMatch(/^Line 30 of "program\.c" starts at address 0x\w+ <fib>/);
    expect(given[4]).toBe("Current source file is program.c\nCompilation directory is .\nContains 79 lines.");
    expect(given[5]).toContain("Symbol n is a variable of type struct node *, length 4, declared on line 42.");
    expect(given[6]).toMatch(/File program\.c:\n30:\tint fib\(int\);\n38:\tint fill\(struct node \*, int\);/);
    expect(given[7]).toContain("17:\tstatic int counter;");
    expect(given[8]).toContain("nodes+0x2c");
    expect(given[9]).toMatch(/^Error: no instruction comes from line 900 of program\.c/);
  });

  it("completes functions, files, variables in scope and members", async () => {
    const session = DebugSession.forKernel(bootOptions("program.O0", [], {}, new FakeIo(files)));
    const repl = new Repl(session, { write: () => {}, color: false, sources: new SourceTexts() });
    await repl.execute("tbreak program.c:54");
    await repl.execute("continue");
    expect(repl.complete("break fi")[0]).toEqual(expect.arrayContaining(["fib", "fill"]));
    expect(repl.complete("break prog")[0]).toContain("program.c:");
    expect(repl.complete("break program.c:m")[0]).toEqual(["program.c:main"]);
    expect(repl.complete("p sum")[0]).toEqual(["sum"]);
    expect(repl.complete("p n->s")[0]).toEqual(["s1", "s2"]);
    expect(repl.complete("p n->at.")[0]).toEqual(["at.x", "at.y"]);
    expect(repl.complete("break fib if coun")[0]).toEqual(expect.arrayContaining(["count", "counter"]));
    expect(repl.complete("info sc")[0]).toEqual(["scope"]);
    expect(repl.complete("info scope fi")[0]).toEqual(expect.arrayContaining(["fib", "fill"]));
    expect(repl.complete("catch syscall wri")[0]).toEqual(expect.arrayContaining(["write"]));
    expect(repl.complete("catch signal SIGSE")[0]).toEqual(["SIGSEGV"]);
  });
});
