import { describe, expect, it } from "vitest";
import {
  type Interleaver,
  Machine,
  type MachineOptions,
  RandomInterleaver,
  RoundRobin,
  ScriptedInterleaver,
  SnapshotError,
  STORE_BUFFER_ENTRIES,
} from "../../emulator/index.ts";
import fc from "../fast-check.ts";
import { smpGuest } from "./smp/guest.ts";

const EXIT_0 = { kind: "exit", value: 0 };

/** A guest under "tso" that stands at its label `here`. */
function standing(source: string, options: MachineOptions = {}) {
  const guest = smpGuest(source, { memoryModel: "tso", ...options });
  const { machine, image } = guest;
  machine.setBreakpoints([image.symbol("here")]);
  expect(machine.run({ maxInstructions: 100_000 }).kind).toBe("breakpoint");
  machine.setBreakpoints([]);
  const [core] = machine.cores;
  const waiting = () => core.storeBuffer?.stores.map(({ physical, value }) => [physical, value]);
  return { ...guest, core, waiting };
}

describe("a core's store buffer", () => {
  it("keeps stores from memory, and shows them to the core's own loads", () => {
    const { machine, image, word, waiting } = standing(`
      boot:	movl $1, x
      	movl x, %eax
      	incl %eax
      	movl %eax, y
      here:	nop
      .data
      x:	.long 0
      y:	.long 0
    `);
    expect([word("x"), word("y")]).toEqual([0, 0]);
    expect(waiting()).toEqual([
      [image.symbol("x"), 1],
      [image.symbol("y"), 2],
    ]);
    const seen = (bytes: Uint8Array) => [...new Uint32Array(bytes.slice().buffer)];
    expect(seen(machine.readLinear(image.symbol("x"), 8))).toEqual([1, 2]);
    expect(seen(machine.readSettled(image.symbol("x"), 8))).toEqual([1, 2]);
    expect(seen(machine.readPhysical(image.symbol("x"), 8))).toEqual([0, 0]);
    machine.cores[0].storeBuffer?.drainOldest();
    expect([word("x"), word("y")]).toEqual([1, 0]);
  });

  it("gives loads each byte of the youngest store to it, whatever overlaps", () => {
    const SIZES = ["b", "w", "l"] as const;
    const access = fc.record({
      store: fc.boolean(),
      size: fc.constantFrom(...SIZES),
      offset: fc.nat(9),
      value: fc.integer(),
    });
    fc.assert(
      fc.property(fc.array(access, { minLength: 1, maxLength: 24 }), (accesses) => {
        const registers = { b: "%al", w: "%ax", l: "%eax" };
        const lines = accesses.map(({ store, size, offset, value }) =>
          store
            ? `mov${size} $${value & (size === "b" ? 0xff : size === "w" ? 0xffff : -1)}, x + ${offset}`
            : `xorl %eax, %eax; mov${size} x + ${offset}, ${registers[size]}; roll $5, %edx; xorl %eax, %edx`,
        );
        const source = `boot: ${lines.join("\n\t")}\n\texit\n.data\nx: .long 0x03020100, 0x07060504, 0x0b0a0908, 0\n`;
        const [buffered, plain] = (["tso", "sc"] as const).map((memoryModel) => {
          const guest = smpGuest(source, { memoryModel });
          expect(guest.machine.run({ maxInstructions: 1000 })).toEqual(EXIT_0);
          return [guest.machine.getRegister("edx"), ...guest.words("x", 4)];
        });
        expect(buffered).toEqual(plain);
      }),
      { numRuns: 15 },
    );
  });

  it(`holds ${STORE_BUFFER_ENTRIES} stores: one more has the oldest reach memory`, () => {
    const { word, waiting, machine } = standing(`
      .set i, 0
      boot:	.rept ${STORE_BUFFER_ENTRIES}
      	movl $i + 1, x + 4 * i
      	.set i, i + 1
      	.endr
      here:	movl $99, y
      .data
      x:	.skip 4 * ${STORE_BUFFER_ENTRIES}
      y:	.long 0
    `);
    expect([waiting()?.length, word("x")]).toEqual([STORE_BUFFER_ENTRIES, 0]);
    machine.step();
    expect([waiting()?.length, word("x"), word("y")]).toEqual([STORE_BUFFER_ENTRIES, 1, 0]);
  });

  it("keeps nothing longer than a thousand cycles, wherever runs end", () => {
    const guest = () =>
      standing(`
        boot:	movl $7, x
        here:	jmp here
        .data
        x:	.long 0
      `);
    const whole = guest();
    expect(whole.machine.run({ until: () => whole.word("x") === 7, maxInstructions: 5000 }).kind).toBe("condition");
    const pieces = guest();
    const stored = pieces.machine.cycles - 1;
    for (let i = 0; i < 300 && pieces.word("x") === 0; i++) pieces.machine.step(7);
    expect(pieces.machine.cycles - stored).toBeLessThan(1008);
    const exact = guest();
    exact.machine.run({ untilCycle: stored + 999 });
    expect(exact.word("x")).toBe(0);
    exact.machine.run({ untilCycle: stored + 1000 });
    expect(exact.word("x")).toBe(7);
  });

  it("has a quadword that one instruction stores reach memory at once, when it is aligned", () => {
    const { machine, words, core } = standing(`
      boot:	finit
      	fld1
      	fstl x
      	fstl y + 4
      here:	nop
      .data
      .balign 8
      x:	.quad 0
      y:	.quad 0, 0
    `);
    core.storeBuffer?.drainOldest();
    expect(words("x", 2)).toEqual([0, 0x3ff00000]);
    core.storeBuffer?.drainOldest();
    expect(words("y", 4)).toEqual([0, 0, 0, 0]);
    expect(core.storeBuffer?.length).toBe(1);
    expect(machine.cores[0].storeBuffer?.stores[0].value).toBe(0x3ff00000);
  });
});

describe("the store buffer drains", () => {
  const TABLES = `
      .balign 8
      table:	.word 23
      	.long 0x1000
      	.word 0
      idt_table: .word 0x7ff
      	.long 0x2000
      .data
      x:	.long 0
      y:	.long 0
      vector_3: vector_14: vector_64: nop
      here_too: nop
      .text
  `;
  const stores = (instruction: string) =>
    standing(`boot: pushl $here_too\n pushfl\n movl $5, x\nhere: ${instruction}\nhere_after: nop\n${TABLES}`);

  it.each([
    ["MFENCE", "mfence"],
    ["LOCK", "lock; addl $0, y"],
    ["LOCK CMPXCHG8B", "lock; cmpxchg8b y"],
    ["XCHG with memory", "xchgl %eax, y"],
    ["XCHG of bytes", "xchgb %al, y"],
    ["CPUID", "cpuid"],
    ["IN", "inb $0x61, %al"],
    ["OUT", "outb %al, $0x80"],
    ["MOV to CR3", "movl %eax, %cr3"],
    ["MOV to DR0", "movl %eax, %dr0"],
    ["LGDT", "lgdt table"],
    ["LIDT", "lidt idt_table"],
    ["LLDT", "lldt %bx"],
    ["INVLPG", "invlpg x"],
    ["WBINVD", "wbinvd"],
    ["a store to a device", "movl $0, APIC + 0xb0"],
    ["a load from a device", "movl APIC + 0x20, %eax"],
    ["an interrupt instruction", "int $64"],
    ["a breakpoint", "int3"],
    ["HLT", "hlt"],
  ])("with %s", (_name, instruction) => {
    const { machine, word, waiting } = stores(instruction);
    machine.setRegister("ebx", 0);
    expect(waiting()?.length).toBe(3);
    machine.run({ maxInstructions: 1 });
    expect(word("x")).toBe(5);
    expect(waiting()).toEqual([]);
  });

  it("with IRET, an exception, and an interrupt from outside", () => {
    const iret = standing(`
      boot:	pushfl
      	pushl %cs
      	pushl $1f
      	movl $5, x
      here:	iret
      1:	nop
      ${TABLES}`);
    iret.machine.step();
    expect([iret.word("x"), iret.waiting()]).toEqual([5, []]);

    const fault = standing(`boot: movl $5, x\nhere: ud2\nvector_6: nop\n${TABLES}`);
    fault.machine.step();
    expect([fault.word("x"), fault.waiting()]).toEqual([5, []]);

    const nmi = standing(`boot: movl $5, x\nhere: nop\nvector_2: nop\n${TABLES}`);
    nmi.machine.nmi();
    nmi.machine.step();
    expect([nmi.word("x"), nmi.waiting()]).toEqual([5, []]);
  });

  it.each(["lfence", "sfence", "movl y, %eax", "addl $1, y", "xchgl %eax, %ebx", "nop", "pushl %eax", "jmp 1f; 1:"])(
    "not with %s",
    (instruction) => {
      const { machine, word } = stores(instruction);
      machine.step();
      expect(word("x")).toBe(0);
    },
  );

  it("with a segment register that is loaded for the first time, whose descriptor is marked accessed", () => {
    const guest = stores("movw %bx, %gs");
    guest.machine.setRegister("ebx", 0x10);
    guest.machine.load(Uint8Array.of(0x92), 0x1000 + 0x10 + 5);
    guest.machine.step();
    expect([guest.word("x"), guest.waiting(), guest.machine.readPhysical(0x1015, 1)[0]]).toEqual([5, [], 0x93]);
  });

  it("when the host writes to memory, so that what it wrote stays", () => {
    const { machine, image, word } = stores("nop");
    machine.writePhysical(image.symbol("x"), Uint8Array.of(9));
    machine.cores[0].drainStores();
    expect(word("x")).toBe(9);
  });

  it("at a reset", () => {
    const { machine, word } = stores("nop");
    machine.reset();
    expect(word("x")).toBe(5);
  });
});

describe("what is stored and not in memory yet", () => {
  it("is executed by the core itself", () => {
    // The page has no decoded code when it is stored to, and then it has.
    const { machine } = standing(
      `
      boot:	movb $0xb8, 0x30000			# movl $0x1234, %eax; ret
      	movl $0x1234, 0x30001
      	movb $0xc3, 0x30005
      	call *%ebx
      	movl $0x5678, 0x30001
      	movl %eax, %ecx
      	call *%ebx
      here:	nop
    `.replace("boot:", "boot: movl $0x30000, %ebx\n"),
    );
    expect([machine.getRegister("ecx"), machine.getRegister("eax")]).toEqual([0x1234, 0x5678]);
  });

  it("is in the page tables that the core walks; accessed and dirty bits come after all stores", () => {
    const { machine, word, core } = standing(`
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
      	movl $DIRECTORY, %eax
      	movl %eax, %cr3
      	movl %cr0, %eax
      	orl $0x80000000, %eax
      	movl %eax, %cr0
      	movl $0xaa, 0x70000
      	movl $0x70063, TABLE + 0x80 * 4	# accessed and dirty already: nothing is drained
      	movl 0x80000, %esi
      	movl $1, x
      here:	movl 0x90000, %eax
      .data
      x:	.long 0
    `);
    expect(machine.getRegister("esi")).toBe(0xaa);
    expect(core.storeBuffer?.stores.at(-1)?.value).toBe(1);
    expect(word("x")).toBe(0);
    machine.step();
    expect(word("x")).toBe(1);
    expect(core.storeBuffer?.length).toBe(0);
  });

  it("is no code that another core has decoded, once it is there", () => {
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
      { cpus: 2, memoryModel: "tso" },
    );
    expect(guest.machine.run({ maxInstructions: 50_000 })).toEqual(EXIT_0);
    expect([guest.machine.getRegister("esi", 1), guest.machine.getRegister("edi", 1)]).toEqual([0x11, 0x22]);
  });
});

describe("several cores", () => {
  const COUNT = 400;
  const counting = (increment: string, interleaver: Interleaver, memoryModel: "sc" | "tso" = "tso") => {
    const guest = smpGuest(
      `
      boot:	movl $3, %eax
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
      	wait_for 4, finished
      	exit
      2:	hlt
      	jmp 2b
      .bss
      go:	.long 0
      finished: .long 0
      counter: .long 0
      lock:	.long 0
      `,
      { cpus: 4, interleaver, memoryModel },
    );
    expect(guest.machine.run({ maxInstructions: 2_000_000 })).toEqual(EXIT_0);
    return guest.word("counter");
  };

  it("M8: LOCK counts right, and so does a lock that is given back by a plain store", () => {
    const locked = "2: movl $1, %eax; xchgl %eax, lock; testl %eax, %eax; jnz 2b; incl counter; movl $0, lock";
    for (const interleaver of [new RandomInterleaver(1, 40), new RandomInterleaver(2, 3), new RoundRobin(7)]) {
      expect(counting("lock; incl counter", interleaver)).toBe(4 * COUNT);
      expect(counting(locked, interleaver)).toBe(4 * COUNT);
    }
  });

  it("M8: increments without LOCK lose counts", () => {
    expect(counting("incl counter", new RoundRobin(7))).toBeLessThan(4 * COUNT);
    expect(counting("incl counter", new RandomInterleaver(3, 20))).toBeLessThan(4 * COUNT);
  });

  /** Dekker's entry: each says that it wants, and looks whether the other does. */
  const dekker = (fence: string, options: MachineOptions) => {
    const guest = smpGuest(
      `
      boot:	movl $1, %eax
      	call start_others
      	movl $x, %esi
      	movl $y, %edi
      	jmp both
      work:	movl $y, %esi
      	movl $x, %edi
      both:	lock; incl arrived
      1:	pause
      	cmpl $2, arrived
      	jne 1b
      	movl $1, (%esi)
      	${fence}
      	cmpl $0, (%edi)
      	jne 2f
      	lock; incl inside
      2:	lock; incl done
      3:	pause
      	cmpl $2, done
      	jne 3b
      	cmpl $0, APIC + 0x20
      	jne 4f
      	exit
      4:	hlt
      	jmp 4b
      .bss
      x:	.long 0
      y:	.long 0
      arrived: .long 0
      inside:	.long 0
      done:	.long 0
      `,
      { cpus: 2, ...options },
    );
    expect(guest.machine.run({ maxInstructions: 50_000 })).toEqual(EXIT_0);
    return guest.word("inside");
  };
  const inside = (fence: string, memoryModel: "sc" | "tso") =>
    Array.from({ length: 24 }, (_, seed) =>
      dekker(fence, { memoryModel, interleaver: new RandomInterleaver(seed, 3) }),
    ).filter((count) => count === 2).length;

  it('M8: Dekker\'s entry lets both in without a fence, with "tso" and only there', () => {
    expect(inside("", "tso")).toBeGreaterThan(0);
    expect(inside("", "sc")).toBe(0);
    expect(inside("mfence", "tso")).toBe(0);
    expect(inside("lock; addl $0, (%esp)", "tso")).toBe(0);
  });
});

describe("between two turns", () => {
  const twoStores = (interleaver: Interleaver) => {
    const machine = new Machine({ memoryBytes: 1 << 20, cpus: 2, memoryModel: "tso", interleaver });
    // movb $1, [0x2000]; movb $2, [0x2001]; then a loop. The other core only loops.
    machine.load(Uint8Array.of(0xc6, 0x06, 0x00, 0x20, 1, 0xc6, 0x06, 0x01, 0x20, 2, 0xeb, 0xfe), 0x1000);
    for (const { id } of machine.cores) {
      machine.setRegister("cs", 0, id);
      machine.setRegister("eip", id === 0 ? 0x1000 : 0x100a, id);
      machine.cores[id].halted = false;
    }
    return { machine, memory: () => [...machine.readPhysical(0x2000, 2)] };
  };

  it("a script says which stores reach memory", () => {
    const script = [
      { core: 0, instructions: 2 },
      { core: 0, stores: 1 },
      { core: 1, instructions: 1 },
      { core: 1, stores: 3 },
      { core: 0, stores: 5 },
      { core: 1, instructions: 1 },
    ];
    const { machine, memory } = twoStores(new ScriptedInterleaver(script, new RoundRobin(5)));
    machine.step(2);
    expect(memory()).toEqual([0, 0]);
    machine.step();
    expect(memory()).toEqual([1, 0]);
    machine.step();
    expect(memory()).toEqual([1, 2]);
  });

  it("a script refuses steps that are none", () => {
    expect(() => new ScriptedInterleaver([{ core: 0, stores: 0 }])).toThrow(/0 stores of core 0: expected a number/);
    expect(() => new ScriptedInterleaver([{ core: 32, stores: 1 }])).toThrow(/no core has number 32/);
  });

  it("no word of the interleaver's is needed: a core's stores wait until its next turn begins", () => {
    const { machine, memory } = twoStores(new RoundRobin(2));
    machine.step(4);
    expect(memory()).toEqual([0, 0]);
    machine.step();
    expect(memory()).toEqual([1, 2]);
  });

  it("an interleaver that drains what is empty is told so", () => {
    const machine = smpGuest(
      "boot: movl $1, %eax\n call start_others\n1: jmp 1b\nwork: movl $1, x\n jmp work\n.bss\nx: .long 0\n",
      {
        cpus: 2,
        memoryModel: "tso",
        interleaver: { quantum: 3, next: (runnable) => 31 - Math.clz32(runnable), drain: () => 5 },
      },
    ).machine;
    expect(() => machine.run({ maxInstructions: 1000 })).toThrow(/a store of core 5 reach memory.*bit mask 0b/);
  });
});

describe("snapshots", () => {
  const source = `
    boot:	movl $1, %eax
    	call start_others
    work:	id %ebx
    	movl $1, %ecx
    1:	movl %ecx, x(, %ebx, 4)
    	incl %ecx
    	addl x, %edx
    	addl x + 4, %edx
    	roll $3, %edx
    	jmp 1b
    .bss
    x:	.long 0
    y:	.long 0
  `;
  const running = (memoryModel: "sc" | "tso" = "tso") => {
    const { machine } = smpGuest(source, { cpus: 2, memoryModel, interleaver: new RandomInterleaver(3, 5) });
    machine.run({ maxInstructions: 2003 });
    return machine;
  };
  const end = (machine: Machine) => {
    machine.run({ maxInstructions: 3000 });
    return machine.cores.map(({ id, storeBuffer }) => [machine.getRegister("edx", id), storeBuffer?.stores]);
  };

  it("have what the buffers hold: the run goes on as it would have", () => {
    const machine = running();
    expect(machine.cores.some(({ storeBuffer }) => storeBuffer?.length !== 0)).toBe(true);
    const bytes = machine.save();
    const other = Machine.restore(bytes, { interleaver: new RandomInterleaver(3, 5) });
    expect(other.cores.map(({ storeBuffer }) => storeBuffer?.stores)).toEqual(
      machine.cores.map(({ storeBuffer }) => storeBuffer?.stores),
    );
    const fork = machine.fork();
    const expected = end(machine);
    expect(end(other)).toEqual(expected);
    expect(end(fork)).toEqual(expected);
    machine.restore(bytes);
    expect(end(machine)).toEqual(expected);
  });

  it("are for machines of the same model", () => {
    expect(() => running("sc").restore(running().capture())).toThrow(SnapshotError);
    expect(() => running("sc").restore(running().capture())).toThrow("memoryModel tso; this one has sc");
  });
});

describe("the option", () => {
  it("is sc or tso", () => {
    expect(() => new Machine({ memoryModel: "pso" as "tso" })).toThrow('memory model "pso": expected "sc" or "tso"');
    expect(new Machine({ memoryBytes: 1 << 20 }).cores[0].storeBuffer).toBe(null);
  });

  it("tso leaves the compiled tier out", () => {
    const { machine } = smpGuest("boot: movl $5000, %ecx\n1: loop 1b\n exit\n", {
      memoryModel: "tso",
      tier: "on",
      tierThreshold: 0,
    });
    expect(machine.run({ maxInstructions: 20_000 })).toEqual(EXIT_0);
    expect(machine.tierStatistics).toEqual([null]);
  });
});
