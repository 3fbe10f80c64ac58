/** The BIOS data area (IBM PC/AT Technical Reference, "ROM BIOS data area"). */
import { COM1, COM2, type Machine } from "../../emulator/index.ts";
import { BASE_MEMORY_END, lowerMemory } from "../memory-map.ts";
import { drivesOf } from "./drives.ts";
import { ticksOfDay } from "./real-time-clock.ts";

/** Physical addresses. */
export const BDA = {
  COM_PORTS: 0x400,
  EBDA_SEGMENT: 0x40e,
  EQUIPMENT: 0x410,
  MEMORY_KIB: 0x413,
  SHIFT_FLAGS: 0x417,
  SHIFT_FLAGS_2: 0x418,
  KEY_HEAD: 0x41a,
  KEY_TAIL: 0x41c,
  KEY_BUFFER: 0x41e,
  VIDEO_MODE: 0x449,
  COLUMNS: 0x44a,
  PAGE_BYTES: 0x44c,
  CURSOR: 0x450,
  CURSOR_SHAPE: 0x460,
  PAGE: 0x462,
  CRTC_PORT: 0x463,
  TICKS: 0x46c,
  MIDNIGHT: 0x470,
  DISK_STATUS: 0x474,
  DISKS: 0x475,
  COM_TIMEOUTS: 0x47c,
  KEY_BUFFER_START: 0x480,
  KEY_BUFFER_END: 0x482,
  LAST_ROW: 0x484,
  CHARACTER_HEIGHT: 0x485,
  KEYBOARD_TYPE: 0x496,
} as const;

/** The extended data area: its physical address, and offsets in it. The MP tables lie between them. */
export const EBDA = {
  BASE: BASE_MEMORY_END,
  /** Its own size in KiB. */
  SIZE: 0x000,
  /** Of the first two disks. */
  DISK_PARAMETERS: 0x3e0,
} as const;

const BDA_BASE = 0x400;
const BDA_BYTES = 0x100;
const EBDA_BYTES = 0x400;
const KEY_BUFFER_BYTES = 32;
/** A coprocessor, an 80-column colour display, two serial ports. */
const EQUIPMENT = 0x0002 | 0x0020 | (2 << 9);
const ENHANCED_KEYBOARD = 0x10;

const HAS_DISKETTE = 0x0001;
const DISKETTES_SHIFT = 6;
/** Looks at a serial port before a time-out, in a unit that programs do not care about. */
const SERIAL_PATIENCE = 1;

/** Fills the areas as power-on does. The video service's `setMode` fills the part about the display. */
export function initializeDataArea(machine: Machine): void {
  const { memory } = machine;
  const { diskettes, disks } = drivesOf(machine);
  machine.load(new Uint8Array(BDA_BYTES), BDA_BASE);
  memory.write16(BDA.COM_PORTS, COM1.base);
  memory.write16(BDA.COM_PORTS + 2, COM2.base);
  memory.write16(BDA.EBDA_SEGMENT, BASE_MEMORY_END >>> 4);
  memory.write16(BDA.EQUIPMENT, equipmentOf(diskettes.length));
  memory.write16(BDA.MEMORY_KIB, lowerMemory());
  const buffer = BDA.KEY_BUFFER - BDA_BASE;
  for (const pointer of [BDA.KEY_HEAD, BDA.KEY_TAIL, BDA.KEY_BUFFER_START]) memory.write16(pointer, buffer);
  memory.write16(BDA.KEY_BUFFER_END, buffer + KEY_BUFFER_BYTES);
  memory.write32(BDA.TICKS, ticksOfDay(machine));
  memory.write8(BDA.DISKS, disks.length);
  for (const port of [0, 1]) memory.write8(BDA.COM_TIMEOUTS + port, SERIAL_PATIENCE);
  memory.write8(BDA.KEYBOARD_TYPE, ENHANCED_KEYBOARD);
  machine.load(new Uint8Array(EBDA_BYTES), EBDA.BASE);
  memory.write8(EBDA.BASE + EBDA.SIZE, EBDA_BYTES / 1024);
}

function equipmentOf(diskettes: number): number {
  return EQUIPMENT | (diskettes === 0 ? 0 : HAS_DISKETTE | ((diskettes - 1) << DISKETTES_SHIFT));
}
