/** What the REPL shows of several CPUs, and of pid namespaces. */
import { expect, it } from "vitest";
import { answers, debugRun } from "./debug-run.ts";

const asked = async (program: string, args: readonly string[], ...commands: string[]): Promise<string[]> =>
  answers(await debugRun([...args, "-q", "p.S"], commands, { files: { "p.S": program } }));

const FORKS = `
.globl _start
_start:	movl $2, %eax
	int $0x80
	testl %eax, %eax
	jz child
	movl $7, %eax		# waitpid
	movl $-1, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	int $0x80
	movl $1, %eax
	xorl %ebx, %ebx
	int $0x80
child:	movl $20, %eax
	int $0x80
	jmp child
`;
const IN_A_NAMESPACE = FORKS.replace("movl $2, %eax", "movl $0x20000011, %ebx\n\txorl %ecx, %ecx\n\tmovl $120, %eax");

it("ps has the idle task of every CPU", async () => {
  const given = await asked(FORKS, ["--cpus", "3"], "break sys_getpid", "continue", "ps");
  const rows = given[2].split("\n").map((line) => line.replace("*", " ").trim().split(/\s+/));
  expect(rows[0]).toEqual(["PID", "PPID", "S", "CLS", "PRI", "CPU", "task_struct", "COMM", "AT"]);
  expect(rows.slice(1).map((row) => [row[0], row[7]])).toEqual([
    ["0", "[swapper]"],
    ["0", "[swapper/1]"],
    ["0", "[swapper/2]"],
    ["1", "p"],
    ["2", "p"],
  ]);
});

it("a CPU that idles has a current task", async () => {
  const given = await asked(FORKS, ["--cpus", "2"], "catch exec", "continue", "cpu 1", "p current->pid");
  expect(given[3]).toContain("0");
  expect(given[2]).toContain("swapper/1");
});

it("interrupts are counted by CPU", async () => {
  const given = await asked(FORKS, ["--cpus", "2"], "break sys_getpid", "continue", "info interrupts");
  const [heading, ...lines] = given[2].split("\n");
  expect(heading.trim().split(/\s+/)).toEqual(["CPU0", "CPU1"]);
  expect(lines[0]).toMatch(/^ {2}IRQ 0 +[\d,]+ +[\d,]+ +timer timer_interrupt/);
});

it("ps has the numbers below the initial pid namespace, if there is one", async () => {
  const before = await asked(FORKS, [], "break sys_getpid", "continue", "ps");
  expect(before[2]).not.toContain("NSPID");
  const given = await asked(IN_A_NAMESPACE, [], "break sys_getpid", "continue", "ps");
  const rows = given[2].split("\n").map((line) => line.replace("*", " ").trim().split(/\s+/));
  expect(rows.map((row) => [row[0], row[2]])).toEqual([
    ["PID", "NSPID"],
    ["0", "-"],
    ["1", "-"],
    ["2", "1"],
  ]);
});
