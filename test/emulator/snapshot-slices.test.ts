/** A snapshot is of the machine's state, not of how the host cut the run into pieces. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { Machine } from "../../emulator/index.ts";
import { busyMachine, OPTIONS, same } from "./busy-machine.ts";

/** Ways in which the host cuts a run into pieces, with their length in instructions. */
const pieces = fc.array(
  fc.tuple(
    fc.constantFrom("budget", "cycle", "condition", "breakpoint", "watchpoint", "capture"),
    fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 300 })),
  ),
  { maxLength: 60 },
);

function runInPieces(machine: Machine, cycle: number, list: readonly (readonly [string, number])[]): void {
  for (const [kind, length] of list) {
    const untilCycle = Math.min(cycle, machine.cycles + length);
    if (kind === "capture") machine.capture();
    else if (kind === "budget") machine.run({ maxInstructions: length, untilCycle: cycle });
    else if (kind === "condition") machine.run({ untilCycle, until: () => machine.cycles % 3 === 0 });
    else if (kind === "watchpoint") {
      machine.setWatchpoints([{ space: "linear", address: 0x600, length: 0x50000 }]);
      machine.run({ untilCycle });
      machine.setWatchpoints([]);
    } else {
      const here = machine.getRegister("eip");
      if (kind === "breakpoint") machine.setBreakpoints([here, here + 1, here + 2, here + 3, here + 5]);
      machine.run({ untilCycle });
      machine.setBreakpoints([]);
    }
  }
  machine.run({ untilCycle: cycle });
}

/** Single-stepping over software interrupts, whose own trap does not come, and sleep that an interrupt ends at once. */
function steppingMachine(): Machine {
  const machine = new Machine({ ...OPTIONS, cpus: 1 });
  const bytes = assembleBinary(
    `.code16
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0x8000, %sp
    movw $trap, 4
    movw $0, 6
    movw $software, 0x100
    movw $0, 0x102
    movw $timer, 0x20
    movw $0, 0x22
    movb $0x34, %al
    outb %al, $0x43
    movb $7, %al
    outb %al, $0x40
    movb $0, %al
    outb %al, $0x40
    movb $0x11, %al
    outb %al, $0x20
    movb $8, %al
    outb %al, $0x21
    movb $4, %al
    outb %al, $0x21
    movb $1, %al
    outb %al, $0x21
    movb $0xfe, %al
    outb %al, $0x21
    pushw $0x302
    popfw
1:  int $0x40
    incl 0x700
    sti
    hlt
    jmp 1b
trap: incl 0x704
    iretw
software: incl 0x708
    iretw
timer: incl 0x70c
    pushw %ax
    movb $0x20, %al
    outb %al, $0x20
    popw %ax
    iretw`,
    { file: "stepping.S", origin: 0x1000 },
  );
  machine.memory.load(bytes, 0x1000);
  machine.setRegister("cs", 0);
  machine.setRegister("eip", 0x1000);
  return machine;
}

describe("the same run, cut into other pieces", () => {
  for (const [name, make] of [
    ["of two cores with paging, interrupts and a disk", busyMachine],
    ["that single-steps itself and sleeps", steppingMachine],
  ] as const) {
    it(`${name}, ends in the same snapshot`, () => {
      fc.assert(
        fc.property(pieces, fc.integer({ min: 1, max: 4000 }), (list, cycle) => {
          const whole = make();
          whole.run({ untilCycle: cycle });
          const other = make();
          runInPieces(other, cycle, list);
          expect(other.cycles).toBe(whole.cycles);
          expect(other.counters).toEqual(whole.counters);
          expect(same(other.save(), whole.save())).toBe(true);
        }),
        { numRuns: 15 },
      );
    });
  }

  it("single-steps no software interrupt, wherever a piece ends", () => {
    const machine = steppingMachine();
    machine.run({ untilCycle: 3000 });
    expect(machine.memory.read32(0x700)).toBeGreaterThan(20);
    const other = steppingMachine();
    // Each push on the stack ends a piece.
    other.setWatchpoints([{ space: "linear", address: 0x7f00, length: 0x100 }]);
    while (other.cycles < 3000) other.run({ untilCycle: 3000 });
    for (const at of [0x700, 0x704, 0x708, 0x70c]) expect(other.memory.read32(at)).toBe(machine.memory.read32(at));
  });
});
