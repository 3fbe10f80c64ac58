/**
 * Back-traces by frame pointers: hosted stubs and the kernel's assembly functions keep them. An exception or interrupt
 * frame (struct pt_regs) in between is recognised by the return address into entry.S in front of it and crossed.
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
}

const DEEPEST = 64;
/** Functions of entry.S whose calls have a struct pt_regs right above their arguments, and the arguments' bytes. */
const entry_points: Readonly<Record<string, number>> = { common_interrupt: 0, system_call: 0, error_code: 8 };

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
      const argument_bytes = entry_points[caller];
      const called_from = frame;
      frame = next;
      push();
      if (argument_bytes !== undefined) {
        const regs = called_from + 8 + argument_bytes;
        const saved_cs = memory.read32(regs + pt_regs.offset("xcs"));
        address = memory.read32(regs + pt_regs.offset("eip")) >>> 0;
        frame = memory.read32(regs + pt_regs.offset("ebp")) >>> 0;
        push();
        if ((saved_cs & 3) !== 0) break;
      }
    } catch {
      break;
    }
    if (frame === 0) break;
  }
  return frames;
}
