/** Segments of a thread's own (Linux 2.6's arch/i386/kernel/process.c, include/asm-i386/desc.h). */
import { stack_local } from "../../../host/context.ts";
import { kernel_function, type Steps } from "../../../host/declarations.ts";
import { memcpy, memory } from "../../../host/memory.ts";
import { i32, u32 } from "../../../host/types.ts";
import { fill_user_desc, LDT_empty, LDT_entry_a, LDT_entry_b, user_desc } from "../../../include/asm/ldt.ts";
import { thread_struct } from "../../../include/asm/processor.ts";
import { GDT_ENTRY_TLS_ENTRIES, GDT_ENTRY_TLS_MIN } from "../../../include/asm/segment.ts";
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
export function load_TLS(thread: number): void {
  const size = DESCRIPTOR_SIZE * GDT_ENTRY_TLS_ENTRIES;
  memcpy(gdt_table.address + DESCRIPTOR_SIZE * GDT_ENTRY_TLS_MIN, thread + TLS_ARRAY, size);
}

function write_descriptor(thread: number, entry: number, info: user_desc): void {
  const at = tls_descriptor(thread, entry);
  const empty = LDT_empty(info);
  memory().write32(at, empty ? 0 : LDT_entry_a(info));
  memory().write32(at + 4, empty ? 0 : LDT_entry_b(info));
}

/** CLONE_SETTLS: gives a thread that does not run yet the segment described in user memory. 0 or -errno. */
export const set_child_tls = kernel_function(
  "set_child_tls",
  [u32, u32],
  i32,
  function* (thread, u_info) {
    const local = stack_local(user_desc.size);
    if ((yield* copy_from_user(local, u_info, user_desc.size)) !== 0) return -EFAULT;
    const info = user_desc.at(local);
    if (!is_tls_entry(info.entry_number)) return -EINVAL;
    write_descriptor(thread, info.entry_number, info);
    return 0;
  },
  { locals: user_desc.size },
);

/** The first TLS entry of a thread that is not in use, or -ESRCH. */
function get_free_idx(thread: number): number {
  for (let entry = GDT_ENTRY_TLS_MIN; is_tls_entry(entry); entry++) {
    const at = tls_descriptor(thread, entry);
    if ((memory().read32(at) | memory().read32(at + 4)) === 0) return entry;
  }
  return -ESRCH;
}

const ANY_ENTRY = 0xffffffff;

function* change_area(u_info: number, local: number): Steps<number> {
  if ((yield* copy_from_user(local, u_info, user_desc.size)) !== 0) return -EFAULT;
  const info = user_desc.at(local);
  const thread = current().thread.address;
  let entry = info.entry_number;
  if (entry === ANY_ENTRY) {
    entry = get_free_idx(thread);
    if (entry < 0) return entry;
    if ((yield* put_user(entry, u_info)) !== 0) return -EFAULT;
  }
  if (!is_tls_entry(entry)) return -EINVAL;
  write_descriptor(thread, entry, info);
  load_TLS(thread);
  return 0;
}

/** set_thread_area(2): a segment for the calling thread. Entry -1 asks for a free one and is told which it was. */
export const sys_set_thread_area = kernel_function(
  "sys_set_thread_area",
  [u32],
  i32,
  function* (u_info) {
    return yield* change_area(u_info, stack_local(user_desc.size));
  },
  { locals: user_desc.size },
);

/** get_thread_area(2): what a TLS entry of the calling thread holds. */
export const sys_get_thread_area = kernel_function(
  "sys_get_thread_area",
  [u32],
  i32,
  function* (u_info) {
    const local = stack_local(user_desc.size);
    if ((yield* copy_from_user(local, u_info, 4)) !== 0) return -EFAULT;
    const entry = memory().read32(local) >>> 0;
    if (!is_tls_entry(entry)) return -EINVAL;
    const at = tls_descriptor(current().thread.address, entry);
    fill_user_desc(user_desc.at(local), entry, memory().read32(at) >>> 0, memory().read32(at + 4) >>> 0);
    return (yield* copy_to_user(u_info, local, user_desc.size)) === 0 ? 0 : -EFAULT;
  },
  { locals: user_desc.size },
);
