/**
 * The frames of any task, from the innermost outwards: through hosted functions and assembly, across the frames of
 * interrupts, exceptions and system calls, out to user space. Call frame information leads where a program has it; where
 * it has none, the frame pointer or what the code has pushed does. Everything is read from the guest's memory, without
 * side effects.
 */

import { callerRegisters, type FrameRegisters, type FrameRules } from "../../asm/dwarf/reader/index.ts";
import { ElfError } from "../../asm/index.ts";
import { PAGE_OFFSET, task_struct } from "../../kernel/inspect.ts";
import { type CodeReader, isBehindCall } from "../session/instruction.ts";
import { type ReturnSlot, returnSlots } from "../session/return-slots.ts";
import { isBehindInt } from "./entry.ts";
import { stackUse } from "./entry-frames.ts";
import type { Frame, StackPointers } from "./frame.ts";
import { EBP, EIP, ESP, pointersAlone, registersOf } from "./frame-registers.ts";
import { type Guest, MemoryError } from "./guest.ts";
import { interruptedBySignal } from "./signal-return.ts";

export type { Frame, StackPointers } from "./frame.ts";

const DEEPEST = 64;
const PAGE_SIZE = 4096;
const IRET = 0xcf;
/** EAX, which has the task to leave in switch_to. */
const PREVIOUS_TASK = 0;
const NONE_SAVED: ReadonlyMap<number, number> = new Map();

/** Where the selected core stands. */
export function currentPointers(guest: Guest): StackPointers {
  return pointersFrom(registersOf(guest.core, guest.pc), NONE_SAVED);
}

function pointersFrom(registers: FrameRegisters, saved: ReadonlyMap<number, number>): StackPointers {
  return { pc: registers[EIP] ?? 0, esp: registers[ESP] ?? 0, ebp: registers[EBP] ?? 0, registers, saved };
}

/** Where a task goes on: a running one where its core is, a sleeping one where switch_to left it. */
export function pointersOf(guest: Guest, task: number): StackPointers {
  const core = guest.coreOf(task);
  if (core !== undefined) return pointersFrom(registersOf(core, guest.session.linearEip(core.id)), NONE_SAVED);
  const esp = guest.read32(task + task_struct.offset("thread.esp"));
  const resume = guest.session.symbols.lookup("switch_to_resume");
  // switch_to saves ESP first: until it has saved EIP too, what is there is of the time before.
  const pc = isLeaving(guest, task) ? resume! : guest.read32(task + task_struct.offset("thread.eip"));
  // switch_to has pushed EBP last; a task that has never run starts on its struct pt_regs.
  const ebp = pc === resume ? guest.read32(esp) : 0;
  return pointersFrom(pointersAlone(pc, esp, ebp), NONE_SAVED);
}

/** Whether a core is in the middle of switch_to, on its way from a task to another. */
function isLeaving({ machine, session }: Guest, task: number): boolean {
  const start = session.symbols.lookup("switch_to");
  const resume = session.symbols.lookup("switch_to_resume");
  if (start === undefined || resume === undefined) return false;
  return machine.cores.some((core) => {
    const pc = session.linearEip(core.id);
    return pc > start && pc < resume && core.r[PREVIOUS_TASK] >>> 0 === task;
  });
}

/** Frames from the innermost outwards. @param task whose address space the user's frames are read from */
export function backtrace(guest: Guest, start: StackPointers, task?: number): Frame[] {
  const frames: Frame[] = [];
  let interrupted = false;
  let isExact = true;
  let at: StackPointers | undefined = start;
  try {
    while (at !== undefined && frames.length < DEEPEST) {
      const isUser: boolean = guest.session.kernel !== undefined && at.pc < PAGE_OFFSET;
      const step: Step = stepFrom(guest, at, isExact, isUser ? task : undefined, isUser);
      frames.push({ ...at, kind: isUser ? "user" : "kernel", interrupted, isExact, ...step.frame });
      interrupted = step.interrupts;
      isExact = interrupted && !hasCalledByInt(guest, { ...at, isExact }, step, task);
      at = step.caller;
    }
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    if (at !== undefined && frames.length === 0) {
      frames.push({ ...at, kind: "kernel", interrupted: false, isExact: true });
    }
  }
  return frames;
}

/** What is found of a frame, and of the one around it. */
interface Step {
  readonly frame: Pick<Frame, "returnSlot" | "entryFrame" | "cfa" | "isSignal">;
  readonly caller: StackPointers | undefined;
  /** Whether the caller was interrupted and has not called. */
  readonly interrupts: boolean;
}

/** Whether the caller has executed an INT that brought it here. */
function hasCalledByInt(
  guest: Guest,
  at: StackPointers & Pick<Frame, "isExact">,
  { frame, caller }: Step,
  task: number | undefined,
): boolean {
  if (guest.session.kernel === undefined || caller === undefined || frame.entryFrame === undefined) return false;
  const isUser = caller.pc < PAGE_OFFSET;
  return isBehindInt(guest, { ...at, ...frame }, caller.pc, isUser ? task : undefined);
}

/** @param isExact whether `at.pc` is of an instruction that is to be executed, and no return address */
function stepFrom(guest: Guest, at: StackPointers, isExact: boolean, task: number | undefined, isUser: boolean): Step {
  const fresh = isUser || guest.session.kernel === undefined ? undefined : freshTask(guest, at);
  if (fresh !== undefined) return { frame: {}, caller: fresh, interrupts: true };
  const signal = isUser ? interruptedBySignal(guest, at, task) : undefined;
  if (signal !== undefined) {
    const saved = new Map([...at.saved, ...signal.saved]);
    return { frame: { isSignal: true }, caller: pointersFrom(signal.registers, saved), interrupts: true };
  }
  const told = stepByRules(guest, at, isExact, task);
  if (told !== undefined) return told;
  // A return address behind a call that does not return may be that of the next function.
  const starts = guest.session.symbols.startsBefore(isExact ? at.pc : at.pc - 1);
  const linkage = linkageOf(guest, at, starts, task, isUser);
  return {
    frame: linkage === undefined ? {} : { returnSlot: linkage.slot },
    caller: linkage === undefined ? undefined : callerAt(guest, at, linkage, task),
    interrupts: false,
  };
}

/**
 * By call frame information; undefined where there is none, or it does not lead on. Entry code returns to an iret, and
 * that to what was interrupted: these two are one frame here.
 */
function stepByRules(guest: Guest, at: StackPointers, isExact: boolean, task: number | undefined): Step | undefined {
  try {
    const first = followRules(guest, at, isExact, task);
    if (first?.caller === undefined || !isInterruptReturn(guest, first.caller.pc)) return first;
    const second = followRules(guest, first.caller, false, task);
    return second?.frame.entryFrame === undefined ? first : second;
  } catch (error) {
    if (error instanceof ElfError) return undefined;
    throw error;
  }
}

function followRules(guest: Guest, at: StackPointers, isExact: boolean, task: number | undefined): Step | undefined {
  const information = guest.session.programs.at(isExact ? at.pc : at.pc - 1);
  const rules: FrameRules | undefined = information?.callFrames.rules(at.pc, !isExact);
  if (rules === undefined) return undefined;
  const found = callerRegisters(rules, at.registers, (linear, length) => guest.read(linear, length, task));
  if (found === undefined) return undefined;
  const { cfa, registers } = found;
  const slot = found.saved.get(EIP);
  const frame = {
    cfa,
    ...(slot === undefined ? {} : rules.isSignalFrame ? { entryFrame: slot } : { returnSlot: slot }),
  };
  const saved = new Map([...at.saved, ...found.saved]);
  const stands = registers[EIP] === at.pc && registers[ESP] === at.esp;
  const pc = registers[EIP];
  // Behind a call of what does not return there may be no code any more.
  const isLost = pc === undefined || stands || !isCode(guest, rules.isSignalFrame ? pc : pc - 1);
  if (isLost && pc !== undefined && !stands && isOfHandler(guest, pc, registers[ESP] ?? 0, task))
    return { frame, caller: pointersFrom(registers, saved), interrupts: false };
  return { frame, caller: isLost ? undefined : pointersFrom(registers, saved), interrupts: rules.isSignalFrame };
}

/** Whether a function returns from a signal, which nothing has called it for. */
function isOfHandler(guest: Guest, pc: number, esp: number, task: number | undefined): boolean {
  const isUser = guest.session.kernel !== undefined && pc < PAGE_OFFSET;
  return isUser && interruptedBySignal(guest, { pc, esp }, task) !== undefined;
}

function isInterruptReturn(guest: Guest, pc: number): boolean {
  return guest.session.kernel !== undefined && pc >= PAGE_OFFSET && guest.read8(pc) === IRET;
}

/** Whether an address may be that of a caller: of a function of the kernel's, or with a name. */
function isCode({ session }: Guest, pc: number): boolean {
  if (session.kernel !== undefined && pc >= PAGE_OFFSET) return session.kernel.image.function_at(pc) !== undefined;
  return session.symbols.symbolize(pc) !== undefined;
}

/**
 * In the middle of switch_to, on the stack of a task that has never run: where that task begins. Nothing of switch_to's
 * lies on its stack.
 */
function freshTask(guest: Guest, { pc, esp, ebp }: StackPointers): StackPointers | undefined {
  const { symbols } = guest.session;
  const start = symbols.lookup("switch_to");
  const resume = symbols.lookup("switch_to_resume");
  if (start === undefined || resume === undefined || pc <= start || pc >= resume) return undefined;
  const sinceSwitch = stackUse(guest.read(start, pc - start))?.sinceSwitch;
  if (sinceSwitch === undefined) return undefined;
  const stack = guest.stackAt(esp);
  if (stack?.kind !== "task") return undefined;
  const begins = guest.read32(stack.task + task_struct.offset("thread.eip"));
  return begins === resume ? undefined : pointersFrom(pointersAlone(begins, esp + sinceSwitch, ebp), NONE_SAVED);
}

/**
 * Where a function without call frame information has put what leads back to its caller. That a place holds the address
 * behind a call vouches for it; where none does, the likeliest that leads to code is taken, but not in user space.
 * @param starts where the function may begin, the likeliest first
 */
function linkageOf(
  guest: Guest,
  at: StackPointers,
  starts: readonly number[],
  task: number | undefined,
  isUser: boolean,
): ReturnSlot | undefined {
  const read = codeReader(guest, task);
  const is32 = isUser || guest.bits === 32;
  const slots = returnSlots(read, { ...at, is32 }, starts);
  const found = slots.flatMap((slot) => {
    const pc = wordAt(guest, slot.slot, task);
    return pc === undefined || (isUser && pc >= PAGE_OFFSET) ? [] : [{ slot, pc }];
  });
  const called = found.find(
    ({ pc, slot }) => isBehindCall(read, pc, is32) || (isUser && isOfHandler(guest, pc, slot.slot + 4, task)),
  );
  return (called ?? (isUser ? undefined : found.find(({ pc }) => isCode(guest, pc - 1))))?.slot;
}

/** As much as is mapped. */
function codeReader(guest: Guest, task: number | undefined): CodeReader {
  return (linear, length) => {
    const inPage = PAGE_SIZE - (linear % PAGE_SIZE);
    try {
      return guest.read(linear, length, task);
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error;
    }
    try {
      return inPage < length ? guest.read(linear, inPage, task) : new Uint8Array(0);
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error;
      return new Uint8Array(0);
    }
  };
}

function wordAt(guest: Guest, linear: number, task: number | undefined): number | undefined {
  try {
    return guest.read32(linear, task);
  } catch (error) {
    if (error instanceof MemoryError) return undefined;
    throw error;
  }
}

function callerAt(
  guest: Guest,
  at: StackPointers,
  { slot, savedEbp }: ReturnSlot,
  task: number | undefined,
): StackPointers {
  const pc = guest.read32(slot, task);
  const registers = [...at.registers];
  const saved = new Map(at.saved);
  registers[EIP] = pc;
  registers[ESP] = (slot + 4) >>> 0;
  // What a function without call frame information has done to the others is not known.
  if (savedEbp !== undefined) {
    registers[EBP] = guest.read32(savedEbp, task);
    saved.set(EBP, savedEbp);
  }
  saved.set(EIP, slot);
  return pointersFrom(registers, saved);
}
