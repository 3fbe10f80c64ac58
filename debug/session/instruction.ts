/** Looking at the instruction a core is about to execute, and at the frame it executes it in. */
import { type Core, CS, decodeInstruction, EBP, ESP, type Machine, type Op, SS } from "../../emulator/index.ts";

/** Reads code at a linear address: as many bytes as are mapped, at most `length`. */
export type CodeReader = (linear: number, length: number) => Uint8Array;

/** Bytes (Intel SDM vol. 2, 2.3.11). */
export const LONGEST_INSTRUCTION = 15;
const PAGE_SIZE = 4096;
const USER = 3;
/** Bytes that a callee drops at most. */
const MOST_ARGUMENT_BYTES = 0x1000;

/** Bytes of a CALL through memory with a displacement of 32 bits. */
const LONGEST_CALL = 7;
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
  return (core.segBase(SS) + (core.r[ESP] & (core.stackSize32 ? -1 : 0xffff))) >>> 0;
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
  return instructionIn(readerOf(machine, core), linear, core.codeSize32);
}

function instructionIn(read: CodeReader, linear: number, is32: boolean): Instruction | undefined {
  const bytes = read(linear, LONGEST_INSTRUCTION);
  const op = decodeInstruction(bytes, 0, bytes.length, is32) ?? undefined;
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

/** Reads what a core has mapped. */
export function readerOf(machine: Machine, core: Core): CodeReader {
  return (linear, length) => readMapped(machine, core, linear, length);
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
    this.ebp = core.r[EBP] >>> 0;
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
    return core.r[EBP] >>> 0 === this.ebp && this.isOnSameStack(core);
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
  return callsIn(readerOf(machine, core), linear, core.codeSize32, interrupts);
}

/** Whether the instruction before a linear address may be a call that returns there. */
export function isBehindCall(read: CodeReader, linear: number, is32: boolean): boolean {
  return callsIn(read, linear, is32, false).length > 0;
}

function callsIn(read: CodeReader, linear: number, is32: boolean, interrupts: boolean): Instruction[] {
  const found: Instruction[] = [];
  for (let length = 1; length <= LONGEST_CALL; length++) {
    const instruction = instructionIn(read, (linear - length) >>> 0, is32);
    if (instruction?.following !== linear) continue;
    const { flow } = instruction;
    if (flow === "call" || flow === "hostcall" || (interrupts && flow === "interrupt")) found.push(instruction);
  }
  return found;
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
