import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { DebugSession, SymbolTable } from "../../../debug/session/index.ts";
import { RandomInterleaver } from "../../../emulator/index.ts";
import { smpGuest } from "../../emulator/smp/guest.ts";
import { at, bareSession, kernelSession, place, stateOf } from "./machines.ts";

const WORK = `
	xorl %ecx, %ecx
loop:	incl %ecx
	call work
after:	movl %ecx, counter
	cmpl $100, %ecx
	jne loop
	movl $5, %eax
	outl %eax, $0xf4
	hlt
work:	pushl %ebp
	movl %esp, %ebp
	addl $3, total
	call inner
back:	leave
	ret
inner:	incl total
	ret
.align 4
counter: .long 0
total:	.long 0
`;

const FORKS = `
_start:
	movl $3, %edi
again:	movl $SYS_fork, %eax
	int $0x80
forked:	testl %eax, %eax
	jz child
	movl $SYS_waitpid, %eax
	movl $-1, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	int $0x80
waited:	movl $SYS_write, %eax
	movl $1, %ebx
	movl $text, %ecx
	movl $5, %edx
	int $0x80
	decl %edi
	jnz again
	movl $SYS_exit, %eax
	movl $7, %ebx
	int $0x80
child:	pushl $1
	movl $SYS_exit, %eax
	movl $3, %ebx
	int $0x80
.data
text:	.ascii "done\\n"
`;

/** A kernel that has run to its end, and how far that is. */
async function endedKernel(): Promise<{ readonly session: DebugSession; readonly length: number }> {
  const session = kernelSession(FORKS);
  expect(await session.continue()).toMatchObject({ reason: "exit", status: 7 });
  return { session, length: session.position };
}

describe("going back", () => {
  it("steps", async () => {
    const session = bareSession(WORK);
    const states: string[] = [];
    const places: string[] = [];
    for (let i = 0; i < 40; i++) {
      states.push(stateOf(session));
      places.push(place(session));
      await session.step();
    }
    for (let i = 39; i >= 0; i--) {
      expect(await session.reverseStep()).toMatchObject({ position: i });
      expect([i, place(session), stateOf(session)]).toEqual([i, places[i], states[i]]);
    }
    expect(await session.reverseStep()).toMatchObject({ position: 0 });
    expect(await session.step(40)).toMatchObject({ position: 40 });
  });

  it("next passes over calls backwards, and stops at the entry of a function", async () => {
    const session = bareSession(WORK);
    session.breakpoints.add({ kind: "address", linear: at(session, "after"), ignore: 4 });
    await session.continue();
    session.breakpoints.clear();
    const places: string[] = [];
    for (let i = 0; i < 5; i++) {
      await session.reverseNext();
      places.push(place(session));
    }
    expect(places).toEqual(["loop+0x1", "loop", "after+0x9", "after+0x6", "after"]);
    await session.until(at(session, "back"));
    await session.reverseNext();
    expect(place(session)).toBe("work+0xa");
    await session.step();
    expect(place(session)).toBe("inner");
    await session.reverseNext();
    expect(place(session)).toBe("work+0xa");
  });

  it("continues to the last stop before", async () => {
    const session = bareSession(WORK);
    session.breakpoints.add({ kind: "address", linear: at(session, "inner") });
    session.breakpoints.add({
      kind: "watch",
      space: "linear",
      address: at(session, "counter"),
      length: 4,
      on: "change",
    });
    const stops: [string, number][] = [];
    for (let stop = await session.continue(); stop.reason !== "exit"; stop = await session.continue()) {
      stops.push([stop.reason, stop.position]);
    }
    expect(stops).toHaveLength(200);
    for (const [reason, position] of stops.slice(-6).reverse()) {
      expect(await session.reverseContinue()).toMatchObject({ reason, position });
    }
    await session.goto(stops[1][1]);
    expect(await session.reverseContinue()).toMatchObject({ reason: stops[0][0], position: stops[0][1] });
    expect(await session.reverseContinue()).toEqual({ reason: "start", core: 0, position: 0 });
    expect(await session.continue()).toMatchObject({ reason: "breakpoint", position: stops[0][1] });
  });

  it("goes anywhere, and finds the same state there", async () => {
    const session = bareSession(WORK);
    await session.continue();
    const length = session.position;
    const end = stateOf(session);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(length), { minLength: 2, maxLength: 6 }), async (positions) => {
        const fresh = bareSession(WORK);
        for (const position of positions) {
          expect((await session.goto(position)).position).toBe(position);
          if (fresh.position <= position) {
            await fresh.goto(position);
            expect(stateOf(session)).toBe(stateOf(fresh));
          }
        }
      }),
      { numRuns: 8 },
    );
    expect(await session.goto(length + 5)).toMatchObject({ reason: "exit", status: 5 });
    expect(stateOf(session)).toBe(end);
    await expect(session.goto(-1)).rejects.toThrow(RangeError);
  });

  it("uses captures of a long run, and is exact", async () => {
    const source = `
outer:	movl $3000, %ecx
1:	incl %eax
	movl %eax, count
	loop 1b
	jmp outer
.align 4
count:	.long 0
`;
    const session = bareSession(source, 1 << 20);
    await session.continue({ maxInstructions: 400_000 });
    const last = session.registers().eax;
    expect(await session.reverseStep(2)).toMatchObject({ position: 399_998 });
    expect(session.registers().eax).toBeGreaterThanOrEqual(last - 1);
    const fresh = bareSession(source);
    for (const position of [41_000, 265_001, 399_998]) {
      await fresh.goto(position);
      await session.goto(position);
      expect(stateOf(session)).toBe(stateOf(fresh));
    }
    session.breakpoints.add({
      kind: "address",
      linear: at(session, "outer"),
      condition: ({ machine }) => machine.getRegister("eax") < 9000,
    });
    expect((await session.reverseContinue()).reason).toBe("breakpoint");
    expect(session.registers().eax).toBe(6000);
  });
});

const LONG = `
	movl $0x20000, %edi
again:	incl rounds
	call slow
slept:	incl %edi
	jmp again
slow:	pushl %ebp
	movl %esp, %ebp
	movl $400000, %ecx
1:	incl %eax
	loop 1b
	call quick
behind:	leave
	ret
quick:	incl total
inside:	ret
.align 4096
rounds:	.long 0
total:	.long 0
`;

describe("going back over what takes long", () => {
  const session = bareSession(LONG);
  beforeAll(async () => {
    session.breakpoints.add({ kind: "address", linear: at(session, "slept"), ignore: 2 });
    await session.continue();
    session.breakpoints.clear();
  });
  const rounds = () => session.readPhysical(at(session, "rounds"), 1)[0];

  it("next finds the call, however many captures ago", async () => {
    expect(rounds()).toBe(3);
    const before = session.position;
    await session.reverseNext();
    expect([place(session), rounds()]).toEqual(["again+0x6", 3]);
    expect(before - session.position).toBeGreaterThan(800_000);
    await session.next();
    expect(session.position).toBe(before);
  });

  it("finish goes to before the call of the function, and of its caller", async () => {
    await session.until(at(session, "inside"));
    await session.reverseFinish();
    expect(session.symbols.format(session.linearEip())).toBe("slow+0xb");
    await session.step();
    expect(place(session)).toBe("quick");
    await session.reverseFinish();
    await session.reverseFinish();
    expect([place(session), rounds()]).toEqual(["again+0x6", 4]);
    expect(session.stop).toMatchObject({ reason: "step", core: 0 });
    await session.next();
    expect([place(session), rounds()]).toEqual(["slept", 4]);
  });

  it("finds the last write of a value, and the one before", async () => {
    const { position } = session;
    const watch = { kind: "watch", space: "linear", address: at(session, "rounds"), length: 4, on: "change" } as const;
    const { number } = session.breakpoints.add(watch);
    expect(await session.reverseContinue()).toMatchObject({ reason: "watchpoint", access: { before: 3, after: 4 } });
    expect(await session.reverseContinue()).toMatchObject({ reason: "watchpoint", access: { before: 2, after: 3 } });
    session.breakpoints.remove(number);
    await session.goto(position);
    const inner = session.breakpoints.add({ kind: "address", linear: at(session, "quick") });
    expect(await session.reverseContinue()).toMatchObject({ reason: "breakpoint" });
    expect(rounds()).toBe(4);
    session.breakpoints.remove(inner.number);
  });

  it("a condition that fails ends the search", async () => {
    session.breakpoints.add({
      kind: "address",
      linear: at(session, "quick"),
      condition: () => {
        throw new Error("no such thing");
      },
    });
    await expect(session.reverseContinue()).rejects.toThrow("no such thing");
    session.breakpoints.clear();
  });
});

describe("going back out of an interrupt", () => {
  const SOURCE = `
boot:	nop
raises:	int $0x30
after:	incl count
	jmp boot
vector_48:
	incl count
	pushl %eax
	popl %eax
in_it:	iret
.data
count:	.long 0
`;

  it("finish goes to before the instruction that it came at", async () => {
    const { image } = smpGuest(SOURCE);
    const session = DebugSession.forMachine(() => smpGuest(SOURCE).machine, { symbols: SymbolTable.forImage(image) });
    await session.until(at(session, "after"));
    await session.until(at(session, "in_it"));
    await session.reverseFinish();
    expect(place(session)).toBe("raises");
    await session.step();
    expect(place(session)).toBe("vector_48");
    await session.until(at(session, "after"));
    await session.reverseNext();
    expect(place(session)).toBe("raises");
  });
});

describe("going back in a kernel", () => {
  it("finds the same state at any position, forwards and backwards", async () => {
    const { session, length } = await endedKernel();
    const end = stateOf(session);
    await fc.assert(
      fc.asyncProperty(fc.nat(length), fc.nat(length), async (one, other) => {
        const [first, second] = one < other ? [one, other] : [other, one];
        await session.goto(second);
        const later = stateOf(session);
        await session.goto(first);
        const earlier = stateOf(session);
        await session.step(second - first);
        expect(stateOf(session)).toBe(later);
        await session.reverseStep(second - first);
        expect(stateOf(session)).toBe(earlier);
      }),
      { numRuns: 4 },
    );
    await session.continue();
    expect(stateOf(session)).toBe(end);
  });

  it("goes over a context switch and back", async () => {
    const session = kernelSession(FORKS);
    const movesStack = (name: string) => at(session, name);
    session.breakpoints.add({ kind: "address", linear: movesStack("__switch_to") });
    await session.continue();
    const { esp } = session.registers();
    const { position } = session;
    await session.reverseStep(3);
    await session.step(3);
    expect(session.position).toBe(position);
    expect(session.registers().esp).toBe(esp);
  });

  it("says nothing twice", async () => {
    const session = kernelSession(FORKS);
    let output = "";
    const positions: number[] = [];
    const events: number[] = [];
    session.onOutput(({ stream, byte, position }) => {
      if (stream !== "serial1") return;
      output += String.fromCharCode(byte);
      positions.push(position);
    });
    session.onEvent(({ event, instruction }) => {
      if (event === "fork") events.push(instruction);
    });
    session.breakpoints.add({ kind: "address", linear: at(session, "waited"), ignore: 1 });
    await session.continue();
    const { position } = session;
    await session.goto(1000);
    expect(session.machine.instructions).toBe(1000);
    await session.goto(position + 20);
    await session.reverseStep(30);
    session.breakpoints.clear();
    await session.continue();
    expect(output).toBe("done\ndone\ndone\n");
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(events.length).toBe(new Set(events).size);
    expect(events.length).toBeGreaterThanOrEqual(3);
  });

  it("gives recorded input again, and forgets the future when other input comes", async () => {
    const session = kernelSession(`
_start:	movl $SYS_read, %eax
	xorl %ebx, %ebx
	movl $buffer, %ecx
	movl $16, %edx
	int $0x80
got:	movl %eax, %edx
	movl $SYS_write, %eax
	movl $1, %ebx
	int $0x80
	jmp _start
.bss
buffer:	.space 16
`);
    let output = "";
    session.onOutput(({ stream, byte }) => {
      if (stream === "serial1") output += String.fromCharCode(byte);
    });
    expect(await session.continue()).toMatchObject({ reason: "input" });
    const asleep = session.position;
    const input = (text: string) => session.input(Uint8Array.from(text, (c) => c.charCodeAt(0)));
    input("one\n");
    session.breakpoints.add({ kind: "address", linear: at(session, "got") });
    expect(await session.continue()).toMatchObject({ reason: "breakpoint" });
    const got = stateOf(session);
    const { position } = session;
    await session.goto(asleep - 100);
    expect(await session.continue()).toMatchObject({ reason: "breakpoint", position });
    expect(stateOf(session)).toBe(got);
    session.breakpoints.clear();
    expect((await session.continue()).reason).toBe("input");
    expect(output).toBe("one\n");
    await session.goto(asleep - 100);
    input("two\n");
    expect((await session.continue()).reason).toBe("input");
    expect(output).toBe("one\ntwo\n");
    session.closeInput();
    expect((await session.continue({ maxInstructions: 10_000 })).reason).toBe("budget");
  });
});

describe("meanwhile", () => {
  it("input that comes while it goes through its past waits until it is out of it", async () => {
    const session = kernelSession(FORKS);
    await session.continue();
    const end = stateOf(session);
    await session.goto(0);
    const running = session.continue();
    session.input(Uint8Array.of(0x61));
    expect(await running).toMatchObject({ reason: "exit" });
    await session.goto(session.position - 1);
    await session.continue();
    expect(stateOf(session)).toBe(end);
  });

  it("going back can be interrupted", async () => {
    const session = bareSession("1: incl %eax\njmp 1b\n");
    await session.continue({ maxInstructions: 600_000 });
    session.breakpoints.add({ kind: "address", linear: 0 });
    const running = session.reverseContinue();
    session.interrupt();
    expect((await running).reason).toBe("interrupted");
    expect(await session.reverseContinue()).toMatchObject({ reason: "start" });
  });
});

describe("several cores", () => {
  const COUNTERS = `
boot:	ipi OTHERS + 0x4500
	ipi OTHERS + 0x4608
work:
again:	incl counter
	addl $3, counter
	incl %esi
	jmp again
.data
counter: .long 0
`;
  const smp = () =>
    DebugSession.forMachine(() => smpGuest(COUNTERS, { cpus: 3, interleaver: new RandomInterleaver(11, 7) }).machine);

  it("steps the selected core while the others run, or alone", async () => {
    const session = smp();
    await session.continue({ maxInstructions: 3000 });
    session.core = 2;
    const before = session.machine.counters.instructions;
    expect(await session.step(20)).toMatchObject({ reason: "step", core: 2 });
    const after = session.machine.counters.instructions;
    expect(after[2]).toBe(before[2] + 20);
    expect(after[0] + after[1]).toBeGreaterThan(before[0] + before[1]);
    expect(await session.step(10, { core: 1 })).toMatchObject({ core: 1 });
    expect(session.machine.counters.instructions).toEqual([after[0], after[1] + 10, after[2]]);
    expect(session.core).toBe(1);
  });

  it("finds the same states again, core by core, where one had run alone too", async () => {
    const session = smp();
    await session.continue({ maxInstructions: 3000 });
    const early = stateOf(session);
    await session.step(7, { core: 2 });
    await session.step(5, { core: 0 });
    const late = stateOf(session);
    await session.continue({ maxInstructions: 500 });
    const end = stateOf(session);
    const { position } = session;
    await session.goto(position - 500);
    expect(stateOf(session)).toBe(late);
    await session.goto(3000);
    expect(stateOf(session).split(" ").slice(0, 2)).toEqual(early.split(" ").slice(0, 2));
    await session.goto(position);
    expect(stateOf(session)).toBe(end);
    session.core = 1;
    const [, own] = session.machine.counters.instructions;
    await session.reverseStep(3);
    expect(session.machine.counters.instructions[1]).toBe(own - 3);
    await session.step(3);
    expect(session.machine.counters.instructions[1]).toBe(own);
  });

  it("breaks on one core only, and selects it", async () => {
    const session = smp();
    await session.continue({ maxInstructions: 3000 });
    session.core = 1;
    const linear = session.linearEip();
    session.core = 0;
    session.breakpoints.add({ kind: "address", linear, core: 1 });
    for (let i = 0; i < 5; i++) expect(await session.continue()).toMatchObject({ reason: "breakpoint", core: 1 });
    expect(session.core).toBe(1);
    expect(await session.reverseContinue()).toMatchObject({ reason: "breakpoint", core: 1 });
  });
});
