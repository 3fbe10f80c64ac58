/**
 * The root file system (init/initramfs.c): a cpio archive in "newc" format that the boot loader left in memory. Files are
 * read where they lie in it. The archive is a stranger's: whatever it claims is checked, and a bad one ends the unpacking.
 */

import { initrd_end, initrd_start } from "../arch/i386/kernel/setup.ts";
import { cstring, kernel_function, local, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, struct, u32, type ViewOf } from "../host/types.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { strcmp, strlcpy, strnlen } from "../include/asm/string.ts";
import { inode, PATH_LENGTH, S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../include/linux/fs.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { KERN_ERR, KERN_INFO, KERN_WARNING, printk } from "../kernel/printk.ts";
import { __get_free_pages, free_pages } from "../mm/page_alloc.ts";
import { MKDEV } from "./devices.ts";
import { find_inode, for_each_inode, inode_name, insert_inode, new_inode } from "./inode.ts";
import { normalize_path, proc_self_exe } from "./namei.ts";

/** The numbers of a newc header, in its order: 8 hex digits each, behind 6 bytes of magic. */
const cpio_header = struct("cpio_header", {
  ino: u32,
  mode: u32,
  uid: u32,
  gid: u32,
  nlink: u32,
  mtime: u32,
  filesize: u32,
  maj: u32,
  min: u32,
  rmaj: u32,
  rmin: u32,
  namesize: u32,
  check: u32,
});
type cpio_header = ViewOf<typeof cpio_header>;

const FIELDS = Object.keys(cpio_header.fields);
const MAGIC = "070701";
const MAGIC_WITH_CHECKSUM = "070702";
const DIGITS = 8;
const HEADER_SIZE = MAGIC.length + DIGITS * FIELDS.length;
/** The name of the last entry, as a path. */
const trailer = cstring("/TRAILER!!!");
const TRAILER_LENGTH = 10;
/** Bytes of a name that is too long that are shown. */
const SHOWN = 32;

/** Device nodes that exist whatever the archive holds. */
const default_nodes = [
  { path: cstring("/"), mode: S_IFDIR | 0o755, device: 0 },
  { path: cstring("/dev"), mode: S_IFDIR | 0o755, device: 0 },
  { path: cstring("/proc"), mode: S_IFDIR | 0o555, device: 0 },
  { path: cstring("/proc/self"), mode: S_IFDIR | 0o555, device: 0 },
  { path: proc_self_exe, mode: S_IFLNK | 0o777, device: 0 },
  { path: cstring("/dev/console"), mode: S_IFCHR | 0o600, device: MKDEV(5, 1) },
  { path: cstring("/dev/ttyS0"), mode: S_IFCHR | 0o660, device: MKDEV(4, 64) },
  { path: cstring("/dev/null"), mode: S_IFCHR | 0o666, device: MKDEV(1, 3) },
  { path: cstring("/dev/zero"), mode: S_IFCHR | 0o666, device: MKDEV(1, 5) },
] as const;

/** Text in memory, up to a NUL. @bounded by `length`, which is PATH_LENGTH at most */
function text_at(at: number, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) {
    const byte = memory().read8(at + i);
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** The bytes of the magic or of a field, NULs too. @bounded by `length`, which is 8 at most */
function bytes_at(at: number, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) text += String.fromCharCode(memory().read8(at + i));
  return text;
}

/** Where field `index` of the header at `at` is. */
function field_at(at: number, index: number): number {
  return at + MAGIC.length + DIGITS * index;
}

function has_magic(at: number): boolean {
  const magic = bytes_at(at, MAGIC.length);
  return magic === MAGIC || magic === MAGIC_WITH_CHECKSUM;
}

/** Whether field `index` of the header at `at` is a hex number. */
function is_number(at: number, index: number): boolean {
  const field = bytes_at(field_at(at, index), DIGITS);
  for (let i = 0; i < DIGITS; i++) if (!"0123456789abcdefABCDEF".includes(field.charAt(i))) return false;
  return true;
}

/** Tells why the rest of the archive is left out. */
function complain(offset: number, what: string): void {
  printk(`${KERN_ERR}initramfs: ${what} at offset ${offset}; the rest is left out\n`);
}

/** Reads the header at `at`, which is at `offset` in the archive. Returns false, with a complaint, when it is none. */
function* parse_header(header: cpio_header, at: u32, offset: u32): Steps<boolean> {
  if (!has_magic(at)) {
    complain(offset, `no cpio magic (${JSON.stringify(bytes_at(at, MAGIC.length))})`);
    return false;
  }
  for (let i: u32 = 0; i < FIELDS.length; i++) {
    if (!is_number(at, i)) {
      complain(offset, `field ${FIELDS[i]} is no hex number (${JSON.stringify(bytes_at(field_at(at, i), DIGITS))})`);
      return false;
    }
    memory().write32(header.address + 4 * i, Number.parseInt(bytes_at(field_at(at, i), DIGITS), 16));
  }
  return true;
}

/** Rounds an address up to the archive's unit of four bytes. */
function align4(address: number, start: number): number {
  return start + Math.ceil((address - start) / 4) * 4;
}

/** Where the contents of the entry at `at` begin. */
function data_of(at: number, { namesize }: cpio_header, start: number): number {
  return align4(at + HEADER_SIZE + namesize, start);
}

/** Whether the entry at `at` lies before `end` and has a name, whatever 32 bits its sizes are. */
function fits(at: number, header: cpio_header, start: number, end: number): boolean {
  return data_of(at, header, start) + header.filesize <= end && header.namesize !== 0;
}

/** Hard links share their contents, which the archive holds once, with any one of them. */
function* share_link_data(added: inode): Steps<void> {
  for (const at of for_each_inode()) {
    const other = inode.at(at);
    if (other.i_ino !== added.i_ino || other.i_dev !== added.i_dev || other.i_nlink < 2) continue;
    if ((other.i_mode & S_IFMT) !== S_IFREG) continue;
    if (added.i_size > 0) share(added, other);
    else share(other, added);
  }
}

function share(full: inode, empty: inode): void {
  if (empty.i_size > 0) return;
  empty.i_size = full.i_size;
  empty.i_data = full.i_data;
}

/** Makes the inode of an entry. Returns false when out of memory. @context might_sleep */
function* add_entry(path: u32, header: cpio_header, data: u32): Steps<boolean> {
  const type: u32 = header.mode & S_IFMT;
  const old = yield* find_inode(path);
  const made = old === 0 ? yield* new_inode() : inode.at(old);
  if (made === undefined) return false;
  made.i_ino = header.ino;
  made.i_dev = MKDEV(header.maj, header.min);
  made.i_nlink = header.nlink;
  made.i_mode = header.mode & 0xffff;
  made.i_rdev = MKDEV(header.rmaj, header.rmin);
  made.i_size = type === S_IFREG || type === S_IFLNK ? header.filesize : 0;
  made.i_data = data;
  if (old === 0) {
    yield* strlcpy(inode_name(made.address), path, PATH_LENGTH);
    yield* insert_inode(made);
  }
  if (type === S_IFREG && header.nlink > 1) yield* share_link_data(made);
  return true;
}

function is_supported(type: number): boolean {
  return type === S_IFREG || type === S_IFDIR || type === S_IFCHR || type === S_IFLNK;
}

/** Tells that a file is left out. */
function refuse_type(path: number, type: number): void {
  const what = `file type 0${type.toString(8)} is not supported${type === S_IFBLK ? " (block device)" : ""}`;
  printk(`${KERN_WARNING}initramfs: ${text_at(path, PATH_LENGTH)}: ${what}\n`);
}

/**
 * Unpacks the archive from `start` to `end`, with a page for names. Returns the number of entries; complains and stops at
 * the first bad one.
 * @context might_sleep
 */
function* unpack_entries(start: u32, end: u32, path: u32): Steps<u32> {
  const header = local(cpio_header);
  let at: u32 = start;
  for (let entries: u32 = 0; ; entries++) {
    if (at + HEADER_SIZE > end) {
      complain(at - start, "the archive ends without a trailer");
      return entries;
    }
    if (!(yield* parse_header(header, at, at - start))) return entries;
    if (!fits(at, header, start, end)) {
      complain(at - start, `an entry of ${header.namesize} + ${header.filesize} bytes does not fit`);
      return entries;
    }
    const name: u32 = at + HEADER_SIZE;
    const data: u32 = data_of(at, header, start);
    const bytes = yield* strnlen(name, header.namesize - 1);
    const length = yield* normalize_path(path, PAGE_SIZE, name, name + bytes);
    // A path one byte longer than the name is the name behind a slash.
    if (bytes === TRAILER_LENGTH && (yield* strcmp(path, trailer.address)) === 0) return entries;
    const type: u32 = header.mode & S_IFMT;
    if (length < 0 || length >= PATH_LENGTH)
      printk(
        `${KERN_WARNING}initramfs: ${text_at(path, SHOWN)}...: name of ${length < 0 ? bytes : length} bytes is too long\n`,
      );
    else if (!is_supported(type)) refuse_type(path, type);
    else if (!(yield* add_entry(path, header, data))) {
      complain(at - start, "out of memory");
      return entries;
    }
    at = align4(data + header.filesize, start);
  }
}

/** Unpacks the archive from `start` to `end`. Returns the number of entries. @context might_sleep */
function* unpack(start: u32, end: u32): Steps<u32> {
  const path = yield* __get_free_pages(GFP_KERNEL, 0);
  if (path === 0) {
    complain(0, "out of memory");
    return 0;
  }
  const entries = yield* unpack_entries(start, end, path);
  yield* free_pages(path, 0);
  return entries;
}

/** Makes the root file system, with the standard device nodes. @context might_sleep */
export const default_rootfs = kernel_function("default_rootfs", [], i32, function* () {
  for (const { path, mode, device } of default_nodes) {
    const made = yield* new_inode();
    if (made === undefined) break;
    made.i_mode = mode;
    made.i_rdev = device;
    made.i_nlink = 1;
    yield* strlcpy(inode_name(made.address), path.address, PATH_LENGTH);
    yield* insert_inode(made);
  }
  return 0;
});

/** Puts what the archive holds into the root file system. @context might_sleep */
export const populate_rootfs = kernel_function("populate_rootfs", [], i32, function* () {
  if (initrd_start.value !== 0) {
    const entries = yield* unpack(initrd_start.value, initrd_end.value);
    printk(`${KERN_INFO}initramfs: ${entries} files unpacked\n`);
  }
  return 0;
});
