import { describe, expect, it, vi } from "vitest";
import { at, bareSession, place, stateOf } from "./machines.ts";

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
recursive:
	pushl %ebp
	movl %esp, %ebp
	decl %edx
	jz 1f
	call recursive
deep:	incl %ebx
1:	leave
	ret
.align 4
counter: .long 0
total:	.long 0
`;

const onTotal = { kind: "watch", space: "linear", length: 4 } as const;

describe("stepping", () => {
  it("begins at the reset, and goes by instructions", async () => {
    const session = bareSession(WORK);
    expect(session.stop).toEqual({ reason: "start", core: 0, position: 0 });
    expect(await session.step()).toEqual({ reason: "step", core: 0, position: 1 });
    expect(await session.step(3)).toEqual({ reason: "step", core: 0, position: 4 });
    expect(place(session)).toBe("work");
    expect(session.stop.position).toBe(4);
  });

  it("next passes over calls, step goes into them", async () => {
    const session = bareSession(WORK);
    await session.until(at(session, "loop"));
    const places: string[] = [];
    for (let i = 0; i < 4; i++) {
      expect((await session.next()).reason).toBe("step");
      places.push(place(session));
    }
    expect(places).toEqual(["loop+0x1", "after", "after+0x6", "after+0x9"]);
  });

  it("next over a recursive call ends in the same frame", async () => {
    const session = bareSession(`movl $5, %edx\nxorl %ebx, %ebx\ncall recursive\nhlt\n${WORK}`);
    await session.until(at(session, "recursive"));
    await session.next();
    await session.next();
    await session.next();
    await session.next();
    expect(session.registers().edx).toBe(4);
    const { esp } = session.registers();
    await session.next();
    expect(place(session)).toBe("deep");
    expect(session.registers()).toMatchObject({ esp, edx: 0, ebx: 3 });
  });

  it("next stops at a breakpoint in the function it passes over", async () => {
    const session = bareSession(WORK);
    const inner = session.breakpoints.add({ kind: "address", linear: at(session, "inner") });
    await session.until(at(session, "loop"));
    await session.next();
    expect(await session.next()).toMatchObject({ reason: "breakpoint", breakpoint: inner });
    expect(place(session)).toBe("inner");
  });

  it("next goes through a repeated string instruction at once", async () => {
    const session = bareSession("movl $0x20ffa, %edi\nmovl $4096, %ecx\nrep stosb\ndone: hlt\n");
    await session.step(3);
    await session.next();
    expect(place(session)).toBe("done");
    expect(session.position).toBe(5);
  });

  it("finish returns to the caller from anywhere in a function", async () => {
    for (let depth = 0; depth < 8; depth++) {
      const session = bareSession(WORK);
      await session.until(at(session, "work"));
      await session.step(depth);
      const inInner = place(session).startsWith("inner");
      expect((await session.finish()).reason).toBe("step");
      expect([depth, place(session)]).toEqual([depth, inInner ? "back" : "after"]);
    }
  });

  it("finish without frame pointers follows what was pushed", async () => {
    const session = bareSession(
      "call f\nreturned: hlt\nf: pushl %eax\npushfl\nsubl $12, %esp\nmiddle: nop\naddl $12, %esp\npopfl\npopl %eax\nret\n",
    );
    await session.until(at(session, "middle"));
    await session.finish();
    expect(place(session)).toBe("returned");
  });

  it("finish says so where there is nothing to return to", async () => {
    const session = bareSession("xorl %ebp, %ebp\npushl $0x12\nhere: hlt\n");
    await session.step(3);
    await expect(session.finish()).rejects.toThrow(/cannot be told where .* returns to/);
    expect(session.position).toBe(3);
  });
});

describe("stopping", () => {
  it("counts hits, ignores some, and asks conditions", async () => {
    const session = bareSession(WORK);
    const linear = at(session, "inner");
    const ignoring = session.breakpoints.add({ kind: "address", linear, ignore: 9 });
    expect(await session.continue()).toMatchObject({
      reason: "breakpoint",
      breakpoint: { number: 1, hits: 10, ignore: 0 },
    });
    expect(session.registers().ecx).toBe(10);
    session.breakpoints.remove(ignoring.number);
    const conditional = session.breakpoints.add({
      kind: "address",
      linear,
      condition: ({ machine }) => machine.getRegister("ecx") % 25 === 0,
    });
    expect((await session.continue()).reason).toBe("breakpoint");
    expect(session.registers().ecx).toBe(25);
    expect((await session.continue()).reason).toBe("breakpoint");
    expect(session.registers().ecx).toBe(50);
    expect(conditional.hits).toBe(2);
    session.breakpoints.enable(conditional.number, false);
    expect(await session.continue()).toEqual({ reason: "exit", core: 0, position: expect.any(Number), status: 5 });
    expect((await session.continue()).reason).toBe("exit");
  });

  it("removes temporary breakpoints when they have stopped it", async () => {
    const session = bareSession(WORK);
    session.breakpoints.add({ kind: "address", linear: at(session, "inner"), temporary: true });
    expect(await session.continue()).toMatchObject({ reason: "breakpoint", breakpoint: { hits: 1 } });
    expect(session.breakpoints.list()).toEqual([]);
    expect((await session.continue()).reason).toBe("exit");
  });

  it("does not stop again where it stands", async () => {
    const session = bareSession(WORK);
    await session.step(4);
    session.breakpoints.add({ kind: "address", linear: at(session, "work") });
    expect((await session.continue()).reason).toBe("breakpoint");
    expect(session.registers().ecx).toBe(2);
  });

  it("watches reads, writes and changes", async () => {
    const session = bareSession(WORK);
    const address = at(session, "total");
    const write = session.breakpoints.add({ ...onTotal, address, on: "write" });
    const stop = await session.continue();
    expect(stop).toMatchObject({
      reason: "watchpoint",
      breakpoint: write,
      access: { linear: address, size: 4, write: true, before: 0, after: 3 },
    });
    expect(session.symbols.symbolize(session.linearEip())?.symbol).toBe("work");
    session.breakpoints.clear();
    session.breakpoints.add({ ...onTotal, address, on: "read" });
    expect(await session.continue()).toMatchObject({
      reason: "watchpoint",
      access: { write: false, before: 3, after: 3 },
    });
    session.breakpoints.clear();
    session.breakpoints.add({
      kind: "watch",
      space: "physical",
      address: at(session, "counter"),
      length: 4,
      on: "change",
    });
    expect(await session.continue()).toMatchObject({ access: { before: 0, after: 1 } });
    session.writePhysical(at(session, "counter"), Uint8Array.of(2, 0, 0, 0));
    expect(await session.continue()).toMatchObject({ access: { before: 2, after: 3 } });
  });

  it("catches exceptions", async () => {
    const session = bareSession("nop\nud2\n");
    const caught = session.breakpoints.add({ kind: "catch", event: "exception" });
    expect(await session.continue()).toMatchObject({
      reason: "catch",
      breakpoint: caught,
      event: { vector: 6, cpl: 0 },
    });
    expect(session.position).toBe(3);
    // There is no handler, so that its delivery was the end.
    expect(await session.continue()).toMatchObject({ reason: "triple-fault", core: 0, position: 3 });
    expect((await session.continue()).reason).toBe("triple-fault");
    expect(await session.reverseStep()).toMatchObject({ reason: "step", position: 2 });
  });

  it("finds, on the way back from a triple fault, the exceptions that led to it", async () => {
    const session = bareSession("nop\nud2\n");
    expect(await session.continue()).toMatchObject({ reason: "triple-fault", position: 3 });
    session.breakpoints.add({ kind: "catch", event: "exception", filter: ({ vector }) => vector === 6 });
    expect(await session.reverseContinue()).toMatchObject({ reason: "catch", position: 3, event: { vector: 6 } });
    expect(await session.reverseContinue()).toMatchObject({ reason: "start", position: 0 });
    await session.continue();
    session.breakpoints.add({ kind: "catch", event: "exception" });
    expect((await session.continue()).reason).toBe("triple-fault");
    expect(await session.reverseContinue()).toMatchObject({
      reason: "catch",
      position: 3,
      event: { vector: 8, error_code: 0 },
    });
  });

  it("ends a run after a number of instructions, or when interrupted", async () => {
    const session = bareSession("1: jmp 1b\n");
    expect(await session.continue({ maxInstructions: 1000 })).toEqual({ reason: "budget", core: 0, position: 1000 });
    const running = session.continue();
    await expect(session.step()).rejects.toThrow("is running");
    setImmediate(() => session.interrupt());
    expect((await running).reason).toBe("interrupted");
    session.breakpoints.add({
      kind: "address",
      linear: session.linearEip(),
      condition: () => {
        session.interrupt();
        return false;
      },
    });
    expect((await session.continue()).reason).toBe("interrupted");
  });

  it("is interrupted soon, however long the host takes over an instruction", async () => {
    let milliseconds = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => (milliseconds += 1000));
    try {
      const session = bareSession("1: jmp 1b\n");
      const running = session.continue();
      setImmediate(() => session.interrupt());
      expect(await running).toMatchObject({ reason: "interrupted" });
      expect(session.machine.instructions).toBeLessThan(10_000);
      // Input is given at the same moments, whatever the host's speed.
      const moments: number[] = [];
      session.onPause = async () => void moments.push(session.machine.cycles);
      await session.continue({ maxInstructions: 600_000 });
      expect(moments.map((cycle) => cycle % (1 << 18))).toEqual([0, 0]);
    } finally {
      clock.mockRestore();
    }
  });

  it("passes on what a condition throws, and goes on from there", async () => {
    const session = bareSession(WORK);
    const broken = session.breakpoints.add({
      kind: "address",
      linear: at(session, "inner"),
      condition: () => {
        throw new Error("no such variable");
      },
    });
    await expect(session.continue()).rejects.toThrow("no such variable");
    expect(place(session)).toBe("inner");
    session.breakpoints.remove(broken.number);
    expect((await session.continue()).reason).toBe("exit");
  });

  it("leaves no mark on the guest", async () => {
    const free = bareSession(WORK);
    await free.continue();
    const session = bareSession(WORK);
    session.breakpoints.add({ kind: "address", linear: at(session, "inner") });
    session.breakpoints.add({ ...onTotal, address: at(session, "total"), on: "access" });
    session.breakpoints.add({ kind: "catch", event: "interrupt" });
    let stops = 0;
    while ((await session.continue()).reason !== "exit") stops++;
    expect(stops).toBe(300);
    expect(stateOf(session)).toBe(stateOf(free));
  });

  it("refuses what makes no sense", () => {
    const { breakpoints } = bareSession(WORK);
    expect(() => breakpoints.add({ kind: "address", linear: -1 })).toThrow(RangeError);
    expect(() => breakpoints.add({ ...onTotal, address: 0, length: 0, on: "read" })).toThrow(RangeError);
    expect(() => breakpoints.enable(3, true)).toThrow("no breakpoint 3; there are none");
  });
});

describe("reading and changing", () => {
  it("reads registers and memory, and changes them", async () => {
    const session = bareSession(WORK);
    await session.until(at(session, "after"));
    expect(session.readLinear(at(session, "total"), 4)).toEqual(Uint8Array.of(4, 0, 0, 0));
    session.setRegister("ecx", 99);
    session.writeLinear(at(session, "total"), Uint8Array.of(0, 1));
    expect(await session.continue()).toMatchObject({ reason: "exit" });
    expect(session.registers().ecx).toBe(100);
    expect(session.readPhysical(at(session, "total"), 2)).toEqual(Uint8Array.of(4, 1));
    expect(() => session.readLinear(0, 1, { core: 7 })).toThrow("core 7");
    expect(() => session.readLinear(0, 1, { task: 0xc0000000 })).toThrow("no tasks");
  });
});
