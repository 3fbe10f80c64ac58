/**
 * The frames of any task, from the innermost outwards: through hosted functions and assembly, across the frames of
 * interrupts, exceptions and system calls, out to user space. Call frame information leads where a program has it; where
 * it has none, the frame pointer or what the code has pushed does. Everything is read from the guest's memory, without
 * side effects.
 */

import { callerRegisters, type FrameRegisters, type FrameRules } from "../../asm/dwarf/reader/index.ts";
import { ElfError } from "../../asm/index.ts";
import { PAGE_OFFSET, THREAD_SIZE, task_struct } from "../../kernel/inspect.ts";
import { stackUse } from "./entry-frames.ts";
import { EBP, EIP, ESP, pointersAlone, registersOf } from "./frame-registers.ts";
import { type Guest, MemoryError } from "./guest.ts";

export interface Frame extends StackPointers {
  readonly kind: "kernel" | "user";
  /** Where the return address of this frame lies on the stack. */
  readonly returnSlot?: number;
  /** ESP before the call that made this frame, where call frame information tells it. */
  readonly cfa?: number;
  /** Address of the CPU's frame below which this one was interrupted, if it was. */
  readonly entryFrame?: number;
  /** Whether what lies below this frame is an interrupt, exception or system call. */
  readonly interrupted: boolean;
  /** Whether `pc` is of the instruction that it is at; or else of the one behind its call. */
  readonly isExact: boolean;
}

/** What a frame is walked from. */
export interface StackPointers {
  /** Linear address of the next instruction of this frame: EIP, or where its callee returns to. */
  readonly pc: number;
  readonly esp: number;
  readonly ebp: number;
  /** All of its registers, as far as they are known. */
  readonly registers: FrameRegisters;
  /** Where those of them lie that frames further in have saved, by number. */
  readonly saved: ReadonlyMap<number, number>;
}

const DEEPEST = 64;
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
    return pc > start && pc < resume && core.r[PREVIOUS_TASK]! >>> 0 === task;
  });
}

/** Frames from the innermost outwards. @param task whose address space the user's frames are read from */
export function backtrace(guest: Guest, start: StackPointers, task?: number): Frame[] {
  const frames: Frame[] = [];
  let interrupted = false;
  let at: StackPointers | undefined = start;
  try {
    while (at !== undefined && frames.length < DEEPEST) {
      const isUser: boolean = guest.session.kernel !== undefined && at.pc < PAGE_OFFSET;
      const isExact = frames.length === 0 || interrupted;
      const step: Step = stepFrom(guest, at, isExact, isUser ? task : undefined, isUser);
      frames.push({ ...at, kind: isUser ? "user" : "kernel", interrupted, isExact, ...step.frame });
      interrupted = step.interrupts;
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
  readonly frame: Pick<Frame, "returnSlot" | "entryFrame" | "cfa">;
  readonly caller: StackPointers | undefined;
  /** Whether the caller was interrupted and has not called. */
  readonly interrupts: boolean;
}

/** @param isExact whether `at.pc` is of an instruction that is to be executed, and no return address */
function stepFrom(guest: Guest, at: StackPointers, isExact: boolean, task: number | undefined, isUser: boolean): Step {
  const { symbols } = guest.session;
  const fresh = isUser || guest.session.kernel === undefined ? undefined : freshTask(guest, at);
  if (fresh !== undefined) return { frame: {}, caller: fresh, interrupts: true };
  // A return address behind a call that does not return may be that of the next function.
  const looked = isExact ? at.pc : at.pc - 1;
  const told = stepByRules(guest, at, isExact, task);
  if (told !== undefined) return told;
  const place = symbols.symbolize(looked);
  const linkage = isUser ? userLinkage(at) : linkageOf(guest, at, place);
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
  const isLost = registers[EIP] === undefined || stands || !isCode(guest, registers[EIP]);
  return { frame, caller: isLost ? undefined : pointersFrom(registers, saved), interrupts: rules.isSignalFrame };
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
  const begins = guest.read32(((esp & -THREAD_SIZE) >>> 0) + task_struct.offset("thread.eip"));
  return begins === resume ? undefined : pointersFrom(pointersAlone(begins, esp + sinceSwitch, ebp), NONE_SAVED);
}

/** Where a function has put what leads back to its caller. */
interface Linkage {
  /** Address of the return address. */
  readonly slot: number;
  /** Address of the caller's EBP, if it has been saved. */
  readonly savedEbp: number | undefined;
}

/** Above the frame pointer, or as far from ESP as the function has pushed. */
function linkageOf(
  guest: Guest,
  { pc, esp, ebp }: StackPointers,
  place: { readonly symbol: string; readonly offset: number } | undefined,
): Linkage | undefined {
  const framed: Linkage | undefined = ebp === 0 ? undefined : { slot: ebp + 4, savedEbp: ebp };
  const start = place === undefined ? undefined : guest.session.symbols.lookup(place.symbol);
  if (place === undefined || start === undefined) return framed;
  if (pc === start || isReturn(guest, pc)) return { slot: esp, savedEbp: undefined };
  if (hasFramePointer(guest, start)) return pc === start + 1 ? { slot: esp + 4, savedEbp: esp } : framed;
  const use = stackUse(guest.read(start, pc - start));
  return use === undefined || use.depth < 0 ? framed : { slot: esp + use.depth, savedEbp: undefined };
}

/** pushl %ebp; movl %esp, %ebp */
function hasFramePointer(guest: Guest, start: number): boolean {
  const [push, move, operands] = guest.read(start, 3);
  return push === 0x55 && ((move === 0x89 && operands === 0xe5) || (move === 0x8b && operands === 0xec));
}

function isReturn(guest: Guest, pc: number): boolean {
  const opcode = guest.read8(pc);
  return opcode === 0xc3 || opcode === 0xc2;
}

/** A user frame, by its frame pointer as long as that is one. */
function userLinkage({ esp, ebp }: StackPointers): Linkage | undefined {
  return ebp > esp && ebp < PAGE_OFFSET && (ebp & 3) === 0 ? { slot: ebp + 4, savedEbp: ebp } : undefined;
}

function callerAt(
  guest: Guest,
  at: StackPointers,
  { slot, savedEbp }: Linkage,
  task: number | undefined,
): StackPointers | undefined {
  const pc = guest.read32(slot, task);
  if (!isCode(guest, pc)) return undefined;
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
