/** States of machines as bytes. */
import type { Clock } from "./clock.ts";
import type { EventHandle } from "./event-handle.ts";
import { FURTHEST_EVENT, type Snapshot, SnapshotError } from "./snapshot.ts";

/** Takes down a state. */
export class SnapshotWriter implements Snapshot {
  readonly restoring = false;
  readonly #clock: Clock;
  #buffer = new Uint8Array(1 << 14);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;
  #events = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  section(name: string): void {
    this.#text(name);
  }

  integer(value: number, _least: number, _most: number): number {
    return this.double(value);
  }

  double(value: number): number {
    const at = this.#take(8);
    this.#view.setFloat64(at, value, true);
    return value;
  }

  flag(value: boolean): boolean {
    this.#byte(value ? 1 : 0);
    return value;
  }

  choice<Choice extends string>(value: Choice, _choices: readonly Choice[]): Choice {
    this.#text(value);
    return value;
  }

  bytes(array: Uint8Array): void {
    const at = this.#take(array.length);
    this.#buffer.set(array, at);
  }

  list(array: number[], _mostLength: number, _mostValue: number): void {
    this.double(array.length);
    for (const value of array) this.double(value);
  }

  time(value: number, _least: number, _most: number): number {
    return this.double(value);
  }

  event(handle: EventHandle | null, _callback: () => void): EventHandle | null {
    const pending = handle?.pending === true;
    this.flag(pending);
    if (pending) {
      this.#events++;
      this.double(handle.at);
      this.double(handle.order);
    }
    return handle;
  }

  /**
   * All that was taken down.
   * @throws SnapshotError when the clock holds events that nobody described
   */
  finish(): Uint8Array {
    const foreign = this.#clock.size - this.#events;
    if (foreign !== 0) {
      throw new SnapshotError(
        `cannot save the machine: ${foreign} events in its clock are not its devices' but the host's`,
      );
    }
    return this.#buffer.slice(0, this.#length);
  }

  #text(text: string): void {
    this.#byte(text.length);
    for (let i = 0; i < text.length; i++) this.#byte(text.charCodeAt(i));
  }

  #byte(value: number): void {
    const at = this.#take(1);
    this.#buffer[at] = value;
  }

  /** Makes room and returns where it begins; the buffer may be another one afterwards. */
  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

/** Puts a state back. Every method throws SnapshotError when the bytes end or a value is out of bounds. */
export class SnapshotReader implements Snapshot {
  readonly restoring = true;
  /** Whose queue `event` fills; needed before the first event. */
  clock: Clock | null = null;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;
  #section = "header";

  /** @param bytes what a writer took down */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  section(name: string): void {
    const found = this.#text();
    if (found !== name) {
      throw new SnapshotError(
        `the snapshot has ${JSON.stringify(found)} after its ${this.#section} instead of "${name}"`,
      );
    }
    this.#section = name;
  }

  integer(_value: number, least: number, most: number): number {
    const value = this.double(0);
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw this.#wrong(`${value} instead of an integer from ${least} to ${most}`);
    }
    return value;
  }

  double(_value: number): number {
    const value = this.#view.getFloat64(this.#take(8), true);
    if (Number.isNaN(value)) throw this.#wrong("something that is no number");
    return value;
  }

  flag(_value: boolean): boolean {
    const value = this.#bytes[this.#take(1)];
    if (value > 1) throw this.#wrong(`${value} instead of 0 or 1`);
    return value === 1;
  }

  choice<Choice extends string>(_value: Choice, choices: readonly Choice[]): Choice {
    const text = this.#text();
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw this.#wrong(`${JSON.stringify(text)} instead of one of ${choices.join(", ")}`);
    return found;
  }

  bytes(array: Uint8Array): void {
    const at = this.#take(array.length);
    array.set(this.#bytes.subarray(at, at + array.length));
  }

  list(array: number[], mostLength: number, mostValue: number): void {
    const length = this.integer(0, 0, mostLength);
    array.length = 0;
    for (let i = 0; i < length; i++) array.push(this.integer(0, 0, mostValue));
  }

  time(_value: number, least: number, most: number): number {
    const value = this.double(0);
    if (value === Number.POSITIVE_INFINITY) return value;
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw this.#wrong(`a time of ${value} instead of one from ${least} to ${most}`);
    }
    return value;
  }

  event(_handle: EventHandle | null, callback: () => void): EventHandle | null {
    if (!this.flag(false)) return null;
    const clock = this.clock!;
    const at = this.integer(0, clock.now, clock.now + FURTHEST_EVENT);
    const order = this.integer(0, 0, Number.MAX_SAFE_INTEGER);
    return clock.requeue(at, order, callback);
  }

  /** @throws SnapshotError when something is left over */
  finish(): void {
    const left = this.#bytes.length - this.#position;
    if (left !== 0) throw new SnapshotError(`the snapshot has ${left} bytes after its end`);
  }

  #text(): string {
    const length = this.#bytes[this.#take(1)];
    const at = this.#take(length);
    return String.fromCharCode(...this.#bytes.subarray(at, at + length));
  }

  #take(count: number): number {
    const at = this.#position;
    if (at + count > this.#bytes.length) throw new SnapshotError(`the snapshot ends within its ${this.#section}`);
    this.#position += count;
    return at;
  }

  #wrong(what: string): SnapshotError {
    return new SnapshotError(`malformed snapshot: its ${this.#section} has ${what} at byte ${this.#position}`);
  }
}
