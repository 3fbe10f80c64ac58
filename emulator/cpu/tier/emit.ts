import { Block } from "../block-cache.ts";
import type { Op } from "../op.ts";
import * as layout from "../state-layout.ts";
import { Kind } from "./flags.ts";
import { EXIT_REASONS, type ExitReason } from "./statistics.ts";
import * as wasm from "./wasm.ts";
import { type Code, I32, type Label } from "./wasm.ts";
import { LEFT } from "./working-memory.ts";

const { ECX, ESP, TLB_VALID, ZERO } = layout;

export type Size = 8 | 16 | 32;

/**
 * Parameters and locals of a region's function; those of the general registers begin at GENERAL_REGISTERS. CORE says how
 * much further than core 0's the core's places in memory lie.
 */
export const ENTRY = 0;
export const BUDGET = 1;
export const CORE = 2;
export const PARAMETERS = 3;
export const GENERAL_REGISTERS = 3;
export const FLAG_KIND = 11;
export const FLAG_RESULT = 12;
export const FLAG_FIRST = 13;
export const FLAG_SECOND = 14;
/** Where execution goes on outside of the region. */
export const TARGET = 15;
/** Which block to go to, where several begin a loop. */
export const CHOICE = 16;
/** Linear address of the last access. */
export const ACCESS = 17;
const FIXED_LOCALS = 15;

/**
 * Indices of the imported functions: FLAG_AUX of (kind, result, first, second); the interpreter, by an interlude's number;
 * the load of a segment register (bits 16 to 18) from a selector (bits 0 to 15), which returns 0 when it is done and the
 * segment flat.
 */
export const AUX_FUNCTION = 0;
export const INTERPRET_FUNCTION = 1;
export const LOAD_SEGMENT_FUNCTION = 2;

/** What a region's function returns, other than the number of an exit. */
/** It has left for code that is not compiled, whose EIP it has set. */
export const LEFT_FOR_TARGET = -1;
/** The interpreter, which it had run instructions, is to go on. */
export const INTERRUPTED = -3;

/** An instruction that compiled code has the interpreter run. */
export interface Step {
  /** Nothing but the instruction. */
  readonly block: Block;
  readonly eip: number;
}

export function toSteps(placed: readonly { readonly op: Op; readonly eip: number }[]): Step[] {
  return placed.map(({ op, eip }) => ({ block: new Block([op], 0, true, -1), eip }));
}

export type Access = "read" | "write";

/** A way out of a region other than to another. */
export interface Exit {
  /** EIP of the instruction that the interpreter goes on with. */
  readonly eip: number;
  /** Instructions executed since the budget was last charged. */
  readonly executed: number;
  readonly kind: Kind;
  readonly reason: ExitReason;
  /** Its place in EXIT_REASONS. */
  readonly reasonNumber: number;
  /**
   * What kind of access could not be made at once; null when it was none, or several to the interpreter. An instruction's
   * accesses are in its order.
   */
  readonly access: Access | null;
  /** Instructions that the interpreter runs before compiled code goes on; null where it is to go on by itself. */
  readonly steps: readonly Step[] | null;
}

/** Instructions that follow each other, and are run by the interpreter in the midst of compiled ones. */
export interface Interlude {
  readonly steps: readonly Step[];
  /** Instructions executed since the budget was last charged. */
  readonly executed: number;
}

/** Where what a function refers to by number is registered. */
export interface Registry {
  /** @returns a number, 0 or more */
  exit(exit: Exit): number;
  interlude(interlude: Interlude): number;
}

/** What a function is compiled for. */
export interface Target {
  /** Byte offsets in memory of a core's state, its TLB and the tier's working memory: of core 0's, where CORE is added. */
  readonly state: number;
  readonly tlb: number;
  readonly working: number;
  /** Whether the function is for several cores, and CORE is to be added. */
  readonly isShared: boolean;
  /** Bits of a TLB entry that must read TLB_VALID alone for a fast access. */
  readonly readMask: number;
  readonly writeMask: number;
  readonly user: boolean;
}

/** Emits one region's function: what emitters of instructions have in common. */
export class Emit {
  readonly code: Code;
  readonly target: Target;
  /** Where side exits go, with their number on the stack. */
  readonly out: Label;
  /** How flags are held. */
  kind: Kind = Kind.DYNAMIC;
  /** The instruction being emitted: its EIP, that of the next, and its number since the budget was charged. */
  eip = 0;
  next = 0;
  executed = 0;
  /** Bit mask of the registers used, and of those written, by the region. */
  used = 0;
  written = 0;
  readonly #registry: Registry;
  readonly #temporaries: number[] = [];
  #temporariesUsed = 0;

  constructor(code: Code, target: Target, out: Label, registry: Registry) {
    this.code = code;
    this.target = target;
    this.out = out;
    this.#registry = registry;
  }

  /** To be called once, before anything is emitted. */
  static declareLocals(code: Code): void {
    for (let i = 0; i < FIXED_LOCALS; i++) code.local(I32);
  }

  /** A local that the current instruction has to itself. */
  temporary(): number {
    if (this.#temporariesUsed === this.#temporaries.length) this.#temporaries.push(this.code.local(I32));
    return this.#temporaries[this.#temporariesUsed++];
  }

  /** Begins an instruction. */
  begin(eip: number, length: number, executed: number): void {
    this.eip = eip;
    this.next = (eip + length) | 0;
    this.executed = executed;
    this.#temporariesUsed = 0;
  }

  // ---- Shorthands --------------------------------------------------------------------------------------------------

  /** Applies an operator to what is on the stack and a constant. */
  with(operator: number, constant: number): void {
    this.code.constant(constant);
    this.code.op(operator);
  }

  /** Makes of a zero-extended number on the stack a sign-extended one. */
  extendSign(size: Size): void {
    if (size === 8) this.code.op(wasm.I32_EXTEND8_S);
    else if (size === 16) this.code.op(wasm.I32_EXTEND16_S);
  }

  /** Clears what is above `size` in the number on the stack. */
  truncate(size: Size): void {
    if (size !== 32) this.with(wasm.I32_AND, size === 8 ? 0xff : 0xffff);
  }

  // ---- Registers ---------------------------------------------------------------------------------------------------

  /** The local of a general register. */
  register(n: number): number {
    this.used |= 1 << n;
    return GENERAL_REGISTERS + n;
  }

  getRegister(n: number): void {
    this.code.get(this.register(n));
  }

  /** Takes the value on the stack. */
  setRegister(n: number): void {
    this.written |= 1 << n;
    this.code.set(this.register(n));
  }

  teeRegister(n: number): void {
    this.written |= 1 << n;
    this.code.tee(this.register(n));
  }

  /** Pushes a register of a size, zero-extended. */
  get(size: Size, n: number): void {
    if (size === 8 && n >= 4) {
      this.getRegister(n & 3);
      this.with(wasm.I32_SHR_U, 8);
      this.truncate(8);
    } else {
      this.getRegister(n);
      this.truncate(size);
    }
  }

  /** Sets a register of a size to a local, whose bits above the size do not matter. */
  put(size: Size, n: number, value: number): void {
    const { code } = this;
    if (size === 32) {
      code.get(value);
      this.setRegister(n);
      return;
    }
    const whole = size === 8 ? n & 3 : n;
    const high = size === 8 && n >= 4;
    this.getRegister(whole);
    this.with(wasm.I32_AND, size === 16 ? ~0xffff : high ? ~0xff00 : ~0xff);
    code.get(value);
    this.truncate(size);
    if (high) this.with(wasm.I32_SHL, 8);
    code.op(wasm.I32_OR);
    this.setRegister(whole);
  }

  /** Pushes CL, zero-extended. */
  getCl(): void {
    this.get(8, ECX);
  }

  // ---- Leaving -----------------------------------------------------------------------------------------------------

  /** Leaves before the current instruction if the number that `condition` pushes is not 0; the interpreter runs `steps`. */
  leaveIf(reason: ExitReason, condition: () => void, steps: readonly Step[] | null = null): void {
    this.#leaveIf(this.#exit(reason, null, steps), condition);
  }

  /** Leaves before the current instruction; the interpreter runs `steps`. */
  leave(reason: ExitReason, steps: readonly Step[] | null): void {
    this.code.constant(this.#exit(reason, null, steps));
    this.code.br(this.out);
  }

  #leaveIf(exit: number, condition: () => void): void {
    const { code } = this;
    code.constant(exit);
    condition();
    code.brIf(this.out);
    code.op(wasm.DROP);
  }

  /** Exits are of one shape, because V8 is quicker then. */
  #exit(reason: ExitReason, access: Access | null, steps: readonly Step[] | null): number {
    const { eip, executed, kind } = this;
    const reasonNumber = EXIT_REASONS.indexOf(reason);
    return this.#registry.exit({ eip, executed, kind, reason, reasonNumber, access, steps });
  }

  // ---- The interpreter in between ------------------------------------------------------------------------------------

  /**
   * Has the interpreter run instructions; leaves behind them if that changed something that compiled code rests on. Flags
   * must be RAW.
   * @param registers bit masks of those that the region has in locals, and of those that may differ from the state's
   */
  interpret(steps: readonly Step[], registers: { readonly used: number; readonly written: number }): void {
    const { code, target } = this;
    const leaves = this.temporary();
    saveRegisters(code, target, registers.written);
    storeLocal(code, target, target.state + 4 * layout.FLAG_RESULT, FLAG_RESULT);
    storeLocal(code, target, target.state + 4 * layout.FLAG_AUX, FLAG_SECOND);
    storeLocal(code, target, target.working + LEFT, BUDGET);
    code.constant(this.#registry.interlude({ steps, executed: this.executed }));
    code.call(INTERPRET_FUNCTION);
    code.set(leaves);
    loadRegisters(code, target, registers.used);
    loadLocal(code, target, target.state + 4 * layout.FLAG_RESULT, FLAG_RESULT);
    loadLocal(code, target, target.state + 4 * layout.FLAG_AUX, FLAG_SECOND);
    code.constant(INTERRUPTED);
    code.get(leaves);
    code.brIf(this.out);
    code.op(wasm.DROP);
  }

  // ---- Memory ------------------------------------------------------------------------------------------------------

  /** Pushes the offset of the memory operand. */
  offset(op: Op): void {
    const { code } = this;
    const { base, index, scale, disp } = op;
    let terms = 0;
    if (base !== ZERO) {
      this.getRegister(base);
      terms++;
    }
    if (index !== ZERO) {
      this.getRegister(index);
      if (scale !== 0) this.with(wasm.I32_SHL, scale);
      if (terms++ > 0) code.op(wasm.I32_ADD);
    }
    if (terms === 0) code.constant(disp & op.addressMask);
    else {
      if (disp !== 0) this.with(wasm.I32_ADD, disp);
      if (op.addressMask !== -1) this.with(wasm.I32_AND, op.addressMask);
    }
  }

  /**
   * Checks that the memory operand of an instruction can be reached without more ado, and leaves otherwise.
   * @returns the local that has its host offset
   */
  operand(op: Op, size: Size, write: boolean): number {
    const linear = this.temporary();
    this.offset(op);
    this.code.set(linear);
    return this.reach(linear, size, write);
  }

  /** The same for the stack, `distance` bytes above ESP. */
  stack(distance: number, size: Size, write: boolean): number {
    return this.frame(distance, size >> 3, write);
  }

  /** The same for `bytes` of the stack, within one page. */
  frame(distance: number, bytes: number, write: boolean): number {
    const linear = this.temporary();
    this.getRegister(ESP);
    if (distance !== 0) this.with(wasm.I32_ADD, distance);
    this.code.set(linear);
    return this.reachBytes(linear, bytes, write);
  }

  /** The same for the linear address in a local. */
  reach(linear: number, size: Size, write: boolean): number {
    return this.reachBytes(linear, size >> 3, write);
  }

  /** The same for a number of bytes within one page. */
  reachBytes(linear: number, bytes: number, write: boolean): number {
    const { code, target } = this;
    const host = this.#entry(linear);
    const access = bytes > 4 ? null : write ? "write" : "read";
    if (access !== null) {
      code.get(linear);
      code.set(ACCESS);
    }
    this.#leaveIf(this.#exit("memory", access, null), () => {
      code.get(host);
      this.with(wasm.I32_AND, write ? target.writeMask : target.readMask);
      if (bytes === 1) {
        this.with(wasm.I32_NE, TLB_VALID);
      } else {
        this.with(wasm.I32_XOR, TLB_VALID);
        code.get(linear);
        this.with(wasm.I32_AND, 0xfff);
        this.with(wasm.I32_GT_U, 0x1000 - bytes);
        code.op(wasm.I32_OR);
      }
    });
    this.#toHost(host, linear);
    return host;
  }

  /**
   * Finds the page of the linear address in a local; goes to a label unless it can be reached without more ado.
   * @returns the local that has the host offset
   */
  reachOr(linear: number, write: boolean, otherwise: Label): number {
    const { code, target } = this;
    const host = this.#entry(linear);
    code.get(host);
    this.with(wasm.I32_AND, write ? target.writeMask : target.readMask);
    this.with(wasm.I32_NE, TLB_VALID);
    code.brIf(otherwise);
    this.#toHost(host, linear);
    return host;
  }

  /** The TLB entry of a linear address, in a local. */
  #entry(linear: number): number {
    const { code, target } = this;
    const entry = this.temporary();
    code.get(linear);
    this.with(wasm.I32_SHR_U, 10);
    this.with(wasm.I32_AND, 0x3ffffc);
    addBase(code, target);
    code.memory(wasm.I32_LOAD, target.tlb);
    code.set(entry);
    return entry;
  }

  /** Makes of a TLB entry in a local the host offset of a linear address. */
  #toHost(entry: number, linear: number): void {
    const { code } = this;
    code.get(entry);
    this.with(wasm.I32_AND, ~0xfff);
    code.get(linear);
    code.op(wasm.I32_XOR);
    code.set(entry);
  }

  /** Pushes what is at a host offset, zero-extended. */
  load(host: number, size: Size): void {
    this.code.get(host);
    this.code.memory(size === 8 ? wasm.I32_LOAD8_U : size === 16 ? wasm.I32_LOAD16_U : wasm.I32_LOAD);
  }

  /** Stores the value on the stack, which lies above the local `host`. */
  store(host: number, size: Size, value: () => void): void {
    this.code.get(host);
    value();
    this.code.memory(size === 8 ? wasm.I32_STORE8 : size === 16 ? wasm.I32_STORE16 : wasm.I32_STORE);
  }
}

/** Pushes what the offsets of a target are to be added to. */
export function pushBase(code: Code, { isShared }: Pick<Target, "isShared">): void {
  if (isShared) code.get(CORE);
  else code.constant(0);
}

/** Adds the same to an address on the stack. */
export function addBase(code: Code, { isShared }: Pick<Target, "isShared">): void {
  if (!isShared) return;
  code.get(CORE);
  code.op(wasm.I32_ADD);
}

/** Loads a local from one of the target's places in memory. */
export function loadLocal(code: Code, target: Pick<Target, "isShared">, offset: number, local: number): void {
  pushBase(code, target);
  code.memory(wasm.I32_LOAD, offset);
  code.set(local);
}

/** Stores a local to one of the target's places in memory. */
export function storeLocal(code: Code, target: Pick<Target, "isShared">, offset: number, local: number): void {
  pushBase(code, target);
  code.get(local);
  code.memory(wasm.I32_STORE, offset);
}

/** Loads the general registers of a bit mask. */
export function loadRegisters(code: Code, target: Target, registers: number): void {
  for (let n = 0; n < 8; n++) {
    if ((registers & (1 << n)) !== 0) loadLocal(code, target, target.state + 4 * n, GENERAL_REGISTERS + n);
  }
}

export function saveRegisters(code: Code, target: Target, registers: number): void {
  for (let n = 0; n < 8; n++) {
    if ((registers & (1 << n)) !== 0) storeLocal(code, target, target.state + 4 * n, GENERAL_REGISTERS + n);
  }
}
