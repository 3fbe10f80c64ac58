import { MAXIMUM_MULTIPLE } from "./ata-registers.ts";
import type { AtaSettings } from "./ata-settings.ts";
import { type Disk, SECTOR_BYTES } from "./disk.ts";

const FIRMWARE_REVISION = "1.0";
const PIO_3_AND_4 = 0x0003;
const CYCLE_NANOSECONDS = 120;
/** Words 82 to 84: look-ahead, write cache, power management, NOP; flush cache. Bit 14 says that the words are valid. */
const COMMAND_SET = { LOOK_AHEAD: 0x0040, WRITE_CACHE: 0x0020, POWER: 0x0008, NOP: 0x4000, BUFFER: 0x3000 } as const;
const VALID = 0x4000;
const FLUSH_CACHE = 0x1000;

/** The 512 bytes that IDENTIFY DEVICE answers (ATA/ATAPI-4, table 11). */
export function identifyData(disk: Disk, settings: AtaSettings): Uint8Array {
  const data = new Uint8Array(SECTOR_BYTES);
  const view = new DataView(data.buffer);
  const word = (index: number, value: number) => view.setUint16(index * 2, value, true);
  const double = (index: number, value: number) => view.setUint32(index * 2, value, true);
  /** The first character of each pair is in the high byte. */
  const text = (index: number, words: number, value: string) => {
    const padded = value.padEnd(words * 2);
    for (let i = 0; i < padded.length; i++) data[index * 2 + (i ^ 1)] = padded.charCodeAt(i);
  };
  const { geometry } = settings;
  const fixed = COMMAND_SET.NOP | COMMAND_SET.BUFFER | COMMAND_SET.POWER;

  word(0, 0x0040);
  word(1, disk.geometry.cylinders);
  word(3, disk.geometry.heads);
  word(6, disk.geometry.sectors);
  text(10, 10, disk.serial);
  text(23, 4, FIRMWARE_REVISION);
  text(27, 20, disk.model);
  word(47, 0x8000 | MAXIMUM_MULTIPLE);
  word(48, 0x0001);
  // LBA, and IORDY that may be disabled.
  word(49, 0x0e00);
  word(50, VALID);
  word(51, 0x0200);
  word(53, 0x0003);
  word(54, geometry.cylinders);
  word(55, geometry.heads);
  word(56, geometry.sectors);
  double(57, geometry.cylinders * geometry.heads * geometry.sectors);
  word(59, settings.multiple === 0 ? 0 : 0x0100 | settings.multiple);
  double(60, disk.sectors);
  word(64, PIO_3_AND_4);
  word(67, CYCLE_NANOSECONDS);
  word(68, CYCLE_NANOSECONDS);
  // ATA-1 to ATA-4.
  word(80, 0x001e);
  word(82, fixed | COMMAND_SET.LOOK_AHEAD | COMMAND_SET.WRITE_CACHE);
  word(83, VALID | FLUSH_CACHE);
  word(84, VALID);
  word(
    85,
    fixed | (settings.lookAhead ? COMMAND_SET.LOOK_AHEAD : 0) | (settings.writeCache ? COMMAND_SET.WRITE_CACHE : 0),
  );
  word(86, FLUSH_CACHE);
  word(87, VALID);
  return data;
}
