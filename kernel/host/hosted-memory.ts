/**
 * Guest memory as kernel code sees it. A running step sees it through its core, within bounds, and what it has written is
 * undone when it faults; who only looks sees it without any effect.
 */
import { type Core, EBP, nextHostcall } from "../../emulator/index.ts";
import type { GuestMemory } from "./guest-memory.ts";

/** Accesses that one step may make: a statement and the plain functions it calls, not a loop over guest memory. */
export const MOST_ACCESSES = 512;
/** Turns that one step may make in loops of the plain functions that it calls. */
const MOST_TURNS = 100_000;
/** Turns that loops of a module may make while it is loaded. */
/** Elements that a method of JavaScript's goes through in the time of a turn, as a power of 2. */
const WALKED_IN_A_TURN_SHIFT = 4;
const MOST_TURNS_OF_LOADING = 10_000_000;

const HOSTCALL_LENGTH = 4;

/** Why a step may not go on; its message becomes that of the oops. */
export class StepError extends Error {
  override readonly name = "StepError";
}

/** Kinds of accesses. */
const GET = 0;
const PUT = 1;
const READ_8 = 2;
const READ_16 = 3;
const READ_32 = 4;
const WRITE_8 = 5;
const WRITE_16 = 6;
const WRITE_32 = 7;

/** The one class of what views read and write, so that each access in the kernel has one target. */
export class HostedMemory implements GuestMemory {
  #core: Core | undefined = undefined;
  /** Accesses of this step so far. */
  #accesses = 0;
  /** Turns of this step so far in loops of plain functions. */
  #turns = 0;
  /** Address, size and former contents of what this step has written. */
  readonly #log: Int32Array;
  #logged = 0;

  /** What there is to be seen for those who only look. */
  static of(looking: GuestMemory): HostedMemory {
    return new HostedMemory(0, 0, looking, Number.POSITIVE_INFINITY);
  }

  /** The same while a module is loaded, whose loops have to end. */
  static of_loading(looking: GuestMemory): HostedMemory {
    return new HostedMemory(0, 0, looking, MOST_TURNS_OF_LOADING);
  }

  /**
   * @param lowest linear address below which steps have no business: user memory
   * @param end linear address behind the RAM that the kernel maps at `lowest`; what lies beyond may be a device's, which
   * is not read to be able to undo a write
   * @param looking where accesses go that no core makes
   * @param most_turns turns of loops of plain functions from one `begin` to the next
   */
  constructor(
    private readonly lowest: number,
    private readonly end: number,
    private readonly looking?: GuestMemory,
    private readonly most_turns = MOST_TURNS,
  ) {
    this.#log = new Int32Array(looking === undefined ? 3 * MOST_ACCESSES : 0);
  }

  /** The core that executes the steps; nothing to a memory that is only looked at. */
  executed_by(core: Core | undefined): void {
    if (this.looking === undefined) this.#core = core;
  }

  /** Before a step. */
  begin(): void {
    this.#accesses = 0;
    this.#turns = 0;
    this.#logged = 0;
  }

  /**
   * After a step: goes on with the one `distance` behind it, if nothing is to be done between the two. EIP stands there.
   * @param frame EBP, as the function has it
   * @returns whether that step is to be executed now
   */
  next(frame: number, distance: number): boolean {
    const core = this.#core!;
    if (core.r[EBP] !== frame || !nextHostcall(core, distance)) return false;
    this.begin();
    return true;
  }

  /** After a step whose branch goes to the step `distance` behind it: goes there. @returns as `next` does */
  jump(frame: number, distance: number): boolean {
    const core = this.#core!;
    core.eip = (core.eip + HOSTCALL_LENGTH * (distance - 1)) | 0;
    return this.next(frame, distance);
  }

  /** After a fault: takes back what the step has written. */
  undo(core: Core): void {
    while (this.#logged > 0) {
      this.#logged -= 3;
      const linear = this.#log[this.#logged];
      const value = this.#log[this.#logged + 2];
      switch (this.#log[this.#logged + 1]) {
        case 1:
          core.write8(linear, value);
          break;
        case 2:
          core.write16(linear, value);
          break;
        default:
          core.write32(linear, value);
      }
    }
  }

  /** Counts a turn of a loop in a plain function. @throws StepError when they are too many for one step */
  turn(): void {
    if (++this.#turns > this.most_turns) endless(this.most_turns);
  }

  /** A list or text of this length is gone through at once: less than as many turns, except where a module sorts and joins. */
  walk(length: number): void {
    this.#turns += this.most_turns === MOST_TURNS ? length >>> WALKED_IN_A_TURN_SHIFT : length;
    if (this.#turns > this.most_turns) endless(this.most_turns);
  }

  /** A word of the frame or the stack; not counted. */
  get(linear: number): number {
    return this.#access(GET, linear, 0);
  }

  /** Writes a word of the frame or the stack; not counted, and not undone. */
  put(linear: number, value: number): void {
    this.#access(PUT, linear, value);
  }

  read8(linear: number): number {
    return this.#access(READ_8, linear, 0);
  }

  read16(linear: number): number {
    return this.#access(READ_16, linear, 0);
  }

  read32(linear: number): number {
    return this.#access(READ_32, linear, 0);
  }

  write8(linear: number, value: number): void {
    this.#access(WRITE_8, linear, value);
  }

  write16(linear: number, value: number): void {
    this.#access(WRITE_16, linear, value);
  }

  write32(linear: number, value: number): void {
    this.#access(WRITE_32, linear, value);
  }

  /**
   * All accesses, in one function that is longer than what V8 inlines (460 bytes of bytecode). A kernel has thousands of
   * steps, of some accesses each: with all that an access does inlined into them, their machine code is some megabytes
   * that takes seconds to make and never stays in a cache.
   */
  #access(kind: number, linear: number, value: number): number {
    const core = this.#core;
    if (core === undefined) return this.#look(kind, linear, value);
    // The most frequent first: a switch would be one jump whose target nothing predicts.
    if (kind === GET) return core.read32(linear);
    if (kind === READ_32) {
      if (linear >>> 0 < this.lowest || ++this.#accesses > MOST_ACCESSES) this.#refuse(linear);
      return core.read32(linear);
    }
    if (kind === PUT) {
      core.write32(linear, value);
      return 0;
    }
    switch (kind) {
      case WRITE_32:
        if (linear >>> 0 < this.lowest || ++this.#accesses > MOST_ACCESSES) this.#refuse(linear);
        if (linear >>> 0 >= this.end) core.write32(linear, value);
        else {
          const log = this.#log;
          const logged = this.#logged;
          log[logged] = linear;
          log[logged + 1] = 4;
          log[logged + 2] = core.modify32(linear);
          this.#logged = logged + 3;
          core.modified32(value);
        }
        return 0;
      case READ_16:
        if (linear >>> 0 < this.lowest || ++this.#accesses > MOST_ACCESSES) this.#refuse(linear);
        return core.read16(linear);
      case WRITE_16:
        if (linear >>> 0 < this.lowest || ++this.#accesses > MOST_ACCESSES) this.#refuse(linear);
        if (linear >>> 0 >= this.end) core.write16(linear, value);
        else {
          const log = this.#log;
          const logged = this.#logged;
          log[logged] = linear;
          log[logged + 1] = 2;
          log[logged + 2] = core.modify16(linear);
          this.#logged = logged + 3;
          core.modified16(value);
        }
        return 0;
      case READ_8:
        if (linear >>> 0 < this.lowest || ++this.#accesses > MOST_ACCESSES) this.#refuse(linear);
        return core.read8(linear);
      case WRITE_8:
        if (linear >>> 0 < this.lowest || ++this.#accesses > MOST_ACCESSES) this.#refuse(linear);
        if (linear >>> 0 >= this.end) core.write8(linear, value);
        else {
          const log = this.#log;
          const logged = this.#logged;
          log[logged] = linear;
          log[logged + 1] = 1;
          log[logged + 2] = core.modify8(linear);
          this.#logged = logged + 3;
          core.modified8(value);
        }
        return 0;
      default:
        throw new RangeError(`no access of kind ${kind}`);
    }
  }

  #look(kind: number, linear: number, value: number): number {
    const { looking } = this;
    if (looking === undefined) throw new Error("no step is being executed");
    switch (kind) {
      case READ_8:
        return looking.read8(linear);
      case READ_16:
        return looking.read16(linear);
      case READ_32:
        return looking.read32(linear);
      case WRITE_8:
        looking.write8(linear, value);
        return 0;
      case WRITE_16:
        looking.write16(linear, value);
        return 0;
      case WRITE_32:
        looking.write32(linear, value);
        return 0;
      default:
        throw new RangeError(`no access of kind ${kind} without a step`);
    }
  }

  #refuse(linear: number): never {
    if (this.#accesses > MOST_ACCESSES)
      throw new StepError(
        `a statement has made more than ${MOST_ACCESSES} accesses to guest memory; loops over it have to step`,
      );
    // Where nothing is mapped, the CPU's own page fault says more.
    this.#core?.read8(linear | 0);
    throw new StepError(
      `access to 0x${(linear >>> 0).toString(16).padStart(8, "0")}, below the kernel's memory: only the user-copy routines touch a user's address`,
    );
  }
}

function endless(turns: number): never {
  const times = `${turns.toLocaleString("en-US")} times`;
  throw new StepError(
    turns === MOST_TURNS
      ? `a plain function has gone round its loops more than ${times} within one statement; what takes that long has to step`
      : `it has gone round its loops more than ${times}`,
  );
}
