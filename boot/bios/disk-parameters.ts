/** The fixed disk parameter tables that INT 41h and INT 46h point to (IBM PC/AT Technical Reference, "Fixed disk"). */
import type { Machine } from "../../emulator/index.ts";
import { EBDA } from "./data-area.ts";
import { geometryOf } from "./disk-geometry.ts";
import { drivesOf } from "./drives.ts";

const TABLE_BYTES = 16;
/** Vectors of the first and the second disk. */
const VECTORS = [0x41, 0x46] as const;
/** Control byte: more than eight heads. */
const MANY_HEADS = 0x08;

/** Writes the tables of the first two disks, and points their vectors to them. */
export function writeDiskParameters(machine: Machine): void {
  const { memory } = machine;
  VECTORS.forEach((vector, index) => {
    const disk = drivesOf(machine).disks[index];
    if (disk === undefined) return;
    const { cylinders, heads, sectorsPerTrack } = geometryOf(disk.sectors);
    const table = new DataView(new ArrayBuffer(TABLE_BYTES));
    table.setUint16(0, cylinders, true);
    table.setUint8(2, heads);
    table.setUint16(5, 0xffff, true);
    table.setUint8(8, heads > 8 ? MANY_HEADS : 0);
    table.setUint16(12, cylinders, true);
    table.setUint8(14, sectorsPerTrack);
    const offset = EBDA.DISK_PARAMETERS + index * TABLE_BYTES;
    machine.load(new Uint8Array(table.buffer), EBDA.BASE + offset);
    memory.write16(vector * 4, offset);
    memory.write16(vector * 4 + 2, EBDA.BASE >>> 4);
  });
}
