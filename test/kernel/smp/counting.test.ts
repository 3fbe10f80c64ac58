/** `lock; incl` against plain `incl` in the kernel, on several CPUs whose turns are short. */
import { describe, expect, it } from "vitest";
import { RandomInterleaver } from "../../../emulator/index.ts";
import { link_kernel } from "../../../kernel/link.ts";
import { boot } from "../run.ts";
import * as count from "./counting.kernel.ts";

const image = link_kernel({ config: { smp: true }, modules: [count], system_calls: { 250: "sys_count" } });
const TIMES = 200;

/** One process for each CPU counts in each way. */
const program = (cpus: number) => `
.globl _start
_start:	movl $${cpus - 1}, %ebp
1:	SYSCALL fork
	testl %eax, %eax
	jz 2f
	decl %ebp
	jnz 1b
2:	xorl %edi, %edi
3:	movl %edi, %ebx
	movl $${TIMES}, %ecx
	movl $250, %eax
	int $0x80
	incl %edi
	cmpl $3, %edi
	jb 3b
4:	SYSCALL wait4, $-1, $0, $0, $0
	testl %eax, %eax
	jg 4b
	EXIT
`;

describe.each([2, 4])("counts on %i CPUs", (cpus) => {
  it.each(["sc", "tso"] as const)("are lost without LOCK, and never with it (%s)", (memoryModel) => {
    const lost = { by_statement: 0, by_incl: 0 };
    for (const seed of [1, 2, 3]) {
      const interleaver = new RandomInterleaver(seed, 40);
      const { kernel, go } = boot(program(cpus), { image, cpus, fromReset: true, interleaver, memoryModel });
      expect(go({ maxInstructions: 20_000_000 })).toEqual({ kind: "exit", status: 0 });
      kernel.inspect(() => {
        expect(count.by_lock_incl.value, `seed ${seed}`).toBe(cpus * TIMES);
        lost.by_statement += cpus * TIMES - count.by_statement.value;
        lost.by_incl += cpus * TIMES - count.by_incl.value;
      });
    }
    expect(lost.by_statement).toBeGreaterThan(0);
    expect(lost.by_incl).toBeGreaterThan(0);
  });
});
