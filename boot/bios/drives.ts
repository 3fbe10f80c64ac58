/** The drives that INT 13h knows by number. */
import type { Disk, Machine } from "../../emulator/index.ts";

/** Number of the first hard disk; diskette drives count from 0. */
export const FIRST_DISK = 0x80;

export interface Drives {
  readonly diskettes: readonly Disk[];
  readonly disks: readonly Disk[];
}

/** A machine's drives in the order of their numbers. */
export function drivesOf(machine: Machine): Drives {
  return { diskettes: present(machine.diskettes), disks: present(machine.disks) };
}

function present(disks: readonly (Disk | null)[]): Disk[] {
  return disks.filter((disk) => disk !== null);
}

/** The drive with a number, as programs have it in DL. */
export function driveNumbered({ diskettes, disks }: Drives, number: number): Disk | undefined {
  return number >= FIRST_DISK ? disks[number - FIRST_DISK] : diskettes[number];
}
