/** The commands that move a session, forwards and backwards; each yields between slices of the run. */
import { type Core, SOFTWARE } from "../../emulator/index.ts";
import type { RecordedEvent } from "../../kernel/index.ts";
import type { BreakpointRecord, Breakpoints } from "./breakpoints.ts";
import {
  callsBefore,
  Frame,
  type Instruction,
  instructionAt,
  linearEip,
  linearEsp,
  type ReturnPlace,
  returnPlace,
} from "./instruction.ts";
import { hostedReturn } from "./line-steps.ts";
import type { SymbolTable } from "./symbol-table.ts";
import type { Advance, Goal, Moment, Timeline } from "./timeline.ts";
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
    this.#timeline.rewind(({ instructions }) => instructions <= position);
    return yield* this.#travel({ instructions: position });
  }

  /** To before the last `n` instructions of the selected core. */
  *reverseStep(n: number): Running {
    const core = this.#core;
    return yield* this.#backTo(core.id, Math.max(0, core.instructions - n));
  }

  /** The reverse of `next`. */
  *reverseNext(): Running {
    const core = this.#core;
    const { machine } = this.#timeline.target;
    const frame = new Frame(core);
    const before = core.instructions - 1;
    if (before < 0) return yield* this.#toStart();
    const here = frame.linear;
    const calls = callsBefore(machine, core, here);
    const hosted = instructionAt(machine, core, here)?.flow === "hostcall";
    let called: number | null = null;
    let interrupted: number | null = null;
    const goalposts: Goalpost[] = calls.map((linear) => ({
      linear,
      accepts: (cpu) => {
        if (frame.wasReached(cpu)) called = this.#timeline.cycle;
        return false;
      },
    }));
    if (hosted) {
      goalposts.push({
        linear: here,
        accepts: (cpu) => {
          if (new Frame(cpu).ebp === frame.ebp && frame.isOnSameStack(cpu)) called = this.#timeline.cycle;
          return false;
        },
      });
    }
    const number = core.id;
    this.#timeline.rewind(({ cores }) => cores[number]! <= before);
    const end = yield* this.#advance(
      { instructions: before, core: number },
      {
        ...this.#quiet,
        goalposts,
        onInterrupt: (cpu, _, kind) => {
          // The interrupt counts as an instruction, which is over when this is called.
          if (kind !== SOFTWARE && linearEip(cpu) === here && frame.isReached(cpu))
            interrupted = this.#timeline.cycle - 1;
        },
      },
    );
    if (end.kind !== "budget") return this.#ended(end, "step");
    const flow = this.#instruction(this.#core)?.flow;
    const goal = flow === "return" ? called : flow === "interrupt-return" ? (called ?? interrupted) : null;
    return goal === null ? this.#stop("step") : yield* this.#travelTo(goal);
  }

  /** To a cycle. */
  *gotoCycle(cycle: number): Running {
    return yield* this.#travelTo(cycle);
  }

  /**
   * To the last stop before now.
   * @param records what stops it
   * @param isNowToo whether what the very last instruction did counts
   */
  *reverseContinue(records = this.#host.breakpoints.enabled(), isNowToo = false): Running {
    if (records.length === 0) return yield* this.#toStart();
    const present = this.#timeline.cycle;
    const starts = this.#timeline.starts().filter((cycle) => cycle < present);
    for (let end = present, start = starts.pop(); start !== undefined; end = start, start = starts.pop()) {
      const found = yield* this.#lastHit(start, end, isNowToo ? present + 1 : present, records);
      if (found === "interrupted") return this.#stop("interrupted");
      if (found === null) continue;
      yield* this.#travelTo(found.cycle);
      this.#host.core = found.hit.core;
      return this.#stopped(found.hit);
    }
    return yield* this.#toStart();
  }

  // ---- Parts of them -------------------------------------------------------------------------------------------------

  get #timeline(): Timeline {
    return this.#host.timeline;
  }

  get #core(): Core {
    return this.#timeline.target.machine.cores[this.#host.core]!;
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
    const { linear, following, flow } = instruction;
    const eip = linearEip(core);
    switch (flow) {
      case "call":
      case "interrupt":
        return following;
      case "hostcall":
        return hostedReturn(this.#timeline.target.machine, core, before, this.#host.symbols);
      case "repeated":
        return eip === linear ? linear : null;
      default:
        return null;
    }
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
    const accepts = (cpu: Core) =>
      hosted ? new Frame(cpu).ebp === frame.ebp && frame.isOnSameStack(cpu) : frame.isReached(cpu);
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
        if (isRetried && retried.isReached(this.#timeline.target.machine.cores[core]!)) return false;
        record.hits++;
        if (record.ignore === 0) return true;
        record.ignore--;
        return false;
      },
      onInterrupt,
    };
    const ends = scopeEnds(orders.records);
    const watcher = new Watcher(this.#timeline.target, { ...orders, goalposts: [...goalposts, ...ends] });
    const end = yield* this.#watch(goal, watcher);
    const left = ends.find((each) => each === watcher.reached);
    if (left !== undefined) {
      this.#host.core = watcher.arrived!.id;
      this.#host.breakpoints.remove(left.record.number);
      return { ...this.#stop("scope"), breakpoint: left.record };
    }
    if (watcher.hit !== null && end.kind !== "exit" && end.kind !== "panic") {
      this.#host.core = watcher.hit.core;
      if (watcher.hit.record.request.temporary) this.#host.breakpoints.remove(watcher.hit.record.number);
      return this.#stopped(watcher.hit);
    }
    if (watcher.arrived !== null) this.#host.core = watcher.arrived.id;
    return this.#ended(end, reached);
  }

  *#watch(goal: Goal, watcher: Watcher): Generator<void, Advance> {
    try {
      return yield* this.#timeline.advance(goal);
    } finally {
      watcher.disarm();
      if (watcher.failure !== null) throwAgain(watcher.failure);
    }
  }

  *#advance(goal: Goal, orders: Orders): Generator<void, Advance> {
    return yield* this.#watch(goal, new Watcher(this.#timeline.target, orders));
  }

  /** Runs to a place in history, or beyond it, stopping at nothing. */
  *#travel(goal: Goal): Running {
    const { horizon } = this.#timeline;
    const cycle = Math.min(goal.cycle ?? Number.POSITIVE_INFINITY, horizon);
    let end = yield* this.#advance({ ...goal, cycle }, this.#quiet);
    if (end.kind === "budget") end = yield* this.#advance(goal, this.#loud);
    return this.#ended(end, "step");
  }

  *#travelTo(cycle: number): Running {
    this.#timeline.rewind((moment) => moment.cycle <= cycle);
    return yield* this.#travel({ cycle });
  }

  *#backTo(core: number, instructions: number): Running {
    const isEarly = ({ cores }: Moment) => cores[core]! <= instructions;
    this.#timeline.rewind(isEarly);
    return yield* this.#travel({ instructions, core });
  }

  *#toStart(): Running {
    const stop = yield* this.#travelTo(0);
    return stop.reason === "step" ? this.#stop("start") : stop;
  }

  /** The last hit in a stretch of history that ends at the cycle `end`, if it is before the cycle `present`. */
  *#lastHit(
    start: number,
    end: number,
    present: number,
    records: readonly BreakpointRecord[],
  ): Generator<void, Found | null | "interrupted"> {
    this.#timeline.rewind(({ cycle }) => cycle <= start);
    let last: Found | null = null;
    let pending: Hit | null = null;
    const orders: Orders = {
      ...this.#quiet,
      records,
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
    for (const core of this.#timeline.target.machine.cores) core.passedBreakpoint = -1;
    const goal = { cycle: end };
    while (this.#timeline.cycle < end) {
      const stop = yield* this.#advance(goal, orders);
      if (stop.kind === "interrupted") return "interrupted";
      if (pending !== null && this.#timeline.cycle < present) last = { cycle: this.#timeline.cycle, hit: pending };
      pending = null;
      if (stop.kind === "exit" || stop.kind === "panic" || stop.kind === "triple-fault") break;
    }
    return last;
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
