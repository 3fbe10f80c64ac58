/**
 * Back-traces of any task: through hosted functions and assembly, across the frames of interrupts, exceptions and system
 * calls, out to user space. Everything is read from the guest's memory, without side effects.
 */
import { EBP, ESP } from "../../emulator/index.ts";
import { PAGE_OFFSET, pt_regs, THREAD_SIZE, task_struct } from "../../kernel/inspect.ts";
import { isEntryCode, KNOWN_LABELS, SWITCH_FRAME_BYTES, stackUse } from "./entry-frames.ts";
import { type Guest, MemoryError } from "./guest.ts";

export interface Frame {
  /** Linear address of the next instruction of this frame: EIP, or where its callee returns to. */
  readonly pc: number;
  readonly esp: number;
  readonly ebp: number;
  readonly kind: "kernel" | "user";
  /** Where the return address of this frame lies on the stack. */
  readonly returnSlot?: number;
  /** Address of the CPU's frame below which this one was interrupted, if it was. */
  readonly entryFrame?: number;
  /** Whether what lies below this frame is an interrupt, exception or system call. */
  readonly interrupted: boolean;
}

/** Registers that a walk starts from. */
export interface StackPointers {
  readonly pc: number;
  readonly esp: number;
  readonly ebp: number;
}

const DEEPEST = 64;
const DEEPEST_USER = 16;
const CPU_FRAME_BYTES = 12;
const RPL = 3;

/** Where a task goes on: a running one where its core is, a sleeping one where switch_to left it. */
export function pointersOf(guest: Guest, task: number): StackPointers {
  const core = guest.coreOf(task);
  if (core !== undefined) {
    return { pc: guest.session.linearEip(core.id), esp: core.r[ESP]! >>> 0, ebp: core.r[EBP]! >>> 0 };
  }
  const esp = guest.read32(task + task_struct.offset("thread.esp"));
  const pc = guest.read32(task + task_struct.offset("thread.eip"));
  const { symbols } = guest.session;
  // switch_to has pushed EBP last; a task that has never run starts on its struct pt_regs.
  const ebp = pc === symbols.lookup("switch_to_resume") ? guest.read32(esp) : 0;
  return { pc, esp, ebp };
}

/** Frames from the innermost outwards. @param task whose address space the user's frames are read from */
export function backtrace(guest: Guest, start: StackPointers, task?: number): Frame[] {
  const frames: Frame[] = [];
  let interrupted = false;
  let at: StackPointers | undefined = start;
  try {
    while (at !== undefined && frames.length < DEEPEST) {
      const { symbols } = guest.session;
      const isKernel: boolean = guest.session.kernel !== undefined && at.pc >= PAGE_OFFSET;
      if (guest.session.kernel !== undefined && !isKernel) {
        frames.push(...userFrames(guest, at, task, interrupted));
        break;
      }
      // A return address behind a call that does not return may be that of the next function.
      const looked = frames.length === 0 || interrupted ? at.pc : at.pc - 1;
      const place = symbols.symbolize(looked);
      if (place !== undefined && isKernel && isEntryCode(place.symbol)) {
        const label = looked - place.offset;
        const depth = stackUse(guest.read(label, at.pc - label), place.symbol)?.depth;
        if (depth === undefined) {
          frames.push({ ...at, kind: "kernel", interrupted });
          break;
        }
        const entryFrame = at.esp + depth;
        frames.push({ ...at, kind: "kernel", interrupted, entryFrame });
        at = interruptedAt(guest, entryFrame, at.ebp, depth);
        interrupted = true;
        continue;
      }
      const fresh: StackPointers | undefined = isKernel ? freshTask(guest, at) : undefined;
      if (fresh !== undefined) {
        frames.push({ ...at, kind: "kernel", interrupted });
        at = fresh;
        interrupted = true;
        continue;
      }
      const linkage = linkageOf(guest, at, place);
      frames.push({
        ...at,
        kind: "kernel",
        interrupted,
        ...(linkage === undefined ? {} : { returnSlot: linkage.slot }),
      });
      at = linkage === undefined ? undefined : caller(guest, at.ebp, linkage, isKernel);
      interrupted = false;
    }
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    if (frames.length === 0) frames.push({ ...start, kind: "kernel", interrupted: false });
  }
  return frames;
}

/** What was interrupted, from the CPU's frame and what entry code has saved below it. */
function interruptedAt(guest: Guest, frame: number, ebp: number, depth: number): StackPointers {
  const pc = guest.read32(frame);
  const fromUser = (guest.read32(frame + 4) & RPL) !== 0;
  const esp = fromUser ? guest.read32(frame + CPU_FRAME_BYTES) : frame + CPU_FRAME_BYTES;
  const saved = frame - pt_regs.offset("eip") + pt_regs.offset("ebp");
  return { pc, esp, ebp: depth >= pt_regs.offset("eip") ? guest.read32(saved) : ebp };
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
  const sinceSwitch = stackUse(guest.read(start, pc - start), "switch_to")?.sinceSwitch;
  if (sinceSwitch === undefined) return undefined;
  const begins = guest.read32(((esp & -THREAD_SIZE) >>> 0) + task_struct.offset("thread.eip"));
  return begins === resume ? undefined : { pc: begins, esp: esp + sinceSwitch, ebp };
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
  const label = labelBefore(guest, start, pc) ?? { symbol: place.symbol, address: start };
  const use = stackUse(guest.read(label.address, pc - label.address), label.symbol);
  if (use === undefined || use.depth < 0) return framed;
  const slot = esp + use.depth;
  // switch_to pushes the frame pointer as its fourth register.
  const isSaved = place.symbol === "switch_to" && use.depth >= SWITCH_FRAME_BYTES;
  return { slot, savedEbp: isSaved ? slot - SWITCH_FRAME_BYTES : undefined };
}

/** A label within a function, before an instruction of it, at which the depth of the stack is known. */
function labelBefore(guest: Guest, start: number, pc: number): { symbol: string; address: number } | undefined {
  for (const symbol of KNOWN_LABELS) {
    const address = guest.session.symbols.lookup(symbol);
    if (address !== undefined && address > start && address <= pc) return { symbol, address };
  }
  return undefined;
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

function caller(guest: Guest, ebp: number, { slot, savedEbp }: Linkage, isKernel: boolean): StackPointers | undefined {
  const pc = guest.read32(slot);
  const { symbols, kernel } = guest.session;
  if (isKernel ? kernel?.image.function_at(pc) === undefined : symbols.symbolize(pc) === undefined) return undefined;
  return { pc, esp: slot + 4, ebp: savedEbp === undefined ? ebp : guest.read32(savedEbp) };
}

/** User frames, by frame pointers as long as those are ones. */
function userFrames(guest: Guest, start: StackPointers, task: number | undefined, interrupted: boolean): Frame[] {
  const frames: Frame[] = [{ ...start, kind: "user", interrupted }];
  let { ebp } = start;
  try {
    while (frames.length < DEEPEST_USER && ebp > start.esp && ebp < PAGE_OFFSET && (ebp & 3) === 0) {
      const pc = guest.read32(ebp + 4, task);
      const next = guest.read32(ebp, task);
      if (guest.session.symbols.symbolize(pc) === undefined) break;
      frames.push({ pc, esp: ebp + 8, ebp: next, kind: "user", interrupted: false, returnSlot: ebp + 4 });
      if (next <= ebp) break;
      ebp = next;
    }
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
  }
  return frames;
}
