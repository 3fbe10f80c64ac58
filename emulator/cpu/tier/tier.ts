/** The compiled tier of a core: how compiled code is entered and left. */
import type { Block } from "../block-cache.ts";
import type { Core } from "../core.ts";
import type { HostBreakpoints } from "../host-breakpoints.ts";
import { loadSegmentDirectly } from "../short-ways.ts";
import * as layout from "../state-layout.ts";
import { WHERE_CODE_IS } from "../translation.ts";
import {
  CompiledCode,
  type CompiledRegion,
  type Entry,
  numberInRegion,
  type RegionUser,
  viewOf,
} from "./compiled-code.ts";
import { type Exit, INTERRUPTED, LEFT_FOR_TARGET, type Step } from "./emit.ts";
import { Kind } from "./flags.ts";
import { buildRuntime, NOT_FOUND, type Runtime } from "./runtime.ts";
import { EXIT_REASONS, type ExitReason, type TierRegion, type TierStatistics } from "./statistics.ts";
import { LEFT, LINEAR, SLOT_BYTES, SLOTS, slotOf, slotsOffset } from "./working-memory.ts";

const { CS, DS, EIP, ES, LEFT_ALONE, PAGE_FAULT, SEG_BASE, SEG_FLAT, SEG_LIMIT, SS } = layout;

/** Value of `Core.runStop` while the interpreter runs an instruction for compiled code, as long as nothing ends the block. */
const GOES_ON = 1;

/**
 * To enter compiled code for fewer instructions than BRIEF does not pay. When it leaves after fewer, as for stores to pages
 * that hold code, the block is interpreted PATIENCE times, or as often as for a block to become hot, before it is tried
 * again; not so at the end of the budget, which says nothing of the block: the rest of it is interpreted.
 */
const BRIEF = 16;
const PATIENCE = 64;

/** How many times over what turns begin with must be hot to be compiled for that. */
const TIMES_OVER = 16;

/** Words of a slot. */
const SLOT_WORDS = SLOT_BYTES >>> 2;

/** Numbers of reasons that exits do not have. */
const ELSEWHERE = EXIT_REASONS.indexOf("elsewhere");
const ATTENTION = EXIT_REASONS.indexOf("attention");
const BUDGET = EXIT_REASONS.indexOf("budget");

export class Tier implements RegionUser {
  readonly core: Core;
  readonly runtime: Runtime;
  readonly #code: CompiledCode;
  /** The core's working memory. */
  readonly #words: Int32Array;
  /** Budget with which compiled code was entered. */
  #budget = 0;
  /** The core's instructions before the run in which compiled code was left last because the budget did not do. */
  #spent = -1;
  /** Instructions executed since the budget was charged, when the interpreter is to go on. */
  #interrupted = 0;
  /** Regions that were compiled and dropped of those that this core needed first. */
  #compiled = 0;
  #dropped = 0;
  #instructions = 0;
  #entered = 0;
  /** How often compiled code was left, by number of the reason. */
  readonly #left = new Float64Array(EXIT_REASONS.length);

  constructor(core: Core) {
    const { memory, id } = core;
    this.core = core;
    this.#code = CompiledCode.of(core);
    this.#code.attach(this);
    const working = memory.tierOffset(id);
    this.#words = new Int32Array(memory.buffer, working, (slotsOffset(true) + SLOTS * SLOT_BYTES) >>> 2);
    for (const user of [false, true]) {
      for (let slot = 0; slot < SLOTS; slot++) this.#clearSlot(user, slot);
    }
    const places = { state: memory.stateOffset(id), tlb: memory.tlbOffset(id), working, isShared: false };
    const target = { ...places, readMask: 0, writeMask: 0, core: memory.coreOffset(id) };
    this.runtime = buildRuntime({ memory: memory.wasmMemory, table: this.#code.table }, target);
  }

  get statistics(): TierStatistics {
    const own = this.#code.regions.filter(({ owner }) => owner === this);
    return {
      regions: own.length,
      bytes: own.reduce((sum, { module }) => sum + module.length, 0),
      compiled: this.#compiled,
      dropped: this.#dropped,
      instructions: this.#instructions,
      entered: this.#entered,
      exits: Object.fromEntries(EXIT_REASONS.map((reason, n) => [reason, this.#left[n]])) as Record<ExitReason, number>,
    };
  }

  /** The machine's regions, by address. */
  get regions(): TierRegion[] {
    return this.#code.regions.map(viewOf).sort((a, b) => (a.entries[0] >>> 0) - (b.entries[0] >>> 0));
  }

  /**
   * Goes on in compiled code where the core is, at a block that is run often; compiles it if need be.
   * @returns whether instructions were executed; the block is to be interpreted otherwise
   */
  run(block: Block): boolean {
    const core = this.core;
    if (core.budget - core.retired < BRIEF || this.#isSpent || !core.undisturbed) return false;
    if (!this.#isPossible()) {
      block.untilHot = core.codeCache.heat;
      return false;
    }
    const start = core.retired;
    let left = this.#enter();
    if (left === NOT_FOUND) {
      if (!this.#provide(block)) return false;
      left = this.#enter();
      if (left === NOT_FOUND) return false;
    }
    this.#entered++;
    while (this.#leave(left)) {
      if (!core.undisturbed || core.retired >= core.budget || !this.#isPossible()) break;
      left = this.#enter();
      if (left !== NOT_FOUND) continue;
      if (!this.#provideKnown()) break;
      left = this.#enter();
      if (left === NOT_FOUND) break;
    }
    const executed = core.retired - start;
    if (executed < BRIEF && !this.#isSpent) block.untilHot = Math.min(PATIENCE, core.codeCache.heat);
    return executed > 0;
  }

  /** Runs compiled code from EIP on. @returns the number of an exit, LEFT_FOR_TARGET, INTERRUPTED or NOT_FOUND */
  #enter(): number {
    const core = this.core;
    const budget = core.budget - core.retired;
    this.#budget = budget;
    this.#code.enteredBy(this);
    return this.runtime.enter(budget);
  }

  /** Whether what is left of the core's budget in this run is left to the interpreter. */
  get #isSpent(): boolean {
    return this.#spent === this.core.f64[layout.F64_INSTRUCTIONS];
  }

  /** Regions are compiled for flat segments, and for TLB entries to say all that is to be known of an access. */
  #isPossible(): boolean {
    const core = this.core;
    const { r } = core;
    return (
      core.readMask !== 0 &&
      core.codeSize32 &&
      core.stackMask === -1 &&
      r[SEG_BASE + CS] === 0 &&
      r[SEG_LIMIT + CS] === -1 &&
      (r[SEG_FLAT + SS] & r[SEG_FLAT + DS] & r[SEG_FLAT + ES]) !== 0
    );
  }

  /** Takes over what a region left behind, and does what it was left for. @returns whether compiled code may go on */
  #leave(left: number): boolean {
    const core = this.core;
    const { r } = core;
    const words = this.#words;
    let executed = this.#budget - words[LEFT >> 2];
    let kind: Kind = Kind.DYNAMIC;
    let exit: Exit | null = null;
    if (left === LEFT_FOR_TARGET) {
      this.#left[ELSEWHERE]++;
    } else if (left === INTERRUPTED) {
      this.#left[ATTENTION]++;
      executed += this.#interrupted;
      kind = Kind.RAW;
    } else {
      const { exits, taken } = this.#code.regionOf(left);
      const number = numberInRegion(left);
      exit = exits[number];
      taken[number]++;
      this.#left[exit.reasonNumber]++;
      r[EIP] = exit.eip;
      executed += exit.executed;
      kind = exit.kind;
    }
    this.runtime.settleFlags(kind);
    core.retired += executed;
    this.#instructions += executed;
    if (exit === null) return true;
    if (exit.reasonNumber === BUDGET) this.#spent = core.f64[layout.F64_INSTRUCTIONS];
    if (exit.access !== null) return this.#prepareAccess(words[LINEAR >> 2], exit.access === "write");
    return exit.steps !== null && this.#runSteps(exit.steps);
  }

  /**
   * Does for the access at which a region was left what needs no more of the instruction: fills the TLB, or delivers the
   * page fault.
   */
  #prepareAccess(linear: number, write: boolean): boolean {
    const core = this.core;
    const done = core.prepareAccess(linear, write);
    if (done === LEFT_ALONE) return false;
    if (done === PAGE_FAULT) core.deliverFault();
    return true;
  }

  /** Has the interpreter run an instruction, the only one of a block. */
  #execute(block: Block, eip: number): void {
    const core = this.core;
    const op = block.ops[0];
    core.runBlock = block;
    core.runStart = (eip - op.offset) | 0;
    core.runStop = GOES_ON;
    core.r[EIP] = eip + op.length;
    op.execute(core, op);
    core.retired++;
  }

  /** Has the interpreter run instructions, each of which ends a block. @returns whether compiled code may go on at EIP */
  #runSteps(steps: readonly Step[]): boolean {
    const core = this.core;
    const { tlb, hostBreakpoints } = core;
    // They are in one page, which has no breakpoint of the host unless one of them has set it.
    const page = steps[0].eip >>> 12;
    const entry = tlb[page] & WHERE_CODE_IS;
    const { dropped } = this.#code;
    for (const { block, eip } of steps) {
      if (core.retired >= core.budget) return false;
      this.#execute(block, eip);
      this.#instructions++;
      const next = (eip + block.ops[0].length) | 0;
      // What comes next may be elsewhere, or something else by now.
      if (!core.undisturbed) return false;
      if (core.hostBreakpoints !== hostBreakpoints) return true;
      if (core.r[EIP] !== next || (tlb[page] & WHERE_CODE_IS) !== entry || this.#code.dropped !== dropped) return true;
    }
    return true;
  }

  /**
   * Runs instructions that compiled code leaves to the interpreter. What they throw passes through compiled code: all
   * state is in memory.
   * @returns 0 when compiled code may go on, 1 when it must not
   */
  interpret(number: number): number {
    const core = this.core;
    const { steps, executed } = this.#code.regionOf(number).interludes[numberInRegion(number)];
    const before = core.retired;
    const start = before + this.#budget - this.#words[LEFT >> 2] + executed;
    core.retired = start;
    for (const { block, eip } of steps) {
      this.#execute(block, eip);
      if (core.runStop !== GOES_ON) {
        this.#interrupted = executed + core.retired - start;
        core.retired = before;
        return 1;
      }
    }
    core.retired = before;
    return 0;
  }

  /** Loads a segment register (bits 16 to 18) from a selector. @returns 0, or 1 when the interpreter is to do it */
  loadSegment(what: number): number {
    return this.#loadsFlatSegment(what >> 16, what & 0xffff) ? 0 : 1;
  }

  /** @returns whether a segment register was loaded and compiled code may go on; if not, to load it again changes nothing */
  #loadsFlatSegment(seg: number, selector: number): boolean {
    const core = this.core;
    return (
      core.protectedMode &&
      loadSegmentDirectly(core, seg, selector) &&
      (core.r[SEG_FLAT + seg] !== 0 || (seg !== DS && seg !== ES))
    );
  }

  // ---- Compiling ---------------------------------------------------------------------------------------------------

  /** Sees to it that there is a slot for EIP, where a block is. @returns whether there is */
  #provide(block: Block): boolean {
    const { r, codeCache } = this.core;
    const eip = r[EIP];
    if (this.#isNearBreakpoint(eip)) {
      block.untilHot = codeCache.heat;
      return false;
    }
    const user = r[layout.CPL] === 3;
    const known = this.#code.find(block.host, eip, user) ?? this.#compile(block, eip, user);
    if (known === undefined) return false;
    this.#fillSlot(known, block.host, eip, user);
    return true;
  }

  /** The same for EIP, if the TLB has its page and it was compiled before. */
  #provideKnown(): boolean {
    const { r, tlb } = this.core;
    const eip = r[EIP];
    const user = r[layout.CPL] === 3;
    const entry = tlb[eip >>> 12];
    if ((entry & (layout.TLB_VALID | layout.TLB_MMIO)) !== layout.TLB_VALID || this.#isNearBreakpoint(eip))
      return false;
    const host = (entry & ~0xfff) ^ eip;
    const known = this.#code.find(host, eip, user);
    if (known === undefined) return false;
    this.#fillSlot(known, host, eip, user);
    return true;
  }

  /**
   * Breakpoints of the host have been set or taken away: pages that have one are left to the interpreter. No region goes
   * beyond its linear page but by a slot of this core, so it is enough that such pages have none.
   */
  leavePages(breakpoints: HostBreakpoints | null): void {
    if (breakpoints === null) return;
    for (const user of [false, true]) {
      for (let slot = 0; slot < SLOTS; slot++) {
        if (breakpoints.areInPageOf(this.#words[this.#slotWord(user, slot)])) this.#clearSlot(user, slot);
      }
    }
  }

  #isNearBreakpoint(eip: number): boolean {
    return this.core.hostBreakpoints?.areInPageOf(eip) === true;
  }

  /** The page of `eip` must have no breakpoint of the host. */
  #fillSlot({ region, entry }: Entry, host: number, eip: number, user: boolean): void {
    const at = this.#slotWord(user, slotOf(eip));
    const words = this.#words;
    words[at] = eip;
    words[at + 1] = ((host ^ eip) & ~0xfff) | layout.TLB_VALID;
    words[at + 2] = region.number;
    words[at + 3] = entry;
  }

  /** Where a turn begins, any instruction of a loop may come first: what is worth compiling begins with the next block. */
  #compile(block: Block, eip: number, user: boolean): Entry | undefined {
    const { codeCache, retired } = this.core;
    if (retired === 0 && -block.untilHot <= TIMES_OVER * codeCache.heat) return undefined;
    const entry = this.#code.compile(this, block, eip, user);
    if (entry !== undefined) this.#compiled++;
    return entry;
  }

  forget(compiled: CompiledRegion): void {
    const { number, owner, region, user } = compiled;
    if (owner === this) this.#dropped++;
    for (const eip of region.entries) {
      const slot = slotOf(eip);
      if (this.#words[this.#slotWord(user, slot) + 2] === number) this.#clearSlot(user, slot);
    }
  }

  /** Instructions decoded from a page have been dropped: so is what was compiled from it. */
  dropPage(hostPage: number): void {
    this.#code.dropPage(hostPage);
  }

  /** Index of the first word of a slot. */
  #slotWord(user: boolean, slot: number): number {
    return (slotsOffset(user) >>> 2) + slot * SLOT_WORDS;
  }

  /** The TLB entry that an empty slot asks for is one that no page has. */
  #clearSlot(user: boolean, slot: number): void {
    const at = this.#slotWord(user, slot);
    this.#words.fill(0, at, at + SLOT_WORDS);
    this.#words[at + 1] = -1;
  }
}
