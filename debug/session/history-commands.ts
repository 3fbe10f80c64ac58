/** The commands that look for something in the past of a session, and go there. */
import type { BreakpointRecord } from "./breakpoints.ts";
import type { CommandHost, Commands, Running } from "./commands.ts";
import type { BreakpointRequest, CatchRequest, WatchRequest } from "./types.ts";

export class HistoryCommands {
  readonly #host: CommandHost;
  readonly #commands: Commands;

  constructor(host: CommandHost, commands: Commands) {
    this.#host = host;
    this.#commands = commands;
  }

  /**
   * To before the instruction that accessed memory last, as a request says, or that caused an event. The stop tells what
   * it did; its reason is "start" when there was none since the reset.
   */
  *last(request: WatchRequest | CatchRequest): Running {
    const found = yield* this.#commands.reverseContinue([recordOf(request)], true);
    if (found.reason !== "watchpoint" && found.reason !== "catch") return found;
    this.#host.core = found.core;
    const stop = yield* this.#commands.reverseStep(1);
    return stop.reason === "step" ? { ...found, position: stop.position } : stop;
  }
}

/** A request that is no breakpoint of the user's. */
function recordOf(request: BreakpointRequest): BreakpointRecord {
  return { number: 0, request, enabled: true, hits: 0, ignore: 0 };
}
