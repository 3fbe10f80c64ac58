import { describe, expect, it } from "vitest";
import { smpGuest } from "./guest.ts";

const EXIT_0 = { kind: "exit", value: 0 };

describe("interrupts between processors", () => {
  /** Cores other than 0 sleep with interrupts on; vector 0x41 counts, by core. */
  const sleepers = (boot: string, cpus: number) =>
    smpGuest(
      `
      ${boot}
      work:	sti
      	lock; incl asleep
      1:	hlt
      	jmp 1b
      vector_65: pushl %eax
      	id %eax
      	incl counts(,%eax,4)
      	eoi
      	lock; incl total
      	popl %eax
      	iret
      vector_2: pushl %eax
      	id %eax
      	incl nmis(,%eax,4)
      	lock; incl total
      	popl %eax
      	iret
      .bss
      asleep:	.long 0
      total:	.long 0
      counts:	.skip 32
      nmis:	.skip 32
      .text
      `,
      { cpus },
    );

  const START = (cpus: number) => `
      boot:	movl $${cpus - 1}, %eax
      	call start_others
      	wait_for ${cpus - 1}, asleep
      	sti
      `;

  it("fixed, to one core, wakes it from HLT", () => {
    const guest = sleepers(`${START(4)} ipi 0x41, 2; wait_for 1, total; exit`, 4);
    expect(guest.machine.run({ maxInstructions: 10_000 })).toEqual(EXIT_0);
    expect(guest.words("counts", 4)).toEqual([0, 0, 1, 0]);
    expect(guest.machine.counters.cores.map((core) => core.interrupts)).toEqual([0, 0, 1, 0]);
  });

  it.each([
    { name: "all but self", command: "OTHERS + 0x41", total: 3, counts: [0, 1, 1, 1] },
    { name: "all", command: "ALL + 0x41", total: 4, counts: [1, 1, 1, 1] },
    { name: "self", command: "SELF + 0x41", total: 1, counts: [1, 0, 0, 0] },
  ])("fixed, to $name", ({ command, total, counts }) => {
    const guest = sleepers(`${START(4)} ipi ${command}; wait_for ${total}, total; exit`, 4);
    expect(guest.machine.run({ maxInstructions: 10_000 })).toEqual(EXIT_0);
    expect(guest.words("counts", 4)).toEqual(counts);
  });

  it("NMI wakes a core from HLT even with interrupts off", () => {
    const guest = sleepers(
      `${START(2)} ipi 0x400, 1; wait_for 1, total; ipi OTHERS + 0x400; wait_for 2, total; exit`,
      2,
    );
    expect(guest.machine.run({ maxInstructions: 10_000 })).toEqual(EXIT_0);
    expect(guest.words("nmis", 2)).toEqual([0, 2]);
  });

  it("an NMI during the handler of another waits for IRET", () => {
    const guest = smpGuest(
      `
      boot:	movl $1, %eax
      	call start_others
      	ipi 0x400, 1
      	wait_for 1, entered
      	ipi 0x400, 1
      	ipi 0x400, 1
      	movl $1, release
      	wait_for 2, entered
      	movl $1000, %ecx
      1:	loop 1b
      	exit
      vector_2: incl entered
      1:	pause
      	cmpl $0, release
      	je 1b
      	iret
      .bss
      entered: .long 0
      release: .long 0
      `,
      { cpus: 2 },
    );
    expect(guest.machine.run({ maxInstructions: 20_000 })).toEqual(EXIT_0);
    expect(guest.word("entered")).toBe(2);
  });

  it("a logical destination reaches those whose logical ID has one of its bits", () => {
    const guest = smpGuest(
      `
      boot:	movl $3, %eax
      	call start_others
      	wait_for 3, ready
      	ipi 0x841, 0x0a
      	wait_for 2, total
      	exit
      work:	id %ecx
      	movl $0x01000000, %eax
      	shll %cl, %eax
      	movl %eax, APIC + 0xd0
      	sti
      	lock; incl ready
      1:	hlt
      	jmp 1b
      vector_65: incl counts(,%ecx,4)
      	eoi
      	lock; incl total
      	iret
      .bss
      ready:	.long 0
      total:	.long 0
      counts:	.skip 32
      `,
      { cpus: 4 },
    );
    expect(guest.machine.run({ maxInstructions: 10_000 })).toEqual(EXIT_0);
    expect(guest.words("counts", 4)).toEqual([0, 1, 0, 1]);
  });

  it("lowest priority goes to the core with the lowest task priority", () => {
    const guest = smpGuest(
      `
      boot:	movl $0x70, APIC + 0x80
      	movl $3, %eax
      	call start_others
      	wait_for 3, ready
      	ipi 0x941, 0xff
      	wait_for 1, total
      	exit
      work:	id %ecx
      	movl $0x20, %eax
      	cmpl $2, %ecx
      	je 1f
      	movl $0x30, %eax
      1:	movl %eax, APIC + 0x80
      	sti
      	lock; incl ready
      1:	hlt
      	jmp 1b
      vector_65: incl counts(,%ecx,4)
      	eoi
      	lock; incl total
      	iret
      .bss
      ready:	.long 0
      total:	.long 0
      counts:	.skip 32
      `,
      { cpus: 4 },
    );
    expect(guest.machine.run({ maxInstructions: 10_000 })).toEqual(EXIT_0);
    expect(guest.words("counts", 4)).toEqual([0, 0, 1, 0]);
  });

  it("TPR holds an interrupt back until it is lowered; vectors nest by class", () => {
    const guest = smpGuest(`
      boot:	sti
      	movl $0x50, APIC + 0x80
      	ipi SELF + 0x51
      	ipi SELF + 0x41
      	print 'a'
      	ipi SELF + 0x61
      	print 'b'
      	movl $0, APIC + 0x80
      	print 'c'
      	exit
      vector_65: print '4'
      	eoi
      	iret
      vector_81: print '5'
      	sti
      	ipi SELF + 0x61
      	print '.'
      	eoi
      	iret
      vector_97: print '6'
      	eoi
      	iret
    `);
    expect(guest.machine.run({ maxInstructions: 1000 })).toEqual(EXIT_0);
    expect(guest.text()).toBe("a6b56.4c");
  });
});

describe("APIC timer", () => {
  const TIMER = (mode: string, count: number) => `
      	movl $0x0b, APIC + 0x3e0
      	movl $${mode} + 0x41, APIC + 0x320
      	movl $${count}, APIC + 0x380
      `;

  it("interrupts a halted core periodically, at exact cycles", () => {
    const guest = smpGuest(`
      boot:	${TIMER("0x20000", 1000)}
      	sti
      1:	hlt
      	jmp 1b
      vector_65: print 't'
      	eoi
      	iret
    `);
    expect(guest.machine.run({ untilCycle: 10_500 })).toEqual({ kind: "budget" });
    // SVR, JMP, divide, entry: the count is written in cycle 4. Delivery, PUSH, MOV, then OUT.
    expect(guest.printed.map(([cycle]) => cycle)).toEqual(Array.from({ length: 10 }, (_, n) => 4 + 1000 * (n + 1) + 3));
    expect(guest.machine.counters.interrupts).toBe(10);
  });

  it("interrupts a busy core at the same cycles", () => {
    const guest = smpGuest(`
      boot:	${TIMER("0x20000", 777)}
      	sti
      1:	jmp 1b
      vector_65: print 't'
      	eoi
      	iret
    `);
    guest.machine.run({ untilCycle: 8000 });
    expect(guest.printed.map(([cycle]) => cycle)).toEqual(Array.from({ length: 10 }, (_, n) => 4 + 777 * (n + 1) + 3));
  });

  it("each core has its own, while the others sleep", () => {
    const guest = smpGuest(
      `
      boot:	movl $3, %eax
      	call start_others
      work:	id %ebp
      	leal 1(%ebp), %eax
      	imull $1000, %eax
      	movl $0x0b, APIC + 0x3e0
      	movl $0x20041, APIC + 0x320
      	movl %eax, APIC + 0x380
      	sti
      1:	hlt
      	jmp 1b
      vector_65: incl counts(,%ebp,4)
      	eoi
      	iret
      .bss
      counts:	.skip 16
      `,
      { cpus: 4 },
    );
    guest.machine.run({ untilCycle: 60_500 });
    expect(guest.words("counts", 4)).toEqual([60, 30, 20, 15]);
    expect(guest.machine.counters.idleCycles).toBeGreaterThan(55_000);
  });

  it("one-shot, then nothing is to come: halted forever", () => {
    const guest = smpGuest(`
      boot:	${TIMER("0", 5000)}
      	sti
      1:	hlt
      	jmp 1b
      vector_65: print 't'
      	eoi
      	iret
    `);
    expect(guest.machine.run()).toEqual({ kind: "halted-forever" });
    expect(guest.text()).toBe("t");
  });

  it("reads its current count to the cycle", () => {
    const guest = smpGuest(`
      boot:	${TIMER("0x10000", 1000)}
      	movl APIC + 0x390, %eax
      	movl APIC + 0x390, %ebx
      	nop
      	movl APIC + 0x390, %ecx
      	exit
    `);
    guest.machine.run({ maxInstructions: 100 });
    const { machine } = guest;
    expect(["eax", "ebx", "ecx"].map((name) => machine.getRegister(name as "eax") & 0xffff)).toEqual([
      999 & 0xff00,
      998,
      996,
    ]);
  });
});

describe("halted forever", () => {
  it.each([
    { name: "interrupts are off", code: "cli; 1: hlt; jmp 1b", timer: "0x20041" },
    { name: "the timer is masked", code: "sti; 1: hlt; jmp 1b", timer: "0x30041" },
  ])("when $name", ({ code, timer }) => {
    const guest = smpGuest(`boot: movl $${timer}, APIC + 0x320; movl $100, APIC + 0x380; ${code}`, { cpus: 2 });
    expect(guest.machine.run({ maxInstructions: 1000 })).toEqual({ kind: "halted-forever" });
  });

  it("not while the I/O APIC can send an NMI", () => {
    const guest = smpGuest(`
      boot:	redirect 2, 0x400
      	movb $0x34, %al; outb %al, $0x43
      	movb $0, %al; outb %al, $0x40; outb %al, $0x40
      	cli
      1:	hlt
      	jmp 1b
      vector_2: exit 7
    `);
    expect(guest.machine.run({ maxInstructions: 1000 })).toEqual({ kind: "exit", value: 7 });
  });
});
