/** Finding and checking the Multiboot header of a kernel file (Multiboot Specification 0.6.96, section 3.1). */
import { BootError, hex } from "./boot-error.ts";

export const MULTIBOOT_HEADER_MAGIC = 0x1badb002;
/** The header lies wholly in this many bytes from the start of the file, on a multiple of four. */
const SEARCHED_BYTES = 8192;
const ALIGNMENT = 4;

/** Flag bits: modules on page boundaries, memory information, video mode, address fields. */
const FLAG_PAGE_ALIGN = 1 << 0;
const FLAG_MEMORY_INFO = 1 << 1;
const FLAG_VIDEO_MODE = 1 << 2;
const FLAG_ADDRESSES = 1 << 16;
/** Those of the requirements (bits 0 to 15) that are met: modules always lie on pages, the rest is always told. */
const REQUIREMENTS = 0xffff;
const SUPPORTED = FLAG_PAGE_ALIGN | FLAG_MEMORY_INFO | FLAG_VIDEO_MODE;
/** Offsets of the fields: magic, flags, checksum; then addresses; then the video mode. */
const SIZE = 12;
const SIZE_WITH_ADDRESSES = 32;
const SIZE_WITH_VIDEO_MODE = 48;
const VIDEO_MODE_TYPE = 32;
const TEXT_MODE = 1;

/** The address fields, physical. */
export interface MultibootAddresses {
  readonly headerAddress: number;
  readonly loadAddress: number;
  /** 0 for the end of the file. */
  readonly loadEndAddress: number;
  /** 0 for none. */
  readonly bssEndAddress: number;
  readonly entryAddress: number;
}

export interface MultibootHeader {
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly flags: number;
  /** Undefined when the file's own format says where it goes. */
  readonly addresses: MultibootAddresses | undefined;
}

/** @throws BootError when there is none, or it requires what this loader cannot give */
export function findMultibootHeader(file: Uint8Array): MultibootHeader {
  const view = new DataView(file.buffer, file.byteOffset, Math.min(file.length, SEARCHED_BYTES));
  const offset = findHeader(view);
  const flags = view.getUint32(offset + 4, true);
  const unsupported = flags & REQUIREMENTS & ~SUPPORTED;
  if (unsupported !== 0) {
    throw new BootError(`the Multiboot header requires features ${hex(unsupported)}, which this loader does not know`);
  }
  const hasAddresses = (flags & FLAG_ADDRESSES) !== 0;
  const hasVideoMode = (flags & FLAG_VIDEO_MODE) !== 0;
  const size = hasVideoMode ? SIZE_WITH_VIDEO_MODE : hasAddresses ? SIZE_WITH_ADDRESSES : SIZE;
  if (offset + size > view.byteLength) {
    throw new BootError(
      `the Multiboot header at offset ${offset} has ${size} bytes, but only ${view.byteLength - offset} are there`,
    );
  }
  if (hasVideoMode && view.getUint32(offset + VIDEO_MODE_TYPE, true) !== TEXT_MODE) {
    throw new BootError("the Multiboot header wants a graphics mode; this machine's display shows text only");
  }
  const field = (index: number) => view.getUint32(offset + SIZE + 4 * index, true);
  const addresses = hasAddresses
    ? {
        headerAddress: field(0),
        loadAddress: field(1),
        loadEndAddress: field(2),
        bssEndAddress: field(3),
        entryAddress: field(4),
      }
    : undefined;
  return { offset, flags, addresses };
}

function findHeader(view: DataView): number {
  let damaged = -1;
  for (let offset = 0; offset + SIZE <= view.byteLength; offset += ALIGNMENT) {
    if (view.getUint32(offset, true) !== MULTIBOOT_HEADER_MAGIC) continue;
    const sum = MULTIBOOT_HEADER_MAGIC + view.getUint32(offset + 4, true) + view.getUint32(offset + 8, true);
    if (sum % 2 ** 32 === 0) return offset;
    damaged = offset;
  }
  if (damaged >= 0) {
    throw new BootError(
      `the Multiboot header at offset ${damaged} is damaged: magic, flags and checksum do not add up to 0`,
    );
  }
  throw new BootError(
    `no Multiboot header: ${hex(MULTIBOOT_HEADER_MAGIC)} is not in the first ${SEARCHED_BYTES} bytes at a multiple of ${ALIGNMENT}`,
  );
}
