/** The state of a machine as an object that shares its pages with others, and as a file. */
import { copyBytes } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { type SavedConfiguration, savedConfiguration } from "./machine-snapshot.ts";
import { PageImage } from "./memory/page-image.ts";
import { guestPages, PAGE_SIZE } from "./memory/physical-memory.ts";
import { SnapshotError } from "./snapshot.ts";

/** The first bytes of a file. */
const MAGIC = "esp0snap";
/** Grows when the order or meaning of what is saved changes; other versions are refused. */
const VERSION = 3;
/** Magic, version, CRC-32 of what follows. */
const HEADER_BYTES = 16;

/**
 * The whole state of a machine at one moment, for `Machine.restore`. It never changes. Captures of one machine, and of
 * its forks, share the pages of memory that are the same in both; pages of zeros take no room.
 *
 * As a file it is: header (magic, version, CRC-32); length and bytes of the state, memory left out; `identity` of the
 * base; number of pages that differ from the base, their numbers in ascending order, and their contents. All numbers
 * are 32 bits, little-endian.
 */
export class Capture {
  /** The machine that it fits. */
  readonly configuration: SavedConfiguration;
  /** All but the contents of memory. */
  readonly state: Uint8Array;
  /** Contents of ROM and RAM. */
  readonly pages: PageImage;
  #identity: number | null = null;

  /**
   * @param state what a SnapshotWriter took down of a machine
   * @throws SnapshotError when it does not begin as such a state does
   */
  constructor(state: Uint8Array, pages: PageImage) {
    this.configuration = savedConfiguration(state);
    this.state = state;
    this.pages = pages;
  }

  /** Bytes that this takes beyond what it shares with another, or with none. */
  bytesBeyond(other: Capture | null): number {
    const pages = other?.pages ?? PageImage.zeros(this.pages.length);
    return this.state.length + this.pages.countBeyond(pages) * PAGE_SIZE;
  }

  /**
   * As bytes for `decode`.
   * @param base leaves out the pages that this shares with it; it is needed again to decode
   * @throws SnapshotError when the base is of a machine with another amount of memory
   */
  encode(base: Capture | null = null): Uint8Array {
    const pages = this.#pagesOf(base);
    const changed: number[] = [];
    this.pages.forEachDifference(pages, (index) => changed.push(index));
    const numbersAt = HEADER_BYTES + 4 + this.state.length + 8;
    const contentsAt = numbersAt + 4 * changed.length;
    const bytes = new Uint8Array(contentsAt + PAGE_SIZE * changed.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(HEADER_BYTES, this.state.length, true);
    bytes.set(this.state, HEADER_BYTES + 4);
    view.setInt32(numbersAt - 8, base?.identity ?? 0, true);
    view.setUint32(numbersAt - 4, changed.length, true);
    for (let i = 0; i < changed.length; i++) {
      view.setUint32(numbersAt + 4 * i, changed[i], true);
      const contents = this.pages.page(changed[i]);
      if (contents !== null) bytes.set(contents, contentsAt + PAGE_SIZE * i);
    }
    for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
    view.setUint32(8, VERSION, true);
    view.setInt32(12, crc32(bytes.subarray(HEADER_BYTES)), true);
    return bytes;
  }

  /**
   * What `encode` made bytes of.
   * @param base the same state of memory as was given to `encode`
   * @throws SnapshotError when the bytes are none, are damaged, or need another base
   */
  static decode(bytes: Uint8Array, base: Capture | null = null): Capture {
    checkHeader(bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const word = (at: number): number => {
      if (at + 4 > bytes.length) throw new SnapshotError(`the snapshot ends after ${bytes.length} bytes`);
      return view.getUint32(at, true);
    };
    const stateAt = HEADER_BYTES + 4;
    const numbersAt = stateAt + word(HEADER_BYTES) + 8;
    const identity = word(numbersAt - 8) | 0;
    const count = word(numbersAt - 4);
    const contentsAt = numbersAt + 4 * count;
    const length = contentsAt + PAGE_SIZE * count;
    if (length !== bytes.length) {
      throw new SnapshotError(`malformed snapshot: ${bytes.length} bytes, where ${count} pages make it ${length}`);
    }
    const result = new Capture(copyBytes(bytes, stateAt, numbersAt - 8), PageImage.zeros(0));
    if (identity !== (base?.identity ?? 0)) {
      throw new SnapshotError(
        identity === 0
          ? "the snapshot was saved without a base, and one is given"
          : `the snapshot needs the base with which it was saved, and ${base === null ? "none" : "another"} is given`,
      );
    }
    const unchanged = result.#pagesOf(base);
    const places = new Map<number, number>();
    for (let i = 0, previous = -1; i < count; i++) {
      const index = word(numbersAt + 4 * i);
      if (index <= previous || index >= unchanged.length) {
        throw new SnapshotError(`malformed snapshot: page ${index} after page ${previous} of ${unchanged.length}`);
      }
      places.set(index, contentsAt + PAGE_SIZE * i);
      previous = index;
    }
    const pages = unchanged.replace(places.keys(), (index) => {
      const at = places.get(index)!;
      const contents = copyBytes(bytes, at, at + PAGE_SIZE);
      return contents.some((byte) => byte !== 0) ? contents : null;
    });
    return new Capture(result.state, pages);
  }

  /** A number that tells contents of memory apart; 0 for zeros. */
  get identity(): number {
    if (this.#identity === null) {
      const number = new Int32Array(1);
      let crc = 0;
      this.pages.forEachDifference(PageImage.zeros(this.pages.length), (index) => {
        number[0] = index;
        crc = crc32(this.pages.page(index)!, crc32(new Uint8Array(number.buffer), crc));
      });
      this.#identity = crc;
    }
    return this.#identity;
  }

  /** The pages of a base, which are zeros when there is none. */
  #pagesOf(base: Capture | null): PageImage {
    const length = guestPages(this.configuration.memoryBytes);
    if (base === null) return PageImage.zeros(length);
    if (base.pages.length !== length) {
      throw new SnapshotError(
        `a base of a machine with memoryBytes ${base.configuration.memoryBytes}; ` +
          `the snapshot is of one with ${this.configuration.memoryBytes}`,
      );
    }
    return base.pages;
  }
}

function checkHeader(bytes: Uint8Array): void {
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC) throw new SnapshotError(`not a snapshot: it does not begin with "${MAGIC}"`);
  if (bytes.length < HEADER_BYTES) throw new SnapshotError(`the snapshot ends after ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new SnapshotError(`a snapshot of version ${version}; this emulator reads version ${VERSION}`);
  }
  if (view.getInt32(12, true) !== crc32(bytes.subarray(HEADER_BYTES))) {
    throw new SnapshotError("the snapshot is damaged: its checksum does not fit");
  }
}
