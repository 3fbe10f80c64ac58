import { describe, expect, it } from "vitest";
import { init_tss, task_struct, tss_struct } from "../../../kernel/inspect.ts";
import { at, kernelSession, place } from "./machines.ts";

const FORK = `
_start:	nop
	movl $SYS_fork, %eax
fork:	int $0x80
forked:	testl %eax, %eax
	jz child
	movl $-1, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	movl $SYS_waitpid, %eax
	int $0x80
waited:	incl tally
counted: movl $SYS_getpid, %eax
	int $0x80
got_pid: movl $SYS_exit, %eax
	movl $7, %ebx
	int $0x80
child:	incl tally
	movl $SYS_exit, %eax
	movl $3, %ebx
	int $0x80
.data
tally:	.long 0
`;

async function booted() {
  const session = kernelSession(FORK);
  await session.until(at(session, "_start"));
  return session;
}

describe("debugging a kernel", () => {
  it("reaches the first instruction of pid 1, its page being there", async () => {
    const session = await booted();
    expect(session.stop).toMatchObject({ reason: "step", core: 0 });
    expect(session.machine.cores[0].cpl).toBe(3);
    expect(session.readLinear(session.linearEip(), 1)).toEqual(Uint8Array.of(0x90));
  });

  it("next passes over system calls, page faults and context switches in user space", async () => {
    const session = await booted();
    const places: string[] = [];
    for (let i = 0; i < 13; i++) {
      expect((await session.next()).reason).toBe("step");
      places.push(place(session));
    }
    expect(places.filter((name) => /^[a-z_]+$/.test(name))).toEqual(["fork", "forked", "waited", "counted", "got_pid"]);
    expect(session.registers().eax).toBe(1);
  });

  it("next passes over the functions that a hosted function calls", async () => {
    const session = await booted();
    await session.until(at(session, "schedule"));
    const { esp } = session.registers();
    const seen = new Set<string>();
    for (let i = 0; i < 400 && session.registers().esp <= esp; i++) {
      expect((await session.next()).reason).toBe("step");
      seen.add(session.symbols.symbolize(session.linearEip())!.symbol);
    }
    seen.delete(session.symbols.symbolize(session.linearEip())!.symbol);
    expect([...seen]).toEqual(["schedule"]);
  });

  it("next over an access that faults for good goes to where the exception table says", async () => {
    const session = kernelSession(`
_start:	movl $SYS_write, %eax
	movl $1, %ebx
	movl $0x7000, %ecx
	movl $4, %edx
	int $0x80
done:	movl %eax, %ebx
	movl $SYS_exit, %eax
	int $0x80
`);
    await session.until(at(session, "_start"));
    session.breakpoints.add({
      kind: "catch",
      event: "exception",
      filter: ({ vector, cpl, error_code }) => vector === 14 && cpl === 0 && (Number(error_code) & 4) === 0,
    });
    await session.until(at(session, "done"));
    expect(session.stop.reason).toBe("catch");
    session.breakpoints.clear();
    await session.reverseStep();
    const { esp } = session.registers();
    const copying = session.linearEip();
    const { position } = session;
    expect((await session.next()).reason).toBe("step");
    expect(session.registers().esp).toBe(esp);
    expect(session.position).toBeGreaterThan(position + 20);
    const table = at(session, "__start___ex_table");
    const bytes = session.readLinear(table, at(session, "__stop___ex_table") - table);
    const words = Array.from(new Uint32Array(bytes.buffer));
    expect(session.linearEip()).toBe(words[words.indexOf(copying) + 1]);
    await session.until(at(session, "done"));
    expect(session.registers().eax | 0).toBe(-14);
  });

  it("finish returns from hosted and assembly functions", async () => {
    const session = await booted();
    await session.until(at(session, "do_fork"));
    await session.finish();
    expect(place(session)).toMatch(/^sys_fork\+/);
    await session.step();
    await session.finish();
    expect(place(session)).toMatch(/^system_call/);
    await session.finish();
    expect(place(session)).toBe("forked");
    const session2 = await booted();
    await session2.until(at(session2, "__switch_to"));
    await session2.step();
    await session2.finish();
    expect(session2.symbols.symbolize(session2.linearEip())!.symbol).toMatch(/switch_to|ret_from_fork/);
  });

  it("reverse next goes back over calls and system calls", async () => {
    const session = await booted();
    await session.until(at(session, "counted"));
    const { position } = session;
    const places: string[] = [];
    for (let i = 0; i < 3; i++) {
      await session.reverseNext();
      places.push(place(session));
    }
    expect(places[0]).toBe("waited");
    expect(session.position).toBeLessThan(position);
    expect(places[1]).toMatch(/^forked\+/);
    await session.until(at(session, "do_fork"));
    expect((await session.reverseContinue()).reason).toBe("start");
    await session.until(at(session, "do_fork"));
    await session.finish();
    await session.reverseNext();
    expect(place(session)).toMatch(/^sys_clone\+/);
    await session.step();
    expect(place(session)).toBe("do_fork");
  });

  it.each([
    ["syscall", { nr: 2 }, "system_call"],
    ["fork", {}, undefined],
    ["cow", {}, undefined],
    ["switch", {}, undefined],
    ["exit", {}, undefined],
    ["exception", { vector: 14 }, "page_fault"],
    ["interrupt", { vector: 0x80 }, "system_call"],
  ] as const)("catches %s", async (event, fields, symbol) => {
    const session = await booted();
    const caught = session.breakpoints.add({
      kind: "catch",
      event,
      filter: (found) => Object.entries(fields).every(([name, value]) => found[name] === value),
    });
    const stop = await session.continue();
    expect(stop).toMatchObject({ reason: "catch", breakpoint: caught, event: fields });
    if (symbol !== undefined) expect(session.symbols.symbolize(session.linearEip())?.symbol).toBe(symbol);
    const later = await session.continue();
    if (later.reason === "catch") {
      expect(await session.reverseContinue()).toMatchObject({
        reason: "catch",
        position: stop.position,
        event: fields,
      });
    }
  });

  it("catches a context switch to a task, and watches its TSS being set up for it", async () => {
    const session = await booted();
    const esp0 = session.kernel!.inspect(() => init_tss.address) + tss_struct.offset("esp0");
    session.breakpoints.add({ kind: "catch", event: "switch", filter: ({ next }) => next === 2, temporary: true });
    expect(await session.continue()).toMatchObject({ reason: "catch", event: { event: "sched_switch", next: 2 } });
    session.breakpoints.add({ kind: "watch", space: "linear", address: esp0, length: 4, on: "change" });
    const stop = await session.continue();
    expect(stop).toMatchObject({ reason: "watchpoint", access: { linear: esp0 } });
    // Made by the hosted __switch_to, on a step of its own.
    expect(session.symbols.symbolize(session.linearEip())?.symbol).toBe("__switch_to");
    const stack = session.registers().esp;
    expect(stop.access!.after - stack).toBeGreaterThan(0);
    expect(stop.access!.after - stack).toBeLessThan(8192);
    const written = session.position;
    await session.reverseStep();
    expect(session.readLinear(esp0, 4)).toEqual(new Uint8Array(Uint32Array.of(stop.access!.before).buffer));
    await session.step();
    expect(session.position).toBe(written);
    expect(session.readLinear(esp0, 4)).toEqual(new Uint8Array(Uint32Array.of(stop.access!.after).buffer));
  });

  it("reads the memory of a task that does not run", async () => {
    const session = await booted();
    const parent = session.kernel!.inspect(() => {
      const first = task_struct.at(session.symbols.lookup("init_task_union")!);
      return first.next_task;
    });
    await session.until(at(session, "waited"));
    const count = at(session, "tally");
    expect(session.readLinear(count, 4)).toEqual(Uint8Array.of(0, 0, 0, 0));
    await session.goto(session.position - 1);
    session.breakpoints.add({ kind: "catch", event: "exit" });
    await session.reverseContinue();
    expect(session.readLinear(count, 4)).toEqual(Uint8Array.of(1, 0, 0, 0));
    expect(session.readLinear(count, 4, { task: parent })).toEqual(Uint8Array.of(0, 0, 0, 0));
  });

  it("knows symbols and sources of the kernel and of pid 1", async () => {
    const { symbols } = await booted();
    expect(symbols.format(symbols.lookup("forked")! + 2)).toBe("forked+0x2");
    expect(symbols.symbolize(symbols.lookup("schedule")! + 3)).toMatchObject({ symbol: "schedule", offset: 3 });
    expect(symbols.lineEntry(symbols.lookup("schedule")!)).toMatchObject({ file: "kernel/kernel/sched.ts" });
    expect(symbols.near("shedule")).toContain("schedule");
    expect(symbols.lookup("shedule")).toBeUndefined();
    expect(symbols.names()).toEqual(expect.arrayContaining(["do_fork", "_start", "switch_to"]));
    expect(symbols.symbolize(0x10)).toBeUndefined();
    expect(symbols.format(0x10)).toBe("0x00000010");
    const line = symbols.lineEntry(symbols.lookup("system_call")!);
    expect(line).toMatchObject({ file: expect.stringMatching(/entry\.S$/) });
    expect(symbols.addressesOf("entry.S", line!.line)).toContain(symbols.lookup("system_call")!);
    expect(() => symbols.addressesOf("entry.c", 3)).toThrow(/no line of a file entry.c is known.*entry\.S/);
    expect(symbols.addressesOf("entry.S", 100_000)).toEqual([]);
  });
});
