/** Guest memory as a running step sees it: through its core, within bounds, and undone when the step faults. */
import type { Core } from "../../emulator/index.ts";
import type { GuestMemory } from "./guest-memory.ts";

/** Accesses that one step may make: a statement and the plain functions it calls, not a loop over guest memory. */
export const MOST_ACCESSES = 512;

/** Why a step may not go on; its message becomes that of the oops. */
export class StepError extends Error {
  override readonly name = "StepError";
}

export class HostedMemory implements GuestMemory {
  /** The core that executes the step. */
  core!: Core;
  /** Accesses of this step so far. */
  #accesses = 0;
  /** Address, size and former contents of what this step has written. */
  readonly #undo = new Int32Array(3 * MOST_ACCESSES);
  #undone = 0;

  /**
   * @param lowest linear address below which steps have no business: user memory
   * @param end linear address behind the RAM that the kernel maps at `lowest`; what lies beyond may be a device's, which
   * is not read to be able to undo a write
   */
  constructor(
    private readonly lowest: number,
    private readonly end: number,
  ) {}

  /** Before a step. */
  begin(): void {
    this.#accesses = 0;
    this.#undone = 0;
  }

  /** After a fault: takes back what the step has written. */
  undo(): void {
    while (this.#undone > 0) {
      this.#undone -= 3;
      const linear = this.#undo[this.#undone];
      const value = this.#undo[this.#undone + 2];
      switch (this.#undo[this.#undone + 1]) {
        case 1:
          this.core.write8(linear, value);
          break;
        case 2:
          this.core.write16(linear, value);
          break;
        default:
          this.core.write32(linear, value);
      }
    }
  }

  read8(linear: number): number {
    this.#check(linear);
    return this.core.read8(linear);
  }

  read16(linear: number): number {
    this.#check(linear);
    return this.core.read16(linear);
  }

  read32(linear: number): number {
    this.#check(linear);
    return this.core.read32(linear);
  }

  write8(linear: number, value: number): void {
    this.#check(linear);
    const { core } = this;
    if (linear >>> 0 < this.end) {
      this.#note(linear, 1, core.modify8(linear));
      core.modified8(value);
    } else core.write8(linear, value);
  }

  write16(linear: number, value: number): void {
    this.#check(linear);
    const { core } = this;
    if (linear >>> 0 < this.end) {
      this.#note(linear, 2, core.modify16(linear));
      core.modified16(value);
    } else core.write16(linear, value);
  }

  write32(linear: number, value: number): void {
    this.#check(linear);
    const { core } = this;
    if (linear >>> 0 < this.end) {
      this.#note(linear, 4, core.modify32(linear));
      core.modified32(value);
    } else core.write32(linear, value);
  }

  #check(linear: number): void {
    if (linear >>> 0 < this.lowest || ++this.#accesses > MOST_ACCESSES) this.#refuse(linear >>> 0);
  }

  #refuse(linear: number): never {
    if (this.#accesses > MOST_ACCESSES)
      throw new StepError(
        `a statement has made more than ${MOST_ACCESSES} accesses to guest memory; loops over it have to step`,
      );
    // Where nothing is mapped, the CPU's own page fault says more.
    this.core.read8(linear | 0);
    throw new StepError(
      `access to 0x${linear.toString(16).padStart(8, "0")}, below the kernel's memory: only the user-copy routines touch a user's address`,
    );
  }

  #note(linear: number, size: number, value: number): void {
    this.#undo[this.#undone++] = linear;
    this.#undo[this.#undone++] = size;
    this.#undo[this.#undone++] = value;
  }
}
