/** Back-traces to code whose INT, rather than something else, brought the CPU into the kernel. */
import { describe, expect, it } from "vitest";
import { answers, debugRun } from "./debug-run.ts";

/** The lines of a back-trace in a program, after some commands. */
async function lines(program: string, ...commands: string[]): Promise<readonly string[]> {
  const run = await debugRun(["-q", "p.S"], [...commands, "bt"], { files: { "p.S": program } });
  expect(run.output).not.toMatch(/^Error:/m);
  return answers(run).at(-1)?.split("\n") ?? [];
}

async function outermost(program: string, ...commands: string[]): Promise<string | undefined> {
  return (await lines(program, ...commands)).at(-1);
}

const EXIT = "\tmovl $1, %eax\n\tmovl $0, %ebx\n\tint $0x80\n";
const AT_EXIT = ["break sys_exit", "continue"];

describe("a back-trace to what an INT has been executed in", () => {
  it("is in the function that the INT ends, and at its line", async () => {
    const ends = await outermost(`.globl _start\n_start:\n${EXIT}`, ...AT_EXIT);
    expect(ends).toMatch(/^#2 {2}0x0804800c in _start \(\) at p\.S:5$/);
    const followed = `.globl _start\n_start:\n${EXIT}.type after,@function\nafter:\n\tnop\n.size after, 1\n`;
    expect(await outermost(followed, ...AT_EXIT)).toMatch(/^#2 {2}0x0804800c in _start \(\) at p\.S:5$/);
  });

  it("is so from entry code that has saved nothing yet, and for a breakpoint's INT", async () => {
    const program = `.globl _start\n_start:\n${EXIT}`;
    expect(await outermost(program, "break *system_call if $eax == 1", "continue")).toContain("in _start () at p.S:5");
    const traps = ".globl _start\n_start:\n\tnop\n\tint $3\n";
    expect(await outermost(traps, "break do_exit", "continue")).toMatch(/in _start \(\) at p\.S:4$/);
    expect(await outermost(traps.replace("$3", "$0x03"), "catch exception 3", "continue")).toContain("_start ()");
  });

  it("is at the instruction that another exception has stopped", async () => {
    const faults = ".globl _start\n_start:\n\tmovl $20, %eax\n\tint $0x80\nnext:\n\thlt\n";
    expect(await outermost(faults, "break do_exit", "continue")).toMatch(/^#\d+ {2}next \(\) at p\.S:6$/);
    expect(await outermost("\n.globl _start\n_start:\n\tint $9\n", "break do_exit", "continue")).toMatch(
      /^#\d+ {2}_start \(\) at p\.S:4$/,
    );
  });

  it("is in a signal's handler when that comes next, whatever lies before it", async () => {
    const program = `.globl _start
_start:
	movl $48, %eax			# signal(SIGUSR1, handler)
	movl $10, %ebx
	movl $handler, %ecx
	int $0x80
	movl $20, %eax
	int $0x80
	movl %eax, %ebx
	movl $37, %eax			# kill(getpid(), SIGUSR1)
	movl $10, %ecx
	int $0x80
${EXIT}
handler:
	ret
`;
    const at = await lines(program, "break handle_signal", "continue", "finish");
    expect(at.find((line) => line.includes("p.S"))).toMatch(/^#\d+ {2}handler \(\) at p\.S:\d+$/);
  });
});
