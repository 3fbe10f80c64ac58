/**
 * The root file system (init/initramfs.c): a cpio archive in "newc" format that the boot loader left in memory. Files are
 * read where they lie in it. The archive is a stranger's: whatever it claims is checked, and a bad one ends the unpacking.
 */

import { initrd_end, initrd_start } from "../arch/i386/kernel/setup.ts";
import { kernel_function, type Steps } from "../host/declarations.ts";
import { memory, read_cstring } from "../host/memory.ts";
import { i32 } from "../host/types.ts";
import { inode, PATH_LENGTH, S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../include/linux/fs.ts";
import { KERN_ERR, KERN_INFO, KERN_WARNING, printk } from "../kernel/printk.ts";
import { MKDEV } from "./devices.ts";
import { find_inode, for_each_inode, insert_inode, new_inode } from "./inode.ts";
import { normalize_path, PROC_SELF_EXE } from "./namei.ts";

/** Fields of a newc header: 6 bytes of magic, then 13 numbers of 8 hex digits. */
const FIELDS = [
  "ino",
  "mode",
  "uid",
  "gid",
  "nlink",
  "mtime",
  "filesize",
  "maj",
  "min",
  "rmaj",
  "rmin",
  "namesize",
  "check",
] as const;
const MAGIC = "070701";
const MAGIC_WITH_CHECKSUM = "070702";
const HEADER_SIZE = 110;
const TRAILER = "TRAILER!!!";
type Header = Record<(typeof FIELDS)[number], number>;

/** Device nodes that exist whatever the archive holds. */
const default_nodes = [
  { path: "/", mode: S_IFDIR | 0o755, device: 0 },
  { path: "/dev", mode: S_IFDIR | 0o755, device: 0 },
  { path: "/proc", mode: S_IFDIR | 0o555, device: 0 },
  { path: "/proc/self", mode: S_IFDIR | 0o555, device: 0 },
  { path: PROC_SELF_EXE, mode: S_IFLNK | 0o777, device: 0 },
  { path: "/dev/console", mode: S_IFCHR | 0o600, device: MKDEV(5, 1) },
  { path: "/dev/ttyS0", mode: S_IFCHR | 0o660, device: MKDEV(4, 64) },
  { path: "/dev/null", mode: S_IFCHR | 0o666, device: MKDEV(1, 3) },
  { path: "/dev/zero", mode: S_IFCHR | 0o666, device: MKDEV(1, 5) },
] as const;

/** The header at `at`, or what is wrong with it. */
function read_header(at: number): Header | string {
  let text = "";
  for (let i = 0; i < HEADER_SIZE; i++) text += String.fromCharCode(memory().read8(at + i));
  const magic = text.slice(0, MAGIC.length);
  if (magic !== MAGIC && magic !== MAGIC_WITH_CHECKSUM) return `no cpio magic (${JSON.stringify(magic)})`;
  const header = {} as Header;
  for (let i = 0; i < FIELDS.length; i++) {
    const digits = text.slice(MAGIC.length + 8 * i, MAGIC.length + 8 * i + 8);
    if (!/^[0-9a-fA-F]{8}$/.test(digits)) return `field ${FIELDS[i]} is no hex number (${JSON.stringify(digits)})`;
    header[FIELDS[i]] = Number.parseInt(digits, 16);
  }
  return header;
}

/** Rounds an address up to the archive's unit of four bytes. */
function align4(address: number, start: number): number {
  return start + Math.ceil((address - start) / 4) * 4;
}

/** Hard links share their contents, which the archive holds once, with any one of them. */
function share_link_data(added: inode): void {
  for (const at of for_each_inode()) {
    const other = inode.at(at);
    if (other.i_ino !== added.i_ino || other.i_dev !== added.i_dev || other.i_nlink < 2) continue;
    if ((other.i_mode & S_IFMT) !== S_IFREG) continue;
    const [full, empty] = added.i_size > 0 ? [added, other] : [other, added];
    if (empty.i_size > 0) continue;
    empty.i_size = full.i_size;
    empty.i_data = full.i_data;
  }
}

/** Makes the inode of an entry. Returns false when out of memory. */
function* add_entry(path: string, header: Header, data: number): Steps<boolean> {
  const type = header.mode & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR && type !== S_IFCHR && type !== S_IFLNK) {
    printk(
      `${KERN_WARNING}initramfs: ${path}: file type 0${type.toString(8)} is not supported${type === S_IFBLK ? " (block device)" : ""}\n`,
    );
    return true;
  }
  const old = find_inode(path);
  const made = old === 0 ? yield* new_inode() : inode.at(old);
  if (made === undefined) return false;
  made.i_ino = header.ino;
  made.i_dev = MKDEV(header.maj, header.min);
  made.i_nlink = header.nlink;
  made.i_mode = header.mode & 0xffff;
  made.i_rdev = MKDEV(header.rmaj, header.rmin);
  made.i_size = type === S_IFREG || type === S_IFLNK ? header.filesize : 0;
  made.i_data = data;
  made.i_name = path;
  if (old === 0) insert_inode(made);
  if (type === S_IFREG && header.nlink > 1) share_link_data(made);
  return true;
}

/** Unpacks the archive from `start` to `end`. Returns the number of entries; complains and stops at the first bad one. */
function* unpack(start: number, end: number): Steps<number> {
  const complain = (at: number, what: string) =>
    printk(`${KERN_ERR}initramfs: ${what} at offset ${at - start}; the rest is left out\n`);
  let entries = 0;
  for (let at = start; ; entries++) {
    yield;
    if (at + HEADER_SIZE > end) {
      complain(at, "the archive ends without a trailer");
      return entries;
    }
    const header = read_header(at);
    if (typeof header === "string") {
      complain(at, header);
      return entries;
    }
    const name_at = at + HEADER_SIZE;
    const data = align4(name_at + header.namesize, start);
    const next = align4(data + header.filesize, start);
    if (data + header.filesize > end || header.namesize === 0) {
      complain(at, `an entry of ${header.namesize} + ${header.filesize} bytes does not fit`);
      return entries;
    }
    const name = read_cstring(name_at, header.namesize - 1);
    if (name === TRAILER) return entries;
    const path = normalize_path(name);
    if (path.length >= PATH_LENGTH)
      printk(`${KERN_WARNING}initramfs: ${path.slice(0, 32)}...: name of ${path.length} bytes is too long\n`);
    else if (!(yield* add_entry(path, header, data))) {
      complain(at, "out of memory");
      return entries;
    }
    at = next;
  }
}

/** Makes the root file system: the standard device nodes and what the archive holds. */
export const populate_rootfs = kernel_function("populate_rootfs", [], i32, function* () {
  for (const { path, mode, device } of default_nodes) {
    const made = yield* new_inode();
    if (made === undefined) break;
    made.i_mode = mode;
    made.i_rdev = device;
    made.i_nlink = 1;
    made.i_name = path;
    insert_inode(made);
  }
  if (initrd_start.value !== 0) {
    const entries = yield* unpack(initrd_start.value, initrd_end.value);
    printk(`${KERN_INFO}initramfs: ${entries} files unpacked\n`);
  }
  return 0;
});
