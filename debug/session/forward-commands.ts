/** The commands that move a session forwards, by instructions. */
import { type Core, SOFTWARE } from "../../emulator/index.ts";
import { type CommandHost, checkCount, coreOf, type Running } from "./command-host.ts";
import { CommandPart } from "./command-part.ts";
import { calledBy, Frame, type Instruction, linearEip, linearEsp } from "./instruction.ts";
import { type ReturnPlace, returnPlace } from "./return-place.ts";
import { isJustAbove, Runs } from "./runs.ts";
import type { Goalpost } from "./watcher.ts";

export class ForwardCommands extends CommandPart {
  readonly #runs: Runs;

  constructor(host: CommandHost) {
    super(host);
    this.#runs = new Runs(host);
  }

  /**
   * Lets the selected core execute `n` instructions; the others run as they would.
   * @param only a core to select, while no other runs
   */
  *step(n: number, only?: number): Running {
    checkCount("steps", n);
    return yield* only === undefined ? this.#step(n) : this.#stepAlone(n, coreOf(this.machine, only).id);
  }

  *#step(n: number): Running {
    const core = this.core;
    const alone = core.halted ? undefined : core.id;
    const done = alone === undefined ? this.timeline.now.instructions : core.instructions;
    return yield* this.#runs.run({ instructions: done + n, core: alone }, [], "step");
  }

  *#stepAlone(n: number, core: number): Running {
    this.host.core = core;
    if (this.machine.cores.length === 1) return yield* this.#step(n);
    this.timeline.act({ kind: "only-core", core });
    try {
      return yield* this.#step(n);
    } finally {
      this.timeline.act({ kind: "only-core", core: null });
    }
  }

  /** One instruction, without the interrupts and exceptions that come in between. @param over with all that it calls */
  *instruction(over: boolean): Running {
    for (;;) {
      const core = this.core;
      const frame = new Frame(core);
      const instruction = this.instructionOf(core);
      let taken = false;
      const stop = yield* this.#runs.run(
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
      const again = taken ? linearEip(this.core) === goal : over && instruction?.flow === "repeated";
      if (!again) return this.#runs.stop("step");
    }
  }

  /**
   * Up to where the current function has returned to its caller.
   * @param place where it returns to, or one further out; found from the stack without it
   */
  *finish(place?: ReturnPlace): Running {
    const core = this.core;
    const { linear, slot, cpl } = place ?? returnPlace(this.machine, core, this.host.symbols);
    const frame = new Frame(core);
    const { cr3 } = core;
    const accepts =
      cpl === undefined || cpl === core.cpl
        ? (cpu: Core) => isJustAbove(linearEsp(cpu), slot) && frame.isOnSameStack(cpu)
        : (cpu: Core) => cpu.cpl === cpl && cpu.cr3 === cr3;
    return yield* this.#runs.run({}, [{ linear, accepts }], "step");
  }

  /** Up to the instruction at a linear address. */
  *until(linear: number): Running {
    return yield* this.runTo([{ linear, accepts: () => true }]);
  }

  /** Up to the first of several places. */
  *runTo(goalposts: readonly Goalpost[]): Running {
    return yield* this.#runs.run({}, goalposts, "step");
  }

  *continue(maxInstructions: number): Running {
    const goal =
      maxInstructions === Number.POSITIVE_INFINITY ? {} : { instructions: this.machine.instructions + maxInstructions };
    return yield* this.#runs.run(goal, [], "budget");
  }

  /** Where to go on to after the instruction that `next` began with; null when it is over. */
  #afterStep(core: Core, before: Frame, instruction: Instruction | undefined): number | null {
    if (instruction === undefined) return null;
    const { linear, flow } = instruction;
    if (flow === "repeated") return linearEip(core) === linear ? linear : null;
    return calledBy(this.machine, core, before, instruction) ?? null;
  }

  /** Where the kernel's exception table sends the instruction at a linear address when it faults. */
  #fixups(linear: number): number[] {
    const { symbols, timeline } = this.host;
    const start = symbols.lookup("__start___ex_table");
    const stop = symbols.lookup("__stop___ex_table");
    if (timeline.target.kernel === undefined || start === undefined || stop === undefined) return [];
    const bytes = timeline.target.machine.readLinear(start, stop - start, this.host.core);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    return Array.from(words).filter((_, index) => index % 2 === 1 && words[index - 1] === linear);
  }

  /** @param isRetried whether what it began with is executed again, which is no arrival at a breakpoint there */
  *#runTo(places: readonly number[], frame: Frame, hosted: boolean, isRetried: boolean): Running {
    const accepts = (cpu: Core) => (hosted ? frame.isOf(cpu) : frame.isReached(cpu));
    const goalposts = places.map((linear) => ({ linear, accepts }));
    return yield* this.#runs.run({}, goalposts, "step", undefined, isRetried ? frame : undefined);
  }
}
