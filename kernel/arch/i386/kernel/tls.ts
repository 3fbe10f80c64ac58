/** Segments of a thread's own (Linux 2.6's arch/i386/kernel/process.c, include/asm-i386/desc.h). */
import { kernel_function, local, type Steps } from "../../../host/declarations.ts";
import { memory } from "../../../host/memory.ts";
import { i32, u32 } from "../../../host/types.ts";
import { fill_user_desc, LDT_empty, LDT_entry_a, LDT_entry_b, user_desc } from "../../../include/asm/ldt.ts";
import { thread_struct } from "../../../include/asm/processor.ts";
import { GDT_ENTRY_TLS_ENTRIES, GDT_ENTRY_TLS_MIN } from "../../../include/asm/segment.ts";
import { memcpy } from "../../../include/asm/string.ts";
import { copy_from_user, copy_to_user, put_user } from "../../../include/asm/uaccess.ts";
import { EFAULT, EINVAL, ESRCH } from "../../../include/linux/errno.ts";
import { current } from "../../../include/linux/sched.ts";
import { gdt_table } from "./setup.ts";

const DESCRIPTOR_SIZE = 8;
const TLS_ARRAY = thread_struct.offset("tls_array");

function is_tls_entry(entry: number): boolean {
  return entry >= GDT_ENTRY_TLS_MIN && entry < GDT_ENTRY_TLS_MIN + GDT_ENTRY_TLS_ENTRIES;
}

/** Address of a TLS descriptor in a thread_struct. */
function tls_descriptor(thread: number, entry: number): number {
  return thread + TLS_ARRAY + DESCRIPTOR_SIZE * (entry - GDT_ENTRY_TLS_MIN);
}

/** Puts a thread's segments into the GDT. Segment registers keep what they loaded before: reload them afterwards. */
export function* load_TLS(thread: u32): Steps<void> {
  const size = DESCRIPTOR_SIZE * GDT_ENTRY_TLS_ENTRIES;
  yield* memcpy(gdt_table.address + DESCRIPTOR_SIZE * GDT_ENTRY_TLS_MIN, thread + TLS_ARRAY, size);
}

function write_descriptor(thread: number, entry: number, info: user_desc): void {
  const at = tls_descriptor(thread, entry);
  const empty = LDT_empty(info);
  memory().write32(at, empty ? 0 : LDT_entry_a(info));
  memory().write32(at + 4, empty ? 0 : LDT_entry_b(info));
}

/**
 * CLONE_SETTLS: gives a thread that does not run yet the segment described in user memory. 0 or -errno.
 * @context might_sleep
 */
export const set_child_tls = kernel_function("set_child_tls", [u32, u32], i32, function* (thread, u_info) {
  const info = local(user_desc);
  if ((yield* copy_from_user(info.address, u_info, user_desc.size)) !== 0) return -EFAULT;
  if (!is_tls_entry(info.entry_number)) return -EINVAL;
  write_descriptor(thread, info.entry_number, info);
  return 0;
});

/** The first TLS entry of a thread that is not in use, or -ESRCH. */
function* get_free_idx(thread: u32): Steps<i32> {
  for (let entry = GDT_ENTRY_TLS_MIN; is_tls_entry(entry); entry++) {
    const at = tls_descriptor(thread, entry);
    if ((memory().read32(at) | memory().read32(at + 4)) === 0) return entry;
  }
  return -ESRCH;
}

const ANY_ENTRY = 0xffffffff;

/**
 * set_thread_area(2): a segment for the calling thread. Entry -1 asks for a free one and is told which it was.
 * @context might_sleep
 */
export const sys_set_thread_area = kernel_function("sys_set_thread_area", [u32], i32, function* (u_info) {
  const info = local(user_desc);
  if ((yield* copy_from_user(info.address, u_info, user_desc.size)) !== 0) return -EFAULT;
  const thread = current().thread.address;
  let entry = info.entry_number;
  if (entry === ANY_ENTRY) {
    const free = yield* get_free_idx(thread);
    if (free < 0) return free;
    entry = free;
    if ((yield* put_user(entry, u_info)) !== 0) return -EFAULT;
  }
  if (!is_tls_entry(entry)) return -EINVAL;
  write_descriptor(thread, entry, info);
  yield* load_TLS(thread);
  return 0;
});

/** get_thread_area(2): what a TLS entry of the calling thread holds. @context might_sleep */
export const sys_get_thread_area = kernel_function("sys_get_thread_area", [u32], i32, function* (u_info) {
  const info = local(user_desc);
  if ((yield* copy_from_user(info.address, u_info, 4)) !== 0) return -EFAULT;
  const entry = info.entry_number;
  if (!is_tls_entry(entry)) return -EINVAL;
  const at = tls_descriptor(current().thread.address, entry);
  fill_user_desc(info, entry, memory().read32(at) >>> 0, memory().read32(at + 4) >>> 0);
  return (yield* copy_to_user(u_info, info.address, user_desc.size)) === 0 ? 0 : -EFAULT;
});
