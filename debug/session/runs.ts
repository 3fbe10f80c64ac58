/** Runs of a session that a command is made of: on from where it stands, and to a place in its history. */
import type { Core } from "../../emulator/index.ts";
import type { RecordedEvent } from "../../kernel/index.ts";
import type { BreakpointRecord } from "./breakpoints.ts";
import type { Running } from "./command-host.ts";
import { CommandPart } from "./command-part.ts";
import { type Frame, linearEsp } from "./instruction.ts";
import type { Advance, Goal } from "./timeline.ts";
import type { Stop, StopCause, StopReason } from "./types.ts";
import { type Goalpost, type Hit, type Orders, quietOrders, Watcher } from "./watcher.ts";

/** Bytes that a return pops at most. */
const MOST_POPPED = 0x1000;

const REASONS = { address: "breakpoint", watch: "watchpoint", catch: "catch" } as const;

export class Runs extends CommandPart {
  /** Runs forward with everything that may stop it. */
  *run(
    goal: Goal,
    goalposts: readonly Goalpost[],
    reached: StopReason,
    onInterrupt?: Orders["onInterrupt"],
    retried?: Frame,
  ): Running {
    this.core.passedBreakpoint = this.core.instructions;
    const orders: Orders = {
      ...this.#loud,
      records: this.host.breakpoints.enabled(),
      goalposts,
      stops: ({ record, core }) => {
        const { request } = record;
        const isRetried = retried !== undefined && request.kind === "address" && request.linear === retried.linear;
        if (isRetried && retried.isReached(this.machine.cores[core])) return false;
        record.hits++;
        if (record.ignore === 0) return true;
        record.ignore--;
        return false;
      },
      onInterrupt,
    };
    const ends = scopeEnds(orders.records);
    const watcher = new Watcher(this.timeline.target, { ...orders, goalposts: [...goalposts, ...ends] });
    const end = yield* watcher.during(this.timeline.advance(goal));
    const left = ends.find((each) => each === watcher.reached);
    if (left !== undefined) {
      this.host.core = watcher.arrived!.id;
      this.host.breakpoints.remove(left.record.number);
      return { ...this.stop("scope"), breakpoint: left.record };
    }
    const [hit, ...others] = watcher.hits;
    if (hit !== undefined && end.kind !== "exit" && end.kind !== "power-off" && end.kind !== "panic") {
      return this.stopped(hit, others);
    }
    if (watcher.arrived !== null) this.host.core = watcher.arrived.id;
    return this.#ended(end, reached);
  }

  /** Runs to a place in history, or beyond it, stopping at nothing. */
  *travel(goal: Goal): Running {
    const { horizon, target } = this.timeline;
    const cycle = Math.min(goal.cycle ?? Number.POSITIVE_INFINITY, horizon);
    let end = yield* new Watcher(target, quietOrders(this.host.holds)).during(
      this.timeline.approach({ ...goal, cycle }),
    );
    if (end.kind === "budget") end = yield* this.#advance(goal, this.#loud);
    return this.#ended(end, "step");
  }

  /** To a cycle. */
  *travelTo(cycle: number): Running {
    this.timeline.rewind((moment) => moment.cycle <= cycle);
    return yield* this.travel({ cycle });
  }

  /** To where a core has executed that many instructions. */
  *backTo(core: number, instructions: number): Running {
    // At a moment with as many instructions of this core, others may have gone on.
    this.timeline.rewind(({ cores }) => cores[core] < instructions);
    return yield* this.travel({ instructions, core });
  }

  /** To the reset. */
  *toStart(): Running {
    const stop = yield* this.travelTo(0);
    return stop.reason === "step" ? this.stop("start") : stop;
  }

  *#advance(goal: Goal, orders: Orders): Generator<void, Advance> {
    return yield* new Watcher(this.timeline.target, orders).during(this.timeline.advance(goal));
  }

  get #loud(): Orders {
    const listener = this.host.eventListener;
    const onEvent = (event: RecordedEvent) => {
      if (!this.timeline.muted) listener?.(event);
    };
    return { ...quietOrders(this.host.holds), onEvent: listener === undefined ? undefined : onEvent };
  }

  #ended(end: Advance, reached: StopReason): Stop {
    switch (end.kind) {
      case "budget":
        return this.stop(reached);
      case "exit":
        return { ...this.stop("exit"), status: end.status };
      case "triple-fault":
        this.host.core = end.core;
        return this.stop("triple-fault");
      case "power-off":
      case "panic":
      case "asleep":
      case "input":
      case "interrupted":
        return this.stop(end.kind);
      case "breakpoint":
        return this.stop("step");
      case "watchpoint":
      case "condition":
      case "stopped":
        return this.stop("interrupted");
    }
  }

  /** The stop that hits make, where the session stands. What was to stop once is gone. */
  stopped(hit: Hit, others: readonly Hit[]): Stop {
    this.host.core = hit.core;
    for (const { record } of [hit, ...others]) {
      if (record.request.temporary) this.host.breakpoints.remove(record.number);
    }
    const { reason, ...cause } = causeOf(hit);
    return {
      ...this.stop(reason),
      ...cause,
      ...(others.length === 0 ? {} : { others: others.map(causeOf) }),
    };
  }

  /** A stop where the session stands. */
  stop(reason: StopReason): Stop {
    return { reason, core: this.host.core, position: this.machine.instructions };
  }
}

function causeOf({ record, access, event }: Hit): StopCause {
  return {
    reason: REASONS[record.request.kind],
    breakpoint: record,
    ...(access === undefined ? {} : { access }),
    ...(event === undefined ? {} : { event }),
  };
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
export function isJustAbove(esp: number, slot: number): boolean {
  return esp > slot && esp - slot < MOST_POPPED;
}
