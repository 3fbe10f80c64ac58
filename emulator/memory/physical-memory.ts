import { type Snapshot, SnapshotError } from "../snapshot.ts";
import type { PageImage } from "./page-image.ts";
import { PageTracker } from "./page-tracker.ts";

/** Bytes in a page, and the shift that turns an address into a page number. */
export const PAGE_SIZE = 4096;
const PAGE_SHIFT = 12;
const PAGE_OFFSET_MASK = PAGE_SIZE - 1;
const PAGES_IN_4_GIB = 1 << 20;

/** Smallest, largest and default amounts of guest RAM, in bytes. Host offsets must stay positive as int32. */
export const MINIMUM_RAM = 1 << 20;
export const MAXIMUM_RAM = 1 << 30;
export const DEFAULT_RAM = 32 << 20;

/** Most cores a machine can have. */
export const MAXIMUM_CPUS = 8;

const STATE_BYTES_PER_CORE = PAGE_SIZE;
const TLB_BYTES_PER_CORE = 4 << 20;
/** From one core's places in the buffer to the next one's. */
const CORE_STRIDE = STATE_BYTES_PER_CORE + TLB_BYTES_PER_CORE;
const PAGE_MAP_BYTES = 4 * PAGES_IN_4_GIB;
const ROM_AREA_BYTES = 2 << 20;
const WASM_PAGE = 65536;
/** What a core's compiled tier keeps for itself: no part of the machine's state. */
const TIER_BYTES_PER_CORE = 2 * WASM_PAGE;

/** The frame buffer window of a PC: never RAM, whether or not a display adapter claims it. */
const VIDEO_HOLE_START = 0xa0000;
const VIDEO_HOLE_END = 0xc0000;

/** The last 128 KiB below 4 GiB and below 1 MiB show the same firmware ROM on a PC. */
const HIGH_BIOS_START = 0xfffe0000;
const LOW_BIOS_START = 0xe0000;
const BIOS_WINDOW_BYTES = 0x20000;

/** Page-map entries: 0 = unmapped, else a page-aligned number with one of these in the low bits, or none for RAM. */
const ENTRY_ROM = 1;
const ENTRY_MMIO = 2;
/** ROM whose writes go to the RAM at the same physical address. */
const ENTRY_ROM_OVER_RAM = 4;

/** Where a host bridge has shadow RAM, in pages. */
const SHADOW_FIRST_PAGE = 0xc0;
const SHADOW_PAGES = 0x40;
/** Attributes of a shadow page: not programmed yet, else bits. */
const SHADOW_UNTOUCHED = 4;
const SHADOW_READ = 1;
const SHADOW_WRITE = 2;

const A20_BIT = 1 << 20;
const A20_PAGE_BIT = A20_BIT >>> PAGE_SHIFT;

/**
 * Registers of a device seen in the physical address space. Addresses are physical (not relative to the mapping),
 * unsigned. Reads of 8 and 16 bits return unsigned numbers, reads of 32 bits signed ones; values written are the
 * low bits of `value`. An access that spans two pages arrives as single bytes.
 */
export interface MmioHandler {
  read8(physical: number): number;
  read16(physical: number): number;
  read32(physical: number): number;
  write8(physical: number, value: number): void;
  write16(physical: number, value: number): void;
  write32(physical: number, value: number): void;
}

/**
 * The physical address space of one machine, and the one linear buffer that backs it.
 *
 * Layout of `buffer`: for each core architectural state (4 KiB) and TLB (4 MiB), map of physical pages (4 MiB), ROM area,
 * guest RAM, working memory of the compiled tier (128 KiB a core, each as far from the next as the states are). Everything is
 * page aligned, nothing moves after construction, and no host page lies at offset 0 or beyond 2 GiB.
 *
 * Physical addresses are taken modulo 2^32, so signed and unsigned int32 are both fine.
 */
export class PhysicalMemory {
  /** The memory a compiled tier imports. */
  readonly wasmMemory: WebAssembly.Memory;
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Bytes of guest RAM; physical addresses 0 to ramSize - 1, less the video hole and whatever ROM or MMIO covers. */
  readonly ramSize: number;
  /** Byte offset in `buffer` of physical address 0. */
  readonly ramOffset: number;

  /** Notes writes to ROM and RAM. Who writes to `bytes` or `view` without the methods below must note it there. */
  readonly tracker: PageTracker;
  /**
   * One byte for each page of `buffer`: not 0 when the decoder holds instructions from it. Set and cleared by the CPU's
   * code cache; every write made through this class to such a page calls `onCodeWrite` first.
   */
  readonly codePages: Uint8Array;
  /** Called with the page of `buffer` before a write through this class changes one marked in `codePages`. */
  onCodeWrite: ((hostPage: number) => void) | null = null;
  /** Called after the mapping of physical pages changed (A20, MMIO, ROM): translations held elsewhere are stale. */
  onRemap: (() => void) | null = null;

  /** In the buffer: what is not mapped costs no host memory, and a new machine no clearing. */
  readonly #pageMap: Int32Array;
  readonly #handlers: MmioHandler[] = [];
  readonly #cpus: number;
  readonly #romOffset: number;
  readonly #tierOffset: number;
  #romUsed = 0;
  /** Pages that have a ROM: its entry, and the page's before. */
  readonly #roms = new Map<number, { readonly rom: number; readonly under: number }>();
  readonly #shadow = new Uint8Array(SHADOW_PAGES).fill(SHADOW_UNTOUCHED);
  #addressMask = -1;

  /**
   * @param ramSize bytes of guest RAM, a multiple of 4 KiB from 1 MiB to 1 GiB
   * @param cpus number of cores whose state and TLB are kept in the buffer, 1 to 8
   * @throws RangeError when either is out of range
   */
  constructor(ramSize: number = DEFAULT_RAM, cpus = 1) {
    if (!Number.isInteger(ramSize) || ramSize < MINIMUM_RAM || ramSize > MAXIMUM_RAM || ramSize % PAGE_SIZE !== 0) {
      throw new RangeError(
        `memory size ${ramSize}: expected a multiple of ${PAGE_SIZE} bytes from ${MINIMUM_RAM} (1 MiB) to ${MAXIMUM_RAM} (1 GiB)`,
      );
    }
    if (!Number.isInteger(cpus) || cpus < 1 || cpus > MAXIMUM_CPUS) {
      throw new RangeError(`number of CPUs ${cpus}: expected an integer from 1 to ${MAXIMUM_CPUS}`);
    }
    this.#cpus = cpus;
    this.ramSize = ramSize;
    const pageMapOffset = this.coreOffset(cpus);
    this.#romOffset = pageMapOffset + PAGE_MAP_BYTES;
    this.ramOffset = this.#romOffset + ROM_AREA_BYTES;
    this.#tierOffset = Math.ceil((this.ramOffset + ramSize) / WASM_PAGE) * WASM_PAGE;
    const wasmPages = Math.ceil((this.tierOffset(cpus - 1) + TIER_BYTES_PER_CORE) / WASM_PAGE);
    this.wasmMemory = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages });
    this.buffer = this.wasmMemory.buffer;
    this.bytes = new Uint8Array(this.buffer);
    this.view = new DataView(this.buffer);
    this.#pageMap = new Int32Array(this.buffer, pageMapOffset, PAGES_IN_4_GIB);
    this.codePages = new Uint8Array(this.buffer.byteLength >>> PAGE_SHIFT);
    this.tracker = new PageTracker(this.bytes, this.#romOffset >>> PAGE_SHIFT, guestPages(ramSize));
    for (let physical = 0; physical < ramSize; physical += PAGE_SIZE) {
      if (physical < VIDEO_HOLE_START || physical >= VIDEO_HOLE_END) {
        this.#pageMap[physical >>> PAGE_SHIFT] = this.ramOffset + physical;
      }
    }
  }

  /** Number of cores that there is room for. */
  get cpus(): number {
    return this.#cpus;
  }

  /** How much further than core 0's each of a core's places in `buffer` lies: the three that follow. */
  coreOffset(core: number): number {
    return core * CORE_STRIDE;
  }

  /** Byte offset in `buffer` of a core's 4 KiB of architectural state. */
  stateOffset(core: number): number {
    return this.coreOffset(core);
  }

  /** Byte offset in `buffer` of a core's TLB: 2^20 int32 entries, one for each linear page. */
  tlbOffset(core: number): number {
    return this.coreOffset(core) + STATE_BYTES_PER_CORE;
  }

  /** Byte offset in `buffer` of what a core's compiled tier works with: 128 KiB, lost when the process ends. */
  tierOffset(core: number): number {
    return this.#tierOffset + this.coreOffset(core);
  }

  /** Whether address line A20 reaches the bus; when not, bit 20 of every physical address is taken as 0. */
  get a20(): boolean {
    return this.#addressMask === -1;
  }

  set a20(enabled: boolean) {
    const mask = enabled ? -1 : ~A20_BIT;
    if (mask !== this.#addressMask) {
      this.#addressMask = mask;
      this.onRemap?.();
    }
  }

  /** Byte offset in `buffer` of a physical page that is plain RAM or ROM, else -1 (MMIO or unmapped). */
  hostPage(physicalPageNumber: number): number {
    const entry = this.#entryOf(physicalPageNumber);
    return entry === 0 || (entry & ENTRY_MMIO) !== 0 ? -1 : entry & ~PAGE_OFFSET_MASK;
  }

  /** True when the page is RAM. ROM pages have a host page too, but writes to them are dropped. */
  isWritablePage(physicalPageNumber: number): boolean {
    const entry = this.#entryOf(physicalPageNumber);
    return entry !== 0 && (entry & PAGE_OFFSET_MASK) === 0;
  }

  /** The physical page that the bus really sees for this page number (bit 20 of the address masked by A20). */
  busPage(physicalPageNumber: number): number {
    return this.#addressMask === -1 ? physicalPageNumber & 0xfffff : physicalPageNumber & 0xfffff & ~A20_PAGE_BIT;
  }

  read8(physical: number): number {
    const address = physical & this.#addressMask;
    const entry = this.#pageMap[address >>> PAGE_SHIFT];
    if (entry === 0) return 0xff;
    if ((entry & ENTRY_MMIO) !== 0) return this.#handlerOf(entry).read8(address >>> 0) & 0xff;
    return this.bytes[(entry & ~PAGE_OFFSET_MASK) + (address & PAGE_OFFSET_MASK)];
  }

  read16(physical: number): number {
    const address = physical & this.#addressMask;
    if ((address & PAGE_OFFSET_MASK) > PAGE_SIZE - 2) return this.read8(address) | (this.read8(address + 1) << 8);
    const entry = this.#pageMap[address >>> PAGE_SHIFT];
    if (entry === 0) return 0xffff;
    if ((entry & ENTRY_MMIO) !== 0) return this.#handlerOf(entry).read16(address >>> 0) & 0xffff;
    return this.view.getUint16((entry & ~PAGE_OFFSET_MASK) + (address & PAGE_OFFSET_MASK), true);
  }

  read32(physical: number): number {
    const address = physical & this.#addressMask;
    if ((address & PAGE_OFFSET_MASK) > PAGE_SIZE - 4) {
      return (
        this.read8(address) |
        (this.read8(address + 1) << 8) |
        (this.read8(address + 2) << 16) |
        (this.read8(address + 3) << 24)
      );
    }
    const entry = this.#pageMap[address >>> PAGE_SHIFT];
    if (entry === 0) return -1;
    if ((entry & ENTRY_MMIO) !== 0) return this.#handlerOf(entry).read32(address >>> 0) | 0;
    return this.view.getInt32((entry & ~PAGE_OFFSET_MASK) + (address & PAGE_OFFSET_MASK), true);
  }

  write8(physical: number, value: number): void {
    const address = physical & this.#addressMask;
    const entry = this.#pageMap[address >>> PAGE_SHIFT];
    if ((entry & PAGE_OFFSET_MASK) === 0) {
      if (entry !== 0) this.bytes[this.#ramAt(address, entry)] = value;
    } else if ((entry & ENTRY_MMIO) !== 0) {
      this.#handlerOf(entry).write8(address >>> 0, value & 0xff);
    } else if ((entry & ENTRY_ROM_OVER_RAM) !== 0) {
      this.bytes[this.#ramAt(address, this.#ramPage(address))] = value;
    }
  }

  write16(physical: number, value: number): void {
    const address = physical & this.#addressMask;
    if ((address & PAGE_OFFSET_MASK) > PAGE_SIZE - 2) {
      this.write8(address, value);
      this.write8(address + 1, value >>> 8);
      return;
    }
    const entry = this.#pageMap[address >>> PAGE_SHIFT];
    if ((entry & PAGE_OFFSET_MASK) === 0) {
      if (entry !== 0) this.view.setUint16(this.#ramAt(address, entry), value, true);
    } else if ((entry & ENTRY_MMIO) !== 0) {
      this.#handlerOf(entry).write16(address >>> 0, value & 0xffff);
    } else if ((entry & ENTRY_ROM_OVER_RAM) !== 0) {
      this.view.setUint16(this.#ramAt(address, this.#ramPage(address)), value, true);
    }
  }

  write32(physical: number, value: number): void {
    const address = physical & this.#addressMask;
    if ((address & PAGE_OFFSET_MASK) > PAGE_SIZE - 4) {
      for (let i = 0; i < 4; i++) this.write8(address + i, value >>> (8 * i));
      return;
    }
    const entry = this.#pageMap[address >>> PAGE_SHIFT];
    if ((entry & PAGE_OFFSET_MASK) === 0) {
      if (entry !== 0) this.view.setInt32(this.#ramAt(address, entry), value, true);
    } else if ((entry & ENTRY_MMIO) !== 0) {
      this.#handlerOf(entry).write32(address >>> 0, value | 0);
    } else if ((entry & ENTRY_ROM_OVER_RAM) !== 0) {
      this.view.setInt32(this.#ramAt(address, this.#ramPage(address)), value, true);
    }
  }

  /**
   * Copies bytes into guest RAM, as a boot loader or a debugger does; A20 does not matter.
   * @throws RangeError when part of the range is not RAM
   */
  load(bytes: Uint8Array, physical: number): void {
    this.#checkRange(bytes.length, physical, "load");
    for (let page = physical >>> PAGE_SHIFT; page * PAGE_SIZE < physical + bytes.length; page++) {
      const entry = this.#pageMap[page];
      if (entry === 0 || (entry & PAGE_OFFSET_MASK) !== 0) {
        throw new RangeError(
          `cannot load ${bytes.length} bytes at ${hex(physical)}: ${hex(page * PAGE_SIZE)} is not RAM ` +
            `(RAM is 0 to ${hex(this.ramSize - 1)}, less ${hex(VIDEO_HOLE_START)} to ${hex(VIDEO_HOLE_END - 1)} and ROM)`,
        );
      }
      this.#beforeWrite((this.ramOffset >>> PAGE_SHIFT) + page);
    }
    this.bytes.set(bytes, this.ramOffset + physical);
  }

  /**
   * A copy of physical memory as a debugger wants it: without side effects. Unmapped addresses and device registers
   * read as ones; A20 does not matter.
   * @throws RangeError when the range leaves the 4 GiB of address space
   */
  peek(physical: number, length: number): Uint8Array {
    this.#checkRange(length, physical, "read");
    const result = new Uint8Array(length).fill(0xff);
    for (let done = 0; done < length; ) {
      const address = physical + done;
      const inPage = address % PAGE_SIZE;
      const count = Math.min(length - done, PAGE_SIZE - inPage);
      const entry = this.#pageMap[address >>> PAGE_SHIFT];
      if (entry !== 0 && (entry & ENTRY_MMIO) === 0) {
        const host = (entry & ~PAGE_OFFSET_MASK) + inPage;
        result.set(this.bytes.subarray(host, host + count), done);
      }
      done += count;
    }
    return result;
  }

  /**
   * Maps a read-only image. An image inside the last 128 KiB below 1 MiB is also seen at the top of 4 GiB, and the
   * other way round, as on a PC, so one image serves the reset vector and real-mode code.
   * @param physical address of its first byte; the image fills whole pages, and the rest of a page reads as ones
   * @throws RangeError when it does not fit in the address space or in the 2 MiB kept for ROM
   */
  loadRom(bytes: Uint8Array, physical: number): void {
    this.#checkRange(bytes.length, physical, "load a ROM of");
    const first = physical & ~PAGE_OFFSET_MASK;
    const end = physical + bytes.length;
    const size = (end - (first >>> 0) + PAGE_OFFSET_MASK) & ~PAGE_OFFSET_MASK;
    if (this.#romUsed + size > ROM_AREA_BYTES) {
      throw new RangeError(
        `ROM of ${bytes.length} bytes does not fit: ${ROM_AREA_BYTES - this.#romUsed} bytes of ROM space are left`,
      );
    }
    const host = this.#romOffset + this.#romUsed;
    this.#romUsed += size;
    for (let page = host; page < host + size; page += PAGE_SIZE) this.#beforeWrite(page >>> PAGE_SHIFT);
    this.bytes.fill(0xff, host, host + size);
    this.bytes.set(bytes, host + (physical & PAGE_OFFSET_MASK));
    for (let offset = 0; offset < size; offset += PAGE_SIZE) {
      const address = (first >>> 0) + offset;
      const entry = (host + offset) | ENTRY_ROM;
      this.#mapRom(address, entry);
      if (address >= HIGH_BIOS_START) this.#mapRom(address - HIGH_BIOS_START + LOW_BIOS_START, entry);
      else if (address >= LOW_BIOS_START && address < LOW_BIOS_START + BIOS_WINDOW_BYTES) {
        this.#mapRom(address - LOW_BIOS_START + HIGH_BIOS_START, entry);
      }
    }
    this.onRemap?.();
  }

  /**
   * Gives a range of physical addresses to a device, over whatever was there.
   * @param start physical address, page aligned
   * @param size bytes, a multiple of the page size
   * @throws RangeError when the range is not made of whole pages below 4 GiB
   */
  mapMmio(start: number, size: number, handler: MmioHandler): void {
    this.#checkRange(size, start, "map");
    if ((start & PAGE_OFFSET_MASK) !== 0 || (size & PAGE_OFFSET_MASK) !== 0 || size === 0) {
      throw new RangeError(`MMIO range ${hex(start)}, ${hex(size)} bytes: expected whole pages of ${PAGE_SIZE} bytes`);
    }
    const entry = (this.#handlers.push(handler) << PAGE_SHIFT) | ENTRY_MMIO;
    for (let offset = 0; offset < size; offset += PAGE_SIZE) this.#map(start + offset, entry);
    this.onRemap?.();
  }

  /**
   * Makes part of the video hole plain memory, as the frame buffer of a display adapter is to the CPU.
   * @param start physical address, page aligned
   * @param size bytes, a multiple of the page size
   * @throws RangeError when the range is not made of whole pages of the hole, 0xA0000 to 0xBFFFF
   */
  exposeVideoMemory(start: number, size: number): void {
    const inHole = start >= VIDEO_HOLE_START && size > 0 && start + size <= VIDEO_HOLE_END;
    if (!inHole || (start & PAGE_OFFSET_MASK) !== 0 || (size & PAGE_OFFSET_MASK) !== 0) {
      throw new RangeError(
        `video memory ${hex(start)}, ${hex(size)} bytes: expected whole pages of ${PAGE_SIZE} bytes ` +
          `from ${hex(VIDEO_HOLE_START)} to ${hex(VIDEO_HOLE_END - 1)}`,
      );
    }
    for (let address = start; address < start + size; address += PAGE_SIZE)
      this.#map(address, this.ramOffset + address);
    this.onRemap?.();
  }

  /**
   * Programs shadow RAM, as the attribute map of a host bridge does: whether reads reach RAM instead of the ROM, and whether
   * writes reach RAM. Where no ROM lies, reads always reach RAM.
   * @param start physical address, a multiple of the page size, from 0xC0000
   * @param size bytes, a multiple of the page size, up to the end of the first MiB
   */
  setShadow(start: number, size: number, { read, write }: { read: boolean; write: boolean }): void {
    const first = (start >>> PAGE_SHIFT) - SHADOW_FIRST_PAGE;
    this.#shadow.fill((read ? SHADOW_READ : 0) | (write ? SHADOW_WRITE : 0), first, first + (size >>> PAGE_SHIFT));
    this.#mapShadow();
    this.onRemap?.();
  }

  /** As at power-on, with nothing programmed: ROM where there is one, and RAM that can be written elsewhere. */
  resetShadow(): void {
    this.#shadow.fill(SHADOW_UNTOUCHED);
    this.#mapShadow();
    this.onRemap?.();
  }

  #mapShadow(): void {
    for (let index = 0; index < SHADOW_PAGES; index++) {
      const page = SHADOW_FIRST_PAGE + index;
      if ((this.#pageMap[page] & ENTRY_MMIO) === 0) this.#pageMap[page] = this.#shadowEntry(page, this.#shadow[index]);
    }
  }

  #shadowEntry(page: number, attributes: number): number {
    const rom = this.#roms.get(page)?.rom;
    const ram = this.ramOffset + page * PAGE_SIZE;
    if (attributes === SHADOW_UNTOUCHED) return rom ?? ram;
    const writable = (attributes & SHADOW_WRITE) !== 0;
    if (rom === undefined || (attributes & SHADOW_READ) !== 0) return writable ? ram : ram | ENTRY_ROM;
    return writable ? rom | ENTRY_ROM_OVER_RAM : rom;
  }

  /** Whether a page of `buffer` (byte offset shifted right by 12) holds guest RAM or ROM. */
  isGuestPage(hostPage: number): boolean {
    return hostPage >= this.#romOffset >>> PAGE_SHIFT && hostPage < (this.ramOffset + this.ramSize) >>> PAGE_SHIFT;
  }

  /** Contents of the ROM area and of RAM, for `restorePages`. The cost is that of what was written since the last time. */
  capturePages(): PageImage {
    return this.tracker.capture();
  }

  /** @param image of a memory of the same size */
  restorePages(image: PageImage): void {
    this.tracker.restore(image, (page, contents) => {
      if (this.codePages[page] !== 0 && !this.tracker.equals(page, contents)) this.onCodeWrite?.(page);
    });
  }

  /** Where ROMs are mapped, and A20. Contents are captured apart; device registers are mapped by the devices. */
  snapshot(s: Snapshot): void {
    s.section("memory");
    this.a20 = s.flag(this.a20);
    this.#romUsed = s.integer(this.#romUsed, 0, ROM_AREA_BYTES);
    // Physical page and page of the ROM area, of each page mapped.
    const mapping: number[] = [];
    for (const [page, { rom }] of this.#roms) {
      mapping.push(page, ((rom & ~PAGE_OFFSET_MASK) - this.#romOffset) >>> PAGE_SHIFT);
    }
    s.list(mapping, 2 * PAGES_IN_4_GIB, PAGES_IN_4_GIB - 1);
    for (let index = 0; index < SHADOW_PAGES; index++) {
      this.#shadow[index] = s.integer(this.#shadow[index], 0, SHADOW_UNTOUCHED);
    }
    if (!s.restoring) return;
    for (const [page, { under }] of this.#roms) this.#pageMap[page] = under;
    this.#roms.clear();
    for (let i = 0; i + 1 < mapping.length; i += 2) {
      const offset = mapping[i + 1] * PAGE_SIZE;
      if (offset + PAGE_SIZE > this.#romUsed) throw new SnapshotError("malformed snapshot: a ROM page is not there");
      this.#mapRom(mapping[i] * PAGE_SIZE, (this.#romOffset + offset) | ENTRY_ROM);
    }
    this.#mapShadow();
  }

  #entryOf(physicalPageNumber: number): number {
    return this.#pageMap[this.busPage(physicalPageNumber)];
  }

  #handlerOf(entry: number): MmioHandler {
    return this.#handlers[(entry >>> PAGE_SHIFT) - 1];
  }

  #ramPage(address: number): number {
    return this.ramOffset + (address & ~PAGE_OFFSET_MASK);
  }

  #ramAt(address: number, entry: number): number {
    this.#beforeWrite(entry >>> PAGE_SHIFT);
    return entry + (address & PAGE_OFFSET_MASK);
  }

  #beforeWrite(hostPage: number): void {
    this.tracker.note(hostPage);
    if (this.codePages[hostPage] !== 0) this.onCodeWrite?.(hostPage);
  }

  #mapRom(address: number, entry: number): void {
    const page = address >>> PAGE_SHIFT;
    this.#roms.set(page, { rom: entry, under: this.#roms.get(page)?.under ?? this.#pageMap[page] });
    this.#map(address, entry);
  }

  #map(address: number, entry: number): void {
    this.#pageMap[address >>> PAGE_SHIFT] = entry;
  }

  #checkRange(length: number, physical: number, verb: string): void {
    const inRange = Number.isInteger(physical) && physical >= 0 && Number.isInteger(length) && length >= 0;
    if (!inRange || physical + length > 2 ** 32) {
      throw new RangeError(
        `cannot ${verb} ${length} bytes at physical address ${hex(physical)}: addresses are 0 to 0xffffffff`,
      );
    }
  }
}

/** Pages that an image of a memory has: the ROM area and RAM. */
export function guestPages(ramSize: number): number {
  return (ROM_AREA_BYTES + ramSize) >>> PAGE_SHIFT;
}

function hex(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
