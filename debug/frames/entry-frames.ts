/**
 * Where the frames lie that functions without a frame pointer leave on the stack: for the code of entry.S, and for the
 * middle of assembly functions.
 *
 * `depth` is the number of bytes between ESP and what lay on top of the stack when the function was entered: its return
 * address or, in entry code, the frame that the CPU pushed (EIP, CS, EFLAGS and, from ring 3, ESP and SS).
 */
import { decodeInstruction, ESP } from "../../emulator/index.ts";
import { pt_regs } from "../../kernel/inspect.ts";
import { stackChange } from "../session/instruction.ts";

/** Bytes of struct pt_regs below the CPU's frame. */
const SAVED = pt_regs.offset("eip");

/**
 * Bytes above the CPU's frame at each label of entry.S. Exceptions have an error code below it, interrupts a number,
 * pushed by the stub or the CPU.
 */
const ENTRY_DEPTHS: Readonly<Record<string, number>> = {
  system_call: 0,
  ...Object.fromEntries(Array.from({ length: 16 }, (_, irq) => [`IRQ${irq}_interrupt`, 0])),
  common_interrupt: 4,
  error_code: 8,
  ...Object.fromEntries(
    [
      ...["divide_error", "debug", "nmi", "int3", "overflow", "bounds", "invalid_op", "device_not_available"],
      ...["coprocessor_segment_overrun", "coprocessor_error", "machine_check", "spurious_interrupt_bug"],
    ].map((name) => [name, 0]),
  ),
  ...Object.fromEntries(
    ["invalid_TSS", "segment_not_present", "stack_segment", "general_protection", "page_fault", "alignment_check"].map(
      (name) => [name, 4],
    ),
  ),
  ...Object.fromEntries(
    [
      ...["ret_from_sys_call", "restore_all", "badsys", "handle_bottom_half_sys_call", "reschedule", "signal_return"],
      ...["ret_from_fork", "ret_from_intr", "ret_from_exception", "handle_bottom_half_intr"],
    ].map((name) => [name, SAVED]),
  ),
};

/** EBX, ESI, EDI and EBP, which switch_to leaves on the stack of the task that it switches from. */
export const SWITCH_FRAME_BYTES = 16;

/** Labels within other functions, by which the depth is known. __switch_to has popped the address of this one. */
const LABEL_DEPTHS: Readonly<Record<string, number>> = { switch_to_resume: SWITCH_FRAME_BYTES };
export const KNOWN_LABELS: readonly string[] = Object.keys(LABEL_DEPTHS);

/** Whether a label is in the entry code, where a frame of the CPU's takes the place of a return address. */
export function isEntryCode(symbol: string): boolean {
  return Object.hasOwn(ENTRY_DEPTHS, symbol);
}

/** MOV into ESP from memory: switch_to's step from one stack to the next, on which everything lies at the same depth. */
const MOVE_FROM_MEMORY = 0x8b;

/** What a stretch of code has done to the stack. */
export interface StackUse {
  /** Bytes on the stack, as above. */
  readonly depth: number;
  /** Bytes pushed since ESP was loaded from memory, which made it another stack; undefined if it was not. */
  readonly sinceSwitch: number | undefined;
}

/**
 * What `code`, the bytes from a symbol's address up to the instruction in question, has done to the stack; undefined
 * when that cannot be told.
 */
export function stackUse(code: Uint8Array, symbol: string): StackUse | undefined {
  let depth = ENTRY_DEPTHS[symbol] ?? LABEL_DEPTHS[symbol] ?? 0;
  let switchedAt: number | undefined;
  for (let at = 0; at < code.length; ) {
    const op = decodeInstruction(code, at, code.length, true);
    if (op === null || op === undefined) return undefined;
    const switches = op.opcode === MOVE_FROM_MEMORY && op.isMemory && op.reg === ESP;
    if (switches) switchedAt = depth;
    const change = switches ? 0 : stackChange(op);
    if (change === undefined) return undefined;
    depth += change;
    at += op.length;
  }
  return { depth, sinceSwitch: switchedAt === undefined ? undefined : depth - switchedAt };
}
