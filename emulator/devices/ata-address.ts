import { ATA_REGISTER, DEVICE_HEAD } from "./ata-registers.ts";
import type { DiskGeometry } from "./disk.ts";

/** Whether the command block registers hold a block number (LBA) rather than cylinder, head and sector. */
function usesLba(registers: Uint8Array): boolean {
  return (registers[ATA_REGISTER.DEVICE_HEAD] & DEVICE_HEAD.LBA) !== 0;
}

/**
 * The block that the command block registers name, or -1 when the disk or the geometry does not have it.
 * @param total sectors of the disk
 */
export function addressedSector(registers: Uint8Array, geometry: DiskGeometry, total: number): number {
  const sectorNumber = registers[ATA_REGISTER.SECTOR_NUMBER];
  const cylinder = registers[ATA_REGISTER.CYLINDER_LOW] | (registers[ATA_REGISTER.CYLINDER_HIGH] << 8);
  const head = registers[ATA_REGISTER.DEVICE_HEAD] & DEVICE_HEAD.HEAD;
  if (usesLba(registers)) {
    const block = sectorNumber | (cylinder << 8) | (head << 24);
    return block < total ? block : -1;
  }
  const { cylinders, heads, sectors } = geometry;
  if (cylinder >= cylinders || head >= heads || sectorNumber < 1 || sectorNumber > sectors) return -1;
  return (cylinder * heads + head) * sectors + sectorNumber - 1;
}

/** The first block behind those that addresses of the registers' kind reach. */
export function addressLimit(registers: Uint8Array, geometry: DiskGeometry, total: number): number {
  return usesLba(registers) ? total : geometry.cylinders * geometry.heads * geometry.sectors;
}

/** Puts the address of a block in the command block registers, in the form that they have. */
export function putAddress(registers: Uint8Array, geometry: DiskGeometry, block: number): void {
  const lba = usesLba(registers);
  const track = Math.floor(block / geometry.sectors);
  const cylinder = lba ? (block >>> 8) & 0xffff : Math.floor(track / geometry.heads);
  const head = lba ? block >>> 24 : track % geometry.heads;
  registers[ATA_REGISTER.SECTOR_NUMBER] = lba ? block : (block % geometry.sectors) + 1;
  registers[ATA_REGISTER.CYLINDER_LOW] = cylinder;
  registers[ATA_REGISTER.CYLINDER_HIGH] = cylinder >>> 8;
  registers[ATA_REGISTER.DEVICE_HEAD] = (registers[ATA_REGISTER.DEVICE_HEAD] & ~DEVICE_HEAD.HEAD) | head;
}
