const PAGE_SHIFT = 12;

/** A range of memory that the host watches; a physical one in RAM or device registers, not ROM. */
export interface WatchedRange {
  readonly space: "linear" | "physical";
  /** 0 to 2^32 - 1. */
  readonly address: number;
  /** Bytes, 1 or more. */
  readonly length: number;
}

/** An access to a watched range, while its instruction runs. */
export interface WatchedAccess {
  /** Of the first byte accessed, unsigned. */
  readonly linear: number;
  /** As the bus sees it (A20), unsigned. */
  readonly physical: number;
  /** Bytes: 1, 2 or 4. Accesses of more come as several, those across two pages byte by byte. */
  readonly size: number;
  readonly write: boolean;
  /** Contents of these bytes before and after, unsigned; for device registers both are the value read or written. */
  readonly before: number;
  readonly after: number;
}

/**
 * Ranges of memory that the host watches, by linear or by physical address, of which the guest notices nothing. Seen
 * are the accesses of instructions and of hosted kernel functions, and those the CPU makes to descriptor tables and
 * TSSs; not seen are fetches, page walks and devices.
 */
export class HostWatchpoints {
  readonly #linearPages: ReadonlySet<number>;
  readonly #physicalPages: ReadonlySet<number>;

  /** @param onAccess called for each access that overlaps a range, with the number of the core and the index of the range */
  constructor(
    readonly ranges: readonly WatchedRange[],
    readonly onAccess: (core: number, range: number, access: WatchedAccess) => void,
  ) {
    this.#linearPages = pagesOf(ranges.filter(({ space }) => space === "linear"));
    this.#physicalPages = pagesOf(ranges.filter(({ space }) => space === "physical"));
  }

  /** Whether accesses through a translation from this linear page to this physical one must be looked at. */
  concernsPages(linearPage: number, physicalPage: number): boolean {
    return this.#linearPages.has(linearPage) || this.#physicalPages.has(physicalPage);
  }

  /** Tells of an access within one page. All numbers may be signed. */
  accessed(
    core: number,
    linear: number,
    physical: number,
    size: number,
    write: boolean,
    before: number,
    after: number,
  ): void {
    for (let i = 0; i < this.ranges.length; i++) {
      const { space, address, length } = this.ranges[i];
      const first = (space === "linear" ? linear : physical) >>> 0;
      if (first >= address + length || address >= first + size) continue;
      this.onAccess(core, i, {
        linear: linear >>> 0,
        physical: physical >>> 0,
        size,
        write,
        before: unsigned(before, size),
        after: unsigned(after, size),
      });
    }
  }
}

function pagesOf(ranges: readonly WatchedRange[]): ReadonlySet<number> {
  const pages = new Set<number>();
  for (const { address, length } of ranges) {
    const last = (address + length - 1) >>> PAGE_SHIFT;
    for (let page = address >>> PAGE_SHIFT; page <= last; page++) pages.add(page);
  }
  return pages;
}

function unsigned(value: number, size: number): number {
  return size === 4 ? value >>> 0 : value & (size === 2 ? 0xffff : 0xff);
}
