import { describe, expect, it } from "vitest";
import { smpGuest } from "./guest.ts";

const EXIT_0 = { kind: "exit", value: 0 };

describe("start-up", () => {
  it.each([2, 3, 4, 5, 6, 7, 8])("INIT, start-up, start-up brings up %i cores", (cpus) => {
    const guest = smpGuest(
      `
      boot:	movl $${cpus - 1}, %eax
      	call start_others
      	wait_for ${cpus - 1}, finished
      	exit
      work:	movl $1, %eax
      	cpuid
      	shrl $24, %ebx
      	id %eax
      	movl %ebx, ids(,%eax,4)
      	lock; incl finished
      1:	hlt
      	jmp 1b
      .bss
      ids:	.skip 32
      finished: .long 0
      `,
      { cpus },
    );
    expect(guest.machine.run({ maxInstructions: 100_000 })).toEqual(EXIT_0);
    expect(guest.words("ids", cpus)).toEqual(Array.from({ length: cpus }, (_, id) => id));
    expect(guest.machine.counters.cores.map((core) => core.instructions > 0)).toEqual(Array(cpus).fill(true));
  });

  it("the other cores wait for it, whatever interrupts come, and NMIs stay pending", () => {
    const guest = smpGuest(
      `
      boot:	ipi OTHERS + 0x400
      	ipi OTHERS + 0x41
      	movl $100, %ecx
      1:	loop 1b
      	exit
      `,
      { cpus: 2 },
    );
    guest.machine.run({ maxInstructions: 10_000 });
    expect(guest.machine.counters.instructions[1]).toBe(0);
    expect([guest.machine.cores[1].waitsForStartup, guest.machine.cores[1].nmi]).toEqual([true, 1]);
  });

  it("a start-up message sets CS and IP by its vector, in real mode", () => {
    const guest = smpGuest("boot: ipi 0x4500, 1\nipi 0x4634, 1\nexit", { cpus: 2 });
    guest.machine.run({ maxInstructions: 100 });
    const { machine } = guest;
    expect([machine.getRegister("cs", 1), machine.cores[1].segBase(1), machine.getRegister("eip", 1)]).toEqual([
      0x3400, 0x34000, 0,
    ]);
    expect(machine.cores[1].halted).toBe(false);
  });

  it("a start-up message to a core that runs is ignored", () => {
    const guest = smpGuest(
      `
      boot:	movl $1, %eax
      	call start_others
      	ipi 0x4634, 1
      	movl counter, %eax
      1:	cmpl %eax, counter
      	je 1b
      	exit
      work:	incl counter
      	jmp work
      .bss
      counter: .long 0
      `,
      { cpus: 2 },
    );
    expect(guest.machine.run({ maxInstructions: 10_000 })).toEqual(EXIT_0);
    expect(guest.machine.getRegister("cs", 1)).toBe(8);
  });

  it("INIT takes a running core back to waiting, and start-up begins afresh", () => {
    const guest = smpGuest(
      `
      boot:	movl $1, %eax
      	call start_others
      	movl $2, %eax
      	call start_others
      	exit
      `,
      { cpus: 2 },
    );
    expect(guest.machine.run({ maxInstructions: 10_000 })).toEqual(EXIT_0);
    expect(guest.word("online")).toBe(2);
  });

  it("INIT keeps model-specific registers and CR0.CD and NW, and resets the rest", () => {
    const { machine } = smpGuest("boot: ipi 0x4500, 1\n1: jmp 1b", { cpus: 2 });
    const core = machine.cores[1];
    core.tscOffset = 12345;
    machine.setRegister("cr0", 0x10, 1);
    machine.setRegister("eax", 7, 1);
    machine.setRegister("cr3", 0x5000, 1);
    machine.run({ maxInstructions: 4 });
    expect([core.tscOffset, machine.getRegister("cr0", 1)]).toEqual([12345, 0x10]);
    expect([machine.getRegister("eax", 1), machine.getRegister("cr3", 1)]).toEqual([0, 0]);
    expect(core.waitsForStartup).toBe(true);
  });

  it("INIT of the bootstrap processor goes to the reset vector", () => {
    const log: string[] = [];
    const { machine } = smpGuest("boot: ipi 0x4500, 0\n1: jmp 1b", { log: (line) => log.push(line) });
    const rom = new Uint8Array(0x10000).fill(0xf4);
    rom.set([0xb0, 0x2a, 0xe6, 0xf4], 0xfff0);
    machine.loadRom(rom, 0xf0000);
    expect(machine.run({ maxInstructions: 100 })).toEqual({ kind: "exit", value: 42 });
    expect(log).toEqual([]);
  });

  it("INIT of the bootstrap processor tells who has no firmware at the reset vector", () => {
    const log: string[] = [];
    const { machine } = smpGuest("boot: ipi 0x4500, 0\n1: jmp 1b", { log: (line) => log.push(line) });
    machine.run({ maxInstructions: 10 });
    expect(log).toEqual([
      expect.stringMatching(/^core 0, cycle \d+: INIT: .*reset vector, f000:0000fff0 .*no firmware there$/),
    ]);
  });
});

describe("IA32_APIC_BASE", () => {
  it("moves the registers of one core, over RAM", () => {
    const guest = smpGuest(
      `
      boot:	movl $1, %eax
      	call start_others
      	movl $0x12345678, 0x50020
      	movl $0x1b, %ecx
      	rdmsr
      	movl $0x50000 + 0x900, %eax
      	wrmsr
      	movl 0x50030, %esi			# version
      	movl APIC + 0x30, %edi			# nothing is there any more
      	movl $1, go
      	wait_for 1, finished
      	exit
      work:	pause
      	cmpl $0, go
      	je work
      	movl 0x50020, %esi			# still RAM
      	movl APIC + 0x30, %edi
      	movl $1, finished
      1:	hlt
      	jmp 1b
      .bss
      go:	.long 0
      finished: .long 0
      `,
      { cpus: 2 },
    );
    expect(guest.machine.run({ maxInstructions: 10_000 })).toEqual(EXIT_0);
    const registers = [0, 1].map((core) => [
      guest.machine.getRegister("esi", core),
      guest.machine.getRegister("edi", core),
    ]);
    expect(registers).toEqual([
      [0x00040014, 0xffffffff],
      [0x12345678, 0x00040014],
    ]);
  });

  it("switched off, CPUID has no APIC", () => {
    const guest = smpGuest(`
      boot:	movl $1, %eax; cpuid; movl %edx, %esi
      	movl $0x1b, %ecx; rdmsr; andl $~0x800, %eax; wrmsr
      	movl $1, %eax; cpuid
      	exit
    `);
    guest.machine.run({ maxInstructions: 100 });
    expect((guest.machine.getRegister("esi") ^ guest.machine.getRegister("edx")) >>> 0).toBe(1 << 9);
  });
});
