/** Raw images: bytes at addresses, and a CPU that starts with chosen registers. */
import type { Machine, RegisterName } from "../emulator/index.ts";
import { BootError, booting, hex } from "./boot-error.ts";
import { enterFlatMode } from "./flat-mode.ts";

/** Bytes for a physical address. */
export interface PlacedImage {
  /** What to call it in messages; usually its file's name. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly address: number;
}

/** How the CPU starts: in real mode, or in protected mode with flat 32-bit segments, interrupts and paging off. */
export type RawMode = "real" | "protected";

export interface RawBoot {
  readonly images: readonly PlacedImage[];
  readonly mode: RawMode;
  /** Set in this order, after the mode; CS:EIP is the first image's address unless they say otherwise. */
  readonly registers?: readonly (readonly [name: RegisterName, value: number])[];
}

/**
 * Copies images into RAM and sets up core 0.
 * @throws BootError when there is no image, one is not wholly in RAM, or a register cannot have its value
 */
export function bootRaw(machine: Machine, { images, mode, registers = [] }: RawBoot): void {
  const first = images[0];
  if (first === undefined) throw new BootError("nothing to boot: no image to load");
  loadImages(machine, images);
  if (mode === "protected") enterFlatMode(machine);
  startAt(machine, first, mode);
  for (const [name, value] of registers) booting(name, () => machine.setRegister(name, value));
}

/** Copies images into RAM. @throws BootError for one that is not wholly in RAM */
export function loadImages(machine: Machine, images: readonly PlacedImage[]): void {
  for (const { name, bytes, address } of images) booting(name, () => machine.load(bytes, address));
}

function startAt(machine: Machine, { name, address }: PlacedImage, mode: RawMode): void {
  if (mode === "protected") {
    machine.setRegister("eip", address);
    return;
  }
  if (address > 0xfffff) {
    throw new BootError(
      `${name}: ${hex(address)} is beyond the 1 MiB that real mode reaches; load it lower, or start in protected mode`,
    );
  }
  const segment = address > 0xffff ? address >>> 4 : 0;
  machine.setRegister("cs", segment);
  machine.setRegister("eip", address - segment * 16);
}
