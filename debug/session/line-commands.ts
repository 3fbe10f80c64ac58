/** The commands that move a session by lines of the source, forwards and backwards. */
import type { Core } from "../../emulator/index.ts";
import type { BackwardCommands } from "./backward-commands.ts";
import { type CommandHost, checkCount, type Running } from "./command-host.ts";
import { CommandPart } from "./command-part.ts";
import type { ForwardCommands } from "./forward-commands.ts";
import { calledBy, Frame, linearEip } from "./instruction.ts";
import { LineHistory, type Recorded } from "./line-history.ts";
import { LineStep } from "./line-steps.ts";
import type { Stop } from "./types.ts";

/** Instructions to look back over at first, and at most. */
const SHORTEST_RECORD = 64;
const LONGEST_RECORD = 1 << 16;

export class LineCommands extends CommandPart {
  readonly #forward: ForwardCommands;
  readonly #backward: BackwardCommands;

  constructor(host: CommandHost, forward: ForwardCommands, backward: BackwardCommands) {
    super(host);
    this.#forward = forward;
    this.#backward = backward;
  }

  /** To the beginning of another line, or to where the function has returned, `n` times. @param over what is called */
  step(n: number, over: boolean): Running {
    return this.#times(n, () => this.#step(over, false));
  }

  /** The same over calls, but not back within the function: to behind a loop from its end. */
  *until(): Running {
    return yield* this.#step(true, true);
  }

  *#step(over: boolean, isForward: boolean): Running {
    let line = this.#lineStep(over, isForward);
    for (;;) {
      const core = this.core;
      const before = new Frame(core);
      const instruction = this.instructionOf(core);
      const stop = yield* this.#forward.instruction(over);
      if (stop.reason !== "step") return stop;
      const returns = over ? undefined : calledBy(this.machine, this.core, before, instruction);
      if (returns !== undefined) {
        const entered = yield* this.#enter(returns, before);
        if (entered !== undefined) return entered;
      }
      const verdict = line.look(this.core, before, instruction);
      if (verdict === "stop") return this.#stop();
      if (verdict === "new line") line = this.#lineStep(over, isForward);
    }
  }

  /** Into a function that has been called, behind its prologue; or out of it again, which is no stop, where no lines are. */
  *#enter(returns: number, caller: Frame): Generator<void, Stop | undefined> {
    const { symbols } = this.host;
    const eip = linearEip(this.core);
    if (symbols.lineEntry(eip) === undefined) {
      const accepts = (cpu: Core) => caller.isReached(cpu);
      const stop = yield* this.#forward.runTo([{ linear: returns, accepts }]);
      return stop.reason === "step" ? undefined : stop;
    }
    const body = symbols.bodyOf(eip);
    if (body !== eip) return yield* this.#forward.runTo([{ linear: body, accepts: () => true }]);
    return this.#stop();
  }

  /** To the beginning of the line that was executed last, `n` times. @param over calls on the way; or else back into them */
  reverse(n: number, over: boolean): Running {
    return this.#times(n, () => this.#withoutBreakpoints(() => this.#reverse(over)));
  }

  *#times(n: number, command: () => Running): Running {
    checkCount("lines", n);
    let { stop } = this.host;
    for (let i = 0; i < n; i++) {
      stop = yield* command();
      if (stop.reason !== "step") break;
    }
    return stop;
  }

  *#withoutBreakpoints(command: () => Running): Running {
    const paused = this.host.breakpoints.enabled();
    for (const record of paused) record.enabled = false;
    try {
      return yield* command();
    } finally {
      for (const record of paused) record.enabled = true;
    }
  }

  *#reverse(over: boolean): Running {
    for (let length = SHORTEST_RECORD; ; length *= 8) {
      const records: Recorded[] = [];
      const { id } = this.core;
      const present = this.core.instructions;
      const stop = yield* this.#backward.reverseStep(length);
      if (stop.reason !== "step" && stop.reason !== "start") return stop;
      this.host.core = id;
      const isAll = this.core.instructions === 0;
      for (;;) {
        records.push({ frame: new Frame(this.core), instruction: this.instructionOf(this.core) });
        if (this.core.instructions >= present) break;
        const next = yield* this.#forward.step(1);
        // The guest may end where it stands.
        if (next.reason !== "step" && this.core.instructions < present) return next;
        this.host.core = id;
      }
      const found = new LineHistory(records, this.host.symbols).previousLine(over);
      if (found.kind === "found") return yield* this.#backward.reverseStep(records.length - 1 - found.index);
      if (isAll) return yield* this.#backward.goto(0);
      // What is longer than can be looked at is gone back over by instructions.
      if (length >= LONGEST_RECORD) return yield* this.#backward.reverseNext();
    }
  }

  #lineStep(over: boolean, isForward: boolean): LineStep {
    return new LineStep(this.host.symbols, this.core, over, isForward);
  }

  #stop(): Stop {
    return { reason: "step", core: this.host.core, position: this.machine.instructions };
  }
}
