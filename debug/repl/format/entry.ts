/** What brought the CPU into the kernel, told from the frame of its entry code (kernel/arch/i386/kernel/entry.S). */
import { FIRST_EXTERNAL_VECTOR, kernel_entry, pt_regs } from "../../../kernel/inspect.ts";
import { EXCEPTIONS } from "../../exceptions.ts";
import type { Frame } from "../../frames/frame-walk.ts";
import { MemoryError } from "../../frames/guest.ts";
import { hex } from "../../numbers.ts";
import type { Console } from "../console.ts";
import { syscallName } from "./event.ts";

const EAX = 0;
const GATE_BYTES = 8;

/** `system call 2 (fork)`, `exception 14 (#PF page fault)`, `interrupt 0x20 (IRQ 0)`, and where the CPU's frame is. */
export function entryName(console: Console, frame: Frame): string {
  const at = `frame of the CPU at ${hex(frame.entryFrame!)}`;
  if (console.session.kernel === undefined || frame.kind === "user") return at;
  try {
    const what = whatEntered(console, frame);
    return what === undefined ? at : `${what}, ${at}`;
  } catch (error) {
    if (error instanceof MemoryError) return at;
    throw error;
  }
}

/** Whether all of struct pt_regs lies on the stack: entry code has pushed it, and not yet begun to pop it. */
export function hasSavedRegisters({ esp, entryFrame }: Frame): boolean {
  return entryFrame !== undefined && esp <= entryFrame - pt_regs.offset("eip");
}

function whatEntered(console: Console, frame: Frame): string | undefined {
  const { guest, session } = console;
  const { symbols } = session;
  const code = frame.isExact ? frame.pc : frame.pc - 1;
  const place = symbols.symbolize(code);
  const stub = place === undefined ? undefined : vectorOf(console, code - place.offset);
  const isReturning = code >= (symbols.lookup("ret_from_sys_call") ?? Number.POSITIVE_INFINITY);
  if (place?.symbol === "system_call" && !isReturning) return systemCall(calledNumber(console, frame));
  if (stub !== undefined && place!.symbol !== "system_call") return interruptOrException(stub, place!.symbol);
  if (place?.symbol === "error_code") return exception(vectorInErrorCode(console, frame));
  if (frame.esp > frame.entryFrame! - 4) return undefined;
  const entry = kernel_entry(guest.read32(frame.entryFrame! - 4) | 0);
  switch (entry?.kind) {
    case undefined:
      return undefined;
    case "syscall":
      return systemCall(entry.nr);
    case "exception":
      return exception(entry.vector);
    case "interrupt":
      return interrupt(entry.vector, entry.vector - FIRST_EXTERNAL_VECTOR);
  }
}

/** EAX, until it lies on the stack. */
function calledNumber({ guest }: Console, frame: Frame): number | undefined {
  return frame.esp > frame.entryFrame! - 4 ? frame.registers[EAX] : guest.read32(frame.entryFrame! - 4);
}

/** The vector whose gate leads to an address. */
function vectorOf({ guest }: Console, handler: number | undefined): number | undefined {
  if (handler === undefined) return undefined;
  const bytes = guest.read(guest.register("idtr_base"), guest.register("idtr_limit") + 1);
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + GATE_BYTES <= bytes.length; at += GATE_BYTES) {
    const offset = (words.getUint16(at, true) | (words.getUint16(at + 6, true) << 16)) >>> 0;
    if (offset === handler) return at / GATE_BYTES;
  }
  return undefined;
}

/** Of the exception that `error_code` is about: where pt_regs.xes will be, as long as orig_eax is the error code. */
function vectorInErrorCode({ guest }: Console, frame: Frame): number | undefined {
  const entry = kernel_entry(guest.read32(frame.entryFrame! - 4) | 0);
  return entry?.kind === "exception" ? entry.vector : guest.read32(slotOfVector(frame));
}

function slotOfVector(frame: Frame): number {
  return frame.entryFrame! - pt_regs.offset("eip") + pt_regs.offset("xes");
}

/** Where an exception's stub has put its vector, as long as that is there; the error code is then where orig_eax will be. */
export function vectorSlot({ guest }: Console, frame: Frame): number | undefined {
  const slot = slotOfVector(frame);
  if (slot < frame.esp || kernel_entry(guest.read32(frame.entryFrame! - 4) | 0)?.kind === "exception") return undefined;
  return EXCEPTIONS[guest.read32(slot)] === undefined ? undefined : slot;
}

function interruptOrException(vector: number, stub: string): string {
  const irq = /^IRQ(\d+)_/.exec(stub)?.[1];
  return irq === undefined ? exception(vector) : interrupt(vector, Number(irq));
}

function systemCall(number: number | undefined): string {
  if (number === undefined) return "system call";
  const name = syscallName(number);
  return `system call ${number}${name === undefined ? "" : ` (${name})`}`;
}

function exception(vector: number | undefined): string {
  const name = vector === undefined ? undefined : EXCEPTIONS[vector];
  return vector === undefined ? "exception" : `exception ${vector}${name === undefined ? "" : ` (${name})`}`;
}

function interrupt(vector: number, irq: number): string {
  return `interrupt ${hex(vector, 2)} (IRQ ${irq})`;
}
