/** A segment as a program describes it to set_thread_area(2) and clone(2) (include/asm-i386/ldt.h). */
import { struct, u32, type ViewOf } from "../../host/types.ts";

export const user_desc = struct("user_desc", {
  entry_number: u32,
  base_addr: u32,
  limit: u32,
  /** Bits: 0 seg_32bit, 1-2 contents, 3 read_exec_only, 4 limit_in_pages, 5 seg_not_present, 6 useable. */
  flags: u32,
});
export type user_desc = ViewOf<typeof user_desc>;

/** Flags of a description that stands for "no segment": read_exec_only and seg_not_present. */
const EMPTY_FLAGS = 0b101000;

/** Whether the description takes a segment away (LDT_empty). */
export function LDT_empty({ base_addr, limit, flags }: user_desc): boolean {
  return base_addr === 0 && limit === 0 && (flags & 0x7f) === EMPTY_FLAGS;
}

/** Low word of the segment descriptor (Intel SDM vol. 3, 3.4.5). */
export function LDT_entry_a({ base_addr, limit }: user_desc): number {
  return ((base_addr << 16) | (limit & 0xffff)) >>> 0;
}

/** High word: a code or data segment of privilege level 3, whatever the description says. */
export function LDT_entry_b({ base_addr, limit, flags }: user_desc): number {
  return (
    ((base_addr & 0xff000000) |
      ((base_addr >>> 16) & 0xff) |
      (limit & 0xf0000) |
      ((((flags >> 3) & 1) ^ 1) << 9) |
      (((flags >> 1) & 3) << 10) |
      ((((flags >> 5) & 1) ^ 1) << 15) |
      ((flags & 1) << 22) |
      (((flags >> 4) & 1) << 23) |
      (((flags >> 6) & 1) << 20) |
      0x7000) >>>
    0
  );
}

/** The description of a descriptor, for get_thread_area(2). */
export function fill_user_desc(into: user_desc, entry: number, a: number, b: number): void {
  into.entry_number = entry;
  into.base_addr = ((a >>> 16) | ((b & 0xff) << 16) | (b & 0xff000000)) >>> 0;
  into.limit = (a & 0xffff) | (b & 0xf0000);
  into.flags =
    ((b >>> 22) & 1) |
    (((b >>> 10) & 3) << 1) |
    ((((b >>> 9) & 1) ^ 1) << 3) |
    (((b >>> 23) & 1) << 4) |
    ((((b >>> 15) & 1) ^ 1) << 5) |
    (((b >>> 20) & 1) << 6);
}
