/** What the emulator has to tell its host of a guest: once for each thing, however often the guest does it. */

/** Different things told at most; a guest that does ever new ones must not exhaust the host's memory, nor its patience. */
const MOST_NOTICES = 100;

/** Something that a guest did. */
export interface Notice {
  /** What, and at which address. */
  readonly what: string;
  /** How often, since the machine was made. */
  readonly count: number;
}

export class Notices {
  readonly #counts = new Map<string, number>();
  readonly #log: (line: string) => void;

  /** @param log takes a line when something happens for the first time */
  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** In the order in which they came. */
  get list(): Notice[] {
    return [...this.#counts].map(([what, count]) => ({ what, count }));
  }

  /**
   * Counts something, and tells it if it is new.
   * @param where core and time, which do not make it another thing
   */
  tell(where: string, what: string): void {
    const count = this.#counts.get(what) ?? 0;
    if (count === 0 && this.#counts.size >= MOST_NOTICES) return;
    this.#counts.set(what, count + 1);
    if (count > 0) return;
    this.#log(`${where}: ${what}`);
    if (this.#counts.size === MOST_NOTICES) this.#log(`${where}: more like this is not told any more`);
  }
}
