/** Pages in a chunk: what two images that differ in one page do not share. */
const CHUNK_SHIFT = 6;
const CHUNK_PAGES = 1 << CHUNK_SHIFT;

/** Contents of a page, which nobody changes; null for zeros. */
export type PageContents = Uint8Array | null;

type Chunk = readonly PageContents[];

const ZEROS: Chunk = new Array<PageContents>(CHUNK_PAGES).fill(null);

/**
 * What a number of pages contained at one moment. Images never change, and share what they have in common: an image
 * made from another costs memory and time only for the pages that it replaces.
 */
export class PageImage {
  /** Pages that it has. */
  readonly length: number;
  readonly #chunks: readonly Chunk[];

  private constructor(length: number, chunks: readonly Chunk[]) {
    this.length = length;
    this.#chunks = chunks;
  }

  /** All zeros. */
  static zeros(length: number): PageImage {
    return new PageImage(length, new Array<Chunk>(Math.ceil(length / CHUNK_PAGES)).fill(ZEROS));
  }

  /** @param index 0 to `length` - 1 */
  page(index: number): PageContents {
    return this.#chunks[index >>> CHUNK_SHIFT][index & (CHUNK_PAGES - 1)]!;
  }

  /**
   * This image with other contents in some pages.
   * @param contents asked for each of `pages`, once
   */
  replace(pages: Iterable<number>, contents: (index: number) => PageContents): PageImage {
    const chunks = [...this.#chunks];
    const own = new Map<number, PageContents[]>();
    for (const index of pages) {
      const number = index >>> CHUNK_SHIFT;
      let chunk = own.get(number);
      if (chunk === undefined) {
        chunk = [...chunks[number]];
        chunks[number] = chunk;
        own.set(number, chunk);
      }
      chunk[index & (CHUNK_PAGES - 1)] = contents(index);
    }
    return new PageImage(this.length, chunks);
  }

  /** Calls `visit` for each page that is not the same object in both, in order. */
  forEachDifference(other: PageImage, visit: (index: number) => void): void {
    for (let number = 0; number < this.#chunks.length; number++) {
      const own = this.#chunks[number];
      const others = other.#chunks[number];
      if (own === others) continue;
      for (let i = 0; i < CHUNK_PAGES; i++) if (own[i] !== others[i]) visit((number << CHUNK_SHIFT) | i);
    }
  }

  /** Pages that are not zeros and that `other` does not share. */
  countBeyond(other: PageImage): number {
    let count = 0;
    this.forEachDifference(other, (index) => {
      if (this.page(index) !== null) count++;
    });
    return count;
  }
}
