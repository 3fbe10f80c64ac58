import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { type Snapshot, SnapshotError } from "../snapshot.ts";
import { localApicPage } from "./apic-base.ts";
import type { CodeCache } from "./block-cache.ts";
import { CoreState } from "./core-state.ts";
import type { HostWatchpoints } from "./host-watchpoints.ts";
import * as layout from "./state-layout.ts";
import type { StoreBuffer } from "./store-buffer.ts";

const {
  TLB_VALID,
  TLB_NO_USER,
  TLB_NO_WRITE_USER,
  TLB_NO_WRITE_SUPER,
  TLB_MMIO,
  TLB_CODE,
  TLB_GLOBAL,
  TLB_WATCHED,
  TLB_CLEAN,
  TLB_BUFFERED,
} = layout;

/** Bits of TLB entries that only make accesses slower: no part of the machine's state. */
export const TLB_SLOWER = TLB_CODE | TLB_WATCHED | TLB_CLEAN | TLB_BUFFERED;

/** The register page of a local APIC. */
export interface LocalApicRegisters {
  /** @param offset in the page; `size` is 1, 2 or 4 bytes, all in the page */
  read(offset: number, size: number): number;
  write(offset: number, size: number, value: number): void;
}

/** A translation that a core holds. */
export interface TlbEntryView {
  /** Numbers of the linear and of the physical page. */
  readonly page: number;
  readonly physicalPage: number;
  /** Whether CPL 3 may use it. */
  readonly user: boolean;
  /** Whether a write goes through without another walk: not while the page is clean. */
  readonly writable: boolean;
  readonly global: boolean;
}

/** Bits of a TLB entry that decide where instructions are fetched from, and whether. */
export const WHERE_CODE_IS = ~0xfff | TLB_MMIO | TLB_NO_USER | TLB_VALID;

const TLB_PAGES = 1 << 20;
/** Pages the TLB holds before it is emptied; bounds the work of a flush. */
const TLB_CAPACITY = 16384;

/** TLB entry bits that must read TLB_VALID alone for an access to be allowed, by privilege and kind. */
export const SUPERVISOR_READ = TLB_VALID;
export const SUPERVISOR_WRITE = TLB_VALID | TLB_NO_WRITE_SUPER;
const USER_READ = TLB_VALID | TLB_NO_USER;
const USER_WRITE = TLB_VALID | TLB_NO_USER | TLB_NO_WRITE_USER;

/**
 * The TLB of a core, and what an access to a linear address must pass: page rights, alignment checks, data breakpoints.
 */
export abstract class CoreTranslation extends CoreState {
  readonly codeCache: CodeCache;
  /** Where stores wait under the memory model "tso"; null under "sc", where they reach memory at once. */
  readonly storeBuffer: StoreBuffer | null;
  /** TLB_BUFFERED, or 0 without a store buffer. */
  readonly #buffered: number;
  /** The machine's whole memory, addressed by host offset. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** One entry for each linear page; see the TLB_ constants. */
  readonly tlb: Int32Array;
  /** Bits of a TLB entry that must read TLB_VALID alone for a fast read or write. 0 sends every access the slow way. */
  readMask = 0;
  writeMask = 0;

  /** The same as the masks above without the bits that only ask for the slow path. */
  protected readRights = SUPERVISOR_READ;
  protected writeRights = SUPERVISOR_WRITE;
  protected alignmentChecked = false;
  #watchpoints = false;

  #hostWatchpoints: HostWatchpoints | null = null;
  readonly #filledPages = new Int32Array(TLB_CAPACITY);
  #filledCount = 0;
  /** The registers of this core's own local APIC, seen by no other; null when it has none. */
  localApic: LocalApicRegisters | null = null;
  /** Number of the physical page that they cover, -1 when they are switched off. Derived. */
  protected localApicPage = -1;
  /** Physical address of the last access that `resolve` found not to be plain memory. */
  protected busAddress = 0;

  protected constructor(id: number, memory: PhysicalMemory, codeCache: CodeCache, storeBuffer: StoreBuffer | null) {
    super(id, memory);
    this.codeCache = codeCache;
    this.storeBuffer = storeBuffer;
    this.#buffered = storeBuffer === null ? 0 : TLB_BUFFERED;
    this.bytes = memory.bytes;
    this.view = memory.view;
    this.tlb = new Int32Array(memory.buffer, memory.tlbOffset(id), TLB_PAGES);
  }

  // ---- TLB -------------------------------------------------------------------------------------------------------

  /**
   * Enters a translation, as a page walk ends.
   * @param flags TLB_NO_USER, TLB_NO_WRITE_USER, TLB_NO_WRITE_SUPER and TLB_GLOBAL as the page tables say; the rest is
   *   worked out from what lies at the physical address
   */
  fillTlb(linear: number, physical: number, flags: number): void {
    const page = linear >>> 12;
    const before = this.tlb[page];
    if (before === 0) {
      if (this.#filledCount === TLB_CAPACITY) this.flushTlb(false);
      this.#filledPages[this.#filledCount++] = page;
    }
    const physicalPage = physical >>> 12;
    const host = physicalPage === this.localApicPage ? -1 : this.memory.hostPage(physicalPage);
    let bits = flags | TLB_VALID | this.#buffered;
    if (this.#hostWatchpoints?.concernsPages(page, this.memory.busPage(physicalPage)) === true) bits |= TLB_WATCHED;
    if (host < 0) {
      bits |= TLB_MMIO;
    } else {
      if (!this.memory.isWritablePage(physicalPage)) bits |= TLB_NO_WRITE_USER | TLB_NO_WRITE_SUPER;
      if (this.codeCache.hasCode(host >>> 12)) bits |= TLB_CODE;
      if (this.memory.tracker.isClean(host >>> 12)) bits |= TLB_CLEAN;
    }
    const entry = (((host < 0 ? physical : host) ^ linear) & ~0xfff) | bits;
    this.tlb[page] = entry;
    // A page that was moved without INVLPG: code found through the entry before is not there any more.
    if ((before & TLB_VALID) !== 0 && ((before ^ entry) & WHERE_CODE_IS) !== 0) this.endBlock();
  }

  /** Whether one more page empties it. */
  protected get tlbIsFull(): boolean {
    return this.#filledCount === TLB_CAPACITY;
  }

  /** Drops all translations, or all but those of global pages. */
  flushTlb(keepGlobal: boolean): void {
    const filled = this.#filledPages;
    let kept = 0;
    for (let i = 0; i < this.#filledCount; i++) {
      const page = filled[i];
      if (keepGlobal && (this.tlb[page] & TLB_GLOBAL) !== 0) filled[kept++] = page;
      else this.tlb[page] = 0;
    }
    this.#filledCount = kept;
    this.endBlock();
  }

  /** Drops the translation of the page that holds `linear`, global or not. */
  flushTlbPage(linear: number): void {
    this.tlb[linear >>> 12] = 0;
    this.endBlock();
  }

  /** Marks the translations to a host page: instructions were decoded from it, so stores must be seen. */
  markCodePage(hostPage: number): void {
    for (let i = 0; i < this.#filledCount; i++) {
      const page = this.#filledPages[i];
      const entry = this.tlb[page];
      if ((entry & (TLB_VALID | TLB_MMIO)) === TLB_VALID && ((entry >>> 12) ^ page) === hostPage) {
        this.tlb[page] = entry | TLB_CODE;
      }
    }
  }

  /** All pages were captured: the next write to each must be noted. */
  markPagesClean(): void {
    for (let i = 0; i < this.#filledCount; i++) {
      const page = this.#filledPages[i];
      if ((this.tlb[page] & (TLB_VALID | TLB_MMIO)) === TLB_VALID) this.tlb[page] |= TLB_CLEAN;
    }
  }

  /** Notes a write to a page of memory, through the translation of `linear`. */
  noteWrite(linear: number, host: number): void {
    this.memory.tracker.note(host >>> 12);
    this.tlb[linear >>> 12] &= ~TLB_CLEAN;
  }

  /** Memory that the host watches; null for none. Setting it costs time, having it only in accesses to its pages. */
  get hostWatchpoints(): HostWatchpoints | null {
    return this.#hostWatchpoints;
  }
  set hostWatchpoints(watchpoints: HostWatchpoints | null) {
    this.#hostWatchpoints = watchpoints;
    this.#markWatchedPages();
  }

  #markWatchedPages(): void {
    for (let i = 0; i < this.#filledCount; i++) {
      const page = this.#filledPages[i];
      const entry = this.tlb[page] & ~TLB_WATCHED;
      if (entry === 0) continue;
      const physical =
        (entry & TLB_MMIO) !== 0 ? (entry & ~0xfff) ^ (page << 12) : this.#physicalOf(entry ^ (page << 12));
      const watched = this.#hostWatchpoints?.concernsPages(page, physical >>> 12) === true;
      this.tlb[page] = watched ? entry | TLB_WATCHED : entry;
    }
  }

  /** The translations held, stale ones included, in the order of their linear pages. For debuggers. */
  tlbEntries(): TlbEntryView[] {
    const pages = [...new Set(this.#filledPages.subarray(0, this.#filledCount))].sort((a, b) => a - b);
    return pages.flatMap((page) => {
      const entry = this.tlb[page];
      if ((entry & TLB_VALID) === 0) return [];
      const place = entry ^ (page << 12);
      const physical = (entry & TLB_MMIO) !== 0 ? place : this.#physicalOf(place);
      const user = (entry & TLB_NO_USER) === 0;
      const writable = (entry & (user ? TLB_NO_WRITE_USER : TLB_NO_WRITE_SUPER)) === 0;
      return [{ page, physicalPage: physical >>> 12, user, writable, global: (entry & TLB_GLOBAL) !== 0 }];
    });
  }

  #physicalOf(host: number): number {
    return host - this.memory.ramOffset;
  }

  /** Tells the host of an access to `host`, or to the bus when that is negative, if it watches that. */
  protected accessed(linear: number, host: number, size: number, write: boolean, before: number, after: number): void {
    if ((this.tlb[linear >>> 12] & TLB_WATCHED) === 0) return;
    const physical = host < 0 ? this.busAddress : this.#physicalOf(host);
    this.#hostWatchpoints?.accessed(this.id, linear, physical, size, write, before, after);
  }

  override refreshDerivedState(): void {
    super.refreshDerivedState();
    this.localApicPage = this.localApic === null ? -1 : localApicPage(this);
  }

  /** A word of physical memory as this core's loads find it. It lies in one page. */
  peekPhysical32(physical: number): number {
    const value = this.memory.read32(physical);
    if (this.storeBuffer === null) return value;
    const page = this.memory.hostPage(physical >>> 12);
    return page < 0 ? value : this.storeBuffer.forward(page + (physical & 0xfff), 4, value);
  }

  /** Reads from the bus at busAddress, after all stores. */
  protected readBus(size: number): number {
    this.drainStores();
    const address = this.busAddress;
    if (address >>> 12 === this.localApicPage) return this.localApic!.read(address & 0xfff, size);
    if (size === 4) return this.memory.read32(address);
    return size === 2 ? this.memory.read16(address) : this.memory.read8(address);
  }

  /** Writes to the bus at busAddress, after all stores before. */
  protected writeBus(value: number, size: number): void {
    this.drainStores();
    const address = this.busAddress;
    if (address >>> 12 === this.localApicPage) this.localApic!.write(address & 0xfff, size, value);
    else if (size === 4) this.memory.write32(address, value);
    else if (size === 2) this.memory.write16(address, value);
    else this.memory.write8(address, value);
  }

  /** Sets TLB_CODE, TLB_CLEAN and TLB_BUFFERED, which are not there yet. */
  #markPages(): void {
    for (let i = 0; i < this.#filledCount; i++) {
      const page = this.#filledPages[i];
      let entry = this.tlb[page];
      if ((entry & (TLB_VALID | TLB_MMIO)) !== TLB_VALID) continue;
      entry |= this.#buffered;
      const hostPage = (entry >>> 12) ^ page;
      if (this.codeCache.hasCode(hostPage)) entry |= TLB_CODE;
      if (this.memory.tracker.isClean(hostPage)) entry |= TLB_CLEAN;
      this.tlb[page] = entry;
    }
  }

  /** All stores of this core reach memory: what fences, LOCK, serializing instructions and I/O do, and deliveries. */
  drainStores(): void {
    this.storeBuffer?.drain();
  }

  /** A copy of physical memory as this core's loads find it, without side effects; see `PhysicalMemory.peek`. */
  peekPhysical(physical: number, length: number): Uint8Array {
    const bytes = this.memory.peek(physical, length);
    this.storeBuffer?.overlay(bytes, physical);
    return bytes;
  }

  /**
   * The translations held, stale ones included, and how many have been entered since the last flush, on which it depends
   * when the TLB is full.
   */
  snapshotTlb(s: Snapshot): void {
    if (s.restoring) for (let i = 0; i < this.#filledCount; i++) this.tlb[this.#filledPages[i]] = 0;
    this.#filledCount = s.integer(this.#filledCount, 0, TLB_CAPACITY);
    // Page and entry of each.
    const pairs = new Int32Array(2 * this.#filledCount);
    if (!s.restoring) {
      for (let i = 0; i < this.#filledCount; i++) {
        const page = this.#filledPages[i];
        pairs[2 * i] = page;
        pairs[2 * i + 1] = this.tlb[page] & ~TLB_SLOWER;
      }
    }
    s.bytes(new Uint8Array(pairs.buffer));
    if (!s.restoring) return;
    for (let i = 0; i < this.#filledCount; i++) {
      const page = pairs[2 * i];
      const entry = pairs[2 * i + 1];
      const isHost = (entry & (TLB_VALID | TLB_MMIO)) === TLB_VALID;
      if (page < 0 || page >= TLB_PAGES || (isHost && !this.memory.isGuestPage((entry >>> 12) ^ page))) {
        this.#filledCount = i;
        throw new SnapshotError(`malformed snapshot: a translation of core ${this.id} leads out of memory`);
      }
      this.#filledPages[i] = page;
      this.tlb[page] = entry & ~TLB_SLOWER;
    }
    this.#markPages();
    this.#markWatchedPages();
    this.endBlock();
  }

  /**
   * Walks the page tables (or maps one to one with paging off) and fills the TLB entry.
   * @returns the physical address
   * @throws #PF
   */
  protected abstract translate(linear: number, write: boolean, user: boolean): number;
  /** Notes accesses that hit a data breakpoint. */
  protected abstract checkWatchpoints(linear: number, size: number, write: boolean): void;
  /** Whether data breakpoints are enabled. */
  protected abstract hasWatchpoints(): boolean;

  protected refreshRights(): void {
    const user = this.r[layout.CPL] === 3;
    this.readRights = user ? USER_READ : SUPERVISOR_READ;
    this.writeRights = user ? USER_WRITE : SUPERVISOR_WRITE;
    this.alignmentChecked =
      user && (this.r[layout.CR0] & layout.CR0_AM) !== 0 && (this.r[layout.CONTROL_FLAGS] & layout.FLAG_AC) !== 0;
    this.#watchpoints = this.hasWatchpoints();
    const observed = this.alignmentChecked || this.#watchpoints;
    this.readMask = observed ? 0 : this.readRights | TLB_MMIO | TLB_WATCHED | TLB_BUFFERED;
    this.writeMask = observed ? 0 : this.writeRights | TLB_MMIO | TLB_SLOWER;
  }

  /**
   * Host offset of a byte that may be read with `rights`, or -1 when it is not plain memory (then busAddress has its
   * physical address).
   */
  protected resolve(linear: number, rights: number, write: boolean): number {
    let entry = this.tlb[linear >>> 12];
    if ((entry & rights) !== TLB_VALID) {
      const physical = this.translate(linear, write, (rights & TLB_NO_USER) !== 0);
      entry = this.tlb[linear >>> 12];
      if ((entry & rights) !== TLB_VALID) {
        // Allowed by the page tables, yet not writable: ROM.
        this.busAddress = physical;
        return -1;
      }
    }
    if ((entry & TLB_MMIO) !== 0) {
      this.busAddress = (entry & ~0xfff) ^ linear;
      return -1;
    }
    return (entry & ~0xfff) ^ linear;
  }

  /** Host offset of the code byte at `linear` for the current CPL, or -1 when it is not plain memory. @throws #PF */
  resolveCode(linear: number): number {
    return this.resolve(linear, this.readRights, false);
  }

  protected observe(linear: number, size: number, write: boolean): void {
    if (this.alignmentChecked && (linear & (size - 1)) !== 0) this.raise(layout.VECTOR_AC, 0);
    if (this.#watchpoints) this.checkWatchpoints(linear, size, write);
  }
}
