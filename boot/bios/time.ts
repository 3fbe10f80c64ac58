/** INT 1Ah: time of day. */
import type { Machine } from "../../emulator/index.ts";
import { BDA } from "./data-area.ts";
import type { ServiceCall } from "./services.ts";

const CMOS_INDEX = 0x70;
const CMOS_DATA = 0x71;
const CMOS = { SECONDS: 0, MINUTES: 2, HOURS: 4, DAY: 7, MONTH: 8, YEAR: 9, CENTURY: 0x32 } as const;
/** Counter 0 of the 8254 divides 1,193,182 Hz by 65536. */
const TICKS_PER_SECOND = 1_193_182 / 65_536;

function readCmos(machine: Machine, register: number): number {
  machine.ports.write8(CMOS_INDEX, register);
  return machine.ports.read8(CMOS_DATA);
}

function writeCmos(machine: Machine, register: number, value: number): void {
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

export function timeService(call: ServiceCall): void {
  const { machine } = call;
  const { memory } = machine;
  call.carry = false;
  switch (call.ah) {
    case 0x00: {
      const ticks = memory.read32(BDA.TICKS);
      call.cx = ticks >>> 16;
      call.dx = ticks;
      call.al = memory.read8(BDA.MIDNIGHT);
      memory.write8(BDA.MIDNIGHT, 0);
      break;
    }
    case 0x01:
      memory.write32(BDA.TICKS, (call.cx << 16) | call.dx);
      memory.write8(BDA.MIDNIGHT, 0);
      break;
    case 0x02:
      call.cx = (readCmos(machine, CMOS.HOURS) << 8) | readCmos(machine, CMOS.MINUTES);
      call.dx = readCmos(machine, CMOS.SECONDS) << 8;
      break;
    case 0x03:
      writeCmos(machine, CMOS.HOURS, call.cx >>> 8);
      writeCmos(machine, CMOS.MINUTES, call.cx & 0xff);
      writeCmos(machine, CMOS.SECONDS, call.dx >>> 8);
      break;
    case 0x05:
      writeCmos(machine, CMOS.CENTURY, call.cx >>> 8);
      writeCmos(machine, CMOS.YEAR, call.cx & 0xff);
      writeCmos(machine, CMOS.MONTH, call.dx >>> 8);
      writeCmos(machine, CMOS.DAY, call.dx & 0xff);
      break;
    case 0x04:
      call.cx = (readCmos(machine, CMOS.CENTURY) << 8) | readCmos(machine, CMOS.YEAR);
      call.dx = (readCmos(machine, CMOS.MONTH) << 8) | readCmos(machine, CMOS.DAY);
      break;
    default:
      call.carry = true;
  }
}
