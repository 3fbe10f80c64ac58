/** INT 13h: diskettes and hard disks, by cylinder, head and sector and, with the Enhanced Disk Drive services, by block number. */
import { type Disk, DS, EDI, ES, ESI, SECTOR_BYTES } from "../../emulator/index.ts";
import { BDA } from "./data-area.ts";
import { disketteFormat, type Geometry, geometryOf } from "./disk-geometry.ts";
import { type Drives, driveNumbered, FIRST_DISK } from "./drives.ts";
import type { ServiceCall } from "./services.ts";

/** Status codes, in AH after a call. */
const STATUS = { OK: 0x00, BAD_COMMAND: 0x01, SECTOR_NOT_FOUND: 0x04, NO_DRIVE: 0x80 } as const;

/** Services that tell something in AH when all is well. */
const ANSWER_IN_AH: ReadonlySet<number> = new Set([0x15, 0x41]);

/** INT 1Eh, which is a pointer. */
const DISKETTE_PARAMETERS_VECTOR = 0x1e;

/** What AH = 15h tells of a drive. */
const DRIVE_KIND = { DISKETTE: 1, HARD_DISK: 3 } as const;

const EDD_MAGIC = 0x55aa;
const EDD_MAGIC_ANSWER = 0xaa55;
const EDD_VERSION = 0x01;
/** Fixed disk access, with the disk address packet. */
const EDD_PACKETS = 1;
const EDD_PACKET_BYTES = 16;
const EDD_PARAMETERS_BYTES = 26;
const EDD_GEOMETRY_VALID = 2;

export function diskService(drives: Drives): (call: ServiceCall) => void {
  return (call) => {
    const { memory } = call.machine;
    const number = call.ah;
    const drive = call.dx & 0xff;
    const disk = driveNumbered(drives, drive);
    const status =
      number === 0x01
        ? memory.read8(BDA.DISK_STATUS)
        : disk === undefined
          ? absentDrive(call)
          : drive < FIRST_DISK
            ? disketteCommand(call, disk, drives.diskettes.length)
            : diskCommand(call, disk, drives.disks.length);
    memory.write8(BDA.DISK_STATUS, status);
    call.carry = status !== STATUS.OK;
    if (status !== STATUS.OK || !ANSWER_IN_AH.has(number)) call.ah = status;
  };
}

/** There is no harm in resetting diskette drives that are not there; AH = 15h says that they are not. */
function absentDrive(call: ServiceCall): number {
  const isDiskette = (call.dx & 0xff) < FIRST_DISK;
  if (call.ah === 0x15) call.ah = 0;
  return isDiskette && (call.ah === 0x00 || call.ah === 0x15) ? STATUS.OK : STATUS.NO_DRIVE;
}

/** Executes a command on a diskette drive that is there; returns its status. */
function disketteCommand(call: ServiceCall, disk: Disk, drives: number): number {
  const format = disketteFormat(disk.sectors);
  switch (call.ah) {
    case 0x00:
    case 0x16:
    case 0x17:
    case 0x18:
      return STATUS.OK;
    case 0x02:
    case 0x03:
    case 0x04:
      return transferTrack(call, disk, format);
    case 0x08:
      tellGeometry(call, format, drives);
      call.bx = format.driveType;
      pointToParameters(call);
      call.al = 0;
      return STATUS.OK;
    case 0x15:
      call.ah = DRIVE_KIND.DISKETTE;
      return STATUS.OK;
    default:
      return STATUS.BAD_COMMAND;
  }
}

/** ES:DI to what INT 1Eh points to. */
function pointToParameters(call: ServiceCall): void {
  const { machine, core } = call;
  const vector = machine.memory.read32(DISKETTE_PARAMETERS_VECTOR * 4);
  core.r[EDI] = (core.r[EDI] & ~0xffff) | (vector & 0xffff);
  call.setSegment(ES, vector >>> 16);
}

/** Executes a command on a hard disk that is there; returns its status. */
function diskCommand(call: ServiceCall, disk: Disk, drives: number): number {
  switch (call.ah) {
    case 0x00:
    case 0x0c:
    case 0x0d:
    case 0x10:
    case 0x11:
    case 0x14:
      return STATUS.OK;
    case 0x02:
    case 0x03:
    case 0x04:
      return transferTrack(call, disk, geometryOf(disk.sectors));
    case 0x08:
      tellGeometry(call, geometryOf(disk.sectors), drives);
      return STATUS.OK;
    case 0x15:
      call.ah = DRIVE_KIND.HARD_DISK;
      call.cx = disk.sectors >>> 16;
      call.dx = disk.sectors;
      return STATUS.OK;
    case 0x41:
      if (call.bx !== EDD_MAGIC) return STATUS.BAD_COMMAND;
      call.bx = EDD_MAGIC_ANSWER;
      call.ah = EDD_VERSION;
      call.cx = EDD_PACKETS;
      return STATUS.OK;
    case 0x42:
    case 0x43:
    case 0x44:
      return transferPacket(call, disk);
    case 0x48:
      return tellParameters(call, disk);
    default:
      return STATUS.BAD_COMMAND;
  }
}

/** AH = 08h: last cylinder, head and sector, and the number of drives of the kind. */
function tellGeometry(call: ServiceCall, { cylinders, heads, sectorsPerTrack }: Geometry, drives: number): void {
  const last = cylinders - 1;
  call.cx = ((last & 0xff) << 8) | ((last >>> 8) << 6) | sectorsPerTrack;
  call.dx = ((heads - 1) << 8) | drives;
}

/** AH = 02h to 04h; when it fails, AL = 0: nothing was transferred. */
function transferTrack(call: ServiceCall, disk: Disk, geometry: Geometry): number {
  const status = transferSectors(call, disk, geometry);
  if (status !== STATUS.OK) call.al = 0;
  return status;
}

/** AH = 02h to 04h: AL sectors from CH,CL / DH to ES:BX. */
function transferSectors(call: ServiceCall, disk: Disk, { cylinders, heads, sectorsPerTrack }: Geometry): number {
  const cylinder = (call.cx >>> 8) | ((call.cx & 0xc0) << 2);
  const head = call.dx >>> 8;
  const sector = call.cx & 0x3f;
  const count = call.al;
  if (count === 0) return STATUS.BAD_COMMAND;
  if (cylinder >= cylinders || head >= heads || sector === 0 || sector > sectorsPerTrack)
    return STATUS.SECTOR_NOT_FOUND;
  const lba = (cylinder * heads + head) * sectorsPerTrack + sector - 1;
  return transfer(call, disk, lba, count, call.linear(ES, call.bx), call.ah & 7);
}

/** AH = 42h to 44h: what the packet at DS:SI says. */
function transferPacket(call: ServiceCall, disk: Disk): number {
  const { core } = call;
  const packet = call.linear(DS, call.register16(ESI));
  if (core.read8(packet) < EDD_PACKET_BYTES) return STATUS.BAD_COMMAND;
  const count = core.read16((packet + 2) | 0);
  const buffer = core.read16((packet + 4) | 0) + core.read16((packet + 6) | 0) * 16;
  const lba = core.read32((packet + 8) | 0) >>> 0;
  const lbaHigh = core.read32((packet + 12) | 0);
  const status = lbaHigh !== 0 ? STATUS.SECTOR_NOT_FOUND : transfer(call, disk, lba, count, buffer, call.ah & 7);
  if (status !== STATUS.OK) core.write16((packet + 2) | 0, 0);
  return status;
}

/** @param kind 2 or more: by the low bits of the command, 2 read, 3 write, 4 verify */
function transfer(call: ServiceCall, disk: Disk, lba: number, count: number, linear: number, kind: number): number {
  if (lba + count > disk.sectors) return STATUS.SECTOR_NOT_FOUND;
  const { core } = call;
  for (let i = 0; i < count; i++) {
    const at = linear + i * SECTOR_BYTES;
    if (kind === 2) {
      call.write(at, disk.read(lba + i));
    } else if (kind === 3) {
      disk.write(
        lba + i,
        Uint8Array.from({ length: SECTOR_BYTES }, (_, offset) => core.read8((at + offset) | 0)),
      );
    }
  }
  return STATUS.OK;
}

/** AH = 48h: to the buffer at DS:SI, as much of version 1.x as it has room for. */
function tellParameters(call: ServiceCall, disk: Disk): number {
  const { core } = call;
  const buffer = call.linear(DS, call.register16(ESI));
  if (core.read16(buffer) < EDD_PARAMETERS_BYTES) return STATUS.BAD_COMMAND;
  const { cylinders, heads, sectorsPerTrack } = geometryOf(disk.sectors);
  core.write16(buffer, EDD_PARAMETERS_BYTES);
  core.write16((buffer + 2) | 0, EDD_GEOMETRY_VALID);
  call.write32((buffer + 4) | 0, [cylinders, heads, sectorsPerTrack, disk.sectors, 0]);
  core.write16((buffer + 24) | 0, SECTOR_BYTES);
  return STATUS.OK;
}

/** INT 19h: the first sector of the first drive that is one to boot from. Answers AX = 0, DL = drive. */
export function bootstrapService({ diskettes, disks }: Drives): (call: ServiceCall) => void {
  const order = [[0, diskettes[0]] as const, [FIRST_DISK, disks[0]] as const];
  return (call) => {
    call.ax = 1;
    for (const [number, disk] of order) {
      const sector = disk === undefined ? null : bootSector(disk);
      if (sector === null) continue;
      call.machine.load(sector, BOOT_ADDRESS);
      call.ax = 0;
      call.dx = number;
      return;
    }
  };
}

/** Where boot sectors expect to be. */
export const BOOT_ADDRESS = 0x7c00;

/** The first sector, or null when it does not end with the mark of those that can be booted, 55 AA. */
export function bootSector(disk: Disk): Uint8Array | null {
  const sector = disk.read(0);
  return sector[SECTOR_BYTES - 2] === 0x55 && sector[SECTOR_BYTES - 1] === 0xaa ? sector : null;
}
