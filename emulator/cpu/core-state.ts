import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { Fault } from "./fault.ts";
import { readEflags, writeArithmeticFlags } from "./flags.ts";
import * as layout from "./state-layout.ts";

const { CPL, CR0, CONTROL_FLAGS, CS, SS } = layout;
const { SEG_ACCESS, SEG_BASE, SEG_FLAT, SEG_LIMIT, SEG_SELECTOR, SEG_VALID } = layout;

/** Read-only code, execute-only code, expand-down and absent segments never qualify as flat. */
const FLAT_TYPE_MASK =
  layout.ACCESS_PRESENT |
  layout.ACCESS_SEGMENT |
  layout.ACCESS_CODE |
  layout.ACCESS_EXPAND_DOWN |
  layout.ACCESS_READ_WRITE;
const FLAT_TYPE = layout.ACCESS_PRESENT | layout.ACCESS_SEGMENT | layout.ACCESS_READ_WRITE;

/**
 * The architectural state of one core: typed-array views over its part of the machine's memory (see state-layout.ts),
 * and accessors that say what the slots mean. What is not in that memory is derived from it; `refreshDerivedState`
 * recomputes it after the slots were changed from outside (a snapshot, a compiled tier).
 */
export abstract class CoreState {
  /** Core number, also its initial local APIC ID. */
  readonly id: number;
  readonly memory: PhysicalMemory;
  /** The state as int32 slots; r[0] to r[7] are EAX ECX EDX EBX ESP EBP ESI EDI, r[8] is always 0. */
  readonly r: Int32Array;
  /** The same bytes: 16-bit register n is r16[2 * n]. */
  readonly r16: Uint16Array;
  /** The same bytes: see `byteRegister`. */
  readonly r8: Uint8Array;
  /** The same bytes as doubles. */
  readonly f64: Float64Array;

  /** CS.D: default operand and address size is 32 bits. Derived. */
  codeSize32 = false;
  /** -1 when SS.B is set (ESP is the stack pointer), else 0xFFFF (SP is). Derived. */
  stackMask = 0xffff;

  /** The one exception object of this core; see `raise`. */
  readonly fault = new Fault();

  protected constructor(id: number, memory: PhysicalMemory) {
    this.id = id;
    this.memory = memory;
    const offset = memory.stateOffset(id);
    this.r = new Int32Array(memory.buffer, offset, 1024);
    this.r16 = new Uint16Array(memory.buffer, offset, 2048);
    this.r8 = new Uint8Array(memory.buffer, offset, 4096);
    this.f64 = new Float64Array(memory.buffer, offset, 512);
  }

  /** Offset in CS of the next instruction to run, int32. Setting it between instructions or in a branch jumps there. */
  get eip(): number {
    return this.r[layout.EIP];
  }
  set eip(offset: number) {
    this.r[layout.EIP] = offset;
  }

  get cpl(): number {
    return this.r[CPL];
  }

  /** Bit 31 (PG) makes it negative when set. */
  get cr0(): number {
    return this.r[CR0];
  }
  set cr0(value: number) {
    this.r[CR0] = value;
    this.refreshDerivedState();
  }
  get cr2(): number {
    return this.r[layout.CR2];
  }
  set cr2(value: number) {
    this.r[layout.CR2] = value;
  }
  get cr3(): number {
    return this.r[layout.CR3];
  }
  set cr3(value: number) {
    this.r[layout.CR3] = value;
  }
  get cr4(): number {
    return this.r[layout.CR4];
  }
  set cr4(value: number) {
    this.r[layout.CR4] = value;
  }

  get gdtrBase(): number {
    return this.r[layout.GDTR_BASE];
  }
  set gdtrBase(linear: number) {
    this.r[layout.GDTR_BASE] = linear;
  }
  get gdtrLimit(): number {
    return this.r[layout.GDTR_LIMIT];
  }
  set gdtrLimit(limit: number) {
    this.r[layout.GDTR_LIMIT] = limit;
  }
  get idtrBase(): number {
    return this.r[layout.IDTR_BASE];
  }
  set idtrBase(linear: number) {
    this.r[layout.IDTR_BASE] = linear;
  }
  get idtrLimit(): number {
    return this.r[layout.IDTR_LIMIT];
  }
  set idtrLimit(limit: number) {
    this.r[layout.IDTR_LIMIT] = limit;
  }

  /** DR0 to DR7. Setting DR7 through here keeps the breakpoint bookkeeping right. */
  getDr(n: number): number {
    return this.r[layout.DR + n];
  }
  setDr(n: number, value: number): void {
    this.r[layout.DR + n] = value;
    this.refreshDerivedState();
  }

  /** Cycles that RDTSC adds to `now()`; a double. */
  get tscOffset(): number {
    return this.f64[layout.F64_TSC_OFFSET];
  }
  set tscOffset(cycles: number) {
    this.f64[layout.F64_TSC_OFFSET] = cycles;
  }

  get realMode(): boolean {
    return (this.r[CR0] & layout.CR0_PE) === 0;
  }
  /** CR0.PE set and not in virtual-8086 mode. */
  get protectedMode(): boolean {
    return (this.r[CR0] & layout.CR0_PE) !== 0 && (this.r[CONTROL_FLAGS] & layout.FLAG_VM) === 0;
  }
  /** Virtual-8086 mode. */
  get v86(): boolean {
    return (this.r[CONTROL_FLAGS] & layout.FLAG_VM) !== 0;
  }
  /** SS.B: the stack pointer is ESP, not SP. */
  get stackSize32(): boolean {
    return this.stackMask === -1;
  }

  segSelector(seg: number): number {
    return this.r[SEG_SELECTOR + seg];
  }
  segBase(seg: number): number {
    return this.r[SEG_BASE + seg];
  }
  /** Bytes, granularity applied, int32. */
  segLimit(seg: number): number {
    return this.r[SEG_LIMIT + seg];
  }
  /** Bits 8 to 23 of the descriptor's high dword, shifted right by 8. */
  segAccess(seg: number): number {
    return this.r[SEG_ACCESS + seg];
  }
  /** False when a null selector was loaded. */
  segValid(seg: number): boolean {
    return this.r[SEG_VALID + seg] !== 0;
  }

  /**
   * Fills a segment register and its hidden part, and what derives from it. No checks: segmentation.ts makes them.
   * @param limit in bytes, granularity applied
   * @param access bits 8 to 23 of the descriptor's high dword, shifted right by 8
   */
  setSegment(seg: number, selector: number, base: number, limit: number, access: number, valid = true): void {
    const r = this.r;
    r[SEG_SELECTOR + seg] = selector;
    r[SEG_BASE + seg] = base;
    r[SEG_LIMIT + seg] = limit;
    r[SEG_ACCESS + seg] = access;
    r[SEG_VALID + seg] = valid ? 1 : 0;
    r[SEG_FLAT + seg] = valid && base === 0 && (limit | 0) === -1 && (access & FLAT_TYPE_MASK) === FLAT_TYPE ? 1 : 0;
    if (seg === CS) this.refreshCodeMode();
    else if (seg === SS) this.stackMask = (access & layout.ACCESS_BIG) !== 0 ? -1 : 0xffff;
  }

  /** Sets CPL and the access rights that go with it. */
  setCpl(cpl: number): void {
    if (this.r[CPL] === cpl) return;
    this.r[CPL] = cpl;
    this.refreshRights();
    this.refreshCodeMode();
  }

  /** Fills CS, as `setSegment` does, and enters a privilege level with it. */
  setCode(selector: number, base: number, limit: number, access: number, cpl: number): void {
    const before = this.r[CPL];
    this.r[CPL] = cpl;
    this.setSegment(CS, selector, base, limit, access);
    if (cpl !== before) this.refreshRights();
  }

  /** EFLAGS, the lazy arithmetic flags included. */
  getEflags(): number {
    return readEflags(this);
  }

  /** Replaces the EFLAGS bits in `mask`. Takes effect (interrupts, single step, VM) after the current instruction. */
  setEflags(value: number, mask = -1): void {
    const r = this.r;
    if ((mask & layout.FLAGS_ARITHMETIC) !== 0) {
      const all = (mask & layout.FLAGS_ARITHMETIC) === layout.FLAGS_ARITHMETIC;
      writeArithmeticFlags(this, all ? value : (value & mask) | (readEflags(this) & ~mask));
    }
    const control = mask & ~(layout.FLAGS_ARITHMETIC | layout.FLAG_FIXED);
    r[CONTROL_FLAGS] = (r[CONTROL_FLAGS] & ~control) | (value & control);
    this.endBlock();
  }

  /** Recomputes what is derived from the state slots. */
  refreshDerivedState(): void {
    this.stackMask = (this.r[SEG_ACCESS + SS] & layout.ACCESS_BIG) !== 0 ? -1 : 0xffff;
    this.refreshCodeMode();
    this.refreshRights();
  }

  /**
   * Throws this core's fault: ends the instruction, which must not have changed anything yet.
   * @param errorCode to push, or -1 when the vector has none
   */
  raise(vector: number, errorCode = -1): never {
    this.fault.vector = vector;
    this.fault.errorCode = errorCode;
    throw this.fault;
  }

  /** Recomputes what depends on CPL, CR0.WP and paging. */
  protected abstract refreshRights(): void;
  /** Recomputes what depends on CS and the mode. */
  protected abstract refreshCodeMode(): void;
  /** Leaves the running block after the current instruction, so that the loop looks at what changed. */
  abstract endBlock(): void;
}

/** Index into `r8` of 8-bit register n (AL CL DL BL AH CH DH BH). */
export function byteRegister(n: number): number {
  return ((n & 3) << 2) | (n >> 2);
}
