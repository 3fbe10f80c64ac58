/** A machine that uses everything it has. */
import { assembleBinary } from "../../asm/index.ts";
import { bootRaw } from "../../boot/index.ts";
import { Machine, type MachineOptions } from "../../emulator/index.ts";

const ORIGIN = 0x10000;

/**
 * Something of everything: paging with stale translations, timer and serial interrupts, RTC, the disk, the keyboard,
 * the x87, code that changes itself, HLT, and a second core that shares a counter.
 */
const BUSY = assembleBinary(
  `
  .set IDT, 0x20000
  .set PAGE_DIRECTORY, 0x30000
  .set PAGE_TABLE, 0x31000
  .set TICKS, 0x40000
  .set SHARED, 0x40010
  .set DATA, 0x41000
  .set LAPIC, 0xfee00000
_start:
  movl $0x9000, %esp
  lgdt gdt_descriptor
  ljmp $8, $1f
1: movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  # identity mapping of 4 MiB in small pages, and the APICs in a large one
  movl $PAGE_TABLE, %edi
  movl $3, %eax
2: stosl
  addl $0x1000, %eax
  cmpl $0x400003, %eax
  jb 2b
  movl $PAGE_TABLE + 3, PAGE_DIRECTORY
  movl $0xfec00083, PAGE_DIRECTORY + 0x3fb * 4
  movl %cr4, %eax
  orl $0x10, %eax
  movl %eax, %cr4
  movl $PAGE_DIRECTORY, %eax
  movl %eax, %cr3
  movl %cr0, %eax
  orl $0x80000000, %eax
  movl %eax, %cr0
  # interrupts: timer on 0x20, COM1 on 0x24, the second 8259A from 0x28
  movl $0x20, %ecx
3: movl $timer, %eax
  call set_gate
  incl %ecx
  cmpl $0x30, %ecx
  jb 3b
  movl $serial, %eax
  movl $0x24, %ecx
  call set_gate
  lidt idt_descriptor
  .irp pair, 0x1120, 0x11a0, 0x2021, 0x28a1, 0x0421, 0x02a1, 0x0121, 0x01a1, 0xea21, 0xfea1
  movb $\\pair >> 8, %al
  outb %al, $\\pair & 0xff
  .endr
  movb $0x34, %al
  outb %al, $0x43
  movb $0x50, %al
  outb %al, $0x40
  movb $0x02, %al
  outb %al, $0x40
  movw $0x3fc, %dx
  movb $8, %al
  outb %al, %dx
  movw $0x3f9, %dx
  movb $3, %al
  outb %al, %dx
  # RTC: periodic interrupts
  movb $0x0b, %al
  outb %al, $0x70
  movb $0x42, %al
  outb %al, $0x71
  # the second core: INIT, then start at 0x8000
  movl $trampoline, %esi
  movl $0x8000, %edi
  movl $trampoline_end - trampoline, %ecx
  rep movsb
  movl $0x01000000, LAPIC + 0x310
  movl $0x00004500, LAPIC + 0x300
  movl $0x01000000, LAPIC + 0x310
  movl $0x00004608, LAPIC + 0x300
  # READ SECTORS, and its data
  movw $0x1f6, %dx
  movb $0xe0, %al
  outb %al, %dx
  movw $0x1f2, %dx
  movb $2, %al
  outb %al, %dx
  movw $0x1f7, %dx
  movb $0x20, %al
  outb %al, %dx
  # local APIC timer: periodic, on vector 0x21
  movl $apic_timer, %eax
  movl $0x21, %ecx
  call set_gate
  movl $0x1ff, LAPIC + 0xf0
  movl $0xb, LAPIC + 0x3e0
  movl $0x20021, LAPIC + 0x320
  movl $5000, LAPIC + 0x380
  finit
  fld1
  movl $DATA, %edi
  sti
main:
  imull $1103515245, %ebx, %ebx
  addl $12345, %ebx
  movl %ebx, %eax
  shrl $8, %eax
  andl $0xffffc, %eax
  movl %ebx, 0x100000(%eax)
  addl 0x180000(%eax), %esi
  # a translation changes, and the TLB need not know
  movl %ebx, %ecx
  shrl $10, %ecx
  andl $0x3f, %ecx
  xorl $0x80000, PAGE_TABLE + 0x200 * 4(, %ecx, 4)
  testl $0x70000000, %ebx
  jnz 4f
  invlpg 0x210000
  movb $0x20, %al
  4: lock incl SHARED
  lock addl $3, SHARED
  # code that changes itself
  incb modified + 1
modified:
  movb $0, %al
  movb %al, (%edi)
  fadds float
  fsqrt
  movw $0x1f7, %dx
  inb %dx, %al
  testb $8, %al
  jz 5f
  movw $0x1f0, %dx
  movl $16, %ecx
  rep insw
  movl $DATA, %edi
5: movb $0x0c, %al
  outb %al, $0x70
  inb $0x71, %al
  testl $0x0f000000, %ebx
  jnz main
  hlt
  jmp main

timer:
  pushl %eax
  incl TICKS
  movb $0x20, %al
  outb %al, $0xa0
  outb %al, $0x20
  popl %eax
  iret
apic_timer:
  incl TICKS + 4
  movl $0, LAPIC + 0xb0
  iret
serial:
  pushl %eax
  pushl %edx
  movw $0x3fa, %dx
  inb %dx, %al
  movw $0x3f8, %dx
  inb %dx, %al
  incb %al
  outb %al, %dx
  movb $0x20, %al
  outb %al, $0x20
  popl %edx
  popl %eax
  iret

set_gate:
  movw %ax, IDT(, %ecx, 8)
  movw $8, IDT + 2(, %ecx, 8)
  movw $0x8e00, IDT + 4(, %ecx, 8)
  shrl $16, %eax
  movw %ax, IDT + 6(, %ecx, 8)
  ret

.code16
trampoline:
  movw $0x4000, %ax
  movw %ax, %ds
1: incl 0x10
  lock incl 0x10
  addl $5, 0x14
  jmp 1b
trampoline_end:
.code32
.align 8
gdt: .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_descriptor: .word 23
  .long gdt
idt_descriptor: .word 0x7ff
  .long IDT
float: .float 1.25
`,
  { file: "busy.S", origin: ORIGIN },
);

const DISK = Uint8Array.from({ length: 64 * 512 }, (_, index) => index * 7);
/** Its options, without an interleaver. */
export const OPTIONS: MachineOptions = {
  memoryBytes: 4 << 20,
  cpus: 2,
  disks: [{ image: DISK }],
  cpuHz: 2_000_000,
  // Characters take their time, so that some are under way in a snapshot.
  serial: { strict: true },
};

/** It has run nothing yet. */
export function busyMachine(options: MachineOptions = OPTIONS): Machine {
  const machine = new Machine(options);
  bootRaw(machine, { images: [{ name: "busy", bytes: BUSY, address: ORIGIN }], mode: "protected" });
  machine.keyboard.type("Keys, too.");
  machine.com1.receive(new TextEncoder().encode("some input that takes its time on the line"));
  return machine;
}

/** Whether bytes are equal. */
export const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
