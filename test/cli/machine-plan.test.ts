import { expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { planMachine } from "../../cli/machine-plan.ts";
import { FakeIo } from "./fake-io.ts";

it("a reset that finds no place for what was booted ends the guest with a message", () => {
  const kernel = assembleBinary(
    `.long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), 0x100000, 0x100000, 0, 0x200000, _start
    .globl _start
    _start: movb $0xfe, %al
    outb %al, $0x64
    jmp .`,
    { file: "kernel.S", origin: 0x100000 },
  );
  const lines: string[] = [];
  const io = new FakeIo({ "kernel.bin": kernel });
  const machine = planMachine({ multiboot: "kernel.bin" }, io, (line) => lines.push(line)).build();
  // Where its .bss would be.
  machine.loadRom(new Uint8Array(4096), 0x180000);
  expect(machine.run({ maxInstructions: 1_000_000 })).toEqual({ kind: "halted-forever" });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^the machine was reset, and cannot be started again: .*0x180000/);
});
