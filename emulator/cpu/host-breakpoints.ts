import type { Core } from "./core.ts";

const PAGE_SHIFT = 12;
const PAGE_MASK = 0xfff;
/** Hash slots that tell most pages without breakpoints apart; a power of two. */
const FILTER_SLOTS = 4096;

/** `HostBreakpoints.distance` when there is no breakpoint ahead in the page. */
export const FAR_AWAY = 1 << 30;

/**
 * Breakpoints that the host sets on linear addresses. Unlike those of the debug registers, there may be any number of
 * them, and the guest notices nothing: neither its memory, nor its state, nor its time.
 */
export class HostBreakpoints {
  /** By linear page: addresses, int32, in ascending order. */
  readonly #pages = new Map<number, number[]>();
  readonly #filter = new Uint8Array(FILTER_SLOTS);

  /**
   * @param addresses linear addresses of first bytes of instructions
   * @param onReached called before a core executes the instruction at one of them, interrupts having been taken; the
   *   core stops there when it returns true
   */
  constructor(
    addresses: Iterable<number>,
    readonly onReached: (core: Core, linear: number) => boolean,
  ) {
    for (const address of new Set(Array.from(addresses, (linear) => linear | 0))) {
      const page = address >>> PAGE_SHIFT;
      const inPage = this.#pages.get(page) ?? [];
      inPage.push(address);
      this.#pages.set(page, inPage);
      this.#filter[page & (FILTER_SLOTS - 1)] = 1;
    }
    for (const inPage of this.#pages.values()) inPage.sort((a, b) => a - b);
  }

  /** Bytes from a linear address to the next breakpoint in its page, 0 when there is one at it; FAR_AWAY without one. */
  distance(linear: number): number {
    const inPage = this.#inPageOf(linear);
    if (inPage === undefined) return FAR_AWAY;
    for (const address of inPage) if (address >= linear) return (address & PAGE_MASK) - (linear & PAGE_MASK);
    return FAR_AWAY;
  }

  /** Whether there are any in the page of a linear address. */
  areInPageOf(linear: number): boolean {
    return this.#inPageOf(linear) !== undefined;
  }

  #inPageOf(linear: number): readonly number[] | undefined {
    const page = linear >>> PAGE_SHIFT;
    return this.#filter[page & (FILTER_SLOTS - 1)] === 0 ? undefined : this.#pages.get(page);
  }
}
