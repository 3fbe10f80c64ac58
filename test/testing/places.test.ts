import { describe, expect, it } from "vitest";
import { asm, bootKernel } from "../../testing/index.ts";

const SPIN = asm`
	movl $0, %ebx
	incl %ebx
there:	incl %ebx
	incl %ebx
	SYSCALL getppid
	EXIT
`;

describe("interruptAt", () => {
  it("has a timer tick come exactly there", () => {
    const kernel = bootKernel({ init: SPIN });
    const before = kernel.events.length;
    kernel.interruptAt("there");
    kernel.runUntil("irq_entry");
    expect(kernel.events.slice(before).filter(({ event }) => event === "irq_entry")).toMatchObject([{ irq: 0 }]);
    const { eip } = kernel.current()?.userRegisters ?? {};
    expect(eip).toBe(kernel.symbol("there"));
    expect(kernel.runUntilExit()).toBe(0);
  });

  it("knows lines of the kernel's source, where interrupts may be off", () => {
    const kernel = bootKernel({ init: SPIN });
    const { file, line, address } = kernel.kernel.image.lines.find(
      (each) => each.address > kernel.symbol("sys_getppid") && each.file.endsWith("sys.ts"),
    )!;
    kernel.runToAny([address], "looking for the step");
    const other = bootKernel({ init: SPIN });
    other.interruptAt(`${file.split("/").at(-1)}:${line}`);
    expect(other.events.slice(-2)).toMatchObject([
      { event: "syscall", nr: 64 },
      { event: "interrupt", eip: address },
    ]);
    expect(other.runUntil("irq_entry")).toMatchObject({ irq: 0 });
    expect(other.runUntilExit()).toBe(0);
    expect(() => other.interruptAt("sys.ts:1")).toThrow(
      /sys\.ts:1: no instruction comes from that line; \d+, \d+, \d+ have some/,
    );
    expect(() => other.interruptAt("nowhere.ts:1")).toThrow("no code comes from a file of that name");
  });

  it("drives other lines, and debugging sessions repeat it", async () => {
    const kernel = bootKernel({ init: SPIN });
    kernel.interruptAt("there", 4);
    kernel.runUntil({ event: "irq_entry", irq: 4 });
    expect(kernel.reproduction()).toContain("repeats its interrupts");
    const session = await kernel.debugSession();
    expect(session.registers().eip).toBe(kernel.registers().eip);
    expect(kernel.runUntilExit()).toBe(0);
  });
});

describe("switchCoreAt", () => {
  it("needs the core to be there", () => {
    const kernel = bootKernel({ init: SPIN });
    expect(() => kernel.switchCoreAt("there", { to: 1, instructions: 5 })).toThrow(
      "core 1: this machine has cores 0 to 0",
    );
  });

  it("runs it alone from that place on", () => {
    const kernel = bootKernel({ init: SPIN });
    kernel.switchCoreAt("there", { to: 0, instructions: 2 });
    expect(kernel.registers()).toMatchObject({ ebx: 3 });
    expect(kernel.machine.onlyCore).toBe(null);
  });
});
