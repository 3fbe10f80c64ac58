/** Running a machine of its own: input to it, its time against the host's, Ctrl-C. */
import { outOfPatience } from "../debug/session/index.ts";
import {
  COM1,
  FLAG_IF,
  type Journal,
  type Machine,
  perform,
  type StopReason,
  serialTarget,
} from "../emulator/index.ts";
import type { Feed } from "./feed.ts";
import { keyboardTarget, wantedKeys } from "./keyboard-input.ts";
import type { Tape } from "./recording/tape.ts";
import type { TimedHost } from "./run-host.ts";

/** The longest that the process sleeps without a look at Ctrl-C and input, in seconds. */
const LONGEST_SLEEP = 0.05;
/** Bytes on their way to the guest's serial port: with fewer than the first more are taken, up to the second. */
const LITTLE_INPUT = 1024;
const ENOUGH_INPUT = 4096;
/** Interrupt enable register of a UART, and its bit for received data. */
const UART_IER = 1;
const IER_ERBFI = 1;

/** How a run ended. */
export type RunEnd =
  | StopReason
  | { readonly kind: "interrupted" }
  | { readonly kind: "output-closed" }
  /** The recording that is replayed ends. */
  | { readonly kind: "recording-ended" };

export interface RunSettings {
  /** Hold the machine's time to the host's. */
  readonly realtime: boolean;
  /** Where standard input goes: to COM1, to the keyboard, or nowhere. */
  readonly input: "serial" | "keyboard" | "none";
  readonly maxInstructions: number;
  /** A triple fault resets the machine instead of ending the run. */
  readonly reboot: boolean;
  /** Passes on what the guest has put out, and shows it to the feed; false when nobody reads it any more. */
  readonly flush: (feed: Feed) => boolean;
}

/** Runs a machine to its end. What is done to it is added to `journal`. */
export async function runMachine(
  machine: Machine,
  host: TimedHost,
  settings: RunSettings,
  tape: Tape,
  journal: Journal,
): Promise<RunEnd> {
  const isKeyboard = settings.input === "keyboard";
  const target = isKeyboard ? keyboardTarget(machine) : serialTarget(machine);
  const wants = isKeyboard ? () => wantedKeys(machine) : () => wantedBytes(machine);
  const wakes = isKeyboard ? interruptsEnabled : wakesOnInput;
  const feed = tape.feed({
    machine,
    source: settings.input === "none" ? undefined : host.stdin,
    now: host.now,
    wants,
    wantsAtRest: () => (wakes(machine) ? wants() : 0),
    takesLines: false,
    perform: (action) => {
      perform(target, action);
      journal.add(machine.cycles, action);
    },
  });
  const interrupt = new Interrupt(host, () => feed.cancel());
  const pace = settings.realtime ? new Pace(machine, host) : undefined;
  try {
    // The next look at input: in so many instructions or, with a pace, at a cycle.
    for (let look = feed.slice, slice = feed.slice; ; ) {
      const { instructions } = machine;
      const left = settings.maxInstructions - instructions;
      const until = outOfPatience(host.now);
      const stop = machine.run(
        pace === undefined
          ? { maxInstructions: Math.min(slice, left), untilCycle: feed.due, until }
          : { maxInstructions: left, untilCycle: Math.min(feed.due, look, pace.due()), until },
      );
      slice -= machine.instructions - instructions;
      if (!settings.flush(feed)) return { kind: "output-closed" };
      if (interrupt.came) return { kind: "interrupted" };
      const isCut = stop.kind === "condition";
      let rested = false;
      if (stop.kind === "triple-fault" && settings.reboot) machine.reset();
      else if (stop.kind === "halted-forever") {
        // The serial ports have sent what they held.
        tape.perform({ kind: "drain" });
        if (!(await feed.rest()))
          return interrupt.came ? { kind: "interrupted" } : feed.ended ? { kind: "recording-ended" } : stop;
        rested = true;
      } else if (!isCut && (stop.kind !== "budget" || machine.instructions >= settings.maxInstructions)) return stop;
      if (pace !== undefined) await pace.wait();
      await host.breathe();
      if (interrupt.came) return { kind: "interrupted" };
      // With a pace the run stops where the host's time says; the guest's says when to look.
      const isDue = pace === undefined ? !isCut : machine.cycles >= Math.min(look, feed.due);
      if (!rested && isDue) await feed.look();
      if (!isCut) slice = feed.slice;
      if (machine.cycles >= look) look = machine.cycles + feed.slice;
      if (feed.ended) return { kind: "recording-ended" };
    }
  } finally {
    interrupt.forget();
    feed.close();
  }
}

/** Bytes that the line to COM1 has room for. */
export function wantedBytes(machine: Machine): number {
  const { pendingInput } = machine.com1;
  return pendingInput < LITTLE_INPUT ? ENOUGH_INPUT - pendingInput : 0;
}

/** Whether a character on COM1 would wake the machine. */
function wakesOnInput(machine: Machine): boolean {
  return (machine.com1.readPort8(COM1.base + UART_IER) & IER_ERBFI) !== 0 && interruptsEnabled(machine);
}

function interruptsEnabled(machine: Machine): boolean {
  return (machine.getRegister("eflags") & FLAG_IF) !== 0;
}

/** Ctrl-C. */
class Interrupt {
  came = false;
  readonly forget: () => void;

  constructor(host: TimedHost, onInterrupt: () => void) {
    this.forget = host.onInterrupt(() => {
      this.came = true;
      onInterrupt();
    });
  }
}

/** The machine's time, not to run ahead of the host's. */
class Pace {
  readonly #start: number;

  constructor(
    readonly machine: Machine,
    readonly host: TimedHost,
  ) {
    this.#start = host.now() - machine.cycles / machine.clock.hz;
  }

  /** Cycle that the machine should have reached by now. */
  due(): number {
    return Math.max(this.machine.cycles, Math.floor((this.host.now() - this.#start) * this.machine.clock.hz));
  }

  /** Sleeps until there is something to do: at once while a core runs, at the next event while all are halted. */
  async wait(): Promise<void> {
    const { machine, host } = this;
    const { interruptSystem } = machine;
    const isIdle = machine.cores.every((core) => core.halted && !interruptSystem.isInterrupted(core));
    const next = isIdle ? machine.clock.nextEvent : machine.cycles + 1;
    const seconds = next / machine.clock.hz - (host.now() - this.#start);
    if (seconds > 0) await host.sleep(Math.min(seconds, LONGEST_SLEEP));
  }
}
