import { assemble, type LinkedImage, link } from "../../../asm/index.ts";
import { Machine, type MachineOptions } from "../../../emulator/index.ts";

/** Where the guest is linked, and where its tables lie. */
const ORIGIN = 0x10000;
const GDT = 0x1000;
const IDT = 0x2000;
const TRAMPOLINE = 0x8000;

/** Where the other cores begin: real mode, then flat 32-bit code at `other`. */
const TRAMPOLINE_SOURCE = `
.code16
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl 0x8040
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $0x08, $other
.org 0x40
	.word 23
	.long ${GDT}
`;

/** What every guest has: constants, the start of the other cores, macros. */
const PRELUDE = `
.set APIC, 0xfee00000
.set IO_APIC, 0xfec00000
.set SELF, 0x40000
.set ALL, 0x80000
.set OTHERS, 0xc0000

.macro ipi command, destination=0
	movl $(\\destination) << 24, APIC + 0x310
	movl $\\command, APIC + 0x300
.endm
.macro eoi
	movl $0, APIC + 0xb0
.endm
.macro redirect pin, low, destination=0
	movl $0x11 + 2 * \\pin, IO_APIC
	movl $(\\destination) << 24, IO_APIC + 0x10
	movl $0x10 + 2 * \\pin, IO_APIC
	movl $\\low, IO_APIC + 0x10
.endm
.macro print character
	pushl %eax
	movb $\\character, %al
	outb %al, $0xe9
	popl %eax
.endm
.macro exit value=0
	movb $\\value, %al
	outb %al, $0xf4
.endm
.macro id register				# this core's APIC ID
	movl APIC + 0x20, \\register
	shrl $24, \\register
.endm
.macro pic mask
	movb $0x11, %al; outb %al, $0x20
	movb $0x20, %al; outb %al, $0x21
	movb $0x04, %al; outb %al, $0x21
	movb $0x01, %al; outb %al, $0x21
	movb $\\mask, %al; outb %al, $0x21
	movb $0xff, %al; outb %al, $0xa1
.endm
.macro no_pic
	movb $0xff, %al; outb %al, $0x21; outb %al, $0xa1
.endm
.macro wait_for value, variable
9:	pause
	cmpl $\\value, \\variable
	jne 9b
.endm

.text
.globl _start, other
_start:
	movl $0x1ff, APIC + 0xf0
	jmp boot

other:	movw $0x10, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	id %ebx
	movl %ebx, %esp
	shll $12, %esp
	addl $0x40000, %esp
	lidt idt_pointer
	movl $0x1ff, APIC + 0xf0
	lock; incl online
	jmp work

start_others:				# EAX = how many there are
	ipi OTHERS + 0x4500
	ipi OTHERS + 0x4608
	ipi OTHERS + 0x4608
1:	pause
	cmpl %eax, online
	jne 1b
	ret

.data
idt_pointer: .word 0x7ff
	.long ${IDT}
online:	.long 0
.text
`;

/** What the other cores do when the guest does not say. */
const SLEEP = ".text\nwork: hlt; jmp work\n";

/**
 * A machine about to run a guest in flat 32-bit code at CPL 0, on core 0. The guest defines `boot`, where core 0 begins,
 * `work`, where the others begin after `start_others`, and handlers `vector_NUMBER` for interrupts and exceptions.
 */
export function smpGuest(source: string, options: MachineOptions = {}) {
  const machine = new Machine({ memoryBytes: 1 << 20, ...options });
  const text = `${PRELUDE}\n${source}\n${/^\s*work:/m.test(source) ? "" : SLEEP}`;
  const image = link([assemble(text, { file: "guest.S" })], { textAddress: ORIGIN, pageSize: 16 });
  const trampoline = link([assemble(TRAMPOLINE_SOURCE, { file: "trampoline.S" })], {
    textAddress: TRAMPOLINE,
    symbols: { other: image.symbol("other") },
    pageSize: 1,
  });
  for (const { segments } of [image, trampoline]) {
    for (const segment of segments) machine.load(segment.data, segment.physicalAddress);
  }
  writeTables(machine, image);
  machine.setRegister("cr0", 0x11);
  machine.setRegister("cs", 0x08);
  for (const segment of ["ds", "es", "ss", "fs", "gs"] as const) machine.setRegister(segment, 0x10);
  machine.setRegister("esp", 0x40000);
  machine.setRegister("eip", image.entry);

  const printed: [number, string][] = [];
  machine.onDebugOutput = (byte) => printed.push([machine.cycles, String.fromCharCode(byte)]);
  const words = (name: string, count = 1) =>
    Array.from(new Int32Array(machine.readPhysical(image.symbol(name), 4 * count).buffer));
  return {
    machine,
    image,
    printed,
    text: () => printed.map(([, character]) => character).join(""),
    /** The 32-bit words at a symbol. */
    words,
    word: (name: string) => words(name)[0],
  };
}

function writeTables(machine: Machine, image: LinkedImage): void {
  const code = [0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0];
  const data = [0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0];
  machine.load(Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, ...code, ...data]), GDT);
  machine.setRegister("gdtr_base", GDT);
  machine.setRegister("gdtr_limit", 23);
  machine.setRegister("idtr_base", IDT);
  machine.setRegister("idtr_limit", 0x7ff);
  for (const { name, address } of image.symbols) {
    const vector = /^vector_(\d+)$/.exec(name)?.[1];
    if (vector === undefined) continue;
    const gate = [address & 0xff, (address >> 8) & 0xff, 0x08, 0, 0, 0x8e, (address >> 16) & 0xff, address >>> 24];
    machine.load(Uint8Array.from(gate), IDT + 8 * Number(vector));
  }
}
