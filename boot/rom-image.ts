/** ROM images that take over at the reset vector, as firmware does. */
import type { Machine } from "../emulator/index.ts";
import { BootError, booting, hex } from "./boot-error.ts";
import type { PlacedImage } from "./raw.ts";

/** Where an i386 begins after reset, as it is on the bus; the last 16 bytes of the address space. */
const RESET_VECTOR = 0xfffffff0;
const ADDRESS_SPACE = 2 ** 32;
/** Images that end here are seen at the top of the address space too; see `PhysicalMemory.loadRom`. */
const LOW_BIOS_END = 1 << 20;

/**
 * Maps ROM images and leaves the machine as reset does: it starts in the one that holds the reset vector.
 * @throws BootError when none holds it, or one does not fit
 */
export function bootRomImages(machine: Machine, images: readonly PlacedImage[]): void {
  for (const { name, bytes, address } of images) {
    if (bytes.length === 0) throw new BootError(`${name}: the ROM image is empty`);
    booting(name, () => machine.loadRom(bytes, address));
  }
  if (images.some(holdsResetVector)) return;
  const places = images.map(
    ({ name, bytes, address }) => `${name} is ${hex(address)} to ${hex(address + bytes.length - 1)}`,
  );
  throw new BootError(
    `no ROM image holds the reset vector at ${hex(RESET_VECTOR)} (or ${hex(LOW_BIOS_END - 16)}): ${places.join(", ")}`,
  );
}

function holdsResetVector({ bytes, address }: PlacedImage): boolean {
  const end = address + bytes.length;
  return end === LOW_BIOS_END || end === ADDRESS_SPACE || (address <= RESET_VECTOR && end > RESET_VECTOR);
}
