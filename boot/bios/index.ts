/** The small BIOS that disk boots get: what boot loaders call, and no more. */
import { assemble, flatBinary, link } from "../../asm/index.ts";
import { type Disk, type Machine, writeMpTables } from "../../emulator/index.ts";
import { BootError, booting } from "../boot-error.ts";
import source from "./bios.S?raw";
import { initializeDataArea } from "./data-area.ts";
import { BOOT_ADDRESS, bootSector, bootstrapService, diskService } from "./disk.ts";
import { keyboardInterrupt } from "./keyboard.ts";
import { connectServices, SERVICE_PORT } from "./services.ts";
import { systemService } from "./system.ts";
import { timeService } from "./time.ts";
import { setMode, videoService } from "./video.ts";

const BIOS_BASE = 0xf0000;
const BIOS_BYTES = 0x10000;
const RESET_VECTOR = 0xfff0;

let image: Uint8Array | undefined;

/** The ROM, the same for every machine. */
function biosImage(): Uint8Array {
  if (image !== undefined) return image;
  const object = assemble(source, { file: "boot/bios/bios.S", defines: { SERVICE: SERVICE_PORT, BOOT_ADDRESS } });
  const linked = link([object], {
    entry: "post",
    pageSize: 1,
    layout: [
      { name: ".text", inputs: [".text"], address: 0 },
      { name: ".reset", inputs: [".reset"], address: RESET_VECTOR },
    ],
  });
  image = new Uint8Array(BIOS_BYTES).fill(0xff);
  image.set(flatBinary(linked), 0);
  return image;
}

export interface BiosOptions {
  /** Told every character that programs print through the teletype service. */
  readonly onTeletype?: (character: number) => void;
}

/**
 * Gives a machine its BIOS: whenever it is reset it starts there, and goes on in the boot sector of its first disk. Its
 * disks are drives 0x80, 0x81 and so on. A machine restored from a snapshot that was made with a BIOS has the ROM; it
 * needs `attachBiosServices` instead.
 * @throws BootError when there is no disk, or the first is none to boot from
 */
export function bootDisk(machine: Machine, options: BiosOptions = {}): void {
  const [first] = disksOf(machine);
  if (first === undefined) throw new BootError("no disk to boot from");
  if (bootSector(first) === null) {
    throw new BootError("the disk cannot be booted: its first sector does not end with the bytes 0x55 0xaa");
  }
  booting("the BIOS", () => machine.loadRom(biosImage(), BIOS_BASE));
  attachBiosServices(machine, options);
}

/**
 * The part of the BIOS that is not in the machine: what its ROM calls in the host.
 * @throws RangeError when the machine has it already
 */
export function attachBiosServices(machine: Machine, { onTeletype }: BiosOptions = {}): void {
  const disks = disksOf(machine);
  connectServices(machine, [
    () => {
      initializeDataArea(machine, disks.length);
      writeMpTables(machine.memory, machine.cores.length);
      setMode(machine);
    },
    keyboardInterrupt,
    videoService(onTeletype ?? null),
    diskService(disks),
    systemService,
    timeService,
    bootstrapService(disks),
  ]);
}

function disksOf(machine: Machine): Disk[] {
  return machine.disks.filter((disk) => disk !== null);
}
