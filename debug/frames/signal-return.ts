/** Frames of signals: below a handler lies the code that returns from it, and what the kernel has saved for that. */
import type { FrameRegisters } from "../../asm/dwarf/reader/index.ts";
import { sigcontext, syscall_numbers, ucontext } from "../../kernel/inspect.ts";
import { DWARF_NAMES, ESP } from "./frame-registers.ts";
import { type Guest, MemoryError } from "./guest.ts";

/** `popl %eax; movl $__NR_sigreturn, %eax; int $0x80`, and the same without the pop for rt_sigreturn. */
const SIGRETURN = [0x58, 0xb8, syscall_numbers.sigreturn, 0, 0, 0, 0xcd, 0x80];
const RT_SIGRETURN = [0xb8, syscall_numbers.rt_sigreturn, 0, 0, 0, 0xcd, 0x80];
/** Where EIP may be from their beginnings on. */
const IN_SIGRETURN = [0, 1, 6, 8];
const IN_RT_SIGRETURN = [0, 5, 7];
const WORD = 4;
/** Of the pointer to the ucontext, behind the signal's number and the pointer to its siginfo. */
const UCONTEXT_ARGUMENT = 2 * WORD;

/** Registers of what a signal has interrupted, and where they lie, by number. */
export interface Interrupted {
  readonly registers: FrameRegisters;
  readonly saved: ReadonlyMap<number, number>;
}

/**
 * What was interrupted by the signal whose handler returns to `pc`, or has; undefined where `pc` is elsewhere.
 * @param esp the frame's, at `pc`
 * @param task whose address space it is in, if not the current one's
 */
export function interruptedBySignal(
  guest: Guest,
  { pc, esp }: { readonly pc: number; readonly esp: number },
  task: number | undefined,
): Interrupted | undefined {
  try {
    const context = contextAt(guest, pc, esp, task);
    return context === undefined ? undefined : readContext(guest, context, task);
  } catch (error) {
    if (error instanceof MemoryError) return undefined;
    throw error;
  }
}

/** Address of the sigcontext. */
function contextAt(guest: Guest, pc: number, esp: number, task: number | undefined): number | undefined {
  const isAt = (code: readonly number[], offset: number) => {
    const bytes = guest.read(pc - offset, code.length, task);
    return code.every((byte, i) => bytes[i] === byte);
  };
  const offset = IN_SIGRETURN.find((each) => isAt(SIGRETURN, each));
  if (offset !== undefined) return offset === 0 ? esp + WORD : esp;
  if (!IN_RT_SIGRETURN.some((each) => isAt(RT_SIGRETURN, each))) return undefined;
  return guest.read32(esp + UCONTEXT_ARGUMENT, task) + ucontext.offset("uc_mcontext");
}

function readContext(guest: Guest, context: number, task: number | undefined): Interrupted {
  const saved = new Map(DWARF_NAMES.map((name, number) => [number, context + sigcontext.offset(name)]));
  const registers = [...saved.values()].map((address) => guest.read32(address, task));
  // The one of the time of the signal; `esp` is what PUSHA would have pushed.
  registers[ESP] = guest.read32(context + sigcontext.offset("esp_at_signal"), task);
  return { registers, saved };
}
