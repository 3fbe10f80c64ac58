/**
 * Back-traces by frame pointers: hosted stubs and the kernel's assembly functions keep them. An exception or interrupt
 * frame (struct pt_regs) in between is recognised by the return address into entry.S in front of it and crossed. Stacks that
 * belong to a CPU are crossed with it: what is called there has EBP and a copy of the struct from where it came from.
 */

import type { SymbolSource } from "../../../host/context.ts";
import type { GuestMemory } from "../../../host/guest-memory.ts";
import { PAGE_OFFSET } from "../../../include/asm/page.ts";
import { pt_regs } from "../../../include/asm/ptrace.ts";

export interface StackFrame {
  /** Where execution is in this function: EIP, or the return address into it. Linear. */
  readonly address: number;
  /** `symbol+offset/size`, or the bare address. */
  readonly name: string;
  /** The function's EBP. */
  readonly frame: number;
  /** Of one that was interrupted: the address of the struct pt_regs that says so. */
  readonly regs?: number;
}

const DEEPEST = 64;
/** Entry code of the interrupts that local APICs deliver. */
const apic_entries = [
  "apic_timer_interrupt",
  "stop_interrupt",
  "call_function_interrupt",
  "reschedule_interrupt",
  "invalidate_interrupt",
  "error_interrupt",
  "spurious_interrupt",
];
/** Functions of entry.S whose calls have a struct pt_regs right above the return address: as an argument, or as what lies there. */
const entry_points: ReadonlySet<string> = new Set([
  "common_interrupt",
  "system_call",
  "handle_bottom_half_intr",
  "handle_bottom_half_sys_call",
  ...apic_entries,
]);
/** That whose calls have the address of one there. */
const EXCEPTION_ENTRY = "error_code";

function is_apic_entry(name: string): boolean {
  return apic_entries.some((entry) => name.startsWith(`${entry}+`));
}

/** Whether a frame, as `symbolize` names it, is one of the entry code of interrupts. */
export function is_interrupt_entry(name: string): boolean {
  return ["common_interrupt+", "IRQ"].some((entry) => name.startsWith(entry)) || is_apic_entry(name);
}

/**
 * Frames from the innermost outwards, ending at the first user-mode frame or where the chain does. Never faults. Frames
 * below `lowest` are not followed: entry code still has the user's EBP.
 */
export function back_trace(
  memory: GuestMemory,
  symbols: SymbolSource,
  eip: number,
  ebp: number,
  lowest = PAGE_OFFSET,
): StackFrame[] {
  const frames: StackFrame[] = [];
  let address = eip >>> 0;
  let frame = ebp >>> 0;
  const push = () => frames.push({ address, name: symbols.symbolize(address), frame });
  push();
  while (frames.length < DEEPEST && frame >= lowest && frame < 0xfffffff8 && (frame & 3) === 0) {
    let next: number;
    try {
      next = memory.read32(frame) >>> 0;
      address = memory.read32(frame + 4) >>> 0;
      const caller = symbols.function_at(address);
      if (caller === undefined) break;
      const behind = frame + 8;
      frame = next;
      push();
      if (caller === EXCEPTION_ENTRY || entry_points.has(caller)) {
        const regs = caller === EXCEPTION_ENTRY ? memory.read32(behind) >>> 0 : behind;
        const saved_cs = memory.read32(regs + pt_regs.offset("xcs"));
        address = memory.read32(regs + pt_regs.offset("eip")) >>> 0;
        frame = memory.read32(regs + pt_regs.offset("ebp")) >>> 0;
        frames.push({ address, name: symbols.symbolize(address), frame, regs });
        if ((saved_cs & 3) !== 0) break;
      }
    } catch {
      break;
    }
    if (frame === 0) break;
  }
  return frames;
}
