/** Static ELF32 programs (fs/binfmt_elf.c): checked, mapped, and given the stack that the i386 ABI describes. */
import { get_random_bytes } from "../drivers/char/random.ts";
import { asm_function, cstring, kernel_function, type Steps } from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import {
  MAP_DENYWRITE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from "../include/asm/mman.ts";
import { PAGE_SHIFT, PAGE_SIZE, page_align_down, page_align_up, TASK_SIZE } from "../include/asm/page.ts";
import { clear_user, copy_to_user, put_user, strnlen_user } from "../include/asm/uaccess.ts";
import { linux_binprm, MAX_ARG_PAGES } from "../include/linux/binfmts.ts";
import {
  AT_BASE,
  AT_CLKTCK,
  AT_EGID,
  AT_ENTRY,
  AT_EUID,
  AT_FLAGS,
  AT_GID,
  AT_HWCAP,
  AT_NULL,
  AT_PAGESZ,
  AT_PHDR,
  AT_PHENT,
  AT_PHNUM,
  AT_PLATFORM,
  AT_RANDOM,
  AT_SECURE,
  AT_UID,
  ELFCLASS32,
  ELFDATA2LSB,
  ELFMAG,
  EM_386,
  EM_486,
  ET_EXEC,
  elf_phdr,
  elfhdr,
  PF_R,
  PF_W,
  PF_X,
  PT_INTERP,
  PT_LOAD,
} from "../include/linux/elf.ts";
import { EFAULT, ENOEXEC, ENOMEM } from "../include/linux/errno.ts";
import { file, IS_ERR, inode } from "../include/linux/fs.ts";
import { GFP_KERNEL, mm_struct } from "../include/linux/mm.ts";
import { down_write, up_write } from "../include/linux/rwsem.ts";
import { current } from "../include/linux/sched.ts";
import { SIGKILL } from "../include/linux/signal.ts";
import { send_sig } from "../kernel/signal.ts";
import { USER_HZ } from "../kernel/timer.ts";
import { do_brk, do_mmap_pgoff } from "../mm/mmap.ts";
import { kfree, kmalloc } from "../mm/slab.ts";
import { flush_old_exec, kernel_read, setup_arg_pages, start_thread } from "./binprm.ts";

/** Program headers are read at once; more than 64 KiB of them is no program. */
const MAX_PROGRAM_HEADERS = 65536 / elf_phdr.size;
/** Ticks of times(2) in a second. */
/** What AT_RANDOM points at. */
const RANDOM_BYTES = 16;
const POINTER_SIZE = 4;
/** Entries of the auxiliary vector, with the last. */
const AUX_ENTRIES = 17;
const MAP_FLAGS = MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE | MAP_EXECUTABLE;

const ELF_PLATFORM = "i386";
const platform_string = cstring(ELF_PLATFORM);
const PLATFORM_SIZE = ELF_PLATFORM.length + 1;

/** Features that CPUID leaf 1 reports in EDX. */
const cpu_features = asm_function("cpu_features", [], u32);

function is_program(header: elfhdr): boolean {
  const ident = header.e_ident;
  const magic = ident.get(0) | (ident.get(1) << 8) | (ident.get(2) << 16) | (ident.get(3) << 24);
  return (
    magic === ELFMAG &&
    ident.get(4) === ELFCLASS32 &&
    ident.get(5) === ELFDATA2LSB &&
    header.e_type === ET_EXEC &&
    (header.e_machine === EM_386 || header.e_machine === EM_486) &&
    header.e_phentsize === elf_phdr.size &&
    header.e_phnum >= 1 &&
    header.e_phnum <= MAX_PROGRAM_HEADERS
  );
}

/** The program headers of a type. */
function* headers_of(table: number, count: number, type: number): Generator<elf_phdr, void, undefined> {
  for (let i = 0; i < count; i++) {
    const header = elf_phdr.at(table + i * elf_phdr.size);
    if (header.p_type === type) yield header;
  }
}

/** Whether a segment lies within the file and user space, from `end` on, at an address congruent to its offset. */
function is_mappable(segment: elf_phdr, end: number, file_size: number): boolean {
  const { p_offset, p_vaddr, p_filesz, p_memsz } = segment;
  if (p_filesz > p_memsz || p_memsz === 0) return false;
  if (p_offset + p_filesz > file_size || (p_vaddr - p_offset) & (PAGE_SIZE - 1)) return false;
  return page_align_down(p_vaddr) >= end && p_vaddr + p_memsz <= TASK_SIZE;
}

/**
 * Whether the segments can be mapped: there are some, in ascending order without sharing pages. A program that wants an
 * interpreter (a dynamic one) cannot run.
 */
function* are_mappable(table: u32, count: u32, file_size: u32): Steps<boolean> {
  for (const _ of headers_of(table, count, PT_INTERP)) return false;
  let end: u32 = 0;
  for (const segment of headers_of(table, count, PT_LOAD)) {
    if (!is_mappable(segment, end, file_size)) return false;
    end = segment_end(segment);
  }
  return end !== 0;
}

/** The first page behind a segment that can be mapped. */
function segment_end({ p_vaddr, p_memsz }: elf_phdr): number {
  return page_align_up(p_vaddr + p_memsz);
}

function protection_of({ p_flags }: elf_phdr): number {
  return (p_flags & PF_R ? PROT_READ : 0) | (p_flags & PF_W ? PROT_WRITE : 0) | (p_flags & PF_X ? PROT_EXEC : 0);
}

/** Maps the part of a segment that the file holds, and zeros behind it. Returns 0 or -errno. @context might_sleep */
function* map_segment(filp: u32, segment: elf_phdr): Steps<i32> {
  const { p_offset, p_vaddr, p_filesz, p_flags } = segment;
  const start: u32 = page_align_down(p_vaddr);
  const file_end: u32 = p_vaddr + p_filesz;
  const end: u32 = segment_end(segment);
  const sem = mm_struct.at(current().mm).mmap_sem.address;
  let zero_from: u32 = start;
  if (p_filesz !== 0) {
    const prot: u32 = protection_of(segment);
    yield* down_write(sem);
    const mapped = yield* do_mmap_pgoff(filp, start, file_end - start, prot, MAP_FLAGS, p_offset >>> PAGE_SHIFT);
    yield* up_write(sem);
    if (IS_ERR(mapped)) return mapped;
    zero_from = page_align_up(file_end);
    // The rest of the last page belongs to .bss, or to the heap.
    if (p_flags & PF_W && zero_from > file_end && (yield* clear_user(file_end, zero_from - file_end)) !== 0)
      return -EFAULT;
  }
  if (end <= zero_from) return 0;
  yield* down_write(sem);
  const mapped = yield* do_brk(zero_from, end - zero_from);
  yield* up_write(sem);
  return IS_ERR(mapped) ? mapped : 0;
}

/** Maps all segments and notes in the mm where code, data and heap lie. Returns 0 or -errno. @context might_sleep */
function* map_program(filp: u32, table: u32, count: u32): Steps<i32> {
  const mm = mm_struct.at(current().mm);
  mm.start_code = 0xffffffff;
  mm.exe = file.at(filp).f_inode;
  for (const segment of headers_of(table, count, PT_LOAD)) {
    const error = yield* map_segment(filp, segment);
    if (error !== 0) return error;
    const { p_vaddr, p_filesz, p_flags } = segment;
    const file_end: u32 = p_vaddr + p_filesz;
    mm.start_code = Math.min(mm.start_code, p_vaddr);
    if (p_flags & PF_X) mm.end_code = Math.max(mm.end_code, file_end);
    mm.start_data = Math.max(mm.start_data, p_vaddr);
    mm.end_data = Math.max(mm.end_data, file_end);
    mm.start_brk = segment_end(segment);
    mm.brk = mm.start_brk;
  }
  return 0;
}

/** Where the beginning of the file is, or would be, in memory: what the first segment says. */
function* load_address_of(table: u32, count: u32): Steps<u32> {
  for (const { p_vaddr, p_offset } of headers_of(table, count, PT_LOAD)) return p_vaddr - p_offset;
  return 0;
}

/**
 * Writes the addresses of `count` strings that follow each other from `string`, and a null, to the user words from `to` on.
 * Returns the address behind the last string; 0 when a string cannot be read or a word not be written.
 * @context might_sleep
 */
function* put_strings(to: u32, string: u32, count: u32): Steps<u32> {
  let at: u32 = string;
  for (let i: u32 = 0; i < count; i++) {
    if ((yield* put_user(at, to + POINTER_SIZE * i)) !== 0) return 0;
    const length = yield* strnlen_user(at, MAX_ARG_PAGES * PAGE_SIZE);
    if (length === 0 || length > MAX_ARG_PAGES * PAGE_SIZE) return 0;
    at += length;
  }
  return (yield* put_user(0, to + POINTER_SIZE * count)) === 0 ? at : 0;
}

/** Entry `index` of the auxiliary vector at `vector` in user memory. 0 or -EFAULT. @context might_sleep */
function* new_aux_ent(vector: u32, index: u32, type: u32, value: u32): Steps<i32> {
  const at: u32 = vector + 2 * POINTER_SIZE * index;
  return (yield* put_user(type, at)) || (yield* put_user(value, at + POINTER_SIZE));
}

/** Writes the auxiliary vector of AUX_ENTRIES. 0 or -EFAULT. @context might_sleep */
function* put_auxv(vector: u32, header: elfhdr, load_address: u32, random: u32, platform: u32): Steps<i32> {
  const hwcap = yield* cpu_features();
  return (
    (yield* new_aux_ent(vector, 0, AT_PHDR, load_address + header.e_phoff)) ||
    (yield* new_aux_ent(vector, 1, AT_PHENT, elf_phdr.size)) ||
    (yield* new_aux_ent(vector, 2, AT_PHNUM, header.e_phnum)) ||
    (yield* new_aux_ent(vector, 3, AT_BASE, 0)) ||
    (yield* new_aux_ent(vector, 4, AT_FLAGS, 0)) ||
    (yield* new_aux_ent(vector, 5, AT_ENTRY, header.e_entry)) ||
    (yield* new_aux_ent(vector, 6, AT_UID, 0)) ||
    (yield* new_aux_ent(vector, 7, AT_EUID, 0)) ||
    (yield* new_aux_ent(vector, 8, AT_GID, 0)) ||
    (yield* new_aux_ent(vector, 9, AT_EGID, 0)) ||
    (yield* new_aux_ent(vector, 10, AT_HWCAP, hwcap)) ||
    (yield* new_aux_ent(vector, 11, AT_PAGESZ, PAGE_SIZE)) ||
    (yield* new_aux_ent(vector, 12, AT_CLKTCK, USER_HZ)) ||
    (yield* new_aux_ent(vector, 13, AT_SECURE, 0)) ||
    (yield* new_aux_ent(vector, 14, AT_RANDOM, random)) ||
    (yield* new_aux_ent(vector, 15, AT_PLATFORM, platform)) ||
    (yield* new_aux_ent(vector, 16, AT_NULL, 0))
  );
}

/**
 * Writes what a program finds on its stack: argc, argv, a null, envp, a null, the auxiliary vector; the strings are there
 * already, the platform's name and AT_RANDOM's bytes go below them (by way of the header's e_ident, which nobody needs
 * any more). Returns the stack pointer, 16-byte aligned, or 0 when it cannot be written.
 * @context might_sleep
 */
function* create_elf_tables(bprm: linux_binprm, header: elfhdr, load_address: u32): Steps<u32> {
  const mm = mm_struct.at(current().mm);
  const platform: u32 = bprm.p - PLATFORM_SIZE;
  if ((yield* copy_to_user(platform, platform_string.address, PLATFORM_SIZE)) !== 0) return 0;
  const random: u32 = platform - RANDOM_BYTES;
  yield* get_random_bytes(bprm.buf.address, RANDOM_BYTES);
  if ((yield* copy_to_user(random, bprm.buf.address, RANDOM_BYTES)) !== 0) return 0;
  const { argc, envc } = bprm;
  // argc, the two lists with their nulls, the vector.
  const words: u32 = 1 + (argc + 1) + (envc + 1) + 2 * AUX_ENTRIES;
  const sp: u32 = ((random & ~15) - POINTER_SIZE * words) & ~15;
  const argv: u32 = sp + POINTER_SIZE;
  const envp: u32 = argv + POINTER_SIZE * (argc + 1);
  const auxv: u32 = envp + POINTER_SIZE * (envc + 1);
  if ((yield* put_user(argc, sp)) !== 0) return 0;
  const arg_end = yield* put_strings(argv, mm.arg_start, argc);
  if (arg_end === 0) return 0;
  const env_end = yield* put_strings(envp, arg_end, envc);
  if (env_end === 0) return 0;
  mm.arg_end = arg_end;
  mm.env_start = arg_end;
  mm.env_end = env_end;
  if ((yield* put_auxv(auxv, header, load_address, random, platform)) !== 0) return 0;
  mm.start_stack = sp;
  return sp;
}

/** Replaces the current program; from here on an error kills the process. Returns 0 or -errno. @context might_sleep */
function* become(bprm: linux_binprm, header: elfhdr, table: u32, regs: u32): Steps<i32> {
  const flushed = yield* flush_old_exec(bprm.address);
  if (flushed !== 0) return flushed;
  let error = yield* setup_arg_pages(bprm.address);
  if (error === 0) error = yield* map_program(bprm.file, table, header.e_phnum);
  if (error === 0) {
    const sp = yield* create_elf_tables(bprm, header, yield* load_address_of(table, header.e_phnum));
    if (sp === 0) error = -EFAULT;
    else yield* start_thread(regs, header.e_entry, sp);
  }
  if (error !== 0) yield* send_sig(SIGKILL, current().address, 0);
  return error;
}

/**
 * Runs a static ELF32 program in the current process. -ENOEXEC, with nothing changed, for what is none.
 * @context might_sleep
 */
export const load_elf_binary = kernel_function(
  "load_elf_binary",
  [pointer("linux_binprm"), pointer("pt_regs")],
  i32,
  function* (bprm_address, regs) {
    const bprm = linux_binprm.at(bprm_address);
    const header = elfhdr.at(bprm.buf.address);
    if (!is_program(header)) return -ENOEXEC;
    const size: u32 = header.e_phnum * elf_phdr.size;
    const table: u32 = yield* kmalloc(size, GFP_KERNEL);
    if (table === 0) return -ENOMEM;
    let result: i32 = -ENOEXEC;
    if ((yield* kernel_read(bprm.file, header.e_phoff, table, size)) === size) {
      const file_size = inode.at(file.at(bprm.file).f_inode).i_size;
      if (yield* are_mappable(table, header.e_phnum, file_size)) result = yield* become(bprm, header, table, regs);
    }
    yield* kfree(table);
    return result;
  },
);
