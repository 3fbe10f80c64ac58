/** INT 1Ah: time of day. */
import { BDA } from "./data-area.ts";
import { CMOS, readCmos, writeCmos } from "./real-time-clock.ts";
import type { ServiceCall } from "./services.ts";

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
