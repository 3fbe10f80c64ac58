/** The commands that move a session backwards, or to a place in its history. */
import type { Core } from "../../emulator/index.ts";
import type { BreakpointRecord } from "./breakpoints.ts";
import { type CommandHost, checkCount, type Running } from "./command-host.ts";
import { CommandPart } from "./command-part.ts";
import { callsBefore, Frame } from "./instruction.ts";
import { PastSearch } from "./past-search.ts";
import { returnPlace } from "./return-place.ts";
import { Runs } from "./runs.ts";
import type { BreakpointRequest, CatchRequest, WatchRequest } from "./types.ts";

const USER = 3;

export class BackwardCommands extends CommandPart {
  readonly #runs: Runs;
  readonly #search: PastSearch;

  constructor(host: CommandHost) {
    super(host);
    this.#runs = new Runs(host);
    this.#search = new PastSearch(host);
  }

  /** To where `position` instructions have been executed, the first moment of that. */
  *goto(position: number): Running {
    checkCount("position", position);
    // At a moment with as many instructions some of a wait may have passed.
    this.timeline.rewind(({ instructions }) => instructions < position);
    return yield* this.#runs.travel({ instructions: position });
  }

  /** To a cycle. */
  *gotoCycle(cycle: number): Running {
    checkCount("cycle", cycle);
    return yield* this.#runs.travelTo(cycle);
  }

  /** To before the last `n` instructions of the selected core. */
  *reverseStep(n: number): Running {
    const core = this.core;
    return yield* this.#runs.backTo(core.id, Math.max(0, core.instructions - n));
  }

  /** The reverse of `next`. */
  *reverseNext(): Running {
    for (;;) {
      const core = this.core;
      const frame = new Frame(core);
      const before = core.instructions - 1;
      if (before < 0) return yield* this.#runs.toStart();
      const calls = callsBefore(this.machine, core, frame.linear, true);
      const { now } = this.timeline;
      const stop = yield* this.#runs.backTo(core.id, before);
      const flow = this.instructionOf(this.core)?.flow;
      if (stop.reason !== "step" || (flow !== "return" && flow !== "interrupt-return")) return stop;
      const entry = yield* this.#search.lastEntry(now, frame, calls);
      if (entry === "interrupted") return this.#runs.stop("interrupted");
      if (entry === null) return yield* this.#runs.backTo(core.id, before);
      const arrived = yield* this.#runs.travelTo(entry.cycle);
      // `next` does not stop between an interrupt and the instruction that it came before.
      if (arrived.reason !== "step" || !entry.isInterrupt) return arrived;
    }
  }

  /** To before the call of the current function, or the interrupt that brought the core into it. */
  *reverseFinish(): Running {
    const core = this.core;
    const { slot } = returnPlace(this.machine, core, this.host.symbols);
    const { cr3, cpl, id } = core;
    // Whatever brought the core here wrote the return address.
    const request = { kind: "watch", space: "linear", address: slot, length: 4, on: "write" } as const;
    const isOwn = (cpu: Core) => cpu.id === id && (cpl !== USER || cpu.cr3 === cr3);
    const found = yield* this.#search.lastHit([recordOf(request)], (_, cpu) => isOwn(cpu), this.timeline.cycle);
    if (found === "interrupted") return this.#runs.stop("interrupted");
    if (found === null) return yield* this.#runs.toStart();
    const stop = yield* this.#runs.travelTo(found.cycle);
    this.host.core = id;
    return stop.reason === "step" ? yield* this.#runs.backTo(id, this.core.instructions - 1) : stop;
  }

  /** To the last stop before now. */
  *reverseContinue(): Running {
    // A core that shuts down has done so at the moment of the exceptions that led to it: those lie before the stop.
    return yield* this.#reverseContinue(this.host.breakpoints.enabled(), this.host.stop.reason === "triple-fault");
  }

  /**
   * @param records what stops it
   * @param isNowToo whether what the very last instruction did counts
   */
  *#reverseContinue(records: readonly BreakpointRecord[], isNowToo: boolean): Running {
    if (records.length === 0) return yield* this.#runs.toStart();
    const { cycle } = this.timeline;
    const found = yield* this.#search.lastHit(records, this.host.holds, isNowToo ? cycle : cycle - 1);
    if (found === "interrupted") return this.#runs.stop("interrupted");
    if (found === null) return yield* this.#runs.toStart();
    yield* this.#runs.travelTo(found.cycle);
    const [hit, ...others] = found.hits;
    for (const { record } of found.hits) record.hits++;
    return this.#runs.stopped(hit, others);
  }

  /**
   * To before the instruction that accessed memory last, as a request says, or that caused an event. The stop tells what
   * it did; its reason is "start" when there was none since the reset.
   */
  *last(request: WatchRequest | CatchRequest): Running {
    const found = yield* this.#reverseContinue([recordOf(request)], true);
    if (found.reason !== "watchpoint" && found.reason !== "catch") return found;
    this.host.core = found.core;
    const stop = yield* this.reverseStep(1);
    return stop.reason === "step" ? { ...found, position: stop.position } : stop;
  }
}

/** A request that is no breakpoint of the user's. */
function recordOf(request: BreakpointRequest): BreakpointRecord {
  return { number: 0, request, enabled: true, hits: 0, ignore: 0 };
}
