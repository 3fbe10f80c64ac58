import { describe, expect, it } from "vitest";
import { assemble, flatBinary, type LinkedImage, link } from "../../asm/index.ts";
import { bootRaw } from "../../boot/index.ts";
import { crc32 } from "../../emulator/crc32.ts";
import { Machine, type MachineOptions, RandomInterleaver, type StopReason } from "../../emulator/index.ts";
import { smpGuest } from "./smp/guest.ts";

const ORIGIN = 0x10000;

interface Guest {
  readonly machine: Machine;
  readonly image: LinkedImage;
}

function guest(source: string, options: MachineOptions = {}): Guest {
  const text = `.globl _start\n_start: movl $0x9000, %esp\n${source}`;
  const image = link([assemble(text, { file: "guest.S" })], { textAddress: ORIGIN, pageSize: 1 });
  const machine = new Machine({ memoryBytes: 1 << 20, ...options });
  bootRaw(machine, { images: [{ name: "guest.S", bytes: flatBinary(image), address: ORIGIN }], mode: "protected" });
  return { machine, image };
}

function stateOf(machine: Machine): string {
  const registers = machine.cores.map((core) => crc32(new Uint8Array(core.r.slice(0, 256).buffer)));
  return `${machine.cycles} ${registers} ${crc32(machine.readPhysical(0, machine.memory.ramSize))}`;
}

const LOOP = `
	xorl %ecx, %ecx
again:	incl %ecx
	nop
inside:	addl %ecx, total
	cmpl $10, %ecx
	jne again
	outl %eax, $0xf4
.align 4
total:	.long 0
`;

describe("breakpoints of the host", () => {
  it("stop before the instruction, each time it is reached", () => {
    const { machine, image } = guest(LOOP);
    const inside = image.symbol("inside");
    machine.setBreakpoints([inside]);
    for (let count = 1; count <= 10; count++) {
      expect(machine.run()).toEqual({ kind: "breakpoint", core: 0, linear: inside });
      expect(machine.getRegister("eip")).toBe(inside);
      expect(machine.getRegister("ecx")).toBe(count);
      expect(machine.instructions).toBe(2 + 5 * (count - 1) + 2);
    }
    expect(machine.run().kind).toBe("exit");
  });

  it("stop only when asked to, and go away", () => {
    const { machine, image } = guest(LOOP);
    let asked = 0;
    machine.setBreakpoints([image.symbol("inside")], (core) => ++asked > 0 && core.r[1] === 4);
    expect(machine.run().kind).toBe("breakpoint");
    expect(asked).toBe(4);
    machine.setBreakpoints([]);
    expect(machine.run().kind).toBe("exit");
    expect(asked).toBe(4);
  });

  it("have probes beside them, which are called once each time and do not stop", () => {
    const { machine, image } = guest(LOOP);
    const inside = image.symbol("inside");
    const seen: number[] = [];
    machine.setProbes(new Map([[inside, (core) => seen.push(core.r[1])]]));
    machine.setBreakpoints([inside], (core) => core.r[1] === 3);
    expect(machine.run().kind).toBe("breakpoint");
    expect(seen).toEqual([1, 2, 3]);
    machine.step();
    machine.setBreakpoints([]);
    while (machine.run({ maxInstructions: 1 }).kind === "budget");
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const free = guest(LOOP).machine;
    free.run();
    expect(stateOf(machine)).toBe(stateOf(free));
  });

  it("leave no mark on state, memory and time", () => {
    const free = guest(LOOP).machine;
    free.run();
    const { machine, image } = guest(LOOP);
    machine.setBreakpoints([image.symbol("again"), image.symbol("inside"), image.symbol("inside") + 6, ORIGIN + 1]);
    while (machine.run().kind === "breakpoint");
    expect(stateOf(machine)).toBe(stateOf(free));
  });

  it("keep the interrupt shadow of STI", () => {
    const source = `
	lgdt gdt_pointer
	movl $handler, %eax
	movl %eax, idt + 0x20 * 8
	movw $8, idt + 0x20 * 8 + 2
	movw $0x8e00, idt + 0x20 * 8 + 4
	shrl $16, %eax
	movw %ax, idt + 0x20 * 8 + 6
	lidt pointer
	movb $0x11, %al
	outb %al, $0x20
	movb $0x20, %al
	outb %al, $0x21
	movb $4, %al
	outb %al, $0x21
	movb $1, %al
	outb %al, $0x21
	movb $0xfe, %al
	outb %al, $0x21
	movb $0x34, %al
	outb %al, $0x43
	movb $0, %al
	outb %al, $0x40
	outb %al, $0x40
	movl $600000, %ecx
1:	loop 1b
	sti
shadow:	incl %ebx
after:	incl %ebx
	jmp after
handler: outl %eax, $0xf4
.align 8
pointer: .word 0x7ff
	.long idt
gdt_pointer: .word 15
	.long gdt
.align 8
gdt:	.quad 0, 0x00cf9a000000ffff
.align 8
idt:	.space 0x800
`;
    const free = guest(source).machine;
    expect(free.run({ maxInstructions: 1_000_000 }).kind).toBe("exit");
    expect(free.getRegister("ebx")).toBe(1);
    const { machine, image } = guest(source);
    machine.setBreakpoints([image.symbol("shadow"), image.symbol("after")]);
    // The interrupt waits; it is taken after the shadowed instruction, before `after` is reached.
    expect(machine.run()).toMatchObject({ kind: "breakpoint", linear: image.symbol("shadow") });
    expect(machine.run().kind).toBe("exit");
    expect(stateOf(machine)).toBe(stateOf(free));
  });

  it("are hit at the first byte of an instruction that spans pages, and after code changed", () => {
    const { machine, image } = guest(`
	jmp far
.org 0xffd
far:	movl $1, %eax
	movb $0x40, patched
	call patched
	call patched
	outl %eax, $0xf4
patched: nop
	ret
`);
    machine.setBreakpoints([image.symbol("far"), image.symbol("patched")]);
    expect(machine.run()).toMatchObject({ linear: image.symbol("far") });
    expect(machine.run()).toMatchObject({ linear: image.symbol("patched") });
    machine.step();
    expect(machine.getRegister("eax")).toBe(2);
    expect(machine.run()).toMatchObject({ linear: image.symbol("patched") });
    expect(machine.run()).toEqual({ kind: "exit", value: 3 });
  });

  it("may be any number in a page, in any order", () => {
    const { machine, image } = guest(LOOP);
    const start = image.symbol("again");
    machine.setBreakpoints([start + 8, start, 0xfffffff0, start + 1, start + 2]);
    const seen: number[] = [];
    for (let stop = machine.run(); stop.kind === "breakpoint"; stop = machine.run()) seen.push(stop.linear - start);
    expect(seen.slice(0, 8)).toEqual([0, 1, 2, 8, 0, 1, 2, 8]);
    expect(seen).toHaveLength(40);
  });
});

describe("watchpoints of the host", () => {
  function accesses(machine: Machine): Extract<StopReason, { kind: "watchpoint" }>[] {
    const found = [];
    for (let stop = machine.run(); stop.kind === "watchpoint"; stop = machine.run()) found.push(stop);
    return found;
  }

  it("stop after the instruction, and tell of the access", () => {
    const { machine, image } = guest(`
	movl $0x11223344, %eax
	movl %eax, place
first:	movw $0x5566, place + 1
second:	movzbl place + 3, %ebx
third:	movb $1, place + 4
	outl %eax, $0xf4
.align 4
place:	.long 7, 0
`);
    const place = image.symbol("place");
    machine.setWatchpoints([{ space: "linear", address: place, length: 4 }]);
    const common = { kind: "watchpoint", core: 0, range: 0 };
    expect(machine.run()).toEqual({
      ...common,
      access: { linear: place, physical: place, size: 4, write: true, before: 7, after: 0x11223344 },
    });
    expect(machine.getRegister("eip")).toBe(image.symbol("first"));
    expect(machine.run()).toMatchObject({ access: { linear: place + 1, size: 2, before: 0x2233, after: 0x5566 } });
    expect(machine.getRegister("eip")).toBe(image.symbol("second"));
    expect(machine.run()).toMatchObject({ access: { linear: place + 3, size: 1, write: false, after: 0x11 } });
    expect(machine.getRegister("eip")).toBe(image.symbol("third"));
    expect(machine.run().kind).toBe("exit");
  });

  it("see operands that are read and written, pushes, strings and accesses across pages", () => {
    const { machine, image } = guest(`
	movl $place, %esp
	addl $4, %esp
	pushl $5
	lock incl place
	movl $source, %esi
	movl $place - 8, %edi
	movl $3, %ecx
	rep movsl
	movl $0xaabbccdd, place - 2
	outl %eax, $0xf4
source:	.long 1, 2, 3
.org 0xffa
	.space 6
place:	.long 0
`);
    const place = image.symbol("place");
    expect(place % 4096).toBe(0);
    machine.setWatchpoints([{ space: "linear", address: place, length: 4 }]);
    expect(
      accesses(machine).map(({ access: { linear, size, write, before, after } }) =>
        [linear - place, size, write ? "w" : "r", before, after].join(" "),
      ),
    ).toEqual(["0 4 w 0 5", "0 4 r 5 5", "0 4 w 6 3", "0 1 w 3 187"]);
  });

  it("by physical address see every mapping, by linear address only their own", () => {
    const source = `
	movl $0x3000 + 3, %edi
	movl $0x40003, 0x31000 + 0x50 * 4
	movl $0x40003, 0x31000 + 0x60 * 4
	movl $0x10003, 0x31000 + 0x10 * 4
	movl $0x8003, 0x31000 + 0x8 * 4
	movl $0x31003, 0x30000
	movl $0x30000, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	movl $1, 0x50010
	movl $2, 0x60010
	movl $3, 0x50014
	outl %eax, $0xf4
`;
    const physical = guest(source).machine;
    physical.setWatchpoints([{ space: "physical", address: 0x40010, length: 4 }]);
    expect(accesses(physical).map(({ access }) => [access.linear, access.physical, access.after])).toEqual([
      [0x50010, 0x40010, 1],
      [0x60010, 0x40010, 2],
    ]);
    const linear = guest(source).machine;
    linear.setWatchpoints([{ space: "linear", address: 0x60010, length: 8 }]);
    expect(accesses(linear).map(({ access }) => access.linear)).toEqual([0x60010]);
    const none = guest(source).machine;
    none.run();
    expect(stateOf(physical)).toBe(stateOf(none));
    expect(stateOf(linear)).toBe(stateOf(none));
  });

  it("see the CPU read descriptors", () => {
    const { machine, image } = guest(`
	lgdt pointer
	movw $0x18, %ax
	movw %ax, %fs
	outl %eax, $0xf4
.align 8
gdt:	.quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
entry:	.quad 0x00cf93000000ffff
pointer: .word 31
	.long gdt
`);
    const entry = image.symbol("entry");
    machine.setWatchpoints([{ space: "linear", address: entry, length: 8 }]);
    expect(accesses(machine).length).toBeGreaterThan(0);
  });

  it("do not change how cores interleave", () => {
    const run = (watch: boolean): string => {
      const { machine, image } = smpGuest(COUNTERS, { cpus: 3, interleaver: new RandomInterleaver(7, 5) });
      let hits = 0;
      if (watch) {
        machine.setWatchpoints([{ space: "linear", address: image.symbol("counter"), length: 4 }], () => ++hits < 0);
        machine.setBreakpoints([image.symbol("again")], () => ++hits < 0);
      }
      machine.run({ maxInstructions: 4000 });
      if (watch) expect(hits).toBeGreaterThan(100);
      return stateOf(machine);
    };
    expect(run(true)).toBe(run(false));
  });
});

/** Every core adds to one counter, without LOCK, for ever. */
const COUNTERS = `
boot:	ipi OTHERS + 0x4500
	ipi OTHERS + 0x4608
work:
again:	incl counter
	addl $3, counter
	incl %esi
	jmp again
.data
counter: .long 0
`;

describe("running one core alone", () => {
  it("leaves the others where they are", () => {
    const { machine } = smpGuest(COUNTERS, { cpus: 2, interleaver: new RandomInterleaver(3, 9) });
    machine.run({ maxInstructions: 2000 });
    const before = machine.counters.instructions;
    machine.onlyCore = 1;
    machine.run({ maxInstructions: 50 });
    expect(machine.counters.instructions).toEqual([before[0], before[1] + 50]);
  });

  it("and counting one core's instructions lets the others run", () => {
    const { machine } = smpGuest(COUNTERS, { cpus: 2, interleaver: new RandomInterleaver(3, 9) });
    machine.run({ maxInstructions: 2000 });
    const before = machine.counters.instructions;
    machine.run({ maxInstructions: 50, core: 1 });
    expect(machine.counters.instructions[1]).toBe(before[1] + 50);
    expect(machine.counters.instructions[0]).toBeGreaterThan(before[0]);
  });
});
