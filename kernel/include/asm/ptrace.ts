/** The registers on the kernel stack after SAVE_ALL (include/asm-i386/ptrace.h). */
import { i32, struct, u32, type ViewOf } from "../../host/types.ts";

export const pt_regs = struct("pt_regs", {
  ebx: u32,
  ecx: u32,
  edx: u32,
  esi: u32,
  edi: u32,
  ebp: u32,
  eax: u32,
  xds: u32,
  xes: u32,
  orig_eax: i32,
  eip: u32,
  xcs: u32,
  eflags: u32,
  /** Only there when the CPU came from ring 3. */
  esp: u32,
  xss: u32,
});
export type pt_regs = ViewOf<typeof pt_regs>;

export const VM_MASK = 0x00020000;

/** Whether the registers were saved on entry from ring 3 (or virtual-8086 mode). */
export function user_mode(regs: pt_regs): boolean {
  return (regs.eflags & VM_MASK) !== 0 || (regs.xcs & 3) !== 0;
}
