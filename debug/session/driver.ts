/** Carries out the commands of a session one at a time, and in between what is done to the guest from outside. */
import type { Entry } from "../../emulator/index.ts";
import type { CommandHost, Running } from "./command-host.ts";
import type { Action } from "./timeline.ts";
import type { Stop } from "./types.ts";

export class Driver {
  /** Called between two parts of a command, in the present. */
  onPause: (() => Promise<void>) | undefined;
  /** Called with what is about to be done to the guest; what they return, when it has been done. */
  readonly onAction: ((entry: Entry) => () => void)[] = [];

  readonly #host: CommandHost;
  readonly #waiting: Action[] = [];
  #busy = false;

  constructor(host: CommandHost) {
    this.#host = host;
  }

  /** Carries out a command, and lets the event loop of the host run between its slices. @throws what the command does */
  async run(command: Running): Promise<Stop> {
    if (this.#busy) throw new Error("the session is running: wait for its command, or interrupt it");
    this.#busy = true;
    const host = this.#host;
    const { timeline } = host;
    try {
      let result = command.next();
      while (result.done !== true) {
        await new Promise((resolve) => setImmediate(resolve));
        this.#actOnWaiting();
        if (timeline.cycle >= timeline.horizon && !timeline.isCut) await this.onPause?.();
        result = command.next();
      }
      host.core = result.value.core;
      host.stop = result.value;
      return result.value;
    } finally {
      this.#busy = false;
      this.#actOnWaiting();
    }
  }

  /** Ends the command under way, if one is. */
  interrupt(): void {
    if (this.#busy) this.#host.timeline.interrupt();
  }

  /** Does something to the guest; while a command runs through the past, when it has come out of it. */
  act(action: Action): void {
    this.#waiting.push(action);
    this.#actOnWaiting();
  }

  #actOnWaiting(): void {
    const { timeline } = this.#host;
    if (this.#busy && timeline.cycle < timeline.horizon) return;
    for (let action = this.#waiting.shift(); action !== undefined; action = this.#waiting.shift()) {
      const entry = { cycle: timeline.cycle, action };
      const done = this.onAction.map((listener) => listener(entry));
      timeline.act(action);
      for (const listener of done) listener();
    }
  }
}
