import { copyBytes } from "../bytes.ts";
import type { Snapshot } from "../snapshot.ts";

/** Bytes in a sector. */
export const SECTOR_BYTES = 512;
/** Most sectors that 28-bit block addresses reach: 128 GiB. */
export const MAXIMUM_SECTORS = 0x0fffffff;

const MAXIMUM_CYLINDERS = 16_383;
const LIMIT = { cylinders: 65_535, heads: 16, sectors: 255 } as const;

/** How cylinder, head and sector numbers stand for blocks: cylinders, heads a cylinder, sectors a track. */
export interface DiskGeometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
}

/** How to make a disk. */
export interface DiskOptions {
  /** Contents at power-on, whole sectors. The disk never changes this array, and expects that nobody else does. */
  image: Uint8Array;
  /** Geometry at power-on; 16 heads and 63 sectors, and as many cylinders as fit, by default. */
  geometry?: DiskGeometry;
  /** Model as IDENTIFY DEVICE tells it, up to 40 ASCII characters. */
  model?: string;
  /** Serial number as IDENTIFY DEVICE tells it, up to 20 ASCII characters. */
  serial?: string;
}

/**
 * A disk in memory: an image, and over it the sectors that were written. The image itself stays as it is, so machines
 * can share one, and only what changed needs to go back to a file.
 */
export class Disk {
  readonly sectors: number;
  readonly geometry: DiskGeometry;
  readonly model: string;
  readonly serial: string;

  readonly #image: Uint8Array;
  readonly #changes = new Map<number, Uint8Array>();

  /** @throws RangeError when the image is not whole sectors, or the geometry or a text is impossible */
  constructor(options: DiskOptions) {
    const { image } = options;
    if (image.length === 0 || image.length % SECTOR_BYTES !== 0 || image.length / SECTOR_BYTES > MAXIMUM_SECTORS) {
      const padding = SECTOR_BYTES - (image.length % SECTOR_BYTES);
      throw new RangeError(
        `disk image of ${image.length} bytes: expected whole sectors of ${SECTOR_BYTES} bytes, 1 to ${MAXIMUM_SECTORS}` +
          (image.length % SECTOR_BYTES !== 0 || image.length === 0 ? ` (append ${padding} bytes of zeros)` : ""),
      );
    }
    this.#image = image;
    this.sectors = image.length / SECTOR_BYTES;
    this.geometry = options.geometry ?? defaultGeometry(this.sectors);
    this.model = options.model ?? "ESP0 DISK";
    this.serial = options.serial ?? "1";
    checkGeometry(this.geometry, this.sectors);
    checkText("model", this.model, 40);
    checkText("serial", this.serial, 20);
  }

  /** Sectors written since power-on, with their contents, by number. */
  get changes(): ReadonlyMap<number, Uint8Array> {
    return this.#changes;
  }

  /**
   * A copy of a sector.
   * @param sector 0 to `sectors` - 1
   */
  read(sector: number): Uint8Array {
    const start = sector * SECTOR_BYTES;
    return copyBytes(this.#changes.get(sector) ?? this.#image.subarray(start, start + SECTOR_BYTES));
  }

  /**
   * Changes a sector.
   * @param sector 0 to `sectors` - 1
   * @param data 512 bytes, which are copied
   */
  write(sector: number, data: Uint8Array): void {
    this.#changes.set(sector, copyBytes(data));
  }

  /** What was written; the image itself is not saved. A snapshot of a disk of another size is refused. */
  snapshot(s: Snapshot): void {
    s.section("disk");
    s.integer(this.sectors, this.sectors, this.sectors);
    const numbers = [...this.#changes.keys()];
    s.list(numbers, this.sectors, this.sectors - 1);
    const changes = numbers.map((sector) => this.#changes.get(sector)?.slice() ?? new Uint8Array(SECTOR_BYTES));
    for (const data of changes) s.bytes(data);
    if (!s.restoring) return;
    this.#changes.clear();
    for (const [index, sector] of numbers.entries()) this.#changes.set(sector, changes[index]);
  }

  /** A copy of the whole disk as it is now. */
  contents(): Uint8Array {
    const bytes = copyBytes(this.#image);
    for (const [sector, data] of this.#changes) bytes.set(data, sector * SECTOR_BYTES);
    return bytes;
  }
}

/** At most as many blocks as there are. A disk smaller than a cylinder of 16 by 63 has one head, and short tracks. */
function defaultGeometry(total: number): DiskGeometry {
  const heads = total < 16 * 63 ? 1 : 16;
  const sectors = Math.min(63, total);
  return { cylinders: Math.min(MAXIMUM_CYLINDERS, Math.floor(total / (heads * sectors))), heads, sectors };
}

function checkGeometry(geometry: DiskGeometry, total: number): void {
  for (const name of ["cylinders", "heads", "sectors"] as const) {
    const value = geometry[name];
    if (!Number.isInteger(value) || value < 1 || value > LIMIT[name]) {
      throw new RangeError(`disk geometry with ${value} ${name}: expected 1 to ${LIMIT[name]}`);
    }
  }
  const { cylinders, heads, sectors } = geometry;
  if (cylinders * heads * sectors > total) {
    throw new RangeError(
      `disk geometry of ${cylinders} cylinders, ${heads} heads and ${sectors} sectors: that makes ` +
        `${cylinders * heads * sectors} sectors, and the image has ${total}`,
    );
  }
}

function checkText(name: string, text: string, length: number): void {
  if (text.length > length || !/^[\x20-\x7e]*$/.test(text)) {
    throw new RangeError(`disk ${name} ${JSON.stringify(text)}: expected up to ${length} printable ASCII characters`);
  }
}
