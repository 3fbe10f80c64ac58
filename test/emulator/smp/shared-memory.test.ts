import { describe, expect, it } from "vitest";
import { type Interleaver, RandomInterleaver, RoundRobin } from "../../../emulator/index.ts";
import { smpGuest } from "./guest.ts";

const EXIT_0 = { kind: "exit", value: 0 };

describe("shared memory", () => {
  const COUNT = 3000;
  const counting = (cpus: number, increment: string, interleaver?: Interleaver) => {
    const guest = smpGuest(
      `
      boot:	movl $${cpus - 1}, %eax
      	call start_others
      	movl $1, go
      work:	pause
      	cmpl $0, go
      	je work
      	movl $${COUNT}, %ecx
      1:	${increment}
      	decl %ecx
      	jnz 1b
      	lock; incl finished
      	cmpl $0, APIC + 0x20
      	jne 2f
      	wait_for ${cpus}, finished
      	exit
      2:	hlt
      	jmp 2b
      .bss
      go:	.long 0
      finished: .long 0
      counter: .long 0
      `,
      { cpus, ...(interleaver === undefined ? {} : { interleaver }) },
    );
    expect(guest.machine.run({ maxInstructions: 2_000_000 })).toEqual(EXIT_0);
    return guest;
  };

  it.each([1, 2, 4, 8])("M7: lock incl counts right on %i cores", (cpus) => {
    expect(counting(cpus, "lock; incl counter").word("counter")).toBe(cpus * COUNT);
  });

  it.each([
    { name: "INC", increment: "incl counter" },
    { name: "ADD", increment: "addl $1, counter" },
    { name: "SUB of a word", increment: "subw $-1, counter" },
    { name: "XADD", increment: "movl $1, %eax; xaddl %eax, counter" },
  ])("M7: $name without LOCK loses counts on 4 cores, and none on one", ({ increment }) => {
    const count = counting(4, increment).word("counter");
    expect(count).toBeLessThan(4 * COUNT);
    expect(count).toBeGreaterThanOrEqual(COUNT);
    expect(counting(1, increment).word("counter")).toBe(COUNT);
  });

  it("loads, adds and stores lose counts too", () => {
    expect(counting(4, "movl counter, %eax; incl %eax; movl %eax, counter").word("counter")).toBeLessThan(4 * COUNT);
  });

  it.each([
    ["xchg spinlock", "2: movl $1, %eax; xchgl %eax, lock; testl %eax, %eax; jnz 2b; incl counter; movl $0, lock"],
    ["cmpxchg", "2: movl counter, %eax; leal 1(%eax), %edx; lock; cmpxchgl %edx, counter; jnz 2b"],
    ["xadd", "movl $1, %eax; lock; xaddl %eax, counter"],
    ["bts spinlock", "2: lock; btsl $3, lock; jc 2b; incl counter; lock; btrl $3, lock"],
  ])("%s counts right on 4 cores under random interleavings", (_name, increment) => {
    for (const seed of [1, 2, 3]) {
      const source = `${increment}\n.pushsection .data\nlock: .long 0\n.popsection`;
      expect(counting(4, source, new RandomInterleaver(seed, 40)).word("counter")).toBe(4 * COUNT);
    }
  });

  it("an increment that was interrupted between its accesses is done once all the same", () => {
    // Turns of one instruction: the read is made early, then a timer interrupt comes first.
    const guest = smpGuest(
      `
      boot:	movl $1, %eax
      	call start_others
      	movl $0x0b, APIC + 0x3e0
      	movl $0x20041, APIC + 0x320
      	movl $37, APIC + 0x380
      	sti
      	movl $2000, %ecx
      1:	incl counter
      	decl %ecx
      	jnz 1b
      	exit
      vector_65: incl ticks
      	eoi
      	iret
      work:	pause
      	jmp work
      .bss
      counter: .long 0
      ticks:	.long 0
      `,
      { cpus: 2, interleaver: new RoundRobin(1) },
    );
    expect(guest.machine.run({ maxInstructions: 200_000 })).toEqual(EXIT_0);
    expect(guest.word("counter")).toBe(2000);
    expect(guest.word("ticks")).toBeGreaterThan(100);
  });

  it("code that another core changes is run as changed", () => {
    const guest = smpGuest(
      `
      boot:	movl $1, %eax
      	call start_others
      	wait_for 1, state
      	movb $0x22, patched + 1
      	movl $2, state
      	wait_for 3, state
      	exit
      work:	call patched
      	movzbl %al, %esi
      	movl $1, state
      	wait_for 2, state
      	call patched
      	movzbl %al, %edi
      	movl $3, state
      1:	hlt
      	jmp 1b
      patched: movb $0x11, %al
      	ret
      .bss
      state:	.long 0
      `,
      { cpus: 2 },
    );
    expect(guest.machine.run({ maxInstructions: 10_000 })).toEqual(EXIT_0);
    expect([guest.machine.getRegister("esi", 1), guest.machine.getRegister("edi", 1)]).toEqual([0x11, 0x22]);
  });

  it("TLBs are each core's own: a changed page table needs a shoot-down", () => {
    const guest = smpGuest(
      `
      .set DIRECTORY, 0x60000
      .set TABLE, 0x61000
      boot:	movl $TABLE + 3, DIRECTORY
      	movl $TABLE, %edi
      	movl $3, %eax
      1:	movl %eax, (%edi)
      	addl $4, %edi
      	addl $0x1000, %eax
      	cmpl $0x100003, %eax
      	jne 1b
      	movl $APIC_TABLE + 3, DIRECTORY + (APIC >> 22) * 4
      	movl $APIC + 3, APIC_TABLE + ((APIC >> 12) & 0x3ff) * 4
      	movl $0xaaaa, 0x70000
      	movl $0xbbbb, 0x71000
      	movl $1, %eax
      	call start_others
      	call page
      	movl 0x70000, %esi
      	wait_for 1, state
      	movl $0x71003, TABLE + 0x70 * 4
      	invlpg 0x70000
      	movl 0x70000, %edi
      	movl $2, state
      	wait_for 3, state
      	exit
      page:	movl $DIRECTORY, %eax
      	movl %eax, %cr3
      	movl %cr0, %eax
      	orl $0x80000000, %eax
      	movl %eax, %cr0
      	ret
      work:	call page
      	movl 0x70000, %esi
      	movl $1, state
      	wait_for 2, state
      	movl 0x70000, %edi			# stale, as on a real machine
      	invlpg 0x70000
      	movl 0x70000, %ebp
      	movl $3, state
      1:	hlt
      	jmp 1b
      .set APIC_TABLE, 0x62000
      .bss
      state:	.long 0
      `,
      { cpus: 2 },
    );
    expect(guest.machine.run({ maxInstructions: 20_000 })).toEqual(EXIT_0);
    const { machine } = guest;
    expect([machine.getRegister("esi", 0), machine.getRegister("edi", 0)]).toEqual([0xaaaa, 0xbbbb]);
    expect(["esi", "edi", "ebp"].map((name) => machine.getRegister(name as "esi", 1))).toEqual([
      0xaaaa, 0xaaaa, 0xbbbb,
    ]);
  });
});
