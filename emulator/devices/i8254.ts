import type { Clock, EventHandle } from "../clock.ts";
import { TickRate } from "../hz.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Device } from "./device.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** Frequency of the CLK inputs on a PC: the colour burst crystal's 14.31818 MHz divided by 12, in Hz. */
export const PIT_HZ = 1_193_182;

/** I/O addresses on a PC: three counters and the control word register. */
export const PIT_COUNTER_0 = 0x40;
export const PIT_CONTROL = 0x43;

const CONTROL = { BCD: 0x01, MODE_SHIFT: 1, RW_SHIFT: 4, SELECT_SHIFT: 6, READ_BACK: 3 } as const;
const READ_BACK = { NO_STATUS: 0x10, NO_COUNT: 0x20 } as const;
const STATUS = { NULL_COUNT: 0x40, OUTPUT: 0x80 } as const;
const RW = { LATCH: 0, LSB: 1, MSB: 2, LSB_MSB: 3 } as const;
const NEVER = Number.POSITIVE_INFINITY;
/** A count of 1 in a periodic mode: all the way round, and one. */
const LARGEST_COUNT = 0x10001;
const REFRESH_TICKS = 18;

/** A counter of the 8254 as it stands. */
export interface CounterView {
  /** 0 to 5. */
  readonly mode: number;
  readonly bcd: boolean;
  readonly gate: boolean;
  readonly out: boolean;
  /** Whether a count has been written since the control word. */
  readonly programmed: boolean;
  /** The count register in ticks, 1 to 65536. */
  readonly period: number;
  /** The counting element, in the counter's number format. */
  readonly count: number;
}

/**
 * One counter of the 8254. Its state changes only at ticks known in advance (a load, an edge of OUT); between them
 * the count is a linear function of time, computed when somebody reads it.
 */
class Counter {
  #mode = 0;
  #rw: number = RW.LSB_MSB;
  #bcd = false;
  #gate: boolean;
  #out = true;

  /** Count register: the count as last written in full, 0 standing for the modulus. */
  #countRegister = 0;
  #writeLow = 0;
  #writeHighNext = false;
  #readHighNext = false;
  /** Latched count and how many of its bytes were not read yet; latched status or -1. */
  #latchedCount = 0;
  #latchedBytes = 0;
  #latchedStatus = -1;

  /** The counting element: its value at tick `#since`, from where it goes down by `#step` (0, 1 or 2) a tick. */
  #value = 0;
  #since = 0;
  #step = 0;
  /** It was loaded, and counts whenever the gate lets it. */
  #loaded = false;
  /** Modes 0 and 4: the end of the count is still to come, at value 0. */
  #armed = false;
  /** A count was written in full since the control word. */
  #hasCount = false;
  /** NULL COUNT: what was written last is not in the counting element yet. */
  #nullCount = true;

  /** Ticks at which the count register is loaded, and at which OUT changes next. A load supersedes the edge. */
  #loadAt = NEVER;
  #edgeAt = NEVER;
  #event: EventHandle | null = null;

  constructor(
    readonly clock: Clock,
    readonly rate: TickRate,
    gate: boolean,
    readonly onOut: ((level: boolean) => void) | null,
  ) {
    this.#gate = gate;
  }

  get out(): boolean {
    this.#settle();
    return this.#out;
  }

  get gate(): boolean {
    return this.#gate;
  }

  /** Power-on: undefined by the data sheet; here as mode 3 with no count written, so OUT is high and stays so. */
  reset(): void {
    this.writeControl((RW.LSB_MSB << CONTROL.RW_SHIFT) | (3 << CONTROL.MODE_SHIFT));
  }

  snapshot(s: Snapshot): void {
    const now = this.rate.ticksAt(this.clock.now);
    this.#mode = s.integer(this.#mode, 0, 5);
    this.#rw = s.integer(this.#rw, RW.LSB, RW.LSB_MSB);
    this.#bcd = s.flag(this.#bcd);
    this.#gate = s.flag(this.#gate);
    this.#out = s.flag(this.#out);
    this.#countRegister = s.integer(this.#countRegister, 0, 0xffff);
    this.#writeLow = s.integer(this.#writeLow, 0, 0xff);
    this.#writeHighNext = s.flag(this.#writeHighNext);
    this.#readHighNext = s.flag(this.#readHighNext);
    this.#latchedCount = s.integer(this.#latchedCount, 0, 0xffff);
    this.#latchedBytes = s.integer(this.#latchedBytes, 0, 2);
    this.#latchedStatus = s.integer(this.#latchedStatus, -1, 0xff);
    this.#value = s.integer(this.#value, 0, LARGEST_COUNT);
    this.#since = s.integer(this.#since, 0, now + 1);
    this.#step = s.integer(this.#step, 0, 2);
    this.#loaded = s.flag(this.#loaded);
    this.#armed = s.flag(this.#armed);
    this.#hasCount = s.flag(this.#hasCount);
    this.#nullCount = s.flag(this.#nullCount);
    this.#loadAt = s.time(this.#loadAt, 0, now + 1);
    this.#edgeAt = s.time(this.#edgeAt, 0, now + 2 * LARGEST_COUNT);
    this.#event = s.event(this.#event, this.#onEvent);
  }

  /** What the counter is doing, for debuggers; no latch changes. */
  get view(): CounterView {
    const now = this.#settle();
    return {
      mode: this.#mode,
      bcd: this.#bcd,
      gate: this.#gate,
      out: this.#out,
      programmed: this.#hasCount,
      period: this.#count,
      count: this.#countAt(now),
    };
  }

  writeControl(control: number): void {
    const now = this.#settle();
    const rw = (control >>> CONTROL.RW_SHIFT) & 3;
    if (rw === RW.LATCH) {
      this.#latchCount(now);
      return;
    }
    this.#freeze(now);
    const mode = (control >>> CONTROL.MODE_SHIFT) & 7;
    this.#mode = mode > 5 ? mode - 4 : mode;
    this.#rw = rw;
    this.#bcd = (control & CONTROL.BCD) !== 0;
    this.#writeHighNext = false;
    this.#readHighNext = false;
    this.#latchedBytes = 0;
    this.#latchedStatus = -1;
    this.#hasCount = false;
    this.#nullCount = true;
    this.#disable();
    this.#setOut(this.#mode !== 0);
    this.#reschedule();
  }

  /** The read-back command, for this counter: latches what is asked for and not latched yet. */
  readBack(command: number): void {
    const now = this.#settle();
    if ((command & READ_BACK.NO_COUNT) === 0) this.#latchCount(now);
    if ((command & READ_BACK.NO_STATUS) === 0 && this.#latchedStatus < 0) {
      this.#latchedStatus =
        (this.#out ? STATUS.OUTPUT : 0) |
        (this.#nullCount ? STATUS.NULL_COUNT : 0) |
        (this.#rw << CONTROL.RW_SHIFT) |
        (this.#mode << CONTROL.MODE_SHIFT) |
        (this.#bcd ? CONTROL.BCD : 0);
    }
  }

  read(): number {
    const now = this.#settle();
    if (this.#latchedStatus >= 0) {
      const status = this.#latchedStatus;
      this.#latchedStatus = -1;
      return status;
    }
    const count = this.#latchedBytes > 0 ? this.#latchedCount : this.#countAt(now);
    if (this.#latchedBytes > 0) this.#latchedBytes--;
    if (this.#rw === RW.LSB) return count & 0xff;
    if (this.#rw === RW.MSB) return count >>> 8;
    const high = this.#readHighNext;
    this.#readHighNext = !high;
    return high ? count >>> 8 : count & 0xff;
  }

  write(value: number): void {
    const now = this.#settle();
    if (this.#rw === RW.LSB_MSB && !this.#writeHighNext) {
      this.#writeLow = value;
      this.#writeHighNext = true;
      if (this.#mode === 0) {
        this.#freeze(now);
        this.#disable();
        this.#setOut(false);
        this.#reschedule();
      }
      return;
    }
    this.#writeHighNext = false;
    this.#countRegister =
      this.#rw === RW.LSB ? value : this.#rw === RW.MSB ? value << 8 : (value << 8) | this.#writeLow;
    this.#nullCount = true;
    const first = !this.#hasCount;
    this.#hasCount = true;
    switch (this.#mode) {
      case 0:
        this.#edgeAt = NEVER;
        this.#armed = false;
        this.#setOut(false);
        this.#loadAt = now + 1;
        break;
      case 2:
      case 3:
        if (first) this.#loadAt = now + 1;
        break;
      case 4:
        this.#loadAt = now + 1;
        break;
    }
    this.#reschedule();
  }

  setGate(gate: boolean): void {
    if (gate === this.#gate) return;
    const now = this.#settle();
    this.#gate = gate;
    switch (this.#mode) {
      case 0:
      case 4:
        this.#freeze(now);
        if (gate && this.#loaded) this.#step = 1;
        if (this.#armed) this.#edgeAt = gate ? now + this.#value : NEVER;
        break;
      case 1:
      case 5:
        if (gate && this.#hasCount) this.#loadAt = now + 1;
        break;
      case 2:
      case 3:
        if (!gate) {
          this.#freeze(now);
          this.#edgeAt = NEVER;
          this.#setOut(true);
        } else if (this.#hasCount) {
          this.#loadAt = now + 1;
        }
        break;
    }
    this.#reschedule();
  }

  get #modulus(): number {
    return this.#bcd ? 10_000 : 0x10000;
  }

  /** The count register as a number of ticks, 1 to the modulus. */
  get #count(): number {
    const written = this.#bcd ? fromBcd(this.#countRegister) : this.#countRegister;
    return written === 0 ? this.#modulus : written;
  }

  /** In the periodic modes 1 is not allowed; the counter then misses its end once and goes all the way round. */
  get #period(): number {
    const count = this.#count;
    return count === 1 ? this.#modulus + 1 : count;
  }

  /** What a read of the counter at tick `now` finds, in the counter's number format. */
  #countAt(now: number): number {
    const modulus = this.#modulus;
    const value = (((this.#value - this.#step * (now - this.#since)) % modulus) + modulus) % modulus;
    return this.#bcd ? toBcd(value) : value;
  }

  #latchCount(now: number): void {
    if (this.#latchedBytes > 0) return;
    this.#latchedCount = this.#countAt(now);
    this.#latchedBytes = this.#rw === RW.LSB_MSB ? 2 : 1;
  }

  /** Stops the counting element where it is; a value not yet below 0 keeps its full range, up to the modulus. */
  #freeze(now: number): void {
    const modulus = this.#modulus;
    const value = this.#value - this.#step * (now - this.#since);
    this.#value = value >= 0 ? value : ((value % modulus) + modulus) % modulus;
    this.#since = now;
    this.#step = 0;
  }

  /** Nothing happens any more until a count is written in full. */
  #disable(): void {
    this.#loaded = false;
    this.#armed = false;
    this.#loadAt = NEVER;
    this.#edgeAt = NEVER;
  }

  /** The CLK pulse that moves the count register to the counting element. */
  #load(tick: number): void {
    this.#loadAt = NEVER;
    this.#loaded = true;
    this.#nullCount = false;
    this.#since = tick;
    this.#value = this.#count;
    switch (this.#mode) {
      case 0:
      case 4:
        this.#armed = true;
        this.#step = this.#gate ? 1 : 0;
        this.#edgeAt = this.#gate ? tick + this.#value : NEVER;
        this.#setOut(this.#mode === 4);
        break;
      case 1:
      case 5:
        this.#step = 1;
        this.#edgeAt = tick + this.#value;
        this.#setOut(this.#mode === 5);
        break;
      case 2:
        this.#value = this.#period;
        this.#step = this.#gate ? 1 : 0;
        this.#edgeAt = this.#gate ? tick + this.#value - 1 : NEVER;
        this.#setOut(true);
        break;
      case 3:
        this.#startHalf(tick, true);
        break;
    }
  }

  /** Mode 3: reloads the counter, which goes down by two, for one half of the square wave. */
  #startHalf(tick: number, high: boolean): void {
    const period = this.#period;
    this.#nullCount = false;
    this.#since = tick;
    this.#value = period - (period % 2);
    this.#step = this.#gate ? 2 : 0;
    this.#edgeAt = this.#gate ? tick + (high ? (period + 1) >>> 1 : period >>> 1) : NEVER;
    this.#setOut(high);
  }

  /** The CLK pulse on which OUT changes without a trigger. */
  #edge(tick: number): void {
    this.#edgeAt = NEVER;
    switch (this.#mode) {
      case 0:
      case 1:
        this.#armed = false;
        this.#setOut(true);
        break;
      case 2:
        if (this.#out) {
          this.#edgeAt = tick + 1;
          this.#setOut(false);
        } else {
          this.#load(tick);
        }
        break;
      case 3:
        this.#startHalf(tick, !this.#out);
        break;
      case 4:
      case 5:
        this.#armed = false;
        if (this.#out) this.#edgeAt = tick + 1;
        this.#setOut(!this.#out);
        break;
    }
  }

  /** Brings the counter up to the present and returns the present tick. */
  #settle(): number {
    const now = this.rate.ticksAt(this.clock.now);
    for (let next = this.#nextChange; next <= now; next = this.#nextChange) {
      if (this.#loadAt === next) {
        this.#load(next);
      } else {
        this.#skipWholePeriods(now);
        this.#edge(this.#edgeAt);
      }
    }
    return now;
  }

  /** Tick of the next load or edge. */
  get #nextChange(): number {
    return Math.min(this.#loadAt, this.#edgeAt);
  }

  /** A periodic counter that nobody listens to may not have been looked at for millions of periods. */
  #skipWholePeriods(now: number): void {
    if (this.#nullCount || this.#loadAt !== NEVER || (this.#mode !== 2 && this.#mode !== 3)) return;
    const skipped = Math.floor((now - this.#edgeAt) / this.#period) * this.#period;
    this.#since += skipped;
    this.#edgeAt += skipped;
  }

  /** Has the clock call back for the next change, if anybody listens to OUT. */
  #reschedule(): void {
    if (this.onOut === null) return;
    this.clock.cancel(this.#event);
    const next = this.#nextChange;
    this.#event = next === NEVER ? null : this.clock.schedule(this.rate.cycleOf(next), this.#onEvent);
  }

  readonly #onEvent = (): void => {
    this.#settle();
    this.#reschedule();
  };

  #setOut(level: boolean): void {
    if (level === this.#out) return;
    this.#out = level;
    this.onOut?.(level);
  }
}

/**
 * Intel 8254 programmable interval timer, after data sheet 231164-005 (September 1993).
 *
 * Time is counted in ticks of CLK from power-on, converted from cycles exactly, so the periodic modes never drift.
 * Something written between two CLK pulses takes effect on the next one.
 */
export class I8254 implements PortDevice, Device {
  readonly #clock: Clock;
  readonly #rate: TickRate;
  readonly #counters: readonly [Counter, Counter, Counter];

  /** @param lines onOut0 is called with the level of OUT0 (IRQ 0 on a PC) when it changes; it is high at power-on */
  constructor(lines: { clock: Clock; onOut0: (level: boolean) => void }) {
    const rate = new TickRate(lines.clock.hz, PIT_HZ);
    this.#clock = lines.clock;
    this.#rate = rate;
    this.#counters = [
      new Counter(lines.clock, rate, true, lines.onOut0),
      new Counter(lines.clock, rate, true, null),
      new Counter(lines.clock, rate, false, null),
    ];
  }

  /** The three counters, for debuggers. */
  get views(): readonly CounterView[] {
    return this.#counters.map(({ view }) => view);
  }

  connect(ports: PortBus): void {
    ports.register(PIT_COUNTER_0, 4, this, "8254");
  }

  /** Power-on state; GATE2 goes low. */
  reset(): void {
    for (const counter of this.#counters) counter.reset();
    this.setGate2(false);
  }

  snapshot(s: Snapshot): void {
    s.section("8254");
    for (const counter of this.#counters) counter.snapshot(s);
  }

  /** Level of an OUT pin, 0 to 2. */
  output(counter: 0 | 1 | 2): boolean {
    return this.#counters[counter].out;
  }

  /**
   * The flip-flop behind bit 4 of port 0x61: changes every 18 CLK pulses (15 µs), the refresh period that a PC's
   * firmware sets in counter 1, whether or not it did.
   */
  get refreshToggle(): boolean {
    return Math.floor(this.#rate.ticksAt(this.#clock.now) / REFRESH_TICKS) % 2 === 1;
  }

  get gate2(): boolean {
    return this.#counters[2].gate;
  }

  /** Drives GATE2 (port 0x61 on a PC); the other gates are tied high. */
  setGate2(level: boolean): void {
    this.#counters[2].setGate(level);
  }

  readPort8(port: number): number {
    return port === PIT_CONTROL ? 0xff : this.#counters[port - PIT_COUNTER_0].read();
  }

  writePort8(port: number, value: number): void {
    if (port !== PIT_CONTROL) {
      this.#counters[port - PIT_COUNTER_0].write(value);
      return;
    }
    const select = value >>> CONTROL.SELECT_SHIFT;
    if (select !== CONTROL.READ_BACK) {
      this.#counters[select].writeControl(value);
      return;
    }
    this.#counters.forEach((counter, index) => {
      if ((value & (2 << index)) !== 0) counter.readBack(value);
    });
  }
}

function fromBcd(bcd: number): number {
  return ((bcd >>> 12) & 15) * 1000 + ((bcd >>> 8) & 15) * 100 + ((bcd >>> 4) & 15) * 10 + (bcd & 15);
}

function toBcd(value: number): number {
  return (
    ((Math.floor(value / 1000) % 10) << 12) |
    ((Math.floor(value / 100) % 10) << 8) |
    ((Math.floor(value / 10) % 10) << 4) |
    (value % 10)
  );
}
