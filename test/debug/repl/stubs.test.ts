import { expect, it } from "vitest";
import { answers, debugRun } from "./debug-run.ts";

/** Functions with and without frame pointers, a label inside one, a call through a register. */
const CALLS = `
.globl _start
_start:
	movl $7, %ebp			# no frame pointer
	call outer
	movl $1, %eax
	xorl %ebx, %ebx
	int $0x80
outer:	pushl %ebp
	movl %esp, %ebp
	pushl $1
	movl $leaf, %eax
	call *%eax
	addl $4, %esp
	leave
	ret
leaf:	pushl %ebx
	subl $8, %esp
inside:	call framed
	addl $8, %esp
	popl %ebx
	ret
framed:	pushl %ebp
	movl %esp, %ebp
	movl $20, %eax			# getpid
	int $0x80
	leave
	ret
`;

function names(text: string): string[] {
  return [...text.matchAll(/^#\d+ +(?:0x\w+ in )?(\w+)/gm)].map(([, name]) => name);
}

it("names every caller in user space, at every instruction of functions without call frame information", async () => {
  // Over the system call alone.
  const steps = [...Array(11).fill("stepi"), "nexti", ...Array(9).fill("stepi")].flatMap((step) => [step, "bt"]);
  const run = await debugRun(["calls.S"], ["break outer", "continue", "bt", ...steps], {
    files: { "calls.S": CALLS },
  });
  const traces = answers(run)
    .filter((_, index) => index >= 2 && index % 2 === 0)
    .map((text) => names(text).join(" "));
  const outer = "outer _start";
  const inside = `inside ${outer}`;
  const framed = `framed ${inside}`;
  expect(traces).toEqual([
    ...Array(5).fill(outer),
    ...Array(2).fill(`leaf ${outer}`),
    inside,
    ...Array(6).fill(framed),
    ...Array(3).fill(inside),
    ...Array(3).fill(outer),
    ...Array(2).fill("_start"),
  ]);
});

it("leads from the kernel to every caller in user space", async () => {
  const run = await debugRun(["calls.S"], ["catch syscall getpid", "continue", "bt"], { files: { "calls.S": CALLS } });
  expect(names(answers(run)[2])).toEqual(["system_call", "framed", "inside", "outer", "_start"]);
});

it("leads past a call of what does not return, behind which its function ends", async () => {
  const run = await debugRun(["ends.S"], ["break quits", "continue", "bt", "stepi", "bt"], {
    files: {
      "ends.S": `
.cfi_sections .eh_frame
.globl _start
.type _start,@function
_start:	.cfi_startproc
	.cfi_undefined eip
	call middle
	.cfi_endproc
.size _start, .-_start
.balign 16
.type middle,@function
middle:	.cfi_startproc
	call quits
	.cfi_endproc
.size middle, .-middle
.balign 16
.type quits,@function
quits:	.cfi_startproc
	pushl %ebx
	.cfi_adjust_cfa_offset 4
	movl $1, %eax
	int $0x80
	.cfi_endproc
.size quits, .-quits
`,
    },
  });
  expect([answers(run)[2], answers(run)[4]].map(names)).toEqual(Array(2).fill(["quits", "middle", "_start"]));
});

/** What the back-traces say brought the CPU into the kernel, from a breakpoint on for so many instructions. */
async function entriesFrom(file: string, place: string, instructions: number): Promise<Set<string>> {
  const steps = Array.from({ length: instructions }, () => ["stepi", "bt"]).flat();
  const run = await debugRun([file], [`break *${place}`, "continue", "bt", ...steps], {
    files: { "spin.S": ".globl _start\n_start: jmp _start\n" },
  });
  const first = answers(run).flatMap((text) => /--- (.*), frame of the CPU/.exec(text)?.[1] ?? []);
  expect(first.length).toBe(instructions + 1);
  return new Set(first);
}

it.each([
  ["examples/cow.S", "system_call", 16, "system call 120 (clone)"],
  ["examples/cow.S", "page_fault", 24, "exception 14 (#PF page fault)"],
  ["spin.S", "IRQ0_interrupt", 13, "interrupt 0x20 (IRQ 0)"],
])("%s: says at each instruction from %s on what it is about", async (file, stub, instructions, what) => {
  expect(await entriesFrom(file, stub, instructions)).toEqual(new Set([what]));
});

it("does not take what the stack had before for registers that entry code has yet to save", async () => {
  const run = await debugRun(["calls.S"], ["catch syscall getpid", "continue", "ptregs"], {
    files: { "calls.S": CALLS },
  });
  expect(run.output).toContain("Error: pid 1 is at system_call, on its way into the kernel or out of it");
  const saved = await debugRun(
    ["calls.S"],
    ["catch syscall getpid", "continue", "break sys_getpid", "continue", "ptregs"],
    {
      files: { "calls.S": CALLS },
    },
  );
  expect(answers(saved)[4]).toContain("orig_eax = 0x14");
});

it("tells an error code from what will be saved in its place", async () => {
  const run = await debugRun(
    ["examples/cow.S"],
    ["break *page_fault", "continue", "stepi", "stack", "advance *do_page_fault", "stack"],
  );
  expect(answers(run)[3]).toMatch(/\b0000000\d +error code, until pt_regs.orig_eax/);
  expect(answers(run)[3]).toMatch(/vector 14, until pt_regs.xes is saved here/);
  expect(answers(run)[5]).toMatch(/ffffffee +pt_regs.orig_eax/);
});

it("catches a device's interrupt by its line, and not the system calls before it", async () => {
  const source = ".globl _start\n_start: movl $20, %eax\n int $0x80\n1: jmp 1b\n";
  const run = await debugRun(["calls.S"], ["tbreak _start", "continue", "catch irq 0", "continue"], {
    files: { "calls.S": source },
  });
  expect(answers(run)[3]).toMatch(/interrupt vector=0x20 .*irq=0/);
  expect(answers(run)[3]).toContain("IRQ0_interrupt");
});

it("writes help in lines of 80 columns, whatever its source has", async () => {
  const { output } = await debugRun(["calls.S"], ["help", "help print", "help why", "help catch"], {
    files: { "calls.S": CALLS },
  });
  const lines = output.split("\n");
  expect(lines.filter((line) => line.length > 80 && !/\S {2,}\S/.test(line))).toEqual([]);
  expect(lines.some((line) => /^ {2}print /.test(line))).toBe(true);
});
