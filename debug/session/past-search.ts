/** Searching the past of a session: stretch by stretch, from a moment back. */
import { SOFTWARE } from "../../emulator/index.ts";
import type { BreakpointRecord } from "./breakpoints.ts";
import { CommandPart } from "./command-part.ts";
import { type Frame, type Instruction, linearEip } from "./instruction.ts";
import { ENDS, type Moment } from "./timeline.ts";
import { type Hit, type Orders, quietOrders, Watcher } from "./watcher.ts";

/** Hits that a run found at one moment on the way to where the session stands. */
interface Found {
  readonly cycle: number;
  readonly hits: readonly [Hit, ...Hit[]];
}

/** Found at a cycle too, by the same core and in the same way; or else later than all before. */
function alsoFound(last: Found | null, cycle: number, hit: Hit): Found {
  const [first] = last?.hits ?? [];
  const isOfSame =
    last?.cycle === cycle && first?.core === hit.core && first.record.request.kind === hit.record.request.kind;
  // What meets a request anew does so later, if at the same cycle.
  if (last === null || !isOfSame || last.hits.some(({ record }) => record === hit.record))
    return { cycle, hits: [hit] };
  return { cycle, hits: [...last.hits, hit] };
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

export class PastSearch extends CommandPart {
  /** The last hit up to a cycle, of which now is the latest possible; searched stretch by stretch from here back. */
  *lastHit(
    records: readonly BreakpointRecord[],
    holds: Orders["holds"],
    latest: number,
  ): Generator<void, Found | null | "interrupted"> {
    const { now } = this.timeline;
    let last: Found | null = null;
    let pending: Hit[] = [];
    const orders: Orders = {
      ...quietOrders(this.host.holds),
      records,
      holds,
      stops: (hit) => {
        // Where a breakpoint stops is known right now; an access or event stops after its instruction.
        if (hit.record.request.kind === "address") {
          last = alsoFound(last, this.timeline.cycle, hit);
          return false;
        }
        pending.push(hit);
        return true;
      },
    };
    const onStop = () => {
      const { cycle } = this.timeline;
      if (cycle <= latest) for (const hit of pending) last = alsoFound(last, cycle, hit);
      pending = [];
    };
    for (const stretch of this.#stretchesBefore(now)) {
      if (!(yield* this.#replay(stretch, orders, onStop))) return "interrupted";
      if (last !== null) return last;
    }
    return null;
  }

  /** The last call or interrupt before a moment that returned to a frame. */
  *lastEntry(
    moment: Moment,
    frame: Frame,
    calls: readonly Instruction[],
  ): Generator<void, Entry | null | "interrupted"> {
    const here = frame.linear;
    const entries: Entry[] = [];
    const orders: Orders = {
      ...quietOrders(this.host.holds),
      goalposts: calls.map(({ linear, flow }) => ({
        linear,
        accepts: (cpu) => {
          if (flow === "hostcall" ? frame.isOf(cpu) : frame.wasReached(cpu))
            entries.push({ cycle: this.timeline.cycle, isInterrupt: false });
          return false;
        },
      })),
      onInterrupt: (cpu, _, kind) => {
        // The interrupt counts as an instruction, which is over when this is called.
        if (kind !== SOFTWARE && linearEip(cpu) === here && frame.isReached(cpu))
          entries.push({ cycle: this.timeline.cycle - 1, isInterrupt: true });
      },
    };
    for (const stretch of this.#stretchesBefore(moment)) {
      if (!(yield* this.#replay(stretch, orders))) return "interrupted";
      const entry = entries.pop();
      if (entry !== undefined) return entry;
    }
    return null;
  }

  /** The past of a moment, the latest stretch first; each longer than the one before, while there are captures enough. */
  #stretchesBefore(moment: Moment): Stretch[] {
    const stretches: Stretch[] = [];
    let end = moment;
    let length = 1;
    const starts = this.timeline.starts().filter(({ cycle }) => cycle < moment.cycle);
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
    this.timeline.rewind(({ cycle }) => cycle <= start);
    for (const core of this.timeline.target.machine.cores) core.passedBreakpoint = -1;
    const watcher = new Watcher(this.timeline.target, orders);
    return yield* watcher.during(this.#runThrough(end, watcher, onStop));
  }

  *#runThrough(end: number, watcher: Watcher, onStop: () => void): Generator<void, boolean> {
    while (this.timeline.cycle < end && watcher.failure === null) {
      const stop = yield* this.timeline.advance({ cycle: end });
      if (stop.kind === "interrupted") return false;
      onStop();
      if (ENDS.has(stop.kind)) break;
    }
    return true;
  }
}
