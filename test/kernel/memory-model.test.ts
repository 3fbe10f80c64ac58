import { describe, expect, it } from "vitest";
import { asm, bootKernel, formatEvent } from "../../testing/index.ts";

/** Forks, faults, pipes and exits: hosted statements and assembly, page tables, device registers. */
const INIT = asm`
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $0, $0, $0
	PRINT "parent\n"
	EXIT value
child:	incl value
	PRINT "child\n"
	movl 0, %eax
.data
value:	.long 41
`;

describe("a kernel with --memory-model tso", () => {
  it("M8: on one CPU runs as with sc, event for event", () => {
    const [sc, tso] = (["sc", "tso"] as const).map((memoryModel) => {
      const kernel = bootKernel({ init: INIT, memoryModel });
      const status = kernel.runUntilExit();
      return { status, output: kernel.output, log: kernel.log, events: kernel.events.map(formatEvent) };
    });
    expect(tso).toEqual(sc);
    expect(tso.status).toBe(41);
  });

  it("M8: hosted statements store into the buffer, and see what is there; so do those who look", () => {
    const kernel = bootKernel({
      init: asm`
	SYSCALL brk, $0
	EXIT
`,
      memoryModel: "tso",
    });
    const { machine } = kernel;
    const [core] = machine.cores;
    // In the midst of the system call: the slot of a variable was written just before.
    kernel.runToSymbol("sys_brk");
    const waits = new Set<number>();
    kernel.runUntilTrue(() => {
      const { stores = [] } = core.storeBuffer ?? {};
      for (const { physical, size, value } of stores.slice(-1)) {
        if (size !== 4) continue;
        waits.add(value);
        expect(kernel.word(physical + 0xc0000000)).toBe(value);
        expect(new DataView(machine.readLinear(physical + 0xc0000000, 4).buffer).getUint32(0, true)).toBe(value);
      }
      return waits.size > 5;
    });
    expect(kernel.reproduction()).toContain("--memory-model tso");
    expect(kernel.runUntilExit()).toBe(0);
  });

  it("is restored and forked with what waits in its buffers", () => {
    const kernel = bootKernel({ init: INIT, memoryModel: "tso" });
    kernel.runUntil("fork");
    const other = kernel.fork();
    expect(other.machine.cores[0].storeBuffer?.stores).toEqual(kernel.machine.cores[0].storeBuffer?.stores);
    expect([other.runUntilExit(), other.output]).toEqual([kernel.runUntilExit(), kernel.output]);
  });
});
