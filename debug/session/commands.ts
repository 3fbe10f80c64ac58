/** The commands that move a session, forwards and backwards; each yields between slices of the run. */
import { type Core, SOFTWARE } from "../../emulator/index.ts";
import type { RecordedEvent } from "../../kernel/index.ts";
import type { BreakpointRecord, Breakpoints } from "./breakpoints.ts";
import { calledBy, callsBefore, Frame, type Instruction, instructionAt, linearEip, linearEsp } from "./instruction.ts";
import { type ReturnPlace, returnPlace } from "./return-place.ts";
import type { SymbolTable } from "./symbol-table.ts";
import { type Advance, ENDS, type Goal, type Moment, type Timeline } from "./timeline.ts";
import type { Stop, StopReason } from "./types.ts";
import { type Goalpost, type Hit, type Orders, Watcher } from "./watcher.ts";

export type Running = Generator<void, Stop>;

/** What the commands know of their session. */
export interface CommandHost {
  readonly timeline: Timeline;
  readonly breakpoints: Breakpoints;
  readonly symbols: SymbolTable;
  /** Number of the selected core. */
  core: number;
  readonly eventListener: ((event: RecordedEvent) => void) | undefined;
  holds(record: BreakpointRecord, core: Core): boolean;
}

/** A hit that a run found on the way to where the session stands. */
interface Found {
  readonly cycle: number;
  readonly hit: Hit;
}

/** A call of a function, or an interrupt. */
interface Entry {
  /** At which its instruction, or the interrupted one, was about to be executed. */
  readonly cycle: number;
  readonly isInterrupt: boolean;
}

/** A part of the past, from one cycle to another. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Instructions in a stretch of the past that is searched at once: some 10 ms. Captures may be further apart. */
const LONGEST_STRETCH = 1 << 19;

const USER = 3;

/** Bytes that a return pops at most. */
const MOST_POPPED = 0x1000;

const REASONS = { address: "breakpoint", watch: "watchpoint", catch: "catch" } as const;

export class Commands {
  readonly #host: CommandHost;

  constructor(host: CommandHost) {
    this.#host = host;
  }

  // ---- Forwards ------------------------------------------------------------------------------------------------------

  /** Lets the selected core execute `n` instructions; the others run as they would. */
  *step(n: number): Running {
    const core = this.#core;
    const alone = core.halted ? undefined : core.id;
    const done = alone === undefined ? this.#timeline.now.instructions : core.instructions;
    return yield* this.#run({ instructions: done + n, core: alone }, [], "step");
  }

  /** The same, while no other core runs. */
  *stepAlone(n: number, core: number): Running {
    this.#host.core = core;
    if (this.#timeline.target.machine.cores.length === 1) return yield* this.step(n);
    this.#timeline.act({ kind: "only-core", core });
    try {
      return yield* this.step(n);
    } finally {
      this.#timeline.act({ kind: "only-core", core: null });
    }
  }

  /** One instruction, with all that it calls, and without the interrupts and exceptions that come in between. */
  *next(): Running {
    return yield* this.instruction(true);
  }

  /** One instruction, without the interrupts and exceptions that come in between. @param over with all that it calls */
  *instruction(over: boolean): Running {
    for (;;) {
      const core = this.#core;
      const frame = new Frame(core);
      const instruction = this.#instruction(core);
      let taken = false;
      const stop = yield* this.#run(
        { instructions: core.instructions + 1, core: core.id },
        [],
        "step",
        (cpu, _, kind) => {
          if (cpu === core && kind !== SOFTWARE) taken = true;
        },
      );
      if (stop.reason !== "step") return stop;
      const goal = taken ? frame.linear : over ? this.#afterStep(core, frame, instruction) : null;
      if (goal === null) return stop;
      const goals = taken ? [goal, ...this.#fixups(goal)] : [goal];
      if (!goals.includes(linearEip(core)) || !frame.isReached(core)) {
        const arrived = yield* this.#runTo(goals, frame, instruction?.flow === "hostcall", taken);
        if (arrived.reason !== "step") return arrived;
      }
      const again = taken ? linearEip(this.#core) === goal : over && instruction?.flow === "repeated";
      if (!again) return this.#stop("step");
    }
  }

  /**
   * Up to where the current function has returned to its caller.
   * @param place where it returns to, or one further out; found from the stack without it
   */
  *finish(place?: ReturnPlace): Running {
    const core = this.#core;
    const { linear, slot, cpl } = place ?? returnPlace(this.#timeline.target.machine, core, this.#host.symbols);
    const frame = new Frame(core);
    const { cr3 } = core;
    const accepts =
      cpl === undefined || cpl === core.cpl
        ? (cpu: Core) => isJustAbove(linearEsp(cpu), slot) && frame.isOnSameStack(cpu)
        : (cpu: Core) => cpu.cpl === cpl && cpu.cr3 === cr3;
    return yield* this.#run({}, [{ linear, accepts }], "step");
  }

  /** Up to the instruction at a linear address. */
  *until(linear: number): Running {
    return yield* this.runTo([{ linear, accepts: () => true }]);
  }

  /** Up to the first of several places. */
  *runTo(goalposts: readonly Goalpost[]): Running {
    return yield* this.#run({}, goalposts, "step");
  }

  *continue(maxInstructions: number): Running {
    const goal =
      maxInstructions === Number.POSITIVE_INFINITY ? {} : { instructions: this.#instructions + maxInstructions };
    return yield* this.#run(goal, [], "budget");
  }

  // ---- Backwards -----------------------------------------------------------------------------------------------------

  /** To where `position` instructions have been executed, the first moment of that. */
  *goto(position: number): Running {
    // At a moment with as many instructions some of a wait may have passed.
    this.#timeline.rewind(({ instructions }) => instructions < position);
    return yield* this.#travel({ instructions: position });
  }

  /** To a cycle. */
  *gotoCycle(cycle: number): Running {
    return yield* this.#travelTo(cycle);
  }

  /** To before the last `n` instructions of the selected core. */
  *reverseStep(n: number): Running {
    const core = this.#core;
    return yield* this.#backTo(core.id, Math.max(0, core.instructions - n));
  }

  /** The reverse of `next`. */
  *reverseNext(): Running {
    for (;;) {
      const core = this.#core;
      const frame = new Frame(core);
      const before = core.instructions - 1;
      if (before < 0) return yield* this.#toStart();
      const calls = callsBefore(this.#timeline.target.machine, core, frame.linear, true);
      const { now } = this.#timeline;
      const stop = yield* this.#backTo(core.id, before);
      const flow = this.#instruction(this.#core)?.flow;
      if (stop.reason !== "step" || (flow !== "return" && flow !== "interrupt-return")) return stop;
      const entry = yield* this.#lastEntry(now, frame, calls);
      if (entry === "interrupted") return this.#stop("interrupted");
      if (entry === null) return yield* this.#backTo(core.id, before);
      const arrived = yield* this.#travelTo(entry.cycle);
      // `next` does not stop between an interrupt and the instruction that it came before.
      if (arrived.reason !== "step" || !entry.isInterrupt) return arrived;
    }
  }

  /** The last call or interrupt before a moment that returned to a frame. */
  *#lastEntry(
    moment: Moment,
    frame: Frame,
    calls: readonly Instruction[],
  ): Generator<void, Entry | null | "interrupted"> {
    const here = frame.linear;
    const entries: Entry[] = [];
    const orders: Orders = {
      ...this.#quiet,
      goalposts: calls.map(({ linear, flow }) => ({
        linear,
        accepts: (cpu) => {
          if (flow === "hostcall" ? frame.isOf(cpu) : frame.wasReached(cpu))
            entries.push({ cycle: this.#timeline.cycle, isInterrupt: false });
          return false;
        },
      })),
      onInterrupt: (cpu, _, kind) => {
        // The interrupt counts as an instruction, which is over when this is called.
        if (kind !== SOFTWARE && linearEip(cpu) === here && frame.isReached(cpu))
          entries.push({ cycle: this.#timeline.cycle - 1, isInterrupt: true });
      },
    };
    for (const stretch of this.#stretchesBefore(moment)) {
      if (!(yield* this.#replay(stretch, orders))) return "interrupted";
      const entry = entries.pop();
      if (entry !== undefined) return entry;
    }
    return null;
  }

  /** To before the call of the current function, or the interrupt that brought the core into it. */
  *reverseFinish(): Running {
    const core = this.#core;
    const { slot } = returnPlace(this.#timeline.target.machine, core, this.#host.symbols);
    const { cr3, cpl, id } = core;
    // Whatever brought the core here wrote the return address.
    const request = { kind: "watch", space: "linear", address: slot, length: 4, on: "write" } as const;
    const isOwn = (cpu: Core) => cpu.id === id && (cpl !== USER || cpu.cr3 === cr3);
    const record = { number: 0, request, enabled: true, hits: 0, ignore: 0 };
    const found = yield* this.#lastHit([record], (_, cpu) => isOwn(cpu), this.#timeline.cycle);
    if (found === "interrupted") return this.#stop("interrupted");
    if (found === null) return yield* this.#toStart();
    const stop = yield* this.#travelTo(found.cycle);
    this.#host.core = id;
    return stop.reason === "step" ? yield* this.#backTo(id, this.#core.instructions - 1) : stop;
  }

  /**
   * To the last stop before now.
   * @param records what stops it
   * @param isNowToo whether what the very last instruction did counts
   */
  *reverseContinue(records = this.#host.breakpoints.enabled(), isNowToo = false): Running {
    if (records.length === 0) return yield* this.#toStart();
    const { cycle } = this.#timeline;
    const found = yield* this.#lastHit(
      records,
      (record, core) => this.#host.holds(record, core),
      isNowToo ? cycle : cycle - 1,
    );
    if (found === "interrupted") return this.#stop("interrupted");
    if (found === null) return yield* this.#toStart();
    yield* this.#travelTo(found.cycle);
    this.#host.core = found.hit.core;
    return this.#stopped(found.hit);
  }

  // ---- Parts of them -------------------------------------------------------------------------------------------------

  get #timeline(): Timeline {
    return this.#host.timeline;
  }

  get #core(): Core {
    return this.#timeline.target.machine.cores[this.#host.core];
  }

  get #instructions(): number {
    return this.#timeline.target.machine.instructions;
  }

  #instruction(core: Core): Instruction | undefined {
    return instructionAt(this.#timeline.target.machine, core, linearEip(core));
  }

  /** Where to go on to after the instruction that `next` began with; null when it is over. */
  #afterStep(core: Core, before: Frame, instruction: Instruction | undefined): number | null {
    if (instruction === undefined) return null;
    const { linear, flow } = instruction;
    if (flow === "repeated") return linearEip(core) === linear ? linear : null;
    return calledBy(this.#timeline.target.machine, core, before, instruction) ?? null;
  }

  /** Where the kernel's exception table sends the instruction at a linear address when it faults. */
  #fixups(linear: number): number[] {
    const { symbols, timeline } = this.#host;
    const start = symbols.lookup("__start___ex_table");
    const stop = symbols.lookup("__stop___ex_table");
    if (timeline.target.kernel === undefined || start === undefined || stop === undefined) return [];
    const bytes = timeline.target.machine.readLinear(start, stop - start, this.#host.core);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    return Array.from(words).filter((_, index) => index % 2 === 1 && words[index - 1] === linear);
  }

  /** @param isRetried whether what it began with is executed again, which is no arrival at a breakpoint there */
  *#runTo(places: readonly number[], frame: Frame, hosted: boolean, isRetried: boolean): Running {
    const accepts = (cpu: Core) => (hosted ? frame.isOf(cpu) : frame.isReached(cpu));
    const goalposts = places.map((linear) => ({ linear, accepts }));
    return yield* this.#run({}, goalposts, "step", undefined, isRetried ? frame : undefined);
  }

  /** Runs forward with everything that may stop it. */
  *#run(
    goal: Goal,
    goalposts: readonly Goalpost[],
    reached: StopReason,
    onInterrupt?: Orders["onInterrupt"],
    retried?: Frame,
  ): Running {
    this.#core.passedBreakpoint = this.#core.instructions;
    const orders: Orders = {
      ...this.#loud,
      records: this.#host.breakpoints.enabled(),
      goalposts,
      stops: ({ record, core }) => {
        const { request } = record;
        const isRetried = retried !== undefined && request.kind === "address" && request.linear === retried.linear;
        if (isRetried && retried.isReached(this.#timeline.target.machine.cores[core])) return false;
        record.hits++;
        if (record.ignore === 0) return true;
        record.ignore--;
        return false;
      },
      onInterrupt,
    };
    const ends = scopeEnds(orders.records);
    const watcher = new Watcher(this.#timeline.target, { ...orders, goalposts: [...goalposts, ...ends] });
    const end = yield* this.#watch(watcher, this.#timeline.advance(goal));
    const left = ends.find((each) => each === watcher.reached);
    if (left !== undefined) {
      this.#host.core = watcher.arrived!.id;
      this.#host.breakpoints.remove(left.record.number);
      return { ...this.#stop("scope"), breakpoint: left.record };
    }
    if (watcher.hit !== null && end.kind !== "exit" && end.kind !== "power-off" && end.kind !== "panic") {
      this.#host.core = watcher.hit.core;
      if (watcher.hit.record.request.temporary) this.#host.breakpoints.remove(watcher.hit.record.number);
      return this.#stopped(watcher.hit);
    }
    if (watcher.arrived !== null) this.#host.core = watcher.arrived.id;
    return this.#ended(end, reached);
  }

  /** Does something with a watcher, and takes that away. */
  *#watch<Result>(watcher: Watcher, run: Generator<void, Result>): Generator<void, Result> {
    try {
      return yield* run;
    } finally {
      watcher.disarm();
      if (watcher.failure !== null) throwAgain(watcher.failure);
    }
  }

  *#advance(goal: Goal, orders: Orders): Generator<void, Advance> {
    return yield* this.#watch(new Watcher(this.#timeline.target, orders), this.#timeline.advance(goal));
  }

  /** Runs to a place in history, or beyond it, stopping at nothing. */
  *#travel(goal: Goal): Running {
    const { horizon, target } = this.#timeline;
    const cycle = Math.min(goal.cycle ?? Number.POSITIVE_INFINITY, horizon);
    let end = yield* this.#watch(new Watcher(target, this.#quiet), this.#timeline.approach({ ...goal, cycle }));
    if (end.kind === "budget") end = yield* this.#advance(goal, this.#loud);
    return this.#ended(end, "step");
  }

  *#travelTo(cycle: number): Running {
    this.#timeline.rewind((moment) => moment.cycle <= cycle);
    return yield* this.#travel({ cycle });
  }

  *#backTo(core: number, instructions: number): Running {
    // At a moment with as many instructions of this core, others may have gone on.
    this.#timeline.rewind(({ cores }) => cores[core] < instructions);
    return yield* this.#travel({ instructions, core });
  }

  *#toStart(): Running {
    const stop = yield* this.#travelTo(0);
    return stop.reason === "step" ? this.#stop("start") : stop;
  }

  /** The last hit up to a cycle, of which now is the latest possible; searched stretch by stretch from here back. */
  *#lastHit(
    records: readonly BreakpointRecord[],
    holds: Orders["holds"],
    latest: number,
  ): Generator<void, Found | null | "interrupted"> {
    const { now } = this.#timeline;
    let last: Found | null = null;
    let pending: Hit | null = null;
    const orders: Orders = {
      ...this.#quiet,
      records,
      holds,
      stops: (hit) => {
        // Where a breakpoint stops is known right now; an access or event stops after its instruction.
        if (hit.record.request.kind === "address") {
          last = { cycle: this.#timeline.cycle, hit };
          return false;
        }
        pending = hit;
        return true;
      },
    };
    const onStop = () => {
      if (pending !== null && this.#timeline.cycle <= latest) last = { cycle: this.#timeline.cycle, hit: pending };
      pending = null;
    };
    for (const stretch of this.#stretchesBefore(now)) {
      if (!(yield* this.#replay(stretch, orders, onStop))) return "interrupted";
      if (last !== null) return last;
    }
    return null;
  }

  /** The past of a moment, the latest stretch first; each longer than the one before, while there are captures enough. */
  #stretchesBefore(moment: Moment): Stretch[] {
    const stretches: Stretch[] = [];
    let end = moment;
    let length = 1;
    const starts = this.#timeline.starts().filter(({ cycle }) => cycle < moment.cycle);
    for (const [index, start] of [...starts.entries()].reverse()) {
      if (index > 0 && end.instructions - start.instructions < length) continue;
      stretches.push({ start: start.cycle, end: end.cycle });
      length = Math.min(LONGEST_STRETCH, 2 * (end.instructions - start.instructions));
      end = start;
    }
    return stretches;
  }

  /** Runs through a stretch of the past. @returns false when interrupted */
  *#replay({ start, end }: Stretch, orders: Orders, onStop = () => {}): Generator<void, boolean> {
    this.#timeline.rewind(({ cycle }) => cycle <= start);
    for (const core of this.#timeline.target.machine.cores) core.passedBreakpoint = -1;
    const watcher = new Watcher(this.#timeline.target, orders);
    return yield* this.#watch(watcher, this.#runThrough(end, watcher, onStop));
  }

  *#runThrough(end: number, watcher: Watcher, onStop: () => void): Generator<void, boolean> {
    while (this.#timeline.cycle < end && watcher.failure === null) {
      const stop = yield* this.#timeline.advance({ cycle: end });
      if (stop.kind === "interrupted") return false;
      onStop();
      if (ENDS.has(stop.kind)) break;
    }
    return true;
  }

  get #quiet(): Orders {
    return { records: [], goalposts: [], stops: () => false, holds: (record, core) => this.#host.holds(record, core) };
  }

  get #loud(): Orders {
    const listener = this.#host.eventListener;
    const onEvent = (event: RecordedEvent) => {
      if (!this.#timeline.muted) listener?.(event);
    };
    return { ...this.#quiet, onEvent: listener === undefined ? undefined : onEvent };
  }

  #ended(end: Advance, reached: StopReason): Stop {
    switch (end.kind) {
      case "budget":
        return this.#stop(reached);
      case "exit":
        return { ...this.#stop("exit"), status: end.status };
      case "triple-fault":
        this.#host.core = end.core;
        return this.#stop("triple-fault");
      case "power-off":
      case "panic":
      case "asleep":
      case "input":
      case "interrupted":
        return this.#stop(end.kind);
      case "breakpoint":
        return this.#stop("step");
      case "watchpoint":
      case "condition":
      case "stopped":
        return this.#stop("interrupted");
    }
  }

  #stopped(hit: Hit): Stop {
    const { record, access, event } = hit;
    return {
      ...this.#stop(REASONS[record.request.kind]),
      breakpoint: record,
      ...(access === undefined ? {} : { access }),
      ...(event === undefined ? {} : { event }),
    };
  }

  #stop(reason: StopReason): Stop {
    return { reason, core: this.#host.core, position: this.#instructions };
  }
}

/** A goalpost at which what a request watches has gone. */
interface ScopeEnd extends Goalpost {
  readonly record: BreakpointRecord;
}

function scopeEnds(records: readonly BreakpointRecord[]): ScopeEnd[] {
  return records.flatMap((record) => {
    const { request } = record;
    if (request.kind !== "watch" || request.scope === undefined) return [];
    const { returns, esp, cr3 } = request.scope;
    const accepts = (cpu: Core) => isJustAbove(linearEsp(cpu), esp - 1) && (cr3 === undefined || cpu.cr3 === cr3);
    return [{ linear: returns, accepts, record }];
  });
}

/** Whether a return address has been popped, perhaps with arguments. */
function isJustAbove(esp: number, slot: number): boolean {
  return esp > slot && esp - slot < MOST_POPPED;
}

function throwAgain(error: unknown): never {
  throw error;
}
