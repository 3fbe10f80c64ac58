/** The cpio archive format `newc` (SVR4), which the Linux kernel unpacks its initramfs from. */
import { Parser } from "binary-parser";

/** A file to put into an archive. What is left out is 0, except that links and inode numbers are made to be right. */
export interface CpioFile {
  /** Path without a leading slash. */
  readonly name: string;
  /** File type and permissions as in `st_mode`: 0o100755 is an executable file, 0o040755 a directory. */
  readonly mode: number;
  /** Contents; the target of a symbolic link. */
  readonly data?: Uint8Array;
  readonly ino?: number;
  readonly nlink?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
  /** Device numbers of the file system the file came from; with `ino` they tell hard links. */
  readonly devmajor?: number;
  readonly devminor?: number;
  /** Device numbers of a device file. */
  readonly rdevmajor?: number;
  readonly rdevminor?: number;
}

/**
 * A file found in an archive; `data` is a view of it. Of files with several links (same `ino` and device) only the last
 * carries the contents, as the format has it.
 */
export type CpioEntry = Required<CpioFile>;

/** An archive that is no newc archive or is damaged. */
export class CpioError extends Error {
  override readonly name = "CpioError";

  /** @param offset byte offset in the archive where the fault lies */
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(`${message} (at archive offset 0x${offset.toString(16)})`);
  }
}

/** The header's fields, each eight hexadecimal digits. */
const FIELDS = [
  "ino",
  "mode",
  "uid",
  "gid",
  "nlink",
  "mtime",
  "filesize",
  "devmajor",
  "devminor",
  "rdevmajor",
  "rdevminor",
  "namesize",
  "check",
] as const;

type Header = Record<(typeof FIELDS)[number], number>;

const MAGIC = "070701";
/** As newc, with the sum of the contents' bytes in `check`. */
const MAGIC_WITH_SUM = "070702";
const HEADER_SIZE = 110;
const TRAILER = "TRAILER!!!";
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
/** PATH_MAX, with the final NUL. */
const LONGEST_NAME = 4096;

let parser: Parser | undefined;

function headerParser(): Parser {
  parser ??= FIELDS.reduce(
    (built, field) => built.string(field, { length: 8, encoding: "latin1" }),
    new Parser().string("magic", { length: 6, encoding: "latin1" }),
  );
  return parser;
}

const pad4 = (value: number): number => (value + 3) & ~3;

function readHeader(bytes: Uint8Array, offset: number): { magic: string; header: Header } {
  if (offset + HEADER_SIZE > bytes.length) {
    throw new CpioError(`the archive ends without a ${TRAILER} entry`, Math.min(offset, bytes.length));
  }
  const text = headerParser().parse(bytes.subarray(offset, offset + HEADER_SIZE)) as Record<string, string>;
  const { magic } = text;
  if (magic !== MAGIC && magic !== MAGIC_WITH_SUM) {
    const meant = magic === "070707" ? "an archive in the old portable format" : "no newc header";
    throw new CpioError(`${meant}: expected ${MAGIC}, found ${JSON.stringify(magic)}`, offset);
  }
  const values = FIELDS.map((field, index) => {
    if (!/^[0-9A-Fa-f]{8}$/.test(text[field])) {
      throw new CpioError(`${field} is no hexadecimal number: ${JSON.stringify(text[field])}`, offset + 6 + index * 8);
    }
    return [field, Number.parseInt(text[field], 16)];
  });
  return { magic, header: Object.fromEntries(values) as Header };
}

/** `length` bytes at `offset`, where an entry's header announced them. */
function take(bytes: Uint8Array, offset: number, length: number, what: string): Uint8Array {
  if (offset + length > bytes.length) {
    throw new CpioError(`the archive of ${bytes.length} bytes ends within ${what}, which has ${length} bytes`, offset);
  }
  return bytes.subarray(offset, offset + length);
}

/**
 * The files of a newc archive, in its order. What follows the trailer is not looked at.
 * @throws CpioError if the archive is damaged, ends early or has another format
 */
export function readCpio(bytes: Uint8Array): CpioEntry[] {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const entries: CpioEntry[] = [];
  let offset = 0;
  for (;;) {
    const start = offset;
    const { magic, header } = readHeader(bytes, start);
    const { namesize, filesize, check, ...attributes } = header;
    if (namesize < 1 || namesize > LONGEST_NAME) {
      throw new CpioError(`a name of ${namesize} bytes; names have 1 to ${LONGEST_NAME}`, start);
    }
    const nameBytes = take(bytes, start + HEADER_SIZE, namesize, "a name");
    if (nameBytes.indexOf(0) !== namesize - 1) {
      throw new CpioError("a name does not end with its only NUL", start + HEADER_SIZE);
    }
    const name = decoder.decode(nameBytes.subarray(0, -1));
    const dataStart = pad4(start + HEADER_SIZE + namesize);
    const data = take(bytes, dataStart, filesize, `'${name}'`);
    if (magic === MAGIC_WITH_SUM) {
      const sum = data.reduce((total, byte) => (total + byte) >>> 0, 0);
      if (sum !== check) throw new CpioError(`'${name}' has checksum ${sum} instead of ${check}`, dataStart);
    }
    if (name === TRAILER) return entries;
    entries.push({ name, data, ...attributes });
    offset = pad4(dataStart + filesize);
  }
}

function headerText(header: Header): string {
  return MAGIC + FIELDS.map((field) => (header[field] >>> 0).toString(16).toUpperCase().padStart(8, "0")).join("");
}

/**
 * A newc archive of these files, in this order. The same files give the same bytes.
 * @throws RangeError if a name is empty, too long, holds a NUL or is the trailer's
 */
export function writeCpio(files: readonly CpioFile[]): Uint8Array {
  const encoder = new TextEncoder();
  const parts: { offset: number; bytes: Uint8Array }[] = [];
  let offset = 0;
  const add = (file: CpioFile, ino: number): void => {
    const { name, mode, data = new Uint8Array(0) } = file;
    const nameBytes = encoder.encode(`${name}\0`);
    const header = encoder.encode(
      headerText({
        ino: file.ino ?? ino,
        mode,
        nlink: file.nlink ?? ((mode & S_IFMT) === S_IFDIR ? 2 : 1),
        uid: file.uid ?? 0,
        gid: file.gid ?? 0,
        mtime: file.mtime ?? 0,
        filesize: data.length,
        devmajor: file.devmajor ?? 0,
        devminor: file.devminor ?? 0,
        rdevmajor: file.rdevmajor ?? 0,
        rdevminor: file.rdevminor ?? 0,
        namesize: nameBytes.length,
        check: 0,
      }),
    );
    const dataStart = pad4(offset + HEADER_SIZE + nameBytes.length);
    parts.push({ offset, bytes: header }, { offset: offset + HEADER_SIZE, bytes: nameBytes });
    parts.push({ offset: dataStart, bytes: data });
    offset = pad4(dataStart + data.length);
  };
  files.forEach((file, index) => {
    const { name } = file;
    if (name === "" || name === TRAILER || name.includes("\0") || encoder.encode(name).length >= LONGEST_NAME) {
      throw new RangeError(`${JSON.stringify(name)} cannot be the name of a file in a cpio archive`);
    }
    add(file, index + 1);
  });
  add({ name: TRAILER, mode: 0, nlink: 1 }, 0);
  const archive = new Uint8Array(offset);
  for (const { offset: at, bytes } of parts) archive.set(bytes, at);
  return archive;
}
