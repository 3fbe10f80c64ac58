import { type PageContents, PageImage } from "./page-image.ts";

const PAGE_SHIFT = 12;
const PAGE_SIZE = 1 << PAGE_SHIFT;
const PAGE_WORDS = PAGE_SIZE / 4;

/**
 * Knows which pages of a buffer were written since they were last captured or restored, so that both cost as much as
 * was written. Whoever writes to a page notes it first; a core that has seen a page noted need not note it again before
 * the next capture (see TLB_CLEAN).
 *
 * Pages are those of the whole buffer: byte offset shifted right by 12.
 */
export class PageTracker {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #first: number;
  /** 1 for each page that was written. */
  readonly #written: Uint8Array;
  /** The pages that were written. */
  readonly #list: Int32Array;
  #count = 0;
  /** What all other pages contain. */
  #image: PageImage;

  /**
   * @param bytes the buffer; the pages tracked are zeros
   * @param first, count the pages tracked
   */
  constructor(bytes: Uint8Array, first: number, count: number) {
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer);
    this.#first = first;
    this.#written = new Uint8Array(bytes.length >>> PAGE_SHIFT);
    this.#list = new Int32Array(count);
    this.#image = PageImage.zeros(count);
  }

  /** To be called when a page is written. */
  note(page: number): void {
    if (this.#written[page] !== 0) return;
    this.#written[page] = 1;
    this.#list[this.#count++] = page;
  }

  /** Whether a write to the page must still be noted. */
  isClean(page: number): boolean {
    return this.#written[page] === 0;
  }

  /** The contents of all pages now. From here on, all are clean. */
  capture(): PageImage {
    const pages = this.#list.subarray(0, this.#count).map((page) => page - this.#first);
    this.#image = this.#image.replace(pages, (index) => this.#contents(this.#first + index));
    this.#allClean();
    return this.#image;
  }

  /**
   * Puts back what the pages contained.
   * @param image of as many pages as are tracked
   * @param onChange told of each page that is about to be written, and what it will contain
   */
  restore(image: PageImage, onChange: (page: number, contents: PageContents) => void): void {
    image.forEachDifference(this.#image, (index) => this.note(this.#first + index));
    for (const page of this.#list.subarray(0, this.#count)) {
      const contents = image.page(page - this.#first);
      onChange(page, contents);
      if (contents === null) this.#bytes.fill(0, page << PAGE_SHIFT, (page + 1) << PAGE_SHIFT);
      else this.#bytes.set(contents, page << PAGE_SHIFT);
    }
    this.#image = image;
    this.#allClean();
  }

  /** Whether a page has these contents now. */
  equals(page: number, contents: PageContents): boolean {
    const words = this.#words;
    const start = page * PAGE_WORDS;
    if (contents === null) {
      for (let i = 0; i < PAGE_WORDS; i++) if (words[start + i] !== 0) return false;
      return true;
    }
    const others = new Int32Array(contents.buffer, contents.byteOffset, PAGE_WORDS);
    for (let i = 0; i < PAGE_WORDS; i++) if (words[start + i] !== others[i]) return false;
    return true;
  }

  #allClean(): void {
    for (const page of this.#list.subarray(0, this.#count)) this.#written[page] = 0;
    this.#count = 0;
  }

  #contents(page: number): PageContents {
    if (this.equals(page, null)) return null;
    return this.#bytes.slice(page << PAGE_SHIFT, (page + 1) << PAGE_SHIFT);
  }
}
