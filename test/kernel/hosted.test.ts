import { describe, expect, it } from "vitest";
import { bare } from "./bare.ts";
import * as functions from "./hosted.kernel.ts";

const noted = ({ word }: ReturnType<typeof bare>) =>
  Array.from({ length: word("log_length") }, (_, i) => word("log", i));

/** Code around the functions under test: stacks, IDT with a #UD handler at 6 and the timer at 0x20, results. */
function guest(body: string): string {
  return `
.text
.globl _start
.type _start,@function
_start:
	movl $invalid_opcode, %eax
	movl $idt+6*8, %edi
	call set_gate
	movl $timer, %eax
	movl $idt+0x20*8, %edi
	call set_gate
	lidt idt_descr
${body}
	hlt
.size _start, .-_start
set_gate:
	movl $0x00080000, %edx
	movw %ax, %dx
	movl %edx, (%edi)
	movw $0x8e00, %ax
	movl %eax, 4(%edi)
	ret
invalid_opcode:
	movl (%esp), %eax
	movl %eax, fault_eip
	hlt
timer:
	pushl %eax
	incl ticks
	movl 4(%esp), %eax
	movl %eax, interrupted_eip
	movl %esp, interrupted_esp
	movb $0x20, %al
	outb %al, $0x20
	popl %eax
	iret
# Changes ESP to that of the other stack; nothing else says who runs.
.globl switch_stacks
.type switch_stacks,@function
switch_stacks:
	pushl %ebp
	movl %esp, %eax
	xchgl %eax, other_esp
	movl %eax, %esp
	popl %ebp
	ret
.size switch_stacks, .-switch_stacks
.globl asm_middle
.type asm_middle,@function
asm_middle:
	pushl %ebp
	movl %esp, %ebp
	call *8(%ebp)
after_inner:
	leave
	ret
.size asm_middle, .-asm_middle
.globl escape
escape:
	movl saved_esp, %esp
	jmp *saved_eip
.globl clobber_below
clobber_below:
	movl $-1, -4(%esp)
	movl $-1, -8(%esp)
	ret
.globl unbalanced
unbalanced:
	ret $12
.data
idt_descr: .word 0x7ff
	.long idt
.globl ticks
ticks: .long 0
interrupted_eip: .long 0
interrupted_esp: .long 0
fault_eip: .long 0
other_esp: .long 0
saved_esp: .long 0
saved_eip: .long 0
.globl result
result: .long 0, 0, 0, 0
.bss
.align 16
idt: .skip 2048
	.skip 4096
second_stack_top:
	.skip 65536
.globl stack_top
stack_top:
`;
}

/** Bytes of `pushl %ebp; movl %esp, %ebp; subl $FRAME, %esp`. */
const PROLOGUE = 9;

function runs(body: string) {
  const b = bare(guest(body), functions);
  b.machine.run({ maxInstructions: 1_000_000 });
  return b;
}

const call = (name: string, ...args: (number | string)[]) =>
  `${args
    .reverse()
    .map((arg) => `\tpushl $${arg}\n`)
    .join("")}\tcall ${name}\n\taddl $${4 * args.length}, %esp\n`;

describe("a hosted function", () => {
  it("takes cdecl arguments from the guest stack and returns in EAX", () => {
    expect(runs(`${call("add", 40, 2)} movl %eax, result`).word("result")).toBe(42);
  });

  it("takes FASTCALL arguments from EAX, EDX, ECX, the rest from the stack", () => {
    const b = runs(`movl $1, %eax; movl $2, %edx; movl $3, %ecx\n${call("add_fast", 4)} movl %eax, result`);
    expect(b.word("result")).toBe(1234);
  });

  it("converts arguments to their declared types", () => {
    expect(runs(`${call("narrow", 0x1ff, 0x1ff)} movl %eax, result`).word("result")).toBe(-1000 + 255);
  });

  it("sees a struct passed by value where it lies on the stack", () => {
    expect(runs(`${call("difference", 50, 8, 10)} movl %eax, result`).word("result")).toBe(420);
  });

  it("has its variables where EBP is when a statement begins", () => {
    expect(runs(`subl $256, %esp\n${call("move_frame")} movl %eax, result`).word("result")).toBe(1);
  });

  it("has 64 bits for a variable that is said to be a number", () => {
    expect(runs(`${call("wide_product", 0x123456)} movl %eax, result`).word("result")).toBe(0x123456);
  });

  it("makes as many accesses as it may in each statement, not in all", () => {
    const b = runs(`${call("long_walk")} movl %eax, result`);
    expect([b.word("result"), b.failures]).toEqual([1000, []]);
  });

  it("recurses on the guest stack, and leaves it as it was", () => {
    const b = runs(`movl %esp, result+4\n${call("factorial", 10)} movl %eax, result; movl %esp, result+8`);
    expect(b.word("result")).toBe(3628800);
    expect(b.word("result", 2)).toBe(b.word("result", 1));
  });

  it("preserves EBX, ESI, EDI and EBP", () => {
    const b = runs(`movl $1, %ebx; movl $2, %esi; movl $3, %edi; movl $4, %ebp\n${call("factorial", 5)}
	movl %ebx, result; movl %esi, result+4; movl %edi, result+8; movl %ebp, result+12`);
    expect([0, 1, 2, 3].map((i) => b.word("result", i))).toEqual([1, 2, 3, 4]);
  });

  it("keeps locals on the guest stack, where calls do not reach", () => {
    expect(runs(`${call("has_locals")} movl %eax, result`).word("result")).toBe(0x11 + 0x22 + 0x33 + 0x44);
  });
});

describe("interrupts", () => {
  it("come in between two steps, on the function's own stack, with EIP at its hostcall", () => {
    const b = runs(`
	movb $0x11, %al; outb %al, $0x20; movb $0x20, %al; outb %al, $0x21; movb $4, %al; outb %al, $0x21
	movb $1, %al; outb %al, $0x21; movb $0xfe, %al; outb %al, $0x21
	movb $0x34, %al; outb %al, $0x43; movb $0, %al; outb %al, $0x40; movb $1, %al; outb %al, $0x40
	sti
	movl %esp, result+4
${call("spin_until_two_ticks")}
	movl %eax, result
	cli`);
    expect(b.word("ticks")).toBeGreaterThanOrEqual(2);
    expect(b.word("result")).toBeGreaterThan(100);
    const start = b.symbol("spin_until_two_ticks");
    const offset = b.word("interrupted_eip") - start;
    const code = b.machine.readPhysical(b.word("interrupted_eip"), 2);
    expect(offset).toBeGreaterThanOrEqual(PROLOGUE);
    expect((offset - PROLOGUE) % 4).toBe(0);
    expect([...code]).toEqual([0x0f, 0x3f]);
    // Return address, EBP and the variable of the function, then EFLAGS, CS, EIP of the interrupt and the handler's EAX.
    expect(b.word("interrupted_esp")).toBe(b.word("result", 1) - 12 - 16);
  });
});

describe("paging", () => {
  it("is what a step sees: it faults as an instruction does, undone and repeated, and uses stale translations", () => {
    const b = runs(`
.set DIRECTORY, 0x300000
.set TABLE, 0x301000
.set ENTRY, TABLE + 0x380 * 4
	movl $page_fault, %eax
	movl $idt+14*8, %edi
	call set_gate
	movl $TABLE+3, DIRECTORY
	movl $TABLE, %edi
	movl $3, %eax
1:	stosl
	addl $0x1000, %eax
	cmpl $0x400003, %eax
	jb 1b
	movl $0, ENTRY
	movl $DIRECTORY, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
${call("write_two", 0x390000, 0x380000, 7)}
	movl $0x3a0003, ENTRY
${call("write_two", 0x390000, 0x380000, 8)}
	invlpg 0x380000
${call("write_two", 0x390000, 0x380000, 9)}
	hlt
page_fault:
	pushl %eax
	incl ticks
	movl 0x390000, %eax
	movl %eax, result
	movl %cr2, %eax
	movl %eax, result+4
	movl $0x380003, ENTRY
	popl %eax
	addl $4, %esp
	iret`);
    expect(b.failures).toEqual([]);
    const at = (physical: number) => b.machine.memory.read32(physical);
    expect({ faults: b.word("ticks"), first: b.word("result"), cr2: b.word("result", 1) }).toEqual({
      faults: 1,
      first: 0,
      cr2: 0x380000,
    });
    expect([at(0x390000), at(0x380000), at(0x3a0000)]).toEqual([9, 8, 9]);
  });
});

describe("two stacks inside the same function at once", () => {
  it("are told apart by the frame alone", () => {
    const b = runs(`
	movl $second_stack_top, %eax
	subl $4, %eax
	movl $second_task, (%eax)
	subl $4, %eax
	movl $0, (%eax)
	movl %eax, other_esp
${call("worker", 1)}
	hlt
second_task:
${call("worker", 2)}
	call switch_stacks`);
    expect(noted(b)).toEqual([10, 20, 11, 21, 12, 22]);
  });
});

describe("a back-trace", () => {
  it("crosses hosted and assembly frames", () => {
    const b = runs(call("outermost"));
    const { symbol } = b;
    const [here, middle, outer, start] = noted(b);
    // In the innermost, EIP is behind its only statement; in the others, at the one that goes on.
    expect(here - symbol("innermost")).toBe(PROLOGUE + 4);
    expect(middle).toBe(symbol("after_inner"));
    expect(outer - symbol("outermost")).toBe(PROLOGUE + 4);
    expect(start).toBeGreaterThan(symbol("_start"));
    expect(start).toBeLessThan(symbol("set_gate"));
  });
});

describe("what goes wrong in a function", () => {
  it("is a #UD at its hostcall when its TypeScript throws, and says why", () => {
    const b = runs(call("throws"));
    expect(b.word("fault_eip") - b.symbol("throws")).toBe(PROLOGUE);
    expect(b.failures).toHaveLength(1);
    expect(b.failures[0].eip).toBe(b.symbol("throws") + PROLOGUE);
    expect(b.failures[0].why).toBe("TypeError: a cow is not a pig");
  });

  it("is found when a callee does not balance the stack", () => {
    expect(runs(call("trusting")).failures[0].why).toMatch(/came back with ESP/);
  });

  it("is found when a statement does not end", () => {
    const b = runs(call("loops_in_a_statement"));
    expect(b.failures[0].why).toMatch(/more than 512 accesses to guest memory; loops over it have to step/);
    expect(b.word("fault_eip") - b.symbol("loops_in_a_statement")).toBe(PROLOGUE);
  });

  it.each(["spins_in_a_statement", "spins_in_an_arrow"])("is found when a plain function does not end: %s", (name) => {
    const b = runs(call(name));
    expect(b.failures[0].why).toMatch(
      /^StepError: a plain function has gone round its loops more than 100,000 times within one statement/,
    );
    expect(b.word("fault_eip") - b.symbol(name)).toBe(PROLOGUE);
  });

  it("is not that a plain function takes long", () => {
    const b = runs(`${call("counts_far")} ${call("counts_far")} movl %eax, result`);
    expect(b.failures).toEqual([]);
    expect(b.word("result")).toBe(90_000);
  });

  it("is found when it follows a null pointer, or EBP is no frame", () => {
    expect(runs(call("follows_null")).failures[0].why).toMatch(
      /access to 0x00000010, below the kernel's memory: only the user-copy routines/,
    );
    expect(runs("xorl %ebp, %ebp; jmp add+9").failures[0].why).toMatch(/EBP is 0x0, which is no frame/);
  });

  it("is a #UD when no function has the number", () => {
    const b = runs(".globl bad\nbad: hostcall $0xfffe");
    expect(b.word("fault_eip")).toBe(b.symbol("bad"));
  });
});

describe("a frame that was abandoned", () => {
  it("does not disturb the next call on the same place of the stack", () => {
    const b = runs(`
	movl %esp, saved_esp
	movl $1f, saved_eip
	pushl $1
	call abandoned
1:	pushl $7
	call abandoned
	movl %eax, result`);
    expect(b.word("result")).toBe(7);
  });
});
