import { describe, expect, it } from "vitest";
import { RandomInterleaver } from "../../../emulator/index.ts";
import { type Configuration, type EventOptions, kernel_image, type RecordedEvent } from "../../../kernel/index.ts";
import { boot, type Options } from "../run.ts";

/** Children that make children, on all CPUs. */
const FORKS = `
.globl _start
_start:	movl $3, %ebp
1:	SYSCALL fork
	testl %eax, %eax
	jz 3f
	decl %ebp
	jnz 1b
2:	SYSCALL wait4, $-1, $0, $0, $0
	testl %eax, %eax
	jg 2b
	EXIT
3:	movl $15, %ebp
4:	SYSCALL fork
	testl %eax, %eax
	jz 5f
	SYSCALL wait4, $-1, $0, $0, $0
	decl %ebp
	jnz 4b
5:	EXIT
`;

/** Runs them; `wanted` undefined is a run that nobody listens to. */
function forks(config: Partial<Configuration>, wanted?: EventOptions, options: Options = {}) {
  // In short turns of many lengths CPUs meet at locks.
  const interleaver = new RandomInterleaver(1, 300);
  const image = kernel_image({ smp: true, ...config });
  const { kernel, go } = boot(FORKS, { cpus: 2, image, interleaver, ...options });
  const events: RecordedEvent[] = [];
  if (wanted !== undefined) kernel.on_event((event) => events.push(event), wanted);
  expect(go()).toEqual({ kind: "exit", status: 0 });
  const { cores, counters, cycles } = kernel.machine;
  return { events, state: { counters, cycles, registers: cores.map(({ r }) => [...r]) } };
}

const ALL: EventOptions = { locks: "all" };
const KINDS = ["contention_begin", "contention_end", "lock_acquired", "lock_release"];
const of_locks = (events: readonly RecordedEvent[]) => events.filter(({ event }) => KINDS.includes(event));
const names = (events: readonly RecordedEvent[]) => new Set(of_locks(events).map(({ name }) => name));

/** Follows who holds what, by lock: "CPU mode" of each holder; `at` is told before each event. */
function follow(
  events: readonly RecordedEvent[],
  at: (event: RecordedEvent, holders: readonly string[]) => void,
): void {
  const held = new Map<unknown, string[]>();
  for (const event of of_locks(events)) {
    const holders = held.get(event.lock) ?? [];
    held.set(event.lock, holders);
    at(event, holders);
    const who = `${event.cpu} ${event.mode}`;
    if (event.event === "lock_acquired") holders.push(who);
    if (event.event === "lock_release" && holders.includes(who)) holders.splice(holders.indexOf(who), 1);
  }
}

describe.each<[string, Partial<Configuration>]>([
  ["a kernel for several CPUs", {}],
  ["one that checks locks", { lockdep: true }],
])("events of locks in %s", (_, config) => {
  const { events, state } = forks(config, ALL);

  it("show one holder at a time, or readers, and that every lock is given again", () => {
    follow(events, ({ event, mode, name, lock }, holders) => {
      if (event !== "lock_acquired") return;
      const others = holders.filter((who) => mode !== "read" || !who.endsWith("read"));
      expect(others, `${name} ${lock}`).toEqual([]);
    });
    const taken = new Set<unknown>();
    follow(events, ({ event, cpu, mode, name, lock }, holders) => {
      if (event === "lock_acquired") taken.add(lock);
      // The big kernel lock was taken before anybody listened.
      if (event === "lock_release" && taken.has(lock)) expect(holders, `${name}`).toContain(`${cpu} ${mode}`);
    });
  });

  it("begin and end each wait on the CPU that waits", () => {
    const waiting: unknown[][] = [[], []];
    let waits = 0;
    for (const { event, cpu, lock } of of_locks(events)) {
      // An interrupt may wait on top of what it interrupts, but nobody waits for one lock twice.
      if (event === "contention_begin") {
        expect(waiting[cpu]).not.toContain(lock);
        waiting[cpu].push(lock);
        waits++;
      } else if (event === "contention_end") expect(waiting[cpu].pop()).toBe(lock);
      else if (event === "lock_acquired") expect(waiting[cpu]).not.toContain(lock);
    }
    expect(waits).toBeGreaterThan(1);
    expect(waiting).toEqual([[], []]);
  });

  it("name locks by their variables, or by what they are in", () => {
    expect([...names(events)]).toEqual(
      expect.arrayContaining([
        ...["kernel_flag", "runqueue_lock", "tasklist_lock", "mm_struct.page_table_lock"],
        ...["files_struct.file_lock", "task_struct.wait_chldexit", "kmem_cache_t.spinlock"],
      ]),
    );
    expect([...names(events)].filter((name) => /0x|on a stack/.test(`${name}`))).toEqual([]);
  });

  it("change nothing of the run", () => {
    expect(forks(config).state).toEqual(state);
  });
});

describe("events of locks", () => {
  it("begin a wait while another CPU holds the lock", () => {
    const of_waits: boolean[] = [];
    /** Who gives each lock back: it is free an instruction after that event. */
    const giving = new Map<unknown, number>();
    follow(forks({}, ALL).events, ({ event, cpu, lock }, holders) => {
      const given_by = giving.get(lock) ?? cpu;
      if (event === "contention_begin") {
        of_waits.push(given_by !== cpu || holders.some((who) => !who.startsWith(`${cpu} `)));
      } else giving.delete(lock);
      if (event === "lock_release") giving.set(lock, cpu);
    });
    expect(new Set(of_waits)).toEqual(new Set([true]));
  });

  it("are none unless they are wanted, and only those of waits unless all are", () => {
    expect(of_locks(forks({}, {}).events)).toEqual([]);
    const { events } = forks({}, { locks: "waits" });
    expect(new Set(of_locks(events).map(({ event }) => event))).toEqual(new Set(KINDS.slice(0, 2)));
  });

  it("name a lock in a PCB wherever that is, and each CPU's run queue", () => {
    const { events } = forks({ stack: "thread_info", scheduler: "o1" }, ALL);
    expect([...names(events)]).toEqual(
      expect.arrayContaining(["task_struct.sigmask_lock", "runqueues", "runqueues(1)"]),
    );
  });

  it("do not come from a kernel for one CPU, which has no locks", () => {
    expect(of_locks(forks({ smp: false }, ALL, { cpus: 1 }).events)).toEqual([]);
  });

  it("are told while a run looks for something else", () => {
    const { kernel } = boot(FORKS, { cpus: 2, image: kernel_image({ smp: true }) });
    const heard = new Set<string>();
    kernel.on_event(({ event }) => heard.add(event), ALL);
    expect(kernel.run_to_event(({ event }) => event === "fork")).toMatchObject({ kind: "event" });
    expect(heard).toContain("lock_release");
    heard.clear();
    expect(kernel.run_to_event(({ event }) => event === "exit")).toMatchObject({ kind: "event" });
    expect(heard).toContain("lock_release");
  });
});
