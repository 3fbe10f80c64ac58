/** What brought the CPU into the kernel, told from the frame of its entry code (kernel/arch/i386/kernel/entry.S). */
import { FIRST_EXTERNAL_VECTOR, kernel_entry, pt_regs, syscall_numbers, THREAD_SIZE } from "../../kernel/inspect.ts";
import { EXCEPTIONS } from "../exceptions.ts";
import type { Frame } from "./frame.ts";
import { type Guest, MemoryError } from "./guest.ts";

/** Its numbers are undefined where nothing tells them yet. */
export type Entry =
  | { readonly kind: "syscall"; readonly nr: number | undefined }
  | { readonly kind: "exception"; readonly vector: number | undefined }
  | { readonly kind: "interrupt"; readonly vector: number; readonly irq: number };

/** What of a frame of entry code tells what it is about. */
export type EntryFrame = Pick<Frame, "pc" | "esp" | "isExact" | "registers" | "entryFrame">;

const EAX = 0;
const GATE_BYTES = 8;
const BREAKPOINT = 3;
const OVERFLOW = 4;
/** The encodings of the instructions that raise an interrupt, by its vector; INT n is CD n for all of them. */
const INT = 0xcd;
const SHORT_FORMS: Readonly<Record<number, number>> = { [BREAKPOINT]: 0xcc, [OVERFLOW]: 0xce };
const SYSCALL_VECTOR = 0x80;
const NEVER_RETURN: ReadonlySet<number> = new Set([syscall_numbers.exit, syscall_numbers.exit_group]);

/** Address of the instruction that a frame is at, or of a byte of the one that has called. */
export function codeAddressOf({ pc, isExact }: Pick<Frame, "pc" | "isExact">): number {
  return isExact ? pc : pc - 1;
}

/** @returns undefined when it cannot be told @throws MemoryError */
export function entryOf(guest: Guest, frame: EntryFrame): Entry | undefined {
  const { symbols } = guest.session;
  const code = codeAddressOf(frame);
  const place = symbols.symbolize(code);
  const stub = place === undefined ? undefined : vectorOf(guest, code - place.offset);
  const isReturning = code >= (symbols.lookup("ret_from_sys_call") ?? Number.POSITIVE_INFINITY);
  if (place?.symbol === "system_call" && !isReturning) return { kind: "syscall", nr: calledNumber(guest, frame) };
  if (stub !== undefined && place?.symbol !== "system_call") return interruptOrException(stub, place?.symbol ?? "");
  if (place?.symbol === "error_code") return { kind: "exception", vector: vectorInErrorCode(guest, frame) };
  if (hasLeft(frame, origEaxOf(frame))) return undefined;
  const entry = kernel_entry(guest.read32(origEaxOf(frame)) | 0);
  if (entry === undefined || entry.kind === "syscall") return entry;
  const { kind, vector } = entry;
  return kind === "exception" ? { kind, vector } : { kind, vector, irq: vector - FIRST_EXTERNAL_VECTOR };
}

/**
 * Whether what an entry returns to is the address behind an INT that caused it. Such an INT is a call: what lies behind it
 * may belong to another function, if the system call does not return.
 * @param returnsTo the saved EIP, linear
 * @param task whose address space it is of, if not the current one's
 */
export function isBehindInt(guest: Guest, frame: EntryFrame, returnsTo: number, task: number | undefined): boolean {
  try {
    const [first, second] = guest.read(returnsTo - 2, 2, task);
    if (first !== INT && !Object.values(SHORT_FORMS).includes(second)) return false;
    const entry = entryOf(guest, frame);
    if (entry?.kind === "syscall") {
      return first === INT && second === SYSCALL_VECTOR && !isElsewhere(guest, entry.nr, returnsTo);
    }
    if (entry?.kind !== "exception" || entry.vector === undefined) return false;
    const short = SHORT_FORMS[entry.vector];
    return short !== undefined && (second === short || (first === INT && second === entry.vector));
  } catch (error) {
    if (error instanceof MemoryError) return false;
    throw error;
  }
}

/**
 * Whether a system call goes on at another place than its INT: execve and a signal's delivery have set EIP to where a
 * function begins. That of a call that comes back does not lie behind another function's INT of itself.
 */
function isElsewhere({ session }: Guest, nr: number | undefined, returnsTo: number): boolean {
  if (nr !== undefined && NEVER_RETURN.has(nr)) return false;
  return session.symbols.isEntry(returnsTo);
}

/** EAX, until it lies on the stack. */
function calledNumber(guest: Guest, frame: EntryFrame): number | undefined {
  return hasLeft(frame, origEaxOf(frame)) ? frame.registers[EAX] : guest.read32(origEaxOf(frame));
}

/** The vector whose gate leads to an address. */
function vectorOf(guest: Guest, handler: number): number | undefined {
  const bytes = guest.read(guest.register("idtr_base"), guest.register("idtr_limit") + 1);
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + GATE_BYTES <= bytes.length; at += GATE_BYTES) {
    const offset = (words.getUint16(at, true) | (words.getUint16(at + 6, true) << 16)) >>> 0;
    if (offset === handler) return at / GATE_BYTES;
  }
  return undefined;
}

function interruptOrException(vector: number, stub: string): Entry {
  const irq = /^IRQ(\d+)_/.exec(stub)?.[1];
  return irq === undefined ? { kind: "exception", vector } : { kind: "interrupt", vector, irq: Number(irq) };
}

/** Of the exception that `error_code` is about: where pt_regs.xes will be, as long as orig_eax is the error code. */
function vectorInErrorCode(guest: Guest, frame: EntryFrame): number | undefined {
  const entry = kernel_entry(guest.read32(origEaxOf(frame)) | 0);
  return entry?.kind === "exception" ? entry.vector : guest.read32(slotOfVector(frame));
}

/** Where an exception's stub has put its vector, as long as that is there; the error code is then where orig_eax will be. */
export function vectorSlot(guest: Guest, frame: EntryFrame): number | undefined {
  const slot = slotOfVector(frame);
  if (hasLeft(frame, slot) || kernel_entry(guest.read32(origEaxOf(frame)) | 0)?.kind === "exception") return undefined;
  return EXCEPTIONS[guest.read32(slot)] === undefined ? undefined : slot;
}

/** Whether all of struct pt_regs lies on the stack: entry code has pushed it, and not yet begun to pop it. */
export function hasSavedRegisters(frame: EntryFrame): boolean {
  return frame.entryFrame !== undefined && !hasLeft(frame, baseOf(frame));
}

/**
 * Whether entry code has not yet pushed, or has popped, what lies at a place in the frame. Where it has gone on to a stack of the
 * CPU's, everything is there.
 */
export function hasLeft({ esp }: Pick<EntryFrame, "esp">, place: number): boolean {
  return esp > place && ((esp - 1) & -THREAD_SIZE) === ((place - 1) & -THREAD_SIZE);
}

function baseOf({ entryFrame }: EntryFrame): number {
  if (entryFrame === undefined) throw new RangeError("the frame is not one of entry code");
  return entryFrame - pt_regs.offset("eip");
}

function origEaxOf(frame: EntryFrame): number {
  return baseOf(frame) + pt_regs.offset("orig_eax");
}

function slotOfVector(frame: EntryFrame): number {
  return baseOf(frame) + pt_regs.offset("xes");
}
