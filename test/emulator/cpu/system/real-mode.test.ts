import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../../../asm/index.ts";
import { CodeCache } from "../../../../emulator/cpu/block-cache.ts";
import { Core } from "../../../../emulator/cpu/core.ts";
import { CS, DS, EAX, EBX, ECX, EDX, ESP, GS } from "../../../../emulator/cpu/state-layout.ts";
import { PortBus } from "../../../../emulator/devices/ports.ts";
import { PhysicalMemory } from "../../../../emulator/memory/physical-memory.ts";

/** A core that starts as after reset, but at 0000:7C00 with a stack below, as a boot sector finds it. */
function boot(source: string, budget = 5000): Core {
  const memory = new PhysicalMemory(4 << 20, 1);
  memory.load(assembleBinary(`.code16\n${source}`, { file: "boot.S", origin: 0x7c00 }), 0x7c00);
  const core = new Core(0, memory, new PortBus(), new CodeCache(memory));
  core.setSegment(CS, 0, 0, 0xffff, 0x93);
  core.eip = 0x7c00;
  core.r[ESP] = 0x7000;
  core.run(budget);
  return core;
}

describe("real mode", () => {
  it("takes interrupts through the vector table at 0, with three words on the stack", () => {
    const core = boot(`
      movw $handler, 0x60*4
      movw $0, 0x60*4+2
      sti
      int $0x60
      hlt
      handler: pushfw
      popw %ax
      movw %sp, %bx
      iretw`);
    expect(core.halted).toBe(true);
    expect(core.r[EAX] & 0x200).toBe(0);
    expect(core.r[EBX] & 0xffff).toBe(0x7000 - 6);
    expect(core.getEflags() & 0x200).toBe(0x200);
    expect(core.r[ESP]).toBe(0x7000);
  });

  it("delivers exceptions without error codes", () => {
    const core = boot(`
      movw $handler, 13*4
      movw $0, 13*4+2
      movw $0xffff, %bx
      fault: movw (%bx), %ax
      handler: popw %cx
      movw $fault, %dx
      hlt`);
    expect(core.halted).toBe(true);
    expect(core.r[ECX] & 0xffff).toBe(core.r[EDX] & 0xffff);
  });

  it("shuts down when the vector table is too short", () => {
    const core = boot("lidtl 1f; int $0x60; 1: .word 0; .long 0");
    expect(core.shutdown).toBe(true);
  });

  it("calls, jumps and returns far", () => {
    const core = boot(`
      lcallw $0x700, $target - 0x7000
      movw %sp, %bx
      pushw %cs
      pushw $done
      lretw
      target: movw %cs, %ax
      lretw
      done: hlt`);
    expect(core.halted).toBe(true);
    expect(core.r[EAX] & 0xffff).toBe(0x700);
    expect(core.r[EBX] & 0xffff).toBe(0x7000);
  });

  it.each([
    "sldtw %ax",
    "strw %ax",
    "lldt %ax",
    "ltr %ax",
    "verr %ax",
    "lar %ax, %ax",
    "lsl %ax, %ax",
    "arpl %ax, %ax",
  ])("does not have %s", (source) => {
    const core = boot(`movw $1f, 6*4; movw $0, 6*4+2; ${source}; hlt; 1: movw $0x606, %di; hlt`);
    expect(core.r[7] & 0xffff).toBe(0x606);
  });
});

const PROTECTED = `
  cli
  lgdtl gdtr
  movl %cr0, %eax
  orl $1, %eax
  movl %eax, %cr0`;

const TABLES = `
  .balign 8
  gdt: .quad 0
  .quad 0x00cf9a000000ffff
  .quad 0x00cf92000000ffff
  .quad 0x00cffa000000ffff
  .quad 0x00cff2000000ffff
  tss_descriptor: .word 0x67, tss, 0x8900, 0
  .quad 0x00009a000000ffff
  .quad 0x000092000000ffff
  gdtr: .word . - gdt - 1
  .long gdt
  .balign 4
  tss: .long 0, 0x6000, 0x10
  .fill 92, 1, 0
`;

describe("changing modes", () => {
  it("real to protected: the far jump loads a 32-bit code segment", () => {
    const core = boot(`${PROTECTED}
      ljmp $8, $1f
      .code32
      1: movw $0x10, %ax
      movw %ax, %ds
      movl $0x12345678, 0x200000
      movl 0x200000, %ebx
      hlt
      ${TABLES}`);
    expect(core.halted).toBe(true);
    expect(core.r[EBX]).toBe(0x12345678);
    expect(core.protectedMode).toBe(true);
    expect(core.cpl).toBe(0);
    expect(core.codeSize32).toBe(true);
  });

  it("back to real mode keeps limits in the segment caches: unreal mode", () => {
    const core = boot(`${PROTECTED}
      movw $0x10, %bx
      movw %bx, %ds
      andb $0xfe, %al
      movl %eax, %cr0
      xorw %bx, %bx
      movw %bx, %ds
      movl $0x200000, %ebx
      addr32 movl $0x55, (%ebx)
      addr32 movl (%ebx), %ecx
      hlt
      ${TABLES}`);
    expect(core.halted).toBe(true);
    expect(core.r[ECX]).toBe(0x55);
    expect(core.realMode).toBe(true);
    expect(core.segLimit(DS)).toBe(-1);
    expect(core.segLimit(GS)).toBe(0xffff);
  });

  it("through 16-bit protected mode back to real mode", () => {
    const core = boot(`${PROTECTED}
      ljmpw $0x30, $1f
      1: movw $0x38, %bx
      movw %bx, %ds
      andb $0xfe, %al
      movl %eax, %cr0
      ljmpw $0, $2f
      2: xorw %bx, %bx
      movw %bx, %ds
      movw %cs, %cx
      hlt
      ${TABLES}`);
    expect(core.halted).toBe(true);
    expect(core.segLimit(DS)).toBe(0xffff);
    expect(core.r[ECX] & 0xffff).toBe(0);
  });

  it("real to protected to paged to ring 3, a system call and a page fault that is repaired", () => {
    const core = boot(`${PROTECTED}
      ljmp $8, $1f
      .code32
      1: movw $0x10, %ax
      movw %ax, %ds
      movw %ax, %es
      movw %ax, %ss
      movl $0x6000, %esp
      # Page directory at 0x10000, table at 0x11000: the first 2 MiB one to one, for users.
      movl $0x10000, %edi
      movl $0x11007, (%edi)
      movl $0x11000, %edi
      movl $7, %eax
      movl $512, %ecx
      2: stosl
      addl $0x1000, %eax
      loop 2b
      movl $0x10000, %eax
      movl %eax, %cr3
      movl %cr0, %eax
      orl $0x80010000, %eax
      movl %eax, %cr0
      jmp 3f
      3:
      # Gates at 0x12000: 14 to page_fault, 0x80 to system_call with DPL 3.
      movl $page_fault, %eax
      movl $0x12070, %ebx
      call set_gate
      movl $system_call, %eax
      movl $0x12400, %ebx
      call set_gate
      movb $0xee, 5(%ebx)
      lidt idtr
      movw $0x28, %ax
      ltr %ax
      pushl $0x23
      pushl $0x5000
      pushl $0x202
      pushl $0x1b
      pushl $user
      iret

      set_gate: movw %ax, (%ebx)
      movw $8, 2(%ebx)
      movw $0x8e00, 4(%ebx)
      movw $0, 6(%ebx)
      ret

      # Maps the page of CR2 to 0x1ff000.
      page_fault: pushl %eax
      pushl %ebx
      movl %cr2, %ebx
      shrl $12, %ebx
      movl $0x1ff007, 0x11000(,%ebx,4)
      incl faults
      popl %ebx
      popl %eax
      addl $4, %esp
      iret

      system_call: movl faults, %ecx
      movl %cr2, %edx
      movl 0x1ff123, %esi
      hlt

      user: movw $0x23, %ax
      movw %ax, %ds
      movl $0xcafe, %ebx
      movl %ebx, 0x300123
      movl 0x300123, %eax
      int $0x80

      faults: .long 0
      idtr: .word 0x7ff
      .long 0x12000
      ${TABLES}`);
    expect(core.halted).toBe(true);
    expect(core.r[ECX]).toBe(1);
    expect(core.r[EDX]).toBe(0x300123);
    expect(core.r[EAX]).toBe(0xcafe);
    expect(core.r[6]).toBe(0xcafe);
    expect(core.r[ESP]).toBe(0x6000 - 20);
    expect(core.segSelector(CS)).toBe(8);
  });
});
