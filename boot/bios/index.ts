/** The small BIOS: what boot loaders and real-mode kernels call, and no more. */
import type { Machine } from "../../emulator/index.ts";
import { BootError, booting } from "../boot-error.ts";
import { bootSector, bootstrapService, diskService } from "./disk.ts";
import { drivesOf } from "./drives.ts";
import { keyboardInterrupt } from "./keyboard.ts";
import { powerOnSelfTest } from "./post.ts";
import { BIOS_BASE, biosRom } from "./rom.ts";
import { connectServices, hasServices } from "./services.ts";
import { systemService } from "./system.ts";
import { timeService } from "./time.ts";
import { videoService } from "./video.ts";

export { disketteBytes, LARGEST_DISKETTE } from "./disk-geometry.ts";

const PAGE_SIZE = 4096;

export interface BiosOptions {
  /** Told every character that programs print through the teletype service. */
  readonly onTeletype?: (character: number) => void;
}

/**
 * Gives a machine its BIOS: whenever it is reset it starts there, and goes on in the boot sector of its first diskette, or
 * else of its first disk. Diskettes are drives 0 and 1, disks 0x80, 0x81 and so on. A machine restored from a snapshot
 * that was made with a BIOS has the ROM; it needs `attachBiosServices` instead.
 * @throws BootError when there is no drive, or the first is none to boot from
 */
export function bootDisk(machine: Machine, options: BiosOptions = {}): void {
  const { diskettes, disks } = drivesOf(machine);
  const [first] = [...diskettes, ...disks];
  if (first === undefined) throw new BootError("no disk to boot from");
  if (bootSector(first) === null) {
    throw new BootError("the disk cannot be booted: its first sector does not end with the bytes 0x55 0xaa");
  }
  mapRom(machine);
  attachBiosServices(machine, options);
}

/**
 * For loaders that put a kernel into memory themselves: leaves the machine as the BIOS has it when it starts a boot
 * sector, with its ROM and its services. May be done again, as after a reset.
 * @throws BootError when there is no room for the ROM
 */
export function setUpFirmware(machine: Machine, options: BiosOptions = {}): void {
  if (!hasServices(machine)) {
    mapRom(machine);
    attachBiosServices(machine, options);
  }
  powerOnSelfTest(machine);
}

/** A descriptor table in the BIOS's ROM with the segments of `enterFlatMode`. */
export function flatDescriptors(): { address: number; bytes: number } {
  const { offset, bytes } = biosRom().gdt;
  return { address: BIOS_BASE + offset, bytes };
}

/**
 * Makes room for a program in what the BIOS's ROM covers: copies the ROM's pages there to the RAM behind them and has that
 * seen instead, as a BIOS that shadows itself does. The last segment of many a kernel's file, its headers, lies there.
 * @param address physical, of the first of `size` bytes
 */
export function shadowBios(machine: Machine, address: number, size: number): void {
  const first = Math.max(address, BIOS_BASE) & -PAGE_SIZE;
  const end = (Math.min(address + size, BIOS_BASE + biosRom().bytes.length) + PAGE_SIZE - 1) & -PAGE_SIZE;
  if (first >= end) return;
  const rom = machine.memory.peek(first, end - first);
  machine.memory.setShadow(first, end - first, { read: true, write: true });
  machine.load(rom, first);
}

function mapRom(machine: Machine): void {
  booting("the BIOS", () => machine.loadRom(biosRom().bytes, BIOS_BASE));
}

/**
 * The part of the BIOS that is not in the machine: what its ROM calls in the host.
 * @throws RangeError when the machine has it already
 */
export function attachBiosServices(machine: Machine, { onTeletype }: BiosOptions = {}): void {
  const drives = drivesOf(machine);
  connectServices(machine, [
    ({ machine }) => powerOnSelfTest(machine),
    keyboardInterrupt,
    videoService(onTeletype ?? null),
    diskService(drives),
    systemService,
    timeService,
    bootstrapService(drives),
  ]);
}
