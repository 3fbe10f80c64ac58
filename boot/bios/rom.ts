/** The BIOS's ROM: bios.S, linked. */
import { assemble, flatBinary, type LinkedImage, link } from "../../asm/index.ts";
import source from "./bios.S?raw";
import { BOOT_ADDRESS } from "./disk.ts";
import { SERVICE_PORT } from "./services.ts";

export const BIOS_BASE = 0xf0000;
const BIOS_BYTES = 0x10000;
const RESET_VECTOR = 0xfff0;

export interface BiosRom {
  readonly bytes: Uint8Array;
  /** Interrupt vectors, and the offset in the ROM that each has. */
  readonly vectors: readonly (readonly [vector: number, offset: number])[];
  /** Offset of the IRET that all other vectors point to. */
  readonly unusedVector: number;
  /** Descriptor table for flat segments: code in 0x08, data in 0x10. */
  readonly gdt: { readonly offset: number; readonly bytes: number };
}

let rom: BiosRom | undefined;

/** The ROM, the same for every machine. */
export function biosRom(): BiosRom {
  rom ??= build();
  return rom;
}

function build(): BiosRom {
  const object = assemble(source, { file: "boot/bios/bios.S", defines: { SERVICE: SERVICE_PORT, BOOT_ADDRESS } });
  const image = link([object], {
    entry: "post",
    pageSize: 1,
    layout: [
      { name: ".text", inputs: [".text"], address: 0 },
      { name: ".reset", inputs: [".reset"], address: RESET_VECTOR },
    ],
  });
  const bytes = new Uint8Array(BIOS_BYTES).fill(0xff);
  bytes.set(flatBinary(image), 0);
  const gdt = image.symbol("gdt");
  return {
    bytes,
    vectors: vectorsIn(bytes, image),
    unusedVector: image.symbol("return"),
    gdt: { offset: gdt, bytes: image.symbol("gdt_end") - gdt },
  };
}

/** The table at `vectors`: pairs of words up to 0xFFFF. */
function vectorsIn(bytes: Uint8Array, image: LinkedImage): [number, number][] {
  const view = new DataView(bytes.buffer);
  const vectors: [number, number][] = [];
  for (let at = image.symbol("vectors"); view.getUint16(at, true) !== 0xffff; at += 4) {
    vectors.push([view.getUint16(at, true), view.getUint16(at + 2, true)]);
  }
  return vectors;
}
