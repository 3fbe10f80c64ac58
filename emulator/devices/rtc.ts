import type { Clock, EventHandle } from "../clock.ts";
import { TickRate } from "../hz.ts";
import type { Snapshot } from "../snapshot.ts";
import { calendarTime, secondsOf } from "./calendar.ts";
import type { Device } from "./device.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** I/O addresses on a PC: the register number (bit 7 masks NMI), and the register. */
export const RTC_INDEX = 0x70;
export const RTC_DATA = 0x71;

/** Frequency of the time base, in Hz. */
export const RTC_HZ = 32_768;

/** Time of day at power-on when none is given: 4 January 2001, 00:00:00 UTC, in seconds from 1970. */
export const DEFAULT_RTC_TIME = 978_566_400;

/** Registers by number (data sheet figure 10), then the bytes of the PC's set-up memory that are filled in. */
export const RTC_REGISTER = {
  SECONDS: 0x00,
  SECONDS_ALARM: 0x01,
  MINUTES: 0x02,
  MINUTES_ALARM: 0x03,
  HOURS: 0x04,
  HOURS_ALARM: 0x05,
  DAY_OF_WEEK: 0x06,
  DATE_OF_MONTH: 0x07,
  MONTH: 0x08,
  YEAR: 0x09,
  A: 0x0a,
  B: 0x0b,
  C: 0x0c,
  D: 0x0d,
  DISK_TYPES: 0x12,
  EQUIPMENT: 0x14,
  BASE_MEMORY: 0x15,
  EXTENDED_MEMORY: 0x17,
  DISK_0_TYPE: 0x19,
  DISK_1_TYPE: 0x1a,
  EXTENDED_MEMORY_AGAIN: 0x30,
  CENTURY: 0x32,
  MEMORY_ABOVE_16_MIB: 0x34,
  /** Processors less one; QEMU's, and what SeaBIOS waits for. */
  OTHER_CPUS: 0x5f,
} as const;

const A = { UPDATE_IN_PROGRESS: 0x80, DIVIDER: 0x70, DIVIDER_32768: 0x20, RATE: 0x0f } as const;
const B = { SET: 0x80, PIE: 0x40, AIE: 0x20, UIE: 0x10, SQWE: 0x08, BINARY: 0x04, HOURS_24: 0x02 } as const;
const C = { IRQ: 0x80, PERIODIC: 0x40, ALARM: 0x20, UPDATE: 0x10 } as const;
const D_VALID_RAM_AND_TIME = 0x80;
const HOUR_PM = 0x80;
const ALARM_DONT_CARE = 0xc0;
/** The interrupt enables of register B lie where the flags of register C do. */
const INTERRUPTS = C.PERIODIC | C.ALARM | C.UPDATE;

const REGISTERS = 128;
/** Written with the register number: the board holds NMI back. */
const NMI_MASK = 0x80;
const DEFAULT_RATE = 6;
/** Ticks before the end of a second when UIP goes on: 244 µs of notice and 1984 µs of update. */
const UPDATE_TICKS = 73;
const SECONDS_PER_DAY = 86_400;
const KIB = 1024;
/** Coprocessor, keyboard and display; an adapter with a BIOS of its own. Diskettes have no controller. */
const EQUIPMENT = 0x0e;
/** A disk whose geometry is not in the BIOS's table. */
const DISK_TYPE_OF_USER = 47;

/**
 * Motorola MC146818 real-time clock and set-up memory (data sheet ADI-856), as on a PC/AT with a 32.768 kHz crystal
 * and 114 bytes of memory. Its time is the machine's time, begun at a given date; nothing comes from the host.
 * The day of the week follows from the date; the daylight saving change (DSE) is stored but not made; the square wave
 * pin leads nowhere, as on a PC.
 */
export class Rtc implements PortDevice, Device {
  readonly #clock: Clock;
  readonly #rate: TickRate;
  readonly #onIrq: (level: boolean) => void;
  readonly #registers = new Uint8Array(REGISTERS);
  #index = 0;
  #nmiMasked = false;
  #flags = 0;
  #irq = false;
  /** Tick at which a second began, and tick up to which the registers are brought. */
  #phase = 0;
  #settled = 0;
  #event: EventHandle | null = null;

  /**
   * @param lines onIrq drives IRQ 8
   * @param time seconds from 1970-01-01 00:00:00 that the clock shows at power-on, an integer
   */
  constructor(lines: { clock: Clock; onIrq: (level: boolean) => void }, time: number = DEFAULT_RTC_TIME) {
    if (!Number.isSafeInteger(time) || time < 0 || time >= 253_402_300_800) {
      throw new RangeError(`RTC time ${time}: expected whole seconds from 1970, before the year 10000`);
    }
    this.#clock = lines.clock;
    this.#rate = new TickRate(lines.clock.hz, RTC_HZ);
    this.#onIrq = lines.onIrq;
    this.#registers[RTC_REGISTER.A] = A.DIVIDER_32768 | DEFAULT_RATE;
    this.#registers[RTC_REGISTER.B] = B.HOURS_24;
    this.#registers[RTC_REGISTER.D] = D_VALID_RAM_AND_TIME;
    this.#phase = this.#settled = this.#rate.ticksAt(this.#clock.now);
    this.#setTime(time);
  }

  connect(ports: PortBus): void {
    ports.register(RTC_INDEX, 2, this, "MC146818");
  }

  /** The RESET pin: interrupts off, flags clear; time and memory stay. */
  reset(): void {
    this.#settle();
    this.#registers[RTC_REGISTER.B] &= ~(B.PIE | B.AIE | B.UIE | B.SQWE);
    this.#flags = 0;
    this.#nmiMasked = false;
    this.#update();
  }

  snapshot(s: Snapshot): void {
    const now = this.#rate.ticksAt(this.#clock.now);
    s.section("RTC");
    s.bytes(this.#registers);
    this.#index = s.integer(this.#index, 0, REGISTERS - 1);
    this.#nmiMasked = s.flag(this.#nmiMasked);
    this.#flags = s.integer(this.#flags, 0, 0xff);
    this.#irq = s.flag(this.#irq);
    this.#phase = s.integer(this.#phase, -RTC_HZ, now);
    this.#settled = s.integer(this.#settled, 0, now);
    this.#event = s.event(this.#event, this.#onEvent);
  }

  /** Whether the last write to RTC_INDEX masked NMI. Firmware leaves it unmasked. */
  get nmiMasked(): boolean {
    return this.#nmiMasked;
  }

  /**
   * Tells the guest, in the set-up memory where a PC's firmware puts it, what the machine has.
   * @param disks whether the first and the second disk are there
   */
  setUp({ memoryBytes: bytes, cpus, disks }: { memoryBytes: number; cpus: number; disks: readonly boolean[] }): void {
    this.#registers[RTC_REGISTER.EQUIPMENT] = EQUIPMENT;
    this.#registers[RTC_REGISTER.OTHER_CPUS] = cpus - 1;
    this.#registers[RTC_REGISTER.DISK_TYPES] = (disks[0] ? 0xf0 : 0) | (disks[1] ? 0x0f : 0);
    this.#registers[RTC_REGISTER.DISK_0_TYPE] = disks[0] ? DISK_TYPE_OF_USER : 0;
    this.#registers[RTC_REGISTER.DISK_1_TYPE] = disks[1] ? DISK_TYPE_OF_USER : 0;
    const extended = Math.min(0xffff, Math.max(0, Math.floor((bytes - (1 << 20)) / KIB)));
    const above16 = Math.min(0xffff, Math.max(0, Math.floor((bytes - (16 << 20)) / (64 * KIB))));
    this.#setWord(RTC_REGISTER.BASE_MEMORY, 640);
    this.#setWord(RTC_REGISTER.EXTENDED_MEMORY, extended);
    this.#setWord(RTC_REGISTER.EXTENDED_MEMORY_AGAIN, extended);
    this.#setWord(RTC_REGISTER.MEMORY_ABOVE_16_MIB, above16);
  }

  readPort8(port: number): number {
    return port === RTC_INDEX ? 0xff : this.#read(this.#index);
  }

  writePort8(port: number, value: number): void {
    if (port === RTC_INDEX) {
      this.#index = value & (REGISTERS - 1);
      this.#nmiMasked = (value & NMI_MASK) !== 0;
    } else {
      this.#write(this.#index, value);
    }
  }

  #read(register: number): number {
    const now = this.#settle();
    switch (register) {
      case RTC_REGISTER.A:
        return this.#registers[register] | (this.#updateInProgress(now) ? A.UPDATE_IN_PROGRESS : 0);
      case RTC_REGISTER.C: {
        const flags = this.#flags | (this.#irq ? C.IRQ : 0);
        this.#flags = 0;
        this.#update();
        return flags;
      }
      default:
        return this.#registers[register];
    }
  }

  #write(register: number, value: number): void {
    const now = this.#settle();
    switch (register) {
      case RTC_REGISTER.A: {
        const wasRunning = this.#running;
        this.#registers[register] = value & ~A.UPDATE_IN_PROGRESS;
        // The first update comes half a second after the divider is let go.
        if (!wasRunning && this.#running) this.#phase = now - RTC_HZ / 2;
        break;
      }
      case RTC_REGISTER.B:
        // SET also disables the update-ended interrupt.
        this.#registers[register] = (value & B.SET) !== 0 ? value & ~B.UIE : value;
        break;
      case RTC_REGISTER.C:
      case RTC_REGISTER.D:
        break;
      default:
        this.#registers[register] = value;
        break;
    }
    this.#update();
  }

  get #running(): boolean {
    return (this.#registers[RTC_REGISTER.A] & A.DIVIDER) === A.DIVIDER_32768;
  }

  get #updating(): boolean {
    return this.#running && (this.#registers[RTC_REGISTER.B] & B.SET) === 0;
  }

  #updateInProgress(now: number): boolean {
    return this.#updating && (now - this.#phase) % RTC_HZ >= RTC_HZ - UPDATE_TICKS;
  }

  /** Ticks between periodic interrupts, 0 for none. The first two rates repeat the eighth and ninth. */
  get #period(): number {
    const rate = this.#registers[RTC_REGISTER.A] & A.RATE;
    if (rate === 0) return 0;
    return 1 << (rate <= 2 ? rate + 6 : rate - 1);
  }

  /** Brings time and flags up to the present tick, which it returns. */
  #settle(): number {
    const now = this.#rate.ticksAt(this.#clock.now);
    if (this.#running) {
      const period = this.#period;
      if (period !== 0 && this.#boundaries(now, period) > 0) this.#flags |= C.PERIODIC;
      const seconds = this.#updating ? this.#boundaries(now, RTC_HZ) : 0;
      if (seconds > 0) this.#passSeconds(seconds);
    }
    this.#settled = now;
    return now;
  }

  /** How many multiples of `period`, counted from the phase, lie after the last settled tick, up to `now`. */
  #boundaries(now: number, period: number): number {
    return Math.floor((now - this.#phase) / period) - Math.floor((this.#settled - this.#phase) / period);
  }

  #passSeconds(count: number): void {
    this.#flags |= C.UPDATE;
    const before = this.#getTime();
    for (let passed = 1; passed <= Math.min(count, SECONDS_PER_DAY); passed++) {
      if ((this.#flags & C.ALARM) !== 0) break;
      if (this.#alarmMatches(before + passed)) this.#flags |= C.ALARM;
    }
    this.#setTime(before + count);
  }

  #alarmMatches(time: number): boolean {
    const inDay = ((time % SECONDS_PER_DAY) + SECONDS_PER_DAY) % SECONDS_PER_DAY;
    return (
      this.#matches(RTC_REGISTER.SECONDS_ALARM, this.#encode(inDay % 60)) &&
      this.#matches(RTC_REGISTER.MINUTES_ALARM, this.#encode(Math.floor(inDay / 60) % 60)) &&
      this.#matches(RTC_REGISTER.HOURS_ALARM, this.#encodeHours(Math.floor(inDay / 3600)))
    );
  }

  #matches(register: number, value: number): boolean {
    const alarm = this.#registers[register];
    return alarm === value || (alarm & ALARM_DONT_CARE) === ALARM_DONT_CARE;
  }

  /** Drives the interrupt line, and has the clock call when an enabled interrupt may be due. */
  #update(): void {
    const enabled = this.#registers[RTC_REGISTER.B] & INTERRUPTS;
    const irq = (this.#flags & enabled) !== 0;
    if (irq !== this.#irq) {
      this.#irq = irq;
      this.#onIrq(irq);
    }
    this.#clock.cancel(this.#event);
    const waiting = enabled & ~this.#flags;
    let next = Number.POSITIVE_INFINITY;
    if ((waiting & C.PERIODIC) !== 0 && this.#running && this.#period !== 0) next = this.#nextBoundary(this.#period);
    if ((waiting & (C.ALARM | C.UPDATE)) !== 0 && this.#updating) next = Math.min(next, this.#nextBoundary(RTC_HZ));
    this.#event =
      next === Number.POSITIVE_INFINITY ? null : this.#clock.schedule(this.#rate.cycleOf(next), this.#onEvent);
  }

  #nextBoundary(period: number): number {
    return this.#phase + (Math.floor((this.#settled - this.#phase) / period) + 1) * period;
  }

  readonly #onEvent = (): void => {
    this.#settle();
    this.#update();
  };

  // The ten time registers, in the format that register B chooses

  get #binary(): boolean {
    return (this.#registers[RTC_REGISTER.B] & B.BINARY) !== 0;
  }

  #encode(value: number): number {
    return this.#binary ? value : (Math.floor(value / 10) << 4) | (value % 10);
  }

  #decode(stored: number): number {
    return this.#binary ? stored : (stored >>> 4) * 10 + (stored & 15);
  }

  #encodeHours(hours: number): number {
    if ((this.#registers[RTC_REGISTER.B] & B.HOURS_24) !== 0) return this.#encode(hours);
    return this.#encode(hours % 12 === 0 ? 12 : hours % 12) | (hours >= 12 ? HOUR_PM : 0);
  }

  #decodeHours(stored: number): number {
    if ((this.#registers[RTC_REGISTER.B] & B.HOURS_24) !== 0) return this.#decode(stored);
    return (this.#decode(stored & ~HOUR_PM) % 12) + ((stored & HOUR_PM) !== 0 ? 12 : 0);
  }

  #field(register: number): number {
    return this.#decode(this.#registers[register]);
  }

  #getTime(): number {
    return secondsOf({
      year: this.#field(RTC_REGISTER.CENTURY) * 100 + this.#field(RTC_REGISTER.YEAR),
      month: Math.min(12, Math.max(1, this.#field(RTC_REGISTER.MONTH))),
      day: this.#field(RTC_REGISTER.DATE_OF_MONTH),
      weekDay: 0,
      hours: this.#decodeHours(this.#registers[RTC_REGISTER.HOURS]),
      minutes: this.#field(RTC_REGISTER.MINUTES),
      seconds: this.#field(RTC_REGISTER.SECONDS),
    });
  }

  #setTime(seconds: number): void {
    const time = calendarTime(seconds);
    const registers = this.#registers;
    registers[RTC_REGISTER.SECONDS] = this.#encode(time.seconds);
    registers[RTC_REGISTER.MINUTES] = this.#encode(time.minutes);
    registers[RTC_REGISTER.HOURS] = this.#encodeHours(time.hours);
    registers[RTC_REGISTER.DAY_OF_WEEK] = this.#encode(time.weekDay);
    registers[RTC_REGISTER.DATE_OF_MONTH] = this.#encode(time.day);
    registers[RTC_REGISTER.MONTH] = this.#encode(time.month);
    registers[RTC_REGISTER.YEAR] = this.#encode(time.year % 100);
    registers[RTC_REGISTER.CENTURY] = this.#encode(Math.floor(time.year / 100));
  }

  #setWord(register: number, value: number): void {
    this.#registers[register] = value & 0xff;
    this.#registers[register + 1] = value >>> 8;
  }
}
