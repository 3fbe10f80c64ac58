/** INT 10h AH = 4Fh: VESA BIOS Extensions 2.0 of a display that has none of the modes that they add, as programs find out. */
import { EDI, ES } from "../../emulator/index.ts";
import type { ServiceCall } from "./services.ts";

/** AX after a call. */
const DONE = 0x004f;
const FAILED = 0x014f;

const INFO_BYTES = 256;
const INFO = { SIGNATURE: 0x00, VERSION: 0x04, OEM_STRING: 0x06, MODES: 0x0e, RESERVED: 0x22 } as const;
const VERSION = 0x0200;
const VESA = 0x41534556;
const NO_MORE_MODES = 0xffff;
const TEXT_MODE = 3;
/** Bits of a mode's number that do not belong to it. */
const MODE_FLAGS = 0xc000;

export function vesaService(call: ServiceCall): void {
  switch (call.al) {
    case 0x00:
      tellController(call);
      call.ax = DONE;
      break;
    case 0x02:
      call.ax = (call.bx & ~MODE_FLAGS) === TEXT_MODE ? DONE : FAILED;
      break;
    case 0x03:
      call.bx = TEXT_MODE;
      call.ax = DONE;
      break;
    default:
      call.ax = FAILED;
  }
}

/** AL = 00h: the information block to ES:DI. Its list of modes, which is empty, lies in the reserved part. */
function tellController(call: ServiceCall): void {
  const offset = call.register16(EDI);
  const info = new DataView(new ArrayBuffer(INFO_BYTES));
  const farPointer = (at: number) => (call.core.segSelector(ES) << 16) | ((offset + at) & 0xffff);
  info.setUint32(INFO.SIGNATURE, VESA, true);
  info.setUint16(INFO.VERSION, VERSION, true);
  info.setUint32(INFO.OEM_STRING, farPointer(INFO.RESERVED + 2), true);
  info.setUint32(INFO.MODES, farPointer(INFO.RESERVED), true);
  info.setUint16(INFO.RESERVED, NO_MORE_MODES, true);
  call.write(call.linear(ES, offset), new Uint8Array(info.buffer));
}
