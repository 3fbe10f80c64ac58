/** Comparing a run with its recording. */
import { version } from "../../package.json";
import { InputError } from "../io.ts";
import { STATUS_DIVERGED } from "../run-status.ts";
import type { Point } from "./format.ts";
import type { Recording } from "./recording.ts";
import type { Witness } from "./witness.ts";

/** The replay has come to something else than what was recorded. */
export class Divergence extends InputError {
  override readonly name = "Divergence";
  override readonly status = STATUS_DIVERGED;
}

export class Comparison {
  readonly #recording: Recording;
  readonly #kernel: string | undefined;
  readonly #witness: Witness;
  /** Instructions up to where both last agreed. */
  #agreed = 0;

  /** @param kernel digest of what of esp0 itself takes part now */
  constructor(recording: Recording, kernel: string | undefined, witness: Witness) {
    this.#recording = recording;
    this.#kernel = kernel;
    this.#witness = witness;
  }

  /** Compares where the machine stands. @throws Divergence */
  check(recorded: Point): void {
    const now = this.#witness.point();
    if (now.cycle !== recorded.cycle || now.instruction !== recorded.instruction || now.eip !== recorded.eip) {
      this.diverge(recorded, `it is at ${describePoint(now)} instead`);
    }
    if (now.sent !== recorded.sent) this.diverge(recorded, `it has sent ${now.sent} bytes, not ${recorded.sent}`);
    if (now.state !== recorded.state) this.diverge(recorded, "its registers, or what it has sent, are not the same");
    this.#agreed = now.instruction;
  }

  /** Compares the end, of both, with all that came before it done. @throws Divergence */
  checkEnd(): void {
    const { end } = this.#recording;
    if (end === undefined) return;
    this.check(end);
    if (this.#witness.memory() !== end.memory) this.diverge(end, "its memory is not the same");
  }

  /** Compares an end that the guest came to. @throws Divergence */
  checkNaturalEnd(kind: string, status: number): void {
    const { end } = this.#recording;
    if (end !== undefined && (kind !== end.end || status !== end.status)) {
      this.diverge(end, `it ended by "${kind}" with exit status ${status}, not "${end.end}" with ${end.status}`);
    }
    this.checkEnd();
  }

  /** @throws Divergence always */
  diverge(recorded: Point, how: string): never {
    const { path, header } = this.#recording;
    const lines = [
      `esp0: the replay has left its recording ${path}. Both agree up to instruction ${this.#agreed};`,
      `  where the recording has ${describePoint(recorded)}, ${how}`,
    ];
    if (header.version !== version) lines.push(`  It was recorded by esp0 ${header.version}; this is ${version}.`);
    else if (header.kernel !== this.#kernel) lines.push("  It was recorded by another build of esp0's kernel.");
    throw new Divergence(lines.join("\n"));
  }

  /** Where the machine stands, in words. */
  here(): string {
    return describePoint(this.#witness.point());
  }
}

function describePoint({ instruction, cycle, eip }: Point): string {
  return `instruction ${instruction} (cycle ${cycle}, eip ${eip})`;
}
