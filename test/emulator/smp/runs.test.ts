import { describe, expect, it } from "vitest";
import { type Interleaver, RandomInterleaver, RoundRobin, ScriptedInterleaver } from "../../../emulator/index.ts";
import { smpGuest } from "./guest.ts";

const EXIT_0 = { kind: "exit", value: 0 };

describe("interleavers", () => {
  const SOURCE = `
      boot:	movl $3, %eax
      	call start_others
      work:	id %ebx
      	movl $500, %ecx
      1:	movl trace_end, %eax
      	movb %bl, trace(%eax)
      	incl trace_end
      	decl %ecx
      	jnz 1b
      	lock; incl finished
      	testl %ebx, %ebx
      	jnz 2f
      	wait_for 4, finished
      	exit
      2:	hlt
      	jmp 2b
      .bss
      trace_end: .long 0
      finished: .long 0
      trace:	.skip 2048
      `;
  const run = (interleaver: Interleaver) => {
    const guest = smpGuest(SOURCE, { cpus: 4, interleaver });
    expect(guest.machine.run({ maxInstructions: 100_000 })).toEqual(EXIT_0);
    return {
      trace: guest.words("trace", 512).join(),
      cycles: guest.machine.cycles,
      counters: guest.machine.counters,
    };
  };

  it.each([
    { name: "round robin", make: () => new RoundRobin(33) },
    { name: "random", make: () => new RandomInterleaver(42) },
    {
      name: "scripted",
      make: () =>
        new ScriptedInterleaver(
          Array.from({ length: 300 }, (_, n) => ({ core: (n * n) % 4, instructions: 1 + (n % 7) })),
          new RandomInterleaver(1),
        ),
    },
  ])("$name: the same every time", ({ make }) => {
    expect(run(make())).toEqual(run(make()));
  });

  it("random: another seed is another run", () => {
    const runs = [1, 2, 3, 4].map((seed) => run(new RandomInterleaver(seed)).trace);
    expect(new Set(runs).size).toBe(4);
  });

  it("random with turns of one instruction is a race at every instruction", () => {
    expect(run(new RandomInterleaver(9, 1)).counters.instructions.every((count) => count > 2000)).toBe(true);
  });
});

describe("snapshots of several cores", () => {
  const SOURCE = `
      boot:	movl $3, %eax
      	call start_others
      work:	id %ebp
      	movl $0x0b, APIC + 0x3e0
      	movl $0x20041, APIC + 0x320
      	movl $333, APIC + 0x380
      	sti
      1:	incl counter
      	ipi OTHERS + 0x51
      	hlt
      	jmp 1b
      vector_65: eoi
      	lock; incl ticks
      	iret
      vector_81: eoi
      	lock; incl messages
      	iret
      .bss
      counter: .long 0
      ticks:	.long 0
      messages: .long 0
      `;
  const NAMES = ["counter", "ticks", "messages"] as const;

  it("continue bit for bit, wherever they are made", () => {
    const options = () => ({ cpus: 4, interleaver: new RandomInterleaver(3, 7) });
    const original = smpGuest(SOURCE, options());
    original.machine.run({ untilCycle: 20_000 });
    const expected = [NAMES.map(original.word), original.machine.counters];
    expect(original.word("messages")).toBeGreaterThan(100);
    for (const cycle of [300, 1234, 5001, 12_345]) {
      const first = smpGuest(SOURCE, options());
      first.machine.run({ untilCycle: cycle });
      const second = smpGuest(SOURCE, options());
      second.machine.restore(first.machine.save());
      second.machine.run({ untilCycle: 20_000 });
      expect([NAMES.map(second.word), second.machine.counters]).toEqual(expected);
    }
  });
});
