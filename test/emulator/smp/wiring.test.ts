import { describe, expect, it } from "vitest";
import { PIT_HZ } from "../../../emulator/index.ts";
import { smpGuest } from "./guest.ts";

describe("I/O APIC", () => {
  it("IRQ 0 comes in at pin 2, edge triggered", () => {
    const guest = smpGuest(
      `
      boot:	no_pic
      	redirect 2, 0x41
      	movb $0x34, %al; outb %al, $0x43
      	movb $0xe8, %al; outb %al, $0x40
      	movb $0x03, %al; outb %al, $0x40
      	sti
      1:	hlt
      	jmp 1b
      vector_65: print 't'
      	eoi
      	iret
      `,
      { cpuHz: PIT_HZ },
    );
    expect(guest.machine.run({ untilCycle: 5100 })).toEqual({ kind: "budget" });
    expect(guest.text()).toBe("ttttt");
    const cycles = guest.printed.map(([cycle]) => cycle);
    expect(cycles.slice(1).map((cycle, n) => cycle - cycles[n])).toEqual([1000, 1000, 1000, 1000]);
  });

  it("a level triggered line interrupts again after EOI, until it is lowered", () => {
    const guest = smpGuest(`
      boot:	no_pic
      	redirect 5, 0x8041
      	sti
      1:	hlt
      	jmp 1b
      vector_65: print 'l'
      	eoi
      	iret
    `);
    const { machine } = guest;
    machine.clock.schedule(1000, () => machine.setIrq(5, true));
    machine.onDebugOutput = () => {
      guest.printed.push([machine.cycles, "l"]);
      if (guest.printed.length === 3) machine.setIrq(5, false);
    };
    expect(machine.run({ untilCycle: 5000 })).toEqual({ kind: "halted-forever" });
    expect(guest.text()).toBe("lll");
  });

  it("delivers to another core, which wakes", () => {
    const guest = smpGuest(
      `
      boot:	movl $1, %eax
      	call start_others
      	no_pic
      	redirect 3, 0x41, 1
      	sti
      1:	hlt
      	jmp 1b
      work:	sti
      1:	hlt
      	jmp 1b
      vector_65: id %eax
      	outb %al, $0xf4
      `,
      { cpus: 2 },
    );
    guest.machine.clock.schedule(5000, () => guest.machine.setIrq(3, true));
    expect(guest.machine.run({ maxInstructions: 100_000 })).toEqual({ kind: "exit", value: 1 });
  });

  it("passes the 8259A's interrupts on as ExtINT, from pin 0", () => {
    const guest = smpGuest(
      `
      boot:	movb $0x70, %al; outb %al, $0x22
      	movb $0x01, %al; outb %al, $0x23
      	pic 0xfd
      	movl $1, %eax
      	call start_others
      	redirect 0, 0x700, 1
      1:	hlt
      	jmp 1b
      work:	sti
      1:	hlt
      	jmp 1b
      vector_33: id %eax
      	addb $10, %al
      	outb %al, $0xf4
      `,
      { cpus: 2 },
    );
    guest.machine.clock.schedule(5000, () => guest.machine.setIrq(1, true));
    expect(guest.machine.run({ maxInstructions: 100_000 })).toEqual({ kind: "exit", value: 11 });
  });
});

describe("8259A", () => {
  const VIRTUAL_WIRE = `
      	movb $0x70, %al; outb %al, $0x22
      	movb $0x01, %al; outb %al, $0x23
      `;
  const guestWith = (setUp: string) => {
    const guest = smpGuest(`
      boot:	pic 0xfd
      	${setUp}
      	sti
      1:	jmp 1b
      vector_33: print 'k'
      	movb $0x20, %al; outb %al, $0x20
      	iret
      vector_2: print 'n'
      	iret
    `);
    guest.machine.clock.schedule(1000, () => guest.machine.setIrq(1, true));
    guest.machine.clock.schedule(2000, () => guest.machine.nmi());
    return guest;
  };

  it("in PIC mode reaches the bootstrap processor past its local APIC", () => {
    const guest = guestWith("");
    guest.machine.run({ untilCycle: 3000 });
    expect(guest.text()).toBe("kn");
  });

  it("in virtual wire mode comes through LINT0 as ExtINT, and NMI through LINT1", () => {
    const guest = guestWith(`${VIRTUAL_WIRE} movl $0x700, APIC + 0x350; movl $0x400, APIC + 0x360`);
    guest.machine.run({ untilCycle: 3000 });
    expect(guest.text()).toBe("kn");
  });

  it("through a masked LINT0 does not come", () => {
    const guest = guestWith(VIRTUAL_WIRE);
    guest.machine.run({ untilCycle: 3000 });
    expect(guest.text()).toBe("");
    expect(guest.machine.pic.intr).toBe(1);
  });

  it("through a local APIC that IA32_APIC_BASE switches off comes straight", () => {
    const guest = guestWith(
      `${VIRTUAL_WIRE} movl $0x1b, %ecx; rdmsr; andl $~0x800, %eax; wrmsr; movl APIC + 0x20, %ebx`,
    );
    guest.machine.run({ untilCycle: 3000 });
    expect(guest.text()).toBe("kn");
    expect(guest.machine.getRegister("ebx")).toBe(0xffffffff);
  });

  it("the NMI line reaches all cores whose LINT1 is programmed so", () => {
    const guest = smpGuest(
      `
      boot:	movb $0x70, %al; outb %al, $0x22
      	movb $0x01, %al; outb %al, $0x23
      	movl $2, %eax
      	call start_others
      	movl $0x400, APIC + 0x360
      1:	jmp 1b
      work:	movl $0x400, APIC + 0x360
      1:	hlt
      	jmp 1b
      vector_2: lock; incl nmis
      	iret
      .bss
      nmis:	.long 0
      `,
      { cpus: 3 },
    );
    guest.machine.clock.schedule(3000, () => guest.machine.nmi());
    guest.machine.run({ untilCycle: 5000 });
    expect(guest.word("nmis")).toBe(3);
  });
});
