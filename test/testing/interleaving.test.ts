import { describe, expect, it } from "vitest";
import { type Interleaver, Machine, type ScriptStep } from "../../emulator/index.ts";
import { asm, bootKernel, forEachInterleaving, Interleaving } from "../../testing/index.ts";
import { BUSY, TWO_TASKS } from "./programs.ts";

/** Adds to a counter in memory that two threads share, by load and store: loses additions when it is preempted between. */
const LOST_UPDATES = asm`
	SYSCALL clone, $0x111, $stack
	movl $3000, %ecx
1:	movl counter, %eax
	incl %eax
	movl %eax, counter
	decl %ecx
	jnz 1b
	SYSCALL sched_yield
	SYSCALL getppid
	SYSCALL pause
.data
counter: .long 0
.bss
	.skip 4096
stack:
`;

describe("Interleaving", () => {
  it("moves the timer interrupts, the same for the same seed", () => {
    const places = (seed: number, interleave: Interleaving | number = new Interleaving(seed)) => {
      const kernel = bootKernel({ init: BUSY, interleave });
      kernel.runUntilExit();
      return kernel.events
        .filter(({ event, irq }) => event === "irq_entry" && irq === 0)
        .map(({ instruction }) => instruction);
    };
    expect(places(1).length).toBeGreaterThan(1);
    expect(places(1)).toEqual(places(1, 1));
    expect(places(1)).not.toEqual(places(2));
  });

  it("gives machines of several cores an interleaver of the seed", () => {
    const turns = (seed: number) => {
      const interleaver = new Interleaving(seed).interleaver();
      return Array.from({ length: 20 }, () => [interleaver.next(0b11, 0), interleaver.quantum]);
    };
    expect(turns(5)).toEqual(turns(5));
    expect(turns(5)).not.toEqual(turns(6));
    expect(() => new Interleaving(0.5)).toThrow("seed 0.5: expected a 32-bit integer");
  });
});

describe("forEachInterleaving", () => {
  it("runs the body for each seed", async () => {
    const seen: number[] = [];
    forEachInterleaving(3, ({ seed }) => void seen.push(seed));
    forEachInterleaving([7, 8], ({ seed }) => void seen.push(seed));
    await forEachInterleaving(2, async ({ seed }) => {
      await Promise.resolve();
      seen.push(seed);
    });
    expect(seen).toEqual([0, 1, 2, 7, 8, 0, 1]);
    expect(() => forEachInterleaving([], () => {})).toThrow("would test nothing");
  });

  it("finds what only some orders show, and names the seed and the way back to it", () => {
    const failing = () =>
      forEachInterleaving(50, (interleave) => {
        const kernel = bootKernel({ init: LOST_UPDATES, interleave });
        kernel.runUntil({ event: "syscall", nr: 64 });
        kernel.runUntil({ event: "syscall", nr: 64 });
        const [counter] = new Uint32Array(kernel.read(1, "counter", 4).slice().buffer);
        if (counter !== 6000) throw new Error(`${counter} of 6000 additions`);
      });
    expect(failing).toThrow(
      /^\d+ of 6000 additions\n\ninterleaving with seed \d+: a timer tick every \d+ instructions\n/,
    );
    expect(failing).toThrow(
      /reproduce with: npx esp0 debug --memory 8 --cpu-hz \d+ --debug-kernel \S+\/init\nand there: goto \d+$/,
    );
  });

  it("keeps the error, and takes what is none", async () => {
    const error = new TypeError("mine");
    expect(() =>
      forEachInterleaving([4], () => {
        throw error;
      }),
    ).toThrow(error);
    expect(error.message).toContain("mine\n\ninterleaving with seed 4");
    await expect(forEachInterleaving([4], () => Promise.reject("text"))).rejects.toThrow(
      "text\n\ninterleaving with seed 4",
    );
  });

  it("lets what holds in every order pass", () => {
    forEachInterleaving(5, (interleave) => {
      const kernel = bootKernel({ init: TWO_TASKS, interleave });
      expect(kernel.runUntilExit()).toBe(0);
    });
  });
});

describe("forEachInterleaving on machines of several cores", () => {
  /** Two cores that add to a word at 0x2000 by load and store, 20 times each. */
  const counting = (interleaving: Interleaving, memoryModel: "sc" | "tso" = "sc") => {
    const machine = new Machine({
      memoryBytes: 1 << 20,
      cpus: 2,
      memoryModel,
      interleaver: interleaving.interleaver(),
    });
    // movw $20, %cx; 1: movw 0x2000, %ax; incw %ax; movw %ax, 0x2000; loop 1b; hlt
    machine.load(Uint8Array.of(0xb9, 20, 0, 0xa1, 0x00, 0x20, 0x40, 0xa3, 0x00, 0x20, 0xe2, 0xf7, 0xf4), 0x1000);
    for (const core of machine.cores) {
      machine.setRegister("cs", 0, core.id);
      machine.setRegister("eip", 0x1000, core.id);
      core.halted = false;
    }
    machine.run({ maxInstructions: 10_000 });
    const [count] = machine.readPhysical(0x2000, 1);
    if (count !== 40) throw new Error(`${count} of 40 additions`);
  };
  const message = (run: () => void) => {
    try {
      run();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("nothing failed");
  };
  const scriptOf = (text: string) => {
    const steps = /repeat with: forEachInterleaving\(\[\[(.*)\]\], …\)/.exec(text)?.[1] ?? "";
    return JSON.parse(`[${steps.replace(/(\w+):/g, '"$1":')}]`) as ScriptStep[];
  };

  it("prints the shortest script of turns that still fails, which can be run again", () => {
    const text = message(() => forEachInterleaving(50, (each) => counting(each), { maximum: 10 }));
    expect(text).toMatch(/^\d+ of 40 additions\n\ninterleaving with seed \d+: /);
    expect(text).toMatch(
      /\nthe shortest script that still fails has [1-3] of its \d\d steps \(\d+ runs\):\n {2}core \d runs \d+ instructions?\n/,
    );
    const script = scriptOf(text);
    expect(script.length).toBeGreaterThan(0);
    expect(message(() => forEachInterleaving([script], (each) => counting(each)))).toMatch(/^\d+ of 40 additions/);
    // Without any of its steps it passes.
    for (const left of script.keys()) {
      forEachInterleaving([script.filter((_, i) => i !== left)], (each) => counting(each));
    }
  });

  it("has PAUSE end turns behind the end of a script, as what it is tried with does", () => {
    const executed = (interleaver: Interleaver) => {
      const machine = new Machine({ memoryBytes: 1 << 20, cpus: 2, interleaver });
      // 1: incl %eax; pause; jmp 1b
      machine.load(Uint8Array.of(0x66, 0x40, 0xf3, 0x90, 0xeb, 0xfa), 0x1000);
      for (const core of machine.cores) {
        machine.setRegister("cs", 0, core.id);
        machine.setRegister("eip", 0x1000, core.id);
        core.halted = false;
      }
      machine.run({ maxInstructions: 60 });
      return machine.counters.instructions;
    };
    // 20, then 2, 2, 3, 3 and so on, the last of which is core 0's.
    forEachInterleaving([[{ core: 0, instructions: 20 }]], (each) =>
      expect(executed(each.interleaver())).toEqual([41, 19]),
    );
  });

  it("does the same by priorities, and for bodies that are async", async () => {
    const options = { mode: "pct", depth: 2, steps: 200 } as const;
    const body = async (each: Interleaving) => {
      await Promise.resolve();
      counting(each);
    };
    const text = await forEachInterleaving(200, body, options).then(
      () => "nothing failed",
      (error: Error) => error.message,
    );
    expect(text).toMatch(/the shortest script that still fails has [12] of its \d steps/);
    expect(message(() => forEachInterleaving([scriptOf(text)], (each) => counting(each)))).toMatch(/additions/);
  });

  it("has stores reach memory in scripts, with tso", () => {
    // Dekker's entry: movb $1, (%si); movb (%di), %al; hlt
    const entry = (interleaving: Interleaving) => {
      const interleaver = interleaving.interleaver();
      const machine = new Machine({ memoryBytes: 1 << 20, cpus: 2, memoryModel: "tso", interleaver });
      machine.load(Uint8Array.of(0xc6, 0x04, 1, 0x8a, 0x05, 0xf4), 0x1000);
      for (const core of machine.cores) {
        machine.setRegister("cs", 0, core.id);
        machine.setRegister("eip", 0x1000, core.id);
        machine.setRegister("esi", 0x2000 + core.id, core.id);
        machine.setRegister("edi", 0x2001 - core.id, core.id);
        core.halted = false;
      }
      machine.run({ maxInstructions: 100 });
      if (machine.cores.every(({ id }) => (machine.getRegister("eax", id) & 0xff) === 0))
        throw new Error("both are in");
    };
    const text = message(() => forEachInterleaving(50, entry, { maximum: 2 }));
    expect(text).toMatch(/^both are in/);
    const script = scriptOf(text);
    expect(script.length).toBeLessThanOrEqual(2);
    expect(message(() => forEachInterleaving([script], entry))).toMatch(/^both are in/);
    const drained: ScriptStep[] = [
      { core: 0, instructions: 1 },
      { core: 0, stores: 1 },
      { core: 1, instructions: 2 },
    ];
    forEachInterleaving([drained], entry);
  });

  it("can be told not to look for shorter ones", () => {
    let runs = 0;
    const body = (each: Interleaving) => {
      runs++;
      each.interleaver();
      throw new Error("always");
    };
    expect(message(() => forEachInterleaving([3], body, { shortening: 0 }))).not.toContain("shortest");
    expect(runs).toBe(1);
  });
});
