/** Input from a recording: each thing at its cycle; the run is compared with what was recorded there. */
import type { Action, Machine } from "../../emulator/index.ts";
import { version } from "../../package.json";
import type { Feed } from "../feed.ts";
import { InputError } from "../io.ts";
import { STATUS_DIVERGED } from "../run-status.ts";
import type { Point } from "./format.ts";
import type { Recording } from "./recording.ts";
import { Witness } from "./witness.ts";

/** Instructions between two looks at the host's events. */
const SLICE = 1 << 18;
/** Ends that are the host's doing: the guest does not come to them by itself. */
const FROM_OUTSIDE: ReadonlySet<string> = new Set(["interrupted", "output-closed", "killed", "detached", "left"]);

/** The replay has come to something else than what was recorded. */
export class Divergence extends InputError {
  override readonly name = "Divergence";
  override readonly status = STATUS_DIVERGED;
}

export class ReplayFeed implements Feed {
  readonly slice = SLICE;
  /** Whether the recording ends here, though the guest does not. */
  ended = false;
  readonly #recording: Recording;
  readonly #kernel: string | undefined;
  readonly #machine: () => Machine;
  readonly #perform: (action: Action) => void;
  readonly #witness: Witness;
  #next = 0;
  /** Where both last agreed. */
  #agreed = 0;

  /** @param kernel digest of what of esp0 takes part now */
  constructor(
    recording: Recording,
    kernel: string | undefined,
    machine: () => Machine,
    perform: (action: Action) => void,
  ) {
    this.#recording = recording;
    this.#kernel = kernel;
    this.#machine = machine;
    this.#perform = perform;
    this.#witness = new Witness(machine);
  }

  readonly sent = (bytes: Uint8Array): void => this.#witness.sent(bytes);

  get due(): number {
    const { events, end } = this.#recording;
    const event = events[this.#next];
    if (event !== undefined) return event.cycle;
    if (end === undefined) return Number.POSITIVE_INFINITY;
    return FROM_OUTSIDE.has(end.end) ? end.cycle : end.cycle + 1;
  }

  /** @throws Divergence */
  async look(): Promise<void> {
    const { cycles } = this.#machine();
    const { events, end } = this.#recording;
    for (let event = events[this.#next]; event !== undefined && event.cycle <= cycles; event = events[++this.#next]) {
      this.check(event);
      if (event.action !== undefined) this.#perform(event.action);
    }
    if (this.#next < events.length || end === undefined) return;
    if (FROM_OUTSIDE.has(end.end)) this.ended = cycles >= end.cycle;
    else if (cycles > end.cycle) this.#diverge(end, `the guest goes on where it came to its end (${end.end})`);
  }

  /** @throws Divergence */
  async rest(): Promise<boolean> {
    const before = this.#next;
    await this.look();
    if (this.#next > before) return true;
    this.ended ||= this.#next === this.#recording.events.length && this.#recording.end === undefined;
    return false;
  }

  cancel(): void {}
  close(): void {}

  /** Compares where the machine stands. @throws Divergence */
  check(recorded: Point): void {
    const now = this.#witness.point();
    if (now.cycle !== recorded.cycle || now.instruction !== recorded.instruction || now.eip !== recorded.eip) {
      this.#diverge(recorded, `it stands at ${describe(now)} then`);
    }
    if (now.sent !== recorded.sent) this.#diverge(recorded, `it has sent ${now.sent} bytes, not ${recorded.sent}`);
    if (now.state !== recorded.state) this.#diverge(recorded, "its registers, or what it has sent, are not the same");
    this.#agreed = now.instruction;
  }

  /** Compares the end. @throws Divergence */
  finish(kind: string, status: number): void {
    const { events, end } = this.#recording;
    const left = events[this.#next];
    if (left !== undefined) {
      this.#diverge(left, `the guest came to its end (${kind}) at ${describe(this.#witness.point())}`);
    }
    if (end === undefined) return;
    if (kind !== end.end || status !== end.status) {
      this.#diverge(
        end,
        `it ended otherwise: ${kind}, exit status ${status}, not ${end.end}, exit status ${end.status}`,
      );
    }
    this.check(end);
    if (this.#witness.memory() !== end.memory) this.#diverge(end, "its memory is not the same");
  }

  #diverge(recorded: Point, how: string): never {
    const { path, header } = this.#recording;
    const other =
      header.version !== version
        ? `  It was recorded with esp0 ${header.version}; this is ${version}.\n`
        : header.kernel !== this.#kernel
          ? "  It was recorded with another build of esp0's kernel.\n"
          : "";
    throw new Divergence(
      `esp0: the replay has left its recording ${path}, after instruction ${this.#agreed} where both agree:\n` +
        `  at ${describe(recorded)}, as recorded, ${how}\n${other}`.trimEnd(),
    );
  }
}

function describe({ instruction, cycle, eip }: Point): string {
  return `instruction ${instruction} (cycle ${cycle}, eip ${eip})`;
}
