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
import { current } from "../include/linux/sched.ts";
import { SIGKILL } from "../include/linux/signal.ts";
import { send_sig } from "../kernel/signal.ts";
import { do_brk, do_mmap_pgoff } from "../mm/mmap.ts";
import { kfree, kmalloc } from "../mm/slab.ts";
import { flush_old_exec, kernel_read, setup_arg_pages, start_thread } from "./binprm.ts";

/** Program headers are read at once; more than 64 KiB of them is no program. */
const MAX_PROGRAM_HEADERS = 65536 / elf_phdr.size;
/** Ticks of times(2) in a second. */
const CLOCKS_PER_SEC = 100;
/** What AT_RANDOM points at. */
const RANDOM_BYTES = 16;
const MAP_FLAGS = MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE | MAP_EXECUTABLE;

const ELF_PLATFORM = "i386";
const platform_string = cstring(ELF_PLATFORM);

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

/**
 * Whether the segments can be mapped: in ascending order without sharing pages, within the file and user space, at
 * addresses congruent to their offsets. A program that wants an interpreter (a dynamic one) cannot run.
 */
function are_mappable(table: number, count: number, file_size: number): boolean {
  for (const _ of headers_of(table, count, PT_INTERP)) return false;
  let end = 0;
  for (const { p_offset, p_vaddr, p_filesz, p_memsz } of headers_of(table, count, PT_LOAD)) {
    if (p_filesz > p_memsz || p_memsz === 0) return false;
    if (p_offset + p_filesz > file_size || (p_vaddr - p_offset) & (PAGE_SIZE - 1)) return false;
    if (page_align_down(p_vaddr) < end || p_vaddr + p_memsz > TASK_SIZE) return false;
    end = Math.ceil((p_vaddr + p_memsz) / PAGE_SIZE) * PAGE_SIZE;
  }
  return end !== 0;
}

/** Maps the part of a segment that the file holds, and zeros behind it. Returns 0 or -errno. */
function* map_segment(filp: number, segment: elf_phdr): Steps<number> {
  const { p_offset, p_vaddr, p_filesz, p_memsz, p_flags } = segment;
  const start = page_align_down(p_vaddr);
  const file_end = p_vaddr + p_filesz;
  const end = page_align_up(p_vaddr + p_memsz) || TASK_SIZE;
  let zero_from = start;
  if (p_filesz !== 0) {
    const prot =
      (p_flags & PF_R ? PROT_READ : 0) | (p_flags & PF_W ? PROT_WRITE : 0) | (p_flags & PF_X ? PROT_EXEC : 0);
    const mapped = yield* do_mmap_pgoff(filp, start, file_end - start, prot, MAP_FLAGS, p_offset >>> PAGE_SHIFT);
    if (IS_ERR(mapped)) return mapped | 0;
    zero_from = page_align_up(file_end);
    // The rest of the last page belongs to .bss, or to the heap.
    if (p_flags & PF_W && zero_from > file_end && (yield* clear_user(file_end, zero_from - file_end)) !== 0)
      return -EFAULT;
  }
  if (end <= zero_from) return 0;
  const mapped = yield* do_brk(zero_from, end - zero_from);
  return IS_ERR(mapped) ? mapped | 0 : 0;
}

/** Maps all segments and notes in the mm where code, data and heap lie. Returns 0 or -errno. */
function* map_program(filp: number, table: number, count: number): Steps<number> {
  const mm = mm_struct.at(current().mm);
  mm.start_code = 0xffffffff;
  mm.exe = file.at(filp).f_inode;
  for (const segment of headers_of(table, count, PT_LOAD)) {
    const error = yield* map_segment(filp, segment);
    if (error !== 0) return error;
    const { p_vaddr, p_filesz, p_memsz, p_flags } = segment;
    const file_end = p_vaddr + p_filesz;
    mm.start_code = Math.min(mm.start_code, p_vaddr);
    if (p_flags & PF_X) mm.end_code = Math.max(mm.end_code, file_end);
    mm.start_data = Math.max(mm.start_data, p_vaddr);
    mm.end_data = Math.max(mm.end_data, file_end);
    mm.brk = mm.start_brk = page_align_up(p_vaddr + p_memsz) || TASK_SIZE;
  }
  return 0;
}

/** Addresses of `count` strings that follow each other from `at`, and of the first byte behind them; undefined if they cannot be read. */
function* string_addresses(at: number, count: number): Steps<{ addresses: number[]; end: number } | undefined> {
  const addresses: number[] = [];
  let end = at;
  for (let i = 0; i < count; i++) {
    const length = yield* strnlen_user(end, MAX_ARG_PAGES * PAGE_SIZE);
    if (length === 0 || length > MAX_ARG_PAGES * PAGE_SIZE) return undefined;
    addresses.push(end);
    end += length;
  }
  return { addresses, end };
}

/**
 * Writes what a program finds on its stack: argc, argv, a null, envp, a null, the auxiliary vector; the strings are there
 * already, the platform's name and AT_RANDOM's bytes go below them (by way of the header's e_ident, which nobody needs
 * any more). Returns the stack pointer, 16-byte aligned, or 0 when it cannot be written.
 */
function* create_elf_tables(bprm: linux_binprm, header: elfhdr, load_address: number): Steps<number> {
  const mm = mm_struct.at(current().mm);
  const platform = bprm.p - (ELF_PLATFORM.length + 1);
  if ((yield* copy_to_user(platform, platform_string.address, ELF_PLATFORM.length + 1)) !== 0) return 0;
  const random = platform - RANDOM_BYTES;
  get_random_bytes(bprm.buf.address, RANDOM_BYTES);
  if ((yield* copy_to_user(random, bprm.buf.address, RANDOM_BYTES)) !== 0) return 0;
  const argv = yield* string_addresses(mm.arg_start, bprm.argc);
  if (argv === undefined) return 0;
  const envp = yield* string_addresses(argv.end, bprm.envc);
  if (envp === undefined) return 0;
  mm.arg_end = mm.env_start = argv.end;
  mm.env_end = envp.end;
  const auxiliary: readonly (readonly [number, number])[] = [
    [AT_PHDR, load_address + header.e_phoff],
    [AT_PHENT, elf_phdr.size],
    [AT_PHNUM, header.e_phnum],
    [AT_BASE, 0],
    [AT_FLAGS, 0],
    [AT_ENTRY, header.e_entry],
    [AT_UID, 0],
    [AT_EUID, 0],
    [AT_GID, 0],
    [AT_EGID, 0],
    [AT_HWCAP, yield* cpu_features()],
    [AT_PAGESZ, PAGE_SIZE],
    [AT_CLKTCK, CLOCKS_PER_SEC],
    [AT_SECURE, 0],
    [AT_RANDOM, random],
    [AT_PLATFORM, platform],
    [AT_NULL, 0],
  ];
  const words = [bprm.argc, ...argv.addresses, 0, ...envp.addresses, 0, ...auxiliary.flat()];
  const sp = ((random & ~15) - 4 * words.length) & ~15;
  for (let i = 0; i < words.length; i++) {
    if ((yield* put_user(words[i], (sp >>> 0) + 4 * i)) !== 0) return 0;
  }
  mm.start_stack = sp >>> 0;
  return sp >>> 0;
}

/** Replaces the current program; from here on an error kills the process. Returns 0 or -errno. */
function* become(bprm: linux_binprm, header: elfhdr, table: number, regs: number): Steps<number> {
  const flushed = yield* flush_old_exec(bprm.address);
  if (flushed !== 0) return flushed;
  let error = yield* setup_arg_pages(bprm.address);
  if (error === 0) error = yield* map_program(bprm.file, table, header.e_phnum);
  if (error === 0) {
    const [first] = headers_of(table, header.e_phnum, PT_LOAD);
    const sp = yield* create_elf_tables(bprm, header, first.p_vaddr - first.p_offset);
    if (sp === 0) error = -EFAULT;
    else yield* start_thread(regs, header.e_entry, sp);
  }
  if (error !== 0) yield* send_sig(SIGKILL, current().address, 0);
  return error;
}

/** Runs a static ELF32 program in the current process. -ENOEXEC, with nothing changed, for what is none. */
export const load_elf_binary = kernel_function(
  "load_elf_binary",
  [pointer("linux_binprm"), pointer("pt_regs")],
  i32,
  function* (bprm_address, regs) {
    const bprm = linux_binprm.at(bprm_address);
    const header = elfhdr.at(bprm.buf.address);
    if (!is_program(header)) return -ENOEXEC;
    const size = header.e_phnum * elf_phdr.size;
    const table = yield* kmalloc(size, GFP_KERNEL);
    if (table === 0) return -ENOMEM;
    let result = -ENOEXEC;
    if (kernel_read(bprm.file, header.e_phoff, table, size) === size) {
      if (are_mappable(table, header.e_phnum, inode.at(file.at(bprm.file).f_inode).i_size)) {
        result = yield* become(bprm, header, table, regs);
      }
    }
    yield* kfree(table);
    return result;
  },
);
