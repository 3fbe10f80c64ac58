/** Running a machine of its own: input to it, its time against the host's, Ctrl-C. */
import { COM1, type Machine, type StopReason } from "../emulator/index.ts";
import type { TimedHost } from "./run-host.ts";
import { SerialInput } from "./serial-input.ts";

/** Instructions between two looks at what the host has to say; has no influence on the guest. */
const SLICE = 2_000_000;
/** The longest that the process sleeps without a look at Ctrl-C and input, in seconds. */
const LONGEST_SLEEP = 0.05;
/** Bytes that wait for the guest's serial port before more are taken from standard input. */
const ENOUGH_INPUT = 4096;
/** Interrupt enable register of a UART, and its bit for received data. */
const UART_IER = 1;
const IER_ERBFI = 1;
const FLAG_IF = 1 << 9;

/** How a run ended. */
export type RunEnd = StopReason | { readonly kind: "interrupted" } | { readonly kind: "output-closed" };

/** Input that the guest got, for running it again. */
export interface RecordedInput {
  readonly cycle: number;
  readonly bytes: Uint8Array;
}

export interface RunSettings {
  /** Hold the machine's time to the host's. */
  readonly realtime: boolean;
  /** Standard input goes to COM1. */
  readonly input: boolean;
  readonly maxInstructions: number;
  /** A triple fault resets the machine instead of ending the run. */
  readonly reboot: boolean;
  /** Passes on what the guest has put out; false when nobody reads it any more. */
  readonly flush: () => boolean;
}

/** Runs a machine to its end. What it was given is added to `record`. */
export async function runMachine(
  machine: Machine,
  host: TimedHost,
  settings: RunSettings,
  record: RecordedInput[],
): Promise<RunEnd> {
  const interrupt = new Interrupt(host);
  const input = settings.input ? new SerialInput(host.stdin) : undefined;
  const pace = settings.realtime ? new Pace(machine, host) : undefined;
  try {
    for (;;) {
      const budget = settings.maxInstructions - machine.instructions;
      const stop = machine.run({
        maxInstructions: Math.min(SLICE, budget),
        ...(pace === undefined ? {} : { untilCycle: pace.due() }),
      });
      if (!settings.flush()) return { kind: "output-closed" };
      if (interrupt.came) return { kind: "interrupted" };
      if (stop.kind === "triple-fault" && settings.reboot) machine.reset();
      else if (stop.kind === "halted-forever" && input !== undefined && !input.ended && wantsInput(machine)) {
        await Promise.race([input.wait(), interrupt.wait]);
      } else if (stop.kind !== "budget" || machine.instructions >= settings.maxInstructions) return stop;
      if (pace !== undefined) await pace.wait();
      await host.breathe();
      if (interrupt.came) return { kind: "interrupted" };
      giveInput(machine, input, record);
    }
  } finally {
    interrupt.forget();
    input?.close();
  }
}

/** Whether a character on COM1 would wake the machine. */
function wantsInput(machine: Machine): boolean {
  return (
    (machine.com1.readPort8(COM1.base + UART_IER) & IER_ERBFI) !== 0 && (machine.getRegister("eflags") & FLAG_IF) !== 0
  );
}

function giveInput(machine: Machine, input: SerialInput | undefined, record: RecordedInput[]): void {
  if (input === undefined || machine.com1.pendingInput >= ENOUGH_INPUT) return;
  const bytes = input.take();
  if (bytes === undefined) return;
  record.push({ cycle: machine.cycles, bytes });
  machine.com1.receive(bytes);
}

/** Ctrl-C. */
class Interrupt {
  came = false;
  readonly wait: Promise<void>;
  readonly forget: () => void;

  constructor(host: TimedHost) {
    let settle = () => {};
    this.wait = new Promise((resolve) => {
      settle = resolve;
    });
    this.forget = host.onInterrupt(() => {
      this.came = true;
      settle();
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
