/** The real-time clock, as the BIOS uses it (MC146818A datasheet; IBM PC/AT Technical Reference). */
import type { Machine } from "../../emulator/index.ts";

const CMOS_INDEX = 0x70;
const CMOS_DATA = 0x71;
/** Registers; times are in BCD. */
export const CMOS = { SECONDS: 0, MINUTES: 2, HOURS: 4, DAY: 7, MONTH: 8, YEAR: 9, CENTURY: 0x32 } as const;
/** Counter 0 of the 8254 divides 1,193,182 Hz by 65536. */
const TICKS_PER_SECOND = 1_193_182 / 65_536;

export function readCmos(machine: Machine, register: number): number {
  machine.ports.write8(CMOS_INDEX, register);
  return machine.ports.read8(CMOS_DATA);
}

export function writeCmos(machine: Machine, register: number, value: number): void {
  machine.ports.write8(CMOS_INDEX, register);
  machine.ports.write8(CMOS_DATA, value);
}

function fromBcd(value: number): number {
  return (value >>> 4) * 10 + (value & 15);
}

/** Timer ticks since midnight by the real-time clock. */
export function ticksOfDay(machine: Machine): number {
  const field = (register: number) => fromBcd(readCmos(machine, register));
  const seconds = (field(CMOS.HOURS) * 60 + field(CMOS.MINUTES)) * 60 + field(CMOS.SECONDS);
  return Math.floor(seconds * TICKS_PER_SECOND);
}
