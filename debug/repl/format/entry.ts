/** What brought the CPU into the kernel, told from the frame of its entry code (kernel/arch/i386/kernel/entry.S). */
import { pt_regs } from "../../../kernel/inspect.ts";
import type { Frame } from "../../frames/frame-walk.ts";
import { MemoryError } from "../../frames/guest.ts";
import { hex } from "../../numbers.ts";
import type { Console } from "../console.ts";
import { EXCEPTIONS, syscallName } from "./event.ts";

const EAX = 0;
const EDI = 7;
const GATE_BYTES = 8;
/** orig_eax of an exception; of an interrupt it is the IRQ - 256. */
const NO_SYSCALL = -1;
const LEAST_IRQ = -256;

/**
 * `system call 2 (fork)`, `exception 14 (#PF page fault)`, `interrupt 0x20 (IRQ 0)`, and where the CPU's frame is.
 * @param inner the frame that the entry code has called, if it has
 */
export function entryName(console: Console, frame: Frame, inner: Frame | undefined): string {
  const at = `frame of the CPU at ${hex(frame.entryFrame!)}`;
  if (console.session.kernel === undefined || frame.kind === "user") return at;
  try {
    const what = whatEntered(console, frame, inner);
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

function whatEntered(console: Console, frame: Frame, inner: Frame | undefined): string | undefined {
  const { guest, session } = console;
  const { symbols } = session;
  const code = frame.isExact ? frame.pc : frame.pc - 1;
  const place = symbols.symbolize(code);
  const stub = place === undefined ? undefined : vectorOf(console, code - place.offset);
  const isReturning = code >= (symbols.lookup("ret_from_sys_call") ?? Number.POSITIVE_INFINITY);
  if (place?.symbol === "system_call" && !isReturning) return systemCall(calledNumber(console, frame));
  if (stub !== undefined && place!.symbol !== "system_call") return interruptOrException(stub, place!.symbol);
  if (place?.symbol === "error_code") return exception(handlerVector(console, frame, inner));
  if (frame.esp > frame.entryFrame! - 4) return undefined;
  const original = guest.read32(frame.entryFrame! - 4) | 0;
  if (original >= 0) return systemCall(original);
  if (original === NO_SYSCALL || original < LEAST_IRQ) return exception(handlerVector(console, frame, inner));
  return interrupt(vectorOf(console, symbols.lookup(`IRQ${original - LEAST_IRQ}_interrupt`)), original - LEAST_IRQ);
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

/** Of the exception whose handler `error_code` calls, has in EDI, or finds where pt_regs.xes will be. */
function handlerVector(console: Console, frame: Frame, inner: Frame | undefined): number | undefined {
  const { guest, session } = console;
  const slot = frame.entryFrame! - pt_regs.offset("eip") + pt_regs.offset("xes");
  const called = inner === undefined ? undefined : session.symbols.symbolize(inner.pc);
  const address = called === undefined ? undefined : inner!.pc - called.offset;
  for (const handler of [address, guest.read32(slot), frame.registers[EDI]]) {
    const vector = handler === undefined ? undefined : handledVector(console, handler);
    if (vector !== undefined) return vector;
  }
  return undefined;
}

/** The vector of the exception whose handler in the kernel begins at an address. */
export function handledVector(console: Console, handler: number): number | undefined {
  const { symbols } = console.session;
  const place = symbols.symbolize(handler);
  if (place?.offset !== 0 || !place.symbol.startsWith("do_")) return undefined;
  return vectorOf(console, symbols.lookup(place.symbol.slice("do_".length)));
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

function interrupt(vector: number | undefined, irq: number): string {
  return vector === undefined ? `interrupt of IRQ ${irq}` : `interrupt ${hex(vector, 2)} (IRQ ${irq})`;
}
