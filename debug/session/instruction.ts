/** Looking at the instruction a core is about to execute, and at the frame it executes it in. */
import { type Core, CS, decodeInstruction, EBP, ESP, type Machine, type Op, SS } from "../../emulator/index.ts";
import type { SymbolTable } from "./symbol-table.ts";

const LONGEST_INSTRUCTION = 15;
const PAGE_SIZE = 4096;
const USER = 3;
/** Bytes that a callee drops at most. */
const MOST_ARGUMENT_BYTES = 0x1000;

/** Bytes that the CPU and entry code put below an interrupt's EIP: an error code, a vector, an address. */
const MOST_ENTRY_BYTES = 12;
/** EFLAGS bits that never change (Intel SDM 1, 3.4.3), of which bit 1 is set. */
const EFLAGS_FIXED = 0xffc0802a;

const HOSTCALL = 0x0f3f;
const INTERRUPTS: ReadonlySet<number> = new Set([0xcc, 0xcd, 0xce, 0xf1]);
const RETURNS: ReadonlySet<number> = new Set([0xc2, 0xc3, 0xca, 0xcb]);
const IRET = 0xcf;
const STRINGS: ReadonlySet<number> = new Set([
  0x6c, 0x6d, 0x6e, 0x6f, 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
]);

/**
 * What an instruction does to the flow of control, as far as stepping over it goes. A hostcall, which is a step of one of
 * the kernel's functions, may call: it has pushed the address behind itself then.
 */
export type Flow = "plain" | "call" | "interrupt" | "return" | "interrupt-return" | "hostcall" | "repeated";

export interface Instruction {
  /** Linear address. */
  readonly linear: number;
  /** Linear address of the instruction behind it. */
  readonly following: number;
  readonly flow: Flow;
}

/** Linear address of the next instruction of a core, unsigned. */
export function linearEip(core: Core): number {
  return (core.segBase(CS) + core.eip) >>> 0;
}

/** Linear address of the top of a core's stack, unsigned. */
export function linearEsp(core: Core): number {
  return (core.segBase(SS) + (core.r[ESP]! & (core.stackSize32 ? -1 : 0xffff))) >>> 0;
}

/**
 * Where the function returns to that an instruction has just called; undefined when it has called none.
 * @param before where the core was before the instruction
 */
export function calledBy(
  machine: Machine,
  core: Core,
  before: Frame,
  instruction: Instruction | undefined,
): number | undefined {
  if (instruction === undefined || linearEip(core) === instruction.following) return undefined;
  const { flow, following } = instruction;
  if (flow === "call" || flow === "interrupt") return following;
  if (flow !== "hostcall" || linearEsp(core) >= before.esp) return undefined;
  const top = readMapped(machine, core, linearEsp(core), 4);
  if (top.length < 4) return undefined;
  return new DataView(top.buffer, top.byteOffset).getUint32(0, true) === following ? following : undefined;
}

/** The instruction at a linear address as a core would decode it; undefined where no memory is mapped. */
export function instructionAt(machine: Machine, core: Core, linear: number): Instruction | undefined {
  const op = decodeAt(machine, core, linear);
  return op === undefined ? undefined : { linear, following: (linear + op.length) >>> 0, flow: flowOf(op) };
}

function flowOf({ opcode, reg, repeat }: Op): Flow {
  if (opcode === 0xe8 || opcode === 0x9a || (opcode === 0xff && (reg === 2 || reg === 3))) return "call";
  if (opcode === HOSTCALL) return "hostcall";
  if (INTERRUPTS.has(opcode)) return "interrupt";
  if (RETURNS.has(opcode)) return "return";
  if (opcode === IRET) return "interrupt-return";
  return repeat !== 0 && STRINGS.has(opcode) ? "repeated" : "plain";
}

function decodeAt(machine: Machine, core: Core, linear: number): Op | undefined {
  const bytes = readMapped(machine, core, linear, LONGEST_INSTRUCTION);
  return decodeInstruction(bytes, 0, bytes.length, core.codeSize32) ?? undefined;
}

/** As many bytes as are mapped. */
function readMapped(machine: Machine, core: Core, linear: number, length: number): Uint8Array {
  try {
    return machine.readLinear(linear, length, core.id);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const inPage = Math.min(length, PAGE_SIZE - (linear % PAGE_SIZE));
    return inPage < length ? readMapped(machine, core, linear, inPage) : new Uint8Array(0);
  }
}

/**
 * A place on a stack that execution comes back to. Kernel stacks are told apart by their addresses alone; user stacks
 * of different processes have the same addresses, and are told apart by CR3.
 */
export class Frame {
  readonly linear: number;
  readonly esp: number;
  readonly ebp: number;
  readonly #cpl: number;
  readonly #cr3: number;

  constructor(core: Core) {
    this.linear = linearEip(core);
    this.esp = linearEsp(core);
    this.ebp = core.r[EBP]! >>> 0;
    this.#cpl = core.cpl;
    this.#cr3 = core.cr3;
  }

  /** Whether a core is on this stack with nothing more on it than when this was noted. */
  isReached(core: Core): boolean {
    const above = linearEsp(core) - this.esp;
    return above >= 0 && above < MOST_ARGUMENT_BYTES && this.isOnSameStack(core);
  }

  /** Whether a core was here, or here with the arguments of a call that have since been dropped. */
  wasReached(core: Core): boolean {
    const below = this.esp - linearEsp(core);
    return below >= 0 && below < MOST_ARGUMENT_BYTES && this.isOnSameStack(core);
  }

  /**
   * Whether a core is in the same invocation of a function with a frame pointer. ESP does not tell where a step of the
   * kernel's has called: the step behind it drops the arguments.
   */
  isOf(core: Core): boolean {
    return core.r[EBP]! >>> 0 === this.ebp && this.isOnSameStack(core);
  }

  /** Whether two frames are on one stack. */
  isLike(other: Frame): boolean {
    return other.#cpl === this.#cpl && (this.#cpl !== USER || other.#cr3 === this.#cr3);
  }

  isOnSameStack(core: Core): boolean {
    return core.cpl === this.#cpl && (core.cpl !== USER || core.cr3 === this.#cr3);
  }
}

/** The instructions that may have called what returns to a linear address. @param interrupts whether those of software too */
export function callsBefore(machine: Machine, core: Core, linear: number, interrupts: boolean): Instruction[] {
  const found: Instruction[] = [];
  for (let length = 1; length <= 7; length++) {
    const instruction = instructionAt(machine, core, (linear - length) >>> 0);
    if (instruction?.following !== linear) continue;
    const { flow } = instruction;
    if (flow === "call" || flow === "hostcall" || (interrupts && flow === "interrupt")) found.push(instruction);
  }
  return found;
}

/** Where the current function returns to. */
export interface ReturnPlace {
  /** Linear address of the instruction. */
  readonly linear: number;
  /** Linear address on the stack where that is written. */
  readonly slot: number;
  /** Of a handler of interrupts, exceptions or system calls: the privilege it returns to with IRET. */
  readonly cpl?: number;
}

/**
 * Finds where the function that a core executes returns to: with a frame pointer through EBP, before and after it is
 * set up, and without one by following ESP from the function's first instruction.
 * @throws Error when nothing that may be the return address on the stack is an address of code
 */
export function returnPlace(machine: Machine, core: Core, symbols: SymbolTable): ReturnPlace {
  const places: ReturnPlace[] = [];
  for (const slot of returnSlots(machine, core, symbols)) {
    const bytes = readMapped(machine, core, slot, 4);
    if (bytes.length < 4) continue;
    const linear = (new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) + core.segBase(CS)) >>> 0;
    places.push({ linear, slot });
  }
  const isBehindCall = ({ linear }: ReturnPlace) => callsBefore(machine, core, linear, false).length > 0;
  // `switch_to` pushes a label and jumps, so that the place need not be behind a call where a symbol vouches for it.
  const certain = places.find(({ slot }) => slot === certainSlot(machine, core, symbols));
  const found =
    (certain !== undefined && symbols.symbolize(certain.linear) !== undefined ? certain : undefined) ??
    places.find(isBehindCall) ??
    interruptFrame(machine, core, places) ??
    places.find(({ linear }) => symbols.symbolize(linear) !== undefined);
  if (found !== undefined) return found;
  const looked = places.map(({ slot }) => `0x${slot.toString(16)}`).join(", ");
  throw new Error(
    `it cannot be told where ${symbols.format(linearEip(core))} returns to: no return address on the stack at ${looked}`,
  );
}

/**
 * The first of the places that is what an interrupt pushes: EIP, CS, EFLAGS. In front of it there may be an error code,
 * and what entry code puts there for its own use.
 */
function interruptFrame(machine: Machine, core: Core, places: readonly ReturnPlace[]): ReturnPlace | undefined {
  for (const { slot: first } of places) {
    for (let slot = first; slot <= first + MOST_ENTRY_BYTES; slot += 4) {
      const bytes = readMapped(machine, core, slot, 12);
      if (bytes.length < 12) continue;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const cs = view.getUint32(4, true);
      const isFrame = cs > USER && cs < 0x10000 && (cs & 4) === 0 && (view.getUint32(8, true) & EFLAGS_FIXED) === 2;
      if (isFrame) return { linear: view.getUint32(0, true), slot, cpl: cs & USER };
    }
  }
  return undefined;
}

/** Linear addresses on the stack where the return address may be, the likeliest first. */
function returnSlots(machine: Machine, core: Core, symbols: SymbolTable): number[] {
  const esp = linearEsp(core);
  const eip = linearEip(core);
  if (instructionAt(machine, core, eip)?.flow === "return") return [esp];
  const framed = (core.segBase(SS) + core.r[EBP]! + 4) >>> 0;
  const slots: number[] = [];
  for (const start of symbols.startsBefore(eip)) {
    const code = readMapped(machine, core, start, 3);
    if (eip === start) slots.push(esp);
    else if (setsFrame(code)) slots.push(eip === start + 1 ? esp + 4 : framed);
    else {
      const depth = stackDepth(machine, core, start, eip);
      if (depth !== undefined) slots.push((esp + depth) >>> 0);
    }
  }
  return [...slots, framed];
}

/** Where the return address is in a function whose extent is known, at its first instruction or with a frame pointer. */
function certainSlot(machine: Machine, core: Core, symbols: SymbolTable): number | undefined {
  const eip = linearEip(core);
  const place = symbols.symbolize(eip);
  if (place === undefined || place.size === 0) return undefined;
  const { offset } = place;
  const esp = linearEsp(core);
  if (offset === 0) return esp;
  if (!setsFrame(readMapped(machine, core, eip - offset, 3))) return undefined;
  return offset === 1 ? esp + 4 : (core.segBase(SS) + core.r[EBP]! + 4) >>> 0;
}

/** PUSH EBP; MOV EBP, ESP. */
function setsFrame([push, move, operands]: Uint8Array): boolean {
  return push === 0x55 && ((move === 0x89 && operands === 0xe5) || (move === 0x8b && operands === 0xec));
}

/** Bytes pushed between two addresses, taken in a straight line; undefined when that cannot be told. */
function stackDepth(machine: Machine, core: Core, from: number, to: number): number | undefined {
  let depth = 0;
  for (let at = from; at < to; ) {
    const op = decodeAt(machine, core, at);
    if (op === undefined) return undefined;
    const change = stackChange(op);
    if (change === undefined) return undefined;
    depth += change;
    at += op.length;
  }
  return depth < 0 ? undefined : depth;
}

const PUSHES: ReadonlySet<number> = new Set([0x06, 0x0e, 0x16, 0x1e, 0x68, 0x6a, 0x9c, 0x0fa0, 0x0fa8]);
const POPS: ReadonlySet<number> = new Set([0x07, 0x17, 0x1f, 0x8f, 0x9d, 0x0fa1, 0x0fa9]);

/** Bytes that an instruction pushes, negative when it pops; undefined when it sets ESP otherwise. */
export function stackChange({ opcode, reg, rm, isMemory, imm, operandSize }: Op): number | undefined {
  const word = operandSize / 8;
  if (PUSHES.has(opcode) || (opcode >= 0x50 && opcode <= 0x57) || (opcode === 0xff && reg === 6)) return word;
  if (POPS.has(opcode) || (opcode >= 0x58 && opcode <= 0x5f)) return -word;
  if (opcode === 0x60) return 8 * word;
  if (opcode === 0x61) return -8 * word;
  const onEsp = !isMemory && rm === ESP;
  if ((opcode === 0x81 || opcode === 0x83) && onEsp) return reg === 5 ? imm : reg === 0 ? -imm : undefined;
  if (opcode === 0x89 && onEsp) return undefined;
  // MOV and LEA into ESP (the decoder puts a register destination in `rm` for the one, in `reg` for the other), LEAVE.
  if ((opcode === 0x8b && (isMemory ? reg === ESP : rm === ESP)) || (opcode === 0x8d && reg === ESP)) return undefined;
  return opcode === 0xc9 || opcode === 0xc8 ? undefined : 0;
}
