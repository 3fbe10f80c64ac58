/** Per-task CPU state and the TSS (include/asm-i386/processor.h). */
import { cpu } from "../../host/context.ts";
import { array, i32, struct, u8, u16, u32, type ViewOf } from "../../host/types.ts";
import { GDT_ENTRY_TLS_ENTRIES } from "./segment.ts";

/** `rep; nop`, PAUSE: this CPU waits for another, which may use what it would spend on that. */
export function cpu_relax(): void {
  cpu().pause();
}

/** Bytes of a task_union: the task_struct at its bottom, the kernel stack growing down from its end. */
export const THREAD_SIZE = 8192;

/** What FNSAVE writes, and the status word that signal frames keep beside it. */
export const i387_fsave_struct = struct("i387_fsave_struct", {
  cwd: u32,
  swd: u32,
  twd: u32,
  fip: u32,
  fcs: u32,
  foo: u32,
  fos: u32,
  /** ST(0) to ST(7), 10 bytes each. */
  st_space: array(u32, 20),
  status: u32,
});

export const thread_struct = struct("thread_struct", {
  /** Top of the kernel stack while in user mode: what goes to TSS.esp0. */
  esp0: u32,
  /** Where `switch_to` resumes the task, and with which stack. */
  eip: u32,
  esp: u32,
  fs: u32,
  gs: u32,
  debugreg: array(u32, 8),
  cr2: u32,
  trap_no: i32,
  error_code: i32,
  /** Descriptors of the thread's TLS segments, low and high words: GDT entries 6 to 8 while it runs. */
  tls_array: array(u32, 2 * GDT_ENTRY_TLS_ENTRIES),
  /** The x87's state, unless the x87 has it (PF_USEDFPU) or the task never used it (used_math). */
  i387: i387_fsave_struct,
});

/** The 32-bit TSS of the manual (Intel SDM vol. 3, 7.2.1) with an I/O bitmap that permits nothing. */
export const tss_struct = struct("tss_struct", {
  back_link: u16,
  __blh: u16,
  esp0: u32,
  ss0: u16,
  __ss0h: u16,
  esp1: u32,
  ss1: u16,
  __ss1h: u16,
  esp2: u32,
  ss2: u16,
  __ss2h: u16,
  __cr3: u32,
  eip: u32,
  eflags: u32,
  eax: u32,
  ecx: u32,
  edx: u32,
  ebx: u32,
  esp: u32,
  ebp: u32,
  esi: u32,
  edi: u32,
  es: u16,
  __esh: u16,
  cs: u16,
  __csh: u16,
  ss: u16,
  __ssh: u16,
  ds: u16,
  __dsh: u16,
  fs: u16,
  __fsh: u16,
  gs: u16,
  __gsh: u16,
  ldt: u16,
  __ldth: u16,
  trace: u16,
  bitmap: u16,
  io_bitmap: array(u32, 33),
  __cacheline_filler: array(u8, 20),
});

export type tss_struct = ViewOf<typeof tss_struct>;

export const IO_BITMAP_OFFSET = tss_struct.offset("io_bitmap");
/** A bitmap offset beyond the segment's limit: no port is permitted. */
export const INVALID_IO_BITMAP_OFFSET = 0x8000;
