import { drainingPorts, type PortAccess } from "../devices/ports.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { type Block, type CodeCache, NEVER, NO_BLOCK } from "./block-cache.ts";
import {
  DR6_BS,
  DR6_FIXED,
  dataBreakpoints,
  hasDataBreakpoints,
  hasInstructionBreakpoints,
  instructionBreakpoints,
  reportDebugException,
} from "./breakpoints.ts";
import { fetchBlock, isBlockAt } from "./code-fetch.ts";
import { FAR_AWAY, type HostBreakpoints } from "./host-breakpoints.ts";
import { deliverException, deliverInterrupt, EXTERNAL } from "./interrupts.ts";
import { CoreMemory } from "./memory-access.ts";
import { NO_PAGE, probe, translate, walk, walkIsDelicate } from "./paging.ts";
import { ATTEND_AGAIN, JUMP_SLOTS, Jump, jumpSlot, LEAVE, NO_JUMP, runBlocks } from "./run-blocks.ts";
import { ShutdownCause } from "./shutdown-cause.ts";
import * as layout from "./state-layout.ts";
import type { StoreBuffer } from "./store-buffer.ts";
import type { TierRegion, TierStatistics } from "./tier/statistics.ts";
import { Tier } from "./tier/tier.ts";
import { WHERE_CODE_IS } from "./translation.ts";
import { powerOn } from "./x87/state.ts";

export { Fault } from "./fault.ts";

const { CONTROL_FLAGS, CPL, CS, EIP, EIP_REPLACED, SEG_BASE, SEG_LIMIT } = layout;

/** Bits of `attention`: why the loop must not simply run the next block. */
const ATTEND_STOP = 1 << 0;
const ATTEND_HALTED = 1 << 1;
const ATTEND_SHUTDOWN = 1 << 2;
const ATTEND_SHADOW = 1 << 3;
const ATTEND_NMI = 1 << 4;
const ATTEND_INTR = 1 << 5;
/** EFLAGS.TF or RF is set. */
const ATTEND_TRACE = 1 << 6;
/** A debug trap is due before the next instruction. */
const ATTEND_DEBUG_TRAP = 1 << 7;
/** Instruction breakpoints are enabled. */
const ATTEND_BREAKPOINTS = 1 << 8;
/** The host has set breakpoints, of which the guest must notice nothing. */
const ATTEND_HOST = 1 << 9;

/** More instructions than a block has: `attend` sets no limit. */
const NO_LIMIT = 1 << 30;

/** "Vector" of `waitForInterrupt`: the instruction starts over, and no exception is delivered. */
const RESTART = -1;

/** One i386 processor core: architectural state, access to memory, and the loop that runs instructions. */
export class Core extends CoreMemory {
  /** The machine's I/O ports: what is read or written there comes after all stores. */
  readonly ports: PortAccess;

  /** Answers an interrupt acknowledge cycle with a vector, or -1 when there is nothing to deliver. Set by the machine. */
  acknowledge: () => number = () => -1;
  /** What 0F 3F imm16 does at CPL 0; null makes it #UD. EIP is already after the instruction and may be changed. */
  hostcall: ((cpu: Core, id: number) => void) | null = null;
  /** Machine cycle at which the current `run` began; set by the machine. */
  sliceStart = 0;
  /** How often it went to sleep since power-on. */
  halts = 0;
  /** What `instructions` was when a host breakpoint stopped here: it does not stop here again. -1 for none. */
  passedBreakpoint = -1;

  /** Why the core shut down; empty while it runs. */
  readonly shutdownCause = new ShutdownCause();

  /** Called when an interrupt or exception is about to be delivered; `kind` as in interrupts.ts. */
  onInterrupt: ((cpu: Core, vector: number, kind: number, errorCode: number) => void) | null = null;
  /** Called after an IRET: CS:EIP and the stack are those it returned to; `esp` was ESP before, that of EIP's slot. */
  onInterruptReturn: ((cpu: Core, esp: number) => void) | null = null;
  /** Called when the FERR# pin changes: an unmasked x87 exception is pending (CR0.NE clear), or not any more. */
  onFerr: ((asserted: boolean) => void) | null = null;
  /** Called after CR3 was loaded. */
  onCr3Load: ((cpu: Core, cr3: number) => void) | null = null;
  /** Called when it executes PAUSE: it waits for another core. */
  onPause: (() => void) | null = null;
  /** Called after IA32_APIC_BASE was written: whether the local APIC is enabled. */
  onApicBase: ((enabled: boolean) => void) | null = null;
  /** Called when an instruction that exists but is not implemented raises #UD, with its first bytes. */
  onUnimplemented: ((cpu: Core, bytes: Uint8Array) => void) | null = null;

  // State of the loop in run-blocks.ts, and of nobody else.

  /** The block being run, and the offset in CS of its first instruction. */
  runBlock: Block = NO_BLOCK;
  runStart = 0;
  /** Index of the running instruction in its block. */
  runIndex = 0;
  /** Number of instructions of the running block after which to leave it. */
  runStop = 0;
  /** Instructions that this `run` may retire, and that it has retired before the running block. */
  budget = 0;
  retired = 0;
  /** Not 0 when `attend` must be asked before the next block: ATTEND_ bits. */
  attention = 0;
  readonly jumps: Jump[] = new Array<Jump>(JUMP_SLOTS * 4).fill(NO_JUMP);
  /** First slot of `jumps` for the current code size and privilege. */
  jumpBase = 0;
  #hostBreakpoints: HostBreakpoints | null = null;
  /** Made when there is a hot block. */
  #tier: Tier | null = null;

  /**
   * @param id core number, 0 to 7; core 0 is the bootstrap processor
   * @param codeCache the machine's; shared by its cores
   * @param storeBuffer its store buffer, if it has one
   */
  constructor(
    id: number,
    memory: PhysicalMemory,
    ports: PortAccess,
    codeCache: CodeCache,
    storeBuffer: StoreBuffer | null = null,
  ) {
    super(id, memory, codeCache, storeBuffer);
    this.ports = storeBuffer === null ? ports : drainingPorts(ports, storeBuffer);
    codeCache.attach(this);
    this.reset();
  }

  /**
   * Power-on state (Intel SDM 3A 9.1.1): real mode at FFFF:FFF0. Cores other than 0 wait for a start-up IPI, halted.
   * The count of instructions goes on. During an instruction it takes effect after it.
   */
  reset(): void {
    const instructions = this.f64[layout.F64_INSTRUCTIONS];
    this.r.fill(0);
    this.f64[layout.F64_INSTRUCTIONS] = instructions;
    powerOn(this.r);
    this.#initialize(layout.CR0_CD | layout.CR0_NW);
  }

  /**
   * INIT (SDM 3A 9.1 and table 9-1): as `reset`, but the x87 registers, the model-specific registers, the time-stamp
   * counter, CR0.CD and CR0.NW, and the levels of the pins stay.
   */
  init(): void {
    const r = this.r;
    const cacheControl = r[layout.CR0] & (layout.CR0_CD | layout.CR0_NW);
    const intr = r[layout.INTR];
    r.fill(0, 0, layout.MSR);
    r[layout.INTR] = intr;
    this.#initialize(cacheControl);
  }

  /** The start-up message: a core that waits for it begins in real mode at page `vector`; others ignore it. */
  startup(vector: number): void {
    if (!this.waitsForStartup) return;
    const data = layout.ACCESS_PRESENT | layout.ACCESS_SEGMENT | layout.ACCESS_READ_WRITE | layout.ACCESS_ACCESSED;
    this.setSegment(CS, vector << 8, vector << 12, 0xffff, data);
    this.r[EIP] = 0;
    this.halted = false;
  }

  /** What power-on and INIT have in common, in cleared state. */
  #initialize(cacheControl: number): void {
    const r = this.r;
    this.drainStores();
    this.shutdownCause.clear();
    r[layout.EDX] = layout.CPU_SIGNATURE;
    r[layout.CR0] = layout.CR0_ET | cacheControl;
    r[layout.DR + 6] = DR6_FIXED;
    r[layout.DR + 7] = 0x400;
    r[layout.GDTR_LIMIT] = 0xffff;
    r[layout.IDTR_LIMIT] = 0xffff;
    const data = layout.ACCESS_PRESENT | layout.ACCESS_SEGMENT | layout.ACCESS_READ_WRITE | layout.ACCESS_ACCESSED;
    for (let seg = layout.ES; seg <= layout.GS; seg++) this.setSegment(seg, 0, 0, 0xffff, data);
    this.setSegment(layout.LDTR, 0, 0, 0xffff, layout.ACCESS_PRESENT | 0x02);
    this.setSegment(layout.TR, 0, 0, 0xffff, layout.ACCESS_PRESENT | 0x0b);
    this.setSegment(CS, 0xf000, 0xffff0000 | 0, 0xffff, data);
    r[EIP] = 0xfff0;
    this.setEflags(0);
    r[layout.HALTED] = this.id === 0 ? layout.NOT_HALTED : layout.WAIT_FOR_SIPI;
    this.flushTlb(false);
    this.refreshDerivedState();
    this.runStop = EIP_REPLACED;
  }

  // ---- Pins and conditions ---------------------------------------------------------------------------------------

  /** Level of the INTR pin, 0 or 1. */
  get intr(): number {
    return this.r[layout.INTR];
  }
  set intr(level: number) {
    this.r[layout.INTR] = level;
    this.#setAttention(ATTEND_INTR, level !== 0);
  }

  /** 1 when a non-maskable interrupt is pending; delivery sets it to 0. */
  get nmi(): number {
    return this.r[layout.NMI];
  }
  set nmi(pending: number) {
    this.r[layout.NMI] = pending;
    this.#setAttention(ATTEND_NMI, pending !== 0);
  }

  /** Waiting in HLT or for a start-up IPI. */
  get halted(): boolean {
    return this.r[layout.HALTED] !== layout.NOT_HALTED;
  }
  set halted(halted: boolean) {
    if (halted && !this.halted) this.halts++;
    this.r[layout.HALTED] = halted ? layout.IN_HLT : layout.NOT_HALTED;
    this.#setAttention(ATTEND_HALTED, halted);
  }

  /** Waiting for a start-up IPI: interrupts, NMIs included, stay pending until it came. */
  get waitsForStartup(): boolean {
    return this.r[layout.HALTED] === layout.WAIT_FOR_SIPI;
  }

  /** Stopped by a triple fault; only `reset` helps. */
  get shutdown(): boolean {
    return this.r[layout.SHUTDOWN] !== 0;
  }
  set shutdown(shutdown: boolean) {
    this.r[layout.SHUTDOWN] = shutdown ? 1 : 0;
    this.#setAttention(ATTEND_SHUTDOWN, shutdown);
  }

  /** NO_SHADOW, STI_SHADOW or SS_SHADOW: whether interrupts wait until the next instruction was executed. */
  get interruptShadow(): number {
    return this.r[layout.INTERRUPT_SHADOW];
  }
  set interruptShadow(shadow: number) {
    this.r[layout.INTERRUPT_SHADOW] = shadow;
    this.#setAttention(ATTEND_SHADOW, shadow !== layout.NO_SHADOW);
  }

  /** Whether something else may have to be done before the next instruction, or that is not to run at all. */
  get disturbed(): boolean {
    return (this.attention & ~(ATTEND_STOP | ATTEND_HOST)) !== 0;
  }

  /** Makes `run` return after the current instruction. */
  requestStop(): void {
    this.#setAttention(ATTEND_STOP, true);
  }

  /** What PAUSE does. */
  pause(): void {
    this.onPause?.();
  }

  /** Ends the running instruction, which must not have changed anything, and sleeps; an interrupt returns to it. */
  waitForInterrupt(): never {
    this.halted = true;
    this.raise(RESTART);
  }

  #setAttention(bit: number, on: boolean): void {
    if (on) {
      this.attention |= bit;
      this.endBlock();
    } else {
      this.attention &= ~bit;
    }
  }

  override setEflags(value: number, mask = -1): void {
    const before = this.r[CONTROL_FLAGS];
    super.setEflags(value, mask);
    this.#setAttention(ATTEND_TRACE, (this.r[CONTROL_FLAGS] & (layout.FLAG_TF | layout.FLAG_RF)) !== 0);
    if (((before ^ this.r[CONTROL_FLAGS]) & layout.FLAG_AC) !== 0) this.refreshRights();
  }

  override refreshDerivedState(): void {
    super.refreshDerivedState();
    const r = this.r;
    this.#setAttention(ATTEND_INTR, r[layout.INTR] !== 0);
    this.#setAttention(ATTEND_NMI, r[layout.NMI] !== 0);
    this.#setAttention(ATTEND_HALTED, r[layout.HALTED] !== 0);
    this.#setAttention(ATTEND_SHUTDOWN, r[layout.SHUTDOWN] !== 0);
    this.#setAttention(ATTEND_SHADOW, r[layout.INTERRUPT_SHADOW] !== 0);
    this.#setAttention(ATTEND_TRACE, (r[CONTROL_FLAGS] & (layout.FLAG_TF | layout.FLAG_RF)) !== 0);
    this.#setAttention(ATTEND_DEBUG_TRAP, r[layout.DEBUG_TRAP] !== 0);
    this.#setAttention(ATTEND_BREAKPOINTS, hasInstructionBreakpoints(this));
    this.endBlock();
  }

  // ---- Time ------------------------------------------------------------------------------------------------------

  /**
   * Instructions retired since power-on, exact at any moment. An exception or interrupt delivered counts as one, and so
   * does each page-sized piece of a repeated string instruction.
   */
  get instructions(): number {
    return this.f64[layout.F64_INSTRUCTIONS] + this.retired + this.runIndex;
  }

  /** Machine cycle of the current instruction. */
  now(): number {
    return this.sliceStart + this.retired + this.runIndex;
  }

  /** EIP of the instruction that is being executed. */
  get eipOfInstruction(): number {
    return (this.runStart + this.runBlock.ops[this.runIndex].offset) | 0;
  }

  // ---- The loop --------------------------------------------------------------------------------------------------

  /**
   * Runs at most `budget` instructions (1 to 2^30). Returns early when the core is halted with nothing to wake it,
   * after a triple fault, or when `requestStop` was called.
   */
  run(budget: number): void {
    this.budget = budget;
    this.attention &= ~ATTEND_STOP;
    try {
      while (!this.#runUntilFault()) {
        // Each turn delivered the exception that an instruction raised.
      }
    } finally {
      this.f64[layout.F64_INSTRUCTIONS] += this.retired;
      this.retired = 0;
    }
  }

  #runUntilFault(): boolean {
    try {
      runBlocks(this);
      return true;
    } catch (error) {
      // Whatever was thrown, leave the state as it was before the instruction.
      this.r[EIP] = this.eipOfInstruction;
      this.retired += this.runIndex;
      this.runIndex = 0;
      if (error !== this.fault) throw error;
      this.deliverFault();
      return false;
    }
  }

  /** Goes to the handler of the exception in `fault`, which the instruction at EIP raised: that counts as an instruction. */
  deliverFault(): void {
    this.retired++;
    this.#setDebugTrap(0);
    if (this.fault.vector === RESTART) return;
    this.#betweenInstructions();
    deliverException(this, this.fault);
  }

  /**
   * Fills the TLB for the next access of the instruction at EIP, as that access would; CS has to be flat.
   * @returns PREPARED, PAGE_FAULT (it is in `fault`) or LEFT_ALONE
   */
  prepareAccess(linear: number, write: boolean): number {
    const entry = this.tlb[linear >>> 12];
    const rights = write ? this.writeRights : this.readRights;
    if ((entry & rights) === layout.TLB_VALID) return layout.LEFT_ALONE;
    if (entry === 0 ? this.tlbIsFull : linear >>> 12 === this.r[EIP] >>> 12) return layout.LEFT_ALONE;
    if (walkIsDelicate(this, linear)) return layout.LEFT_ALONE;
    if (walk(this, linear, write, this.r[CPL] === 3) === NO_PAGE) return layout.PAGE_FAULT;
    // Not so for a write to ROM.
    return (this.tlb[linear >>> 12] & rights) === layout.TLB_VALID ? layout.PREPARED : layout.LEFT_ALONE;
  }

  /**
   * Called before a block is interpreted that has been often enough to be compiled.
   * @returns whether it was run, and maybe others after it, in compiled form
   */
  runHot(block: Block): boolean {
    if (this.codeCache.heat === NEVER || !block.valid) {
      block.untilHot = NEVER;
      return false;
    }
    this.#tier ??= new Tier(this);
    return this.#tier.run(block);
  }

  /**
   * Whether nothing is to be done between instructions while none of them changes EFLAGS.IF and none is in a page with a
   * breakpoint of the host.
   */
  get undisturbed(): boolean {
    const attention = this.attention & ~ATTEND_HOST;
    return attention === 0 || (attention === ATTEND_INTR && (this.r[CONTROL_FLAGS] & layout.FLAG_IF) === 0);
  }

  /** What the compiled tier has done; null when it had nothing to do yet. */
  get tierStatistics(): TierStatistics | null {
    return this.#tier?.statistics ?? null;
  }

  /** The code that is compiled now, by address. */
  get tierRegions(): readonly TierRegion[] {
    return this.#tier?.regions ?? [];
  }

  blocksDropped(hostPage: number): void {
    this.#tier?.dropPage(hostPage);
  }

  endBlock(): void {
    if (this.runStop !== EIP_REPLACED) this.runStop = 0;
  }

  /**
   * What comes before the next instruction, in the order of Intel SDM 3A 6.9: stops, traps, interrupts, breakpoints.
   * @returns how many instructions the loop may run next, LEAVE or ATTEND_AGAIN
   */
  attend(): number {
    if (this.attention === ATTEND_HOST) return this.#approachBreakpoint();
    const r = this.r;
    this.#betweenInstructions();
    if ((this.attention & (ATTEND_STOP | ATTEND_SHUTDOWN)) !== 0 || this.waitsForStartup) return LEAVE;
    const shadow = this.interruptShadow;
    const shadowed = shadow !== layout.NO_SHADOW;
    if (r[layout.DEBUG_TRAP] !== 0 && shadow !== layout.SS_SHADOW) this.#raiseDebugTrap();
    if (!shadowed) {
      if (r[layout.NMI] !== 0 && r[layout.NMI_BLOCKED] === 0) {
        this.nmi = 0;
        r[layout.NMI_BLOCKED] = 1;
        this.#interrupt(layout.VECTOR_NMI);
        return ATTEND_AGAIN;
      }
      if (r[layout.INTR] !== 0 && (r[CONTROL_FLAGS] & layout.FLAG_IF) !== 0) {
        const vector = this.acknowledge();
        if (vector >= 0) {
          this.#interrupt(vector);
          return ATTEND_AGAIN;
        }
      }
      if (this.halted) return LEAVE;
    }
    const limit = (this.attention & ATTEND_HOST) !== 0 ? this.#approachBreakpoint() : NO_LIMIT;
    if (limit === LEAVE) return LEAVE;
    if (shadowed) this.interruptShadow = layout.NO_SHADOW;
    if ((this.attention & (ATTEND_TRACE | ATTEND_BREAKPOINTS)) === 0) return shadowed ? 1 : limit;
    this.#trace(shadow);
    // RF alone has been dealt with.
    return shadowed || (this.attention & (ATTEND_TRACE | ATTEND_BREAKPOINTS)) !== 0 ? 1 : limit;
  }

  /** How many instructions may run before the next host breakpoint; LEAVE when it is the next one and stops here. */
  #approachBreakpoint(): number {
    const breakpoints = this.#hostBreakpoints!;
    const linear = (this.r[SEG_BASE + CS] + this.r[EIP]) | 0;
    const distance = breakpoints.distance(linear);
    if (distance === FAR_AWAY) return NO_LIMIT;
    if (distance === 0) {
      this.#betweenInstructions();
      // An instruction whose page is missing is not reached: it faults, and comes back here.
      if (this.passedBreakpoint === this.instructions || probe(this, linear) < 0) return 1;
      if (!breakpoints.onReached(this, linear)) return 1;
      this.passedBreakpoint = this.instructions;
      return LEAVE;
    }
    const jump = this.jumps[this.jumpBase + jumpSlot(linear)];
    if (jump.linear !== linear || jump.entry !== (this.tlb[linear >>> 12] & WHERE_CODE_IS) || !jump.block.valid)
      return 1;
    const { ops, length } = jump.block;
    if (length <= distance) return NO_LIMIT;
    let before = 1;
    while (ops[before].offset < distance) before++;
    return before;
  }

  /** Breakpoints of the host, not of the guest; null for none, which costs nothing. Set from a callback, they end the block. */
  get hostBreakpoints(): HostBreakpoints | null {
    return this.#hostBreakpoints;
  }
  set hostBreakpoints(breakpoints: HostBreakpoints | null) {
    this.#hostBreakpoints = breakpoints;
    this.#tier?.leavePages(breakpoints);
    this.#setAttention(ATTEND_HOST, breakpoints !== null);
  }

  /** Faults raised from here on belong to no instruction: they leave EIP where it is. */
  #betweenInstructions(): void {
    this.runBlock = NO_BLOCK;
    this.runStart = this.r[EIP];
  }

  #interrupt(vector: number): void {
    this.halted = false;
    this.retired++;
    deliverInterrupt(this, vector, EXTERNAL, -1);
  }

  /**
   * Instruction breakpoints (faults), then the single-step trap of the instruction about to run. A load of SS holds
   * breakpoints on the next instruction back (SDM 3A 6.8.3).
   */
  #trace(shadow: number): void {
    const r = this.r;
    const flags = r[CONTROL_FLAGS];
    if ((flags & layout.FLAG_RF) !== 0) {
      this.setEflags(0, layout.FLAG_RF);
    } else if ((this.attention & ATTEND_BREAKPOINTS) !== 0 && shadow !== layout.SS_SHADOW) {
      const hit = instructionBreakpoints(this, (r[SEG_BASE + CS] + r[EIP]) | 0);
      if (hit !== 0) {
        reportDebugException(this, hit);
        this.raise(layout.VECTOR_DB);
      }
    }
    if ((flags & layout.FLAG_TF) !== 0) this.#setDebugTrap(r[layout.DEBUG_TRAP] | DR6_BS);
  }

  #raiseDebugTrap(): void {
    const r = this.r;
    const bits = r[layout.DEBUG_TRAP];
    this.#setDebugTrap(0);
    this.halted = false;
    this.interruptShadow = layout.NO_SHADOW;
    reportDebugException(this, bits);
    this.raise(layout.VECTOR_DB);
  }

  /** To be called by INT1, INT3, INT n and INTO: when they cleared TF on their way to the handler, no single-step trap is due. */
  leaveSingleStep(): void {
    if ((this.r[CONTROL_FLAGS] & layout.FLAG_TF) !== 0) return;
    this.#setDebugTrap(this.r[layout.DEBUG_TRAP] & ~DR6_BS);
  }

  #setDebugTrap(bits: number): void {
    this.r[layout.DEBUG_TRAP] = bits;
    this.#setAttention(ATTEND_DEBUG_TRAP, bits !== 0);
  }

  protected override hasWatchpoints(): boolean {
    return hasDataBreakpoints(this);
  }

  protected override checkWatchpoints(linear: number, size: number, write: boolean): void {
    const hit = dataBreakpoints(this, linear, size, write);
    if (hit !== 0) this.#setDebugTrap(this.r[layout.DEBUG_TRAP] | hit);
  }

  // ---- Finding code ------------------------------------------------------------------------------------------------

  protected override translate(linear: number, write: boolean, user: boolean): number {
    return translate(this, linear, write, user);
  }

  protected override refreshCodeMode(): void {
    this.codeSize32 = (this.r[layout.SEG_ACCESS + CS] & layout.ACCESS_BIG) !== 0;
    this.jumpBase = ((this.codeSize32 ? 1 : 0) | (this.r[CPL] === 3 ? 2 : 0)) * JUMP_SLOTS;
    this.endBlock();
  }

  /** The block at a linear address, whose offset in CS is `eip`; put into its slot of the jump cache. @throws #GP(0), #PF */
  findBlock(linear: number, eip: number): Block {
    const slot = this.jumpBase + jumpSlot(linear);
    let jump = this.jumps[slot];
    this.#betweenInstructions();
    if (eip >>> 0 > this.r[SEG_LIMIT + CS] >>> 0) this.raise(layout.VECTOR_GP, 0);
    const known = jump.linear === linear && isBlockAt(this, jump.block, linear);
    const block = known ? jump.block : fetchBlock(this, linear);
    if (jump === NO_JUMP) this.jumps[slot] = jump = new Jump();
    jump.linear = linear;
    jump.entry = block.secondPage < 0 ? this.tlb[linear >>> 12] & WHERE_CODE_IS : 0;
    jump.block = block;
    return block;
  }

  /** How many of the first `count` instructions of a block lie within the CS limit. @throws #GP(0) when none does */
  withinCodeLimit(block: Block, eip: number, count: number): number {
    const room = (this.r[SEG_LIMIT + CS] >>> 0) - (eip >>> 0) + 1;
    if (block.length <= room) return count;
    let fitting = 0;
    while (fitting < count && block.ops[fitting].offset + block.ops[fitting].length <= room) fitting++;
    if (fitting === 0) {
      this.#betweenInstructions();
      this.raise(layout.VECTOR_GP, 0);
    }
    return fitting;
  }
}
