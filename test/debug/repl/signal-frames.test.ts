/** Back-traces out of a signal's handler to what the signal has interrupted. */
import { describe, expect, it } from "vitest";
import { answers, debugRun } from "./debug-run.ts";

/** A task that sends itself SIGUSR1; its handler returns by a code of the kernel's, on the stack. */
function program(install: string): string {
  return `.globl _start
_start:
${install}
	call raise
	movl $1, %eax
	movl $0, %ebx
	int $0x80
raise:
	movl $20, %eax
	int $0x80
	movl %eax, %ebx
	movl $0x1234, %edi
	movl $37, %eax			# kill(getpid(), SIGUSR1)
	movl $10, %ecx
	int $0x80
	ret
handler:
	movl $1, %edi
	ret
.data
action:	.long handler, 4, 0, 0, 0	# SA_SIGINFO
`;
}

const SIGNAL = "\tmovl $48, %eax\n\tmovl $10, %ebx\n\tmovl $handler, %ecx\n\tint $0x80\n";
const SIGACTION =
  "\tmovl $174, %eax\n\tmovl $10, %ebx\n\tmovl $action, %ecx\n\tmovl $0, %edx\n\tmovl $8, %esi\n\tint $0x80\n";

describe("a signal's handler", () => {
  it.each([
    ["signal()", SIGNAL],
    ["rt_sigaction() with SA_SIGINFO", SIGACTION],
  ])(
    "set by %s is called by what the signal has interrupted, at every instruction of the return",
    async (_, install) => {
      const run = await debugRun(
        ["-q", "p.S"],
        [
          ...[
            "break handler",
            "continue",
            "bt",
            "stepi",
            "bt",
            "up 2",
            "p $edi",
            "frame 0",
            "finish",
            "bt",
            "stepi",
            "bt",
          ],
          ...["tbreak sys_sigreturn", "tbreak sys_rt_sigreturn", "continue", "bt"],
        ],
        { files: { "p.S": program(install) } },
      );
      expect(run.output).not.toMatch(/^Error:/m);
      const given = answers(run);
      const frames =
        /<signal handler called>\n#\d+ {2}(0x\w+ in )?raise \(\) at p\.S:\d+\n#\d+ {2}0x\w+ in _start \(\) at p\.S:\d+$/;
      for (const i of [2, 4]) expect(given[i]).toMatch(frames);
      expect(given[6]).toBe("$1 = 4660");
      expect(given[8]).toMatch(/^=> bf\w{6}: /m);
      for (const i of [9, 11]) expect(given[i]).toMatch(frames);
      expect(given.at(-1)).toMatch(frames);
    },
  );
});
