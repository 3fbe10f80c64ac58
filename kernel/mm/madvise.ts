/** Advice about mapped memory (mm/filemap.c's sys_madvise). */
import { kernel_function, type Steps } from "../host/declarations.ts";
import { i32, u32 } from "../host/types.ts";
import { PAGE_MASK, page_align_up, TASK_SIZE } from "../include/asm/page.ts";
import { EINVAL, ENOMEM } from "../include/linux/errno.ts";
import { mm_struct, vm_area_struct } from "../include/linux/mm.ts";
import { down_write, up_write } from "../include/linux/rwsem.ts";
import { current } from "../include/linux/sched.ts";
import { zap_page_range } from "./memory.ts";
import { find_vma } from "./vma.ts";

/** MADV_NORMAL, RANDOM, SEQUENTIAL and WILLNEED are about reading ahead, which does not happen here. */
const MADV_WILLNEED = 3;
const MADV_DONTNEED = 4;

/**
 * madvise(2): MADV_DONTNEED drops the pages, so that private memory reads as zeros or as its file again; other advice
 * changes nothing. -EINVAL for an unaligned address or unknown advice, -ENOMEM when part of the range is not mapped.
 */
export const sys_madvise = kernel_function("sys_madvise", [u32, u32, i32], i32, function* (start, length, advice) {
  const sem = mm_struct.at(current().mm).mmap_sem.address;
  yield* down_write(sem);
  const result = yield* advise(start, length, advice);
  yield* up_write(sem);
  return result;
});

/** What madvise does. Needs mmap_sem for writing. */
function* advise(start: u32, length: u32, advice: i32): Steps<i32> {
  const bytes = page_align_up(length);
  if (start & ~PAGE_MASK || length > TASK_SIZE || start + bytes > TASK_SIZE) return -EINVAL;
  if (advice < 0 || advice > MADV_DONTNEED) return -EINVAL;
  const { mm } = current();
  const end: u32 = start + bytes;
  let result: i32 = 0;
  for (let address: u32 = start; address < end; ) {
    const found = yield* find_vma(mm, address);
    if (found === 0) return -ENOMEM;
    const vma = vm_area_struct.at(found);
    if (vma.vm_start > address) result = -ENOMEM; // a hole; the rest is done all the same
    const from: u32 = Math.max(address, vma.vm_start);
    const to: u32 = Math.min(end, vma.vm_end);
    if (advice > MADV_WILLNEED && to > from) yield* zap_page_range(mm, from, to - from);
    address = vma.vm_end;
  }
  return result;
}
