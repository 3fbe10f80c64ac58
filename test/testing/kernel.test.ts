import { describe, expect, it } from "vitest";
import { asm, bootKernel } from "../../testing/index.ts";

export const TWO_TASKS = asm`
	SYSCALL fork
1:	SYSCALL sched_yield
	incl value
	incl %edi
	cmpl $10, %edi
	jb 1b
	EXIT
.data
value:	.long 7
`;

describe("bootKernel", () => {
  it("hands over before pid 1's first instruction", () => {
    const kernel = bootKernel({ init: TWO_TASKS });
    expect(kernel.registers().eip).toBe(kernel.symbol("_start"));
    expect(kernel.current()).toMatchObject({ pid: 1, state: "R", running: true });
    const t = performance.now();
    for (let i = 0; i < 10; i++) {const a = performance.now(); const k = bootKernel({ init: TWO_TASKS }); console.log(performance.now() - a, k.position)};
    console.log(performance.now() - t);
    const s = kernel.runUntilSwitch({ from: 1, to: 2 });
    console.log(s, kernel.describe());
  });
});
