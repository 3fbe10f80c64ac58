/** Cylinders, heads and sectors of the disks and diskettes that INT 13h serves. */
import { SECTOR_BYTES } from "../../emulator/index.ts";

export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectorsPerTrack: number;
}

const SECTORS_PER_TRACK = 63;
const MOST_CYLINDERS = 1024;
/** Numbers of heads by disk size, so that 1024 cylinders suffice as long as they can ("LBA assist"). */
const HEADS = [16, 32, 64, 128, 255] as const;

/** The geometry that the BIOS gives a hard disk of so many sectors. */
export function geometryOf(sectors: number): Geometry {
  const heads = HEADS.find((count) => sectors <= MOST_CYLINDERS * count * SECTORS_PER_TRACK) ?? 255;
  const cylinders = Math.min(MOST_CYLINDERS, Math.max(1, Math.ceil(sectors / (heads * SECTORS_PER_TRACK))));
  return { cylinders, heads, sectorsPerTrack: SECTORS_PER_TRACK };
}

/** A kind of diskette, and the type of the drive that it is for, as INT 13h AH = 08h and the set-up memory have it. */
export interface DisketteFormat extends Geometry {
  readonly driveType: number;
}

const DRIVE = { KIB_360: 1, KIB_1200: 2, KIB_720: 3, KIB_1440: 4, KIB_2880: 6 } as const;

function format(driveType: number, cylinders: number, heads: number, sectorsPerTrack: number): DisketteFormat {
  return { driveType, cylinders, heads, sectorsPerTrack };
}

const KIB_1440 = format(DRIVE.KIB_1440, 80, 2, 18);
const KIB_2880 = format(DRIVE.KIB_2880, 80, 2, 36);
const FORMATS: readonly DisketteFormat[] = [
  format(DRIVE.KIB_360, 40, 1, 8),
  format(DRIVE.KIB_360, 40, 1, 9),
  format(DRIVE.KIB_360, 40, 2, 8),
  format(DRIVE.KIB_360, 40, 2, 9),
  format(DRIVE.KIB_720, 80, 2, 9),
  format(DRIVE.KIB_1200, 80, 2, 15),
  KIB_1440,
  format(DRIVE.KIB_1440, 80, 2, 21),
  format(DRIVE.KIB_1440, 82, 2, 21),
  KIB_2880,
];

function sectorsOf({ cylinders, heads, sectorsPerTrack }: Geometry): number {
  return cylinders * heads * sectorsPerTrack;
}

/** Largest diskette, in bytes. */
export const LARGEST_DISKETTE = sectorsOf(KIB_2880) * SECTOR_BYTES;

/** The format of a diskette with so many sectors: by its size, or the smaller of 1.44M and 2.88M that has room for it. */
export function disketteFormat(sectors: number): DisketteFormat {
  const exact = FORMATS.find((known) => sectorsOf(known) === sectors);
  return exact ?? (sectors <= sectorsOf(KIB_1440) ? KIB_1440 : KIB_2880);
}

/** Bytes of the diskette that an image of so many bytes is of, or is the beginning of. */
export function disketteBytes(imageBytes: number): number {
  return sectorsOf(disketteFormat(Math.ceil(imageBytes / SECTOR_BYTES))) * SECTOR_BYTES;
}
