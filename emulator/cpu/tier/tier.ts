/** The compiled tier of a core: what of its code is WebAssembly, and how that is entered and left. */
import type { Block } from "../block-cache.ts";
import { blockWithinPage } from "../code-fetch.ts";
import type { Core } from "../core.ts";
import { loadSegmentDirectly } from "../short-ways.ts";
import * as layout from "../state-layout.ts";
import { WHERE_CODE_IS } from "../translation.ts";
import { type Exit, INTERRUPTED, type Interlude, LEFT_FOR_TARGET, type Step, type Target } from "./emit.ts";
import { Kind } from "./flags.ts";
import { findRegion, type Region } from "./region.ts";
import { buildRuntime, encodeRegion, instantiate, NOT_FOUND, type Runtime } from "./runtime.ts";
import { EXIT_REASONS, type ExitReason, type TierRegion, type TierStatistics } from "./statistics.ts";
import { translate } from "./translate.ts";
import { LEFT, LINEAR, SLOT_BYTES, SLOTS, slotOf, slotsOffset } from "./working-memory.ts";

const { CS, DS, EIP, ES, LEFT_ALONE, PAGE_FAULT, SEG_BASE, SEG_FLAT, SEG_LIMIT, SS } = layout;

/** Regions at most, and bytes of WebAssembly: when there would be more, all are dropped. */
const MAXIMUM_REGIONS = 4096;
const MAXIMUM_BYTES = 32 << 20;

/** Places for regions' functions at first; more are made as they are needed, for V8 copies the table for each region. */
const FIRST_PLACES = 32;

/** Exits and interludes of a region at most. */
const EXIT_BITS = 13;
const EXITS = 1 << EXIT_BITS;

/** Value of `Core.runStop` while the interpreter runs an instruction for compiled code, as long as nothing ends the block. */
const GOES_ON = 1;

/**
 * Instructions that a core runs before code of a page whose regions were dropped is compiled again; doubled each time it
 * happens, up to so many times.
 */
const COOLING = 1 << 16;
const MAXIMUM_DOUBLINGS = 14;

/** Value of `Block.untilHot` for what is not worth another try soon. */
const RARELY = 1 << 20;

/**
 * To enter compiled code for fewer instructions than BRIEF does not pay. When it leaves after fewer, as for stores to pages
 * that hold code, the block is interpreted PATIENCE times, or as often as for a block to become hot, before it is tried
 * again; not so at the end of the budget, which says nothing of the block. What turns begin with is compiled when it has been
 * hot PATIENCE times over.
 */
const BRIEF = 16;
const PATIENCE = 64;

/** Words of a slot. */
const SLOT_WORDS = SLOT_BYTES >>> 2;

interface CompiledRegion {
  readonly number: number;
  readonly hostPage: number;
  readonly user: boolean;
  readonly region: Region;
  readonly exits: readonly Exit[];
  /** By number of the exit, how often it was left there. */
  readonly taken: Float64Array;
  readonly interludes: readonly Interlude[];
  readonly module: Uint8Array;
}

/** Where a region can be entered. */
interface Entry {
  readonly region: CompiledRegion;
  /** Its number in the region. */
  readonly entry: number;
}

type ExitCounts = Record<ExitReason, number>;

function noExits(): ExitCounts {
  return Object.fromEntries(EXIT_REASONS.map((reason) => [reason, 0])) as ExitCounts;
}

function addExits(counts: ExitCounts, { exits, taken }: CompiledRegion): void {
  exits.forEach(({ reason }, i) => {
    counts[reason] += taken[i];
  });
}

/** A page whose regions were dropped, for it was written to. */
interface Cooling {
  drops: number;
  /** Instructions of the core before which nothing is compiled. */
  until: number;
}

export class Tier {
  readonly #core: Core;
  readonly #table: WebAssembly.Table;
  readonly #runtime: Runtime;
  readonly #target: Omit<Target, "user" | "readMask" | "writeMask">;
  /** The core's working memory. */
  readonly #words: Int32Array;
  readonly #regions: (CompiledRegion | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #byPage = new Map<number, CompiledRegion[]>();
  /** By `keyOf`: the region and the number of the entry in it. */
  readonly #entries = new Map<number, Entry>();
  readonly #cooling = new Map<number, Cooling>();
  readonly #interpret = (number: number) => this.#runInterlude(number);
  readonly #loadSegment = (what: number) => (this.#loadsFlatSegment(what >> 16, what & 0xffff) ? 0 : 1);
  /** Budget with which compiled code was entered. */
  #budget = 0;
  /** Whether it was left because the budget does not cover what comes next. */
  #outOfBudget = false;
  /** Instructions executed since the budget was charged, when the interpreter is to go on. */
  #interrupted = 0;
  #bytes = 0;
  #count = 0;
  #compiled = 0;
  #dropped = 0;
  #instructions = 0;
  #entered = 0;
  /** How often compiled code was left for what is not compiled, and because an interlude changed something. */
  #elsewhere = 0;
  #attention = 0;
  /** How often regions that were dropped had been left. */
  readonly #exitsOfDropped = noExits();

  constructor(core: Core) {
    const { memory, id } = core;
    this.#core = core;
    this.#table = new WebAssembly.Table({ element: "anyfunc", initial: FIRST_PLACES });
    this.#target = { state: memory.stateOffset(id), tlb: memory.tlbOffset(id), working: memory.tierOffset(id) };
    this.#words = new Int32Array(memory.buffer, this.#target.working, (slotsOffset(true) + SLOTS * SLOT_BYTES) >>> 2);
    for (const user of [false, true]) {
      for (let slot = 0; slot < SLOTS; slot++) this.#clearSlot(user, slot);
    }
    const masks = { readMask: 0, writeMask: 0 };
    this.#runtime = buildRuntime({ memory: memory.wasmMemory, table: this.#table }, { ...this.#target, ...masks });
  }

  get statistics(): TierStatistics {
    return {
      regions: this.#count,
      bytes: this.#bytes,
      compiled: this.#compiled,
      dropped: this.#dropped,
      instructions: this.#instructions,
      entered: this.#entered,
      exits: this.#exits(),
    };
  }

  #exits(): ExitCounts {
    const counts = { ...this.#exitsOfDropped, elsewhere: this.#elsewhere, attention: this.#attention };
    for (const region of this.#regions) if (region !== undefined) addExits(counts, region);
    return counts;
  }

  /** The regions there are, by address. */
  get regions(): TierRegion[] {
    const views = this.#regions
      .filter((region) => region !== undefined)
      .map((compiled): TierRegion => {
        const { region, user, module } = compiled;
        const counts = noExits();
        addExits(counts, compiled);
        const blocks = [...region.blocks.keys()].sort((a, b) => a - b);
        return { entries: region.entries, blocks, user, instructions: region.size, module, exits: counts };
      });
    return views.sort((a, b) => (a.entries[0] >>> 0) - (b.entries[0] >>> 0));
  }

  /**
   * Goes on in compiled code where the core is, at a block that is run often; compiles it if need be.
   * @returns whether instructions were executed; the block is to be interpreted otherwise
   */
  run(block: Block): boolean {
    const core = this.#core;
    if (core.budget - core.retired < BRIEF || !core.undisturbed) return false;
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
    this.#outOfBudget = false;
    while (this.#leave(left)) {
      if (!core.undisturbed || core.retired >= core.budget || !this.#isPossible()) break;
      left = this.#enter();
      if (left !== NOT_FOUND) continue;
      if (!this.#provideKnown()) break;
      left = this.#enter();
      if (left === NOT_FOUND) break;
    }
    const executed = core.retired - start;
    if (executed < BRIEF && !this.#outOfBudget) block.untilHot = Math.min(PATIENCE, core.codeCache.heat);
    return executed > 0;
  }

  /** Runs compiled code from EIP on. @returns the number of an exit, LEFT_FOR_TARGET, INTERRUPTED or NOT_FOUND */
  #enter(): number {
    const core = this.#core;
    const budget = core.budget - core.retired;
    this.#budget = budget;
    return this.#runtime.enter(budget);
  }

  /** Regions are compiled for flat segments, and for TLB entries to say all that is to be known of an access. */
  #isPossible(): boolean {
    const core = this.#core;
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
    const core = this.#core;
    const { r } = core;
    const words = this.#words;
    let executed = this.#budget - words[LEFT >> 2];
    let kind: Kind = Kind.DYNAMIC;
    let exit: Exit | null = null;
    if (left === LEFT_FOR_TARGET) {
      this.#elsewhere++;
    } else if (left === INTERRUPTED) {
      this.#attention++;
      executed += this.#interrupted;
      kind = Kind.RAW;
    } else {
      const { exits, taken } = this.#regions[left >> EXIT_BITS]!;
      exit = exits[left & (EXITS - 1)];
      taken[left & (EXITS - 1)]++;
      r[EIP] = exit.eip;
      executed += exit.executed;
      kind = exit.kind;
    }
    this.#runtime.settleFlags(kind);
    core.retired += executed;
    this.#instructions += executed;
    if (exit === null) return true;
    this.#outOfBudget = exit.reason === "budget";
    if (exit.access !== null) return this.#prepareAccess(words[LINEAR >> 2], exit.access === "write");
    return exit.steps !== null && this.#runSteps(exit.steps);
  }

  /**
   * Does for the access at which a region was left what needs no more of the instruction: fills the TLB, or delivers the
   * page fault.
   */
  #prepareAccess(linear: number, write: boolean): boolean {
    const core = this.#core;
    const done = core.prepareAccess(linear, write);
    if (done === LEFT_ALONE) return false;
    if (done === PAGE_FAULT) core.deliverFault();
    return true;
  }

  /** Has the interpreter run an instruction, the only one of a block. */
  #execute(block: Block, eip: number): void {
    const core = this.#core;
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
    const core = this.#core;
    const { tlb } = core;
    // They are in one page.
    const page = steps[0].eip >>> 12;
    const entry = tlb[page] & WHERE_CODE_IS;
    const dropped = this.#dropped;
    for (const { block, eip } of steps) {
      if (core.retired >= core.budget) return false;
      this.#execute(block, eip);
      this.#instructions++;
      const next = (eip + block.ops[0].length) | 0;
      // What comes next may be elsewhere, or something else by now.
      if (!core.undisturbed) return false;
      if (core.r[EIP] !== next || (tlb[page] & WHERE_CODE_IS) !== entry || this.#dropped !== dropped) return true;
    }
    return true;
  }

  /**
   * Runs instructions that compiled code leaves to the interpreter. What they throw passes through compiled code: all
   * state is in memory.
   * @returns 0 when compiled code may go on, 1 when it must not
   */
  #runInterlude(number: number): number {
    const core = this.#core;
    const { steps, executed } = this.#regions[number >> EXIT_BITS]!.interludes[number & (EXITS - 1)];
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

  /** @returns whether a segment register was loaded and compiled code may go on; if not, to load it again changes nothing */
  #loadsFlatSegment(seg: number, selector: number): boolean {
    const core = this.#core;
    return (
      core.protectedMode &&
      loadSegmentDirectly(core, seg, selector) &&
      (core.r[SEG_FLAT + seg] !== 0 || (seg !== DS && seg !== ES))
    );
  }

  // ---- Compiling ---------------------------------------------------------------------------------------------------

  /** Sees to it that there is a slot for EIP, where a block is. @returns whether there is */
  #provide(block: Block): boolean {
    const { r } = this.#core;
    const eip = r[EIP];
    const user = r[layout.CPL] === 3;
    const known = this.#entries.get(keyOf(block.host, eip, user)) ?? this.#compileUnlessFirst(block, eip, user);
    if (known === undefined) return false;
    this.#fillSlot(known, block.host, eip, user);
    return true;
  }

  /** The same for EIP, if the TLB has its page and it was compiled before. */
  #provideKnown(): boolean {
    const { r, tlb } = this.#core;
    const eip = r[EIP];
    const user = r[layout.CPL] === 3;
    const entry = tlb[eip >>> 12];
    if ((entry & (layout.TLB_VALID | layout.TLB_MMIO)) !== layout.TLB_VALID) return false;
    const host = (entry & ~0xfff) ^ eip;
    const known = this.#entries.get(keyOf(host, eip, user));
    if (known === undefined) return false;
    this.#fillSlot(known, host, eip, user);
    return true;
  }

  #fillSlot({ region, entry }: Entry, host: number, eip: number, user: boolean): void {
    const at = this.#slotWord(user, slotOf(eip));
    const words = this.#words;
    words[at] = eip;
    words[at + 1] = ((host ^ eip) & ~0xfff) | layout.TLB_VALID;
    words[at + 2] = region.number;
    words[at + 3] = entry;
  }

  /** Where a turn begins, any instruction of a loop may come first: what is worth compiling is where the loop begins. */
  #compileUnlessFirst(block: Block, eip: number, user: boolean): Entry | undefined {
    const core = this.#core;
    if (core.retired === 0 && -block.untilHot <= PATIENCE * core.codeCache.heat) return undefined;
    return this.#compile(block, eip, user);
  }

  #compile(block: Block, eip: number, user: boolean): Entry | undefined {
    const core = this.#core;
    const hostPage = block.host >>> 12;
    const cooling = this.#cooling.get(hostPage);
    if (cooling !== undefined && core.instructions < cooling.until) {
      block.untilHot = core.codeCache.heat;
      return undefined;
    }
    const origin = block.host & ~0xfff;
    const region = findRegion(eip, (at) => blockWithinPage(core, origin | (at & 0xfff)));
    // Decoding may have made the cache drop everything.
    if (region === null || !block.valid) {
      block.untilHot = RARELY;
      return undefined;
    }
    if (this.#bytes > MAXIMUM_BYTES || (this.#free.length === 0 && this.#regions.length === MAXIMUM_REGIONS))
      this.clear();
    const number = this.#free.pop() ?? this.#regions.length;
    const exits: Exit[] = [];
    const target = { ...this.#target, user, readMask: core.readMask, writeMask: core.writeMask };
    const interludes: Interlude[] = [];
    const code = translate(region, target, {
      exit: (exit) => number * EXITS + exits.push(exit) - 1,
      interlude: (interlude) => number * EXITS + interludes.push(interlude) - 1,
    });
    const module = encodeRegion(code, core.memory.wasmMemory).slice();
    const { run } = instantiate(module, {
      memory: core.memory.wasmMemory,
      table: this.#table,
      aux: this.#runtime.aux,
      interpret: this.#interpret,
      loadSegment: this.#loadSegment,
    });
    if (number === this.#table.length) this.#table.grow(number);
    this.#table.set(number, run);
    const taken = new Float64Array(exits.length);
    const compiled = { number, hostPage, user, region, exits, taken, interludes, module };
    this.#regions[number] = compiled;
    const neighbours = this.#byPage.get(hostPage);
    if (neighbours === undefined) this.#byPage.set(hostPage, [compiled]);
    else neighbours.push(compiled);
    region.entries.forEach((at, entry) => {
      const key = keyOf(origin | (at & 0xfff), at, user);
      if (at === eip || !this.#entries.has(key)) this.#entries.set(key, { region: compiled, entry });
    });
    this.#bytes += module.length;
    this.#count++;
    this.#compiled++;
    return { region: compiled, entry: 0 };
  }

  // ---- Dropping ----------------------------------------------------------------------------------------------------

  /** Instructions decoded from a page have been dropped: so is what was compiled from it. */
  dropPage(hostPage: number): void {
    const regions = this.#byPage.get(hostPage);
    if (regions === undefined) return;
    this.#byPage.delete(hostPage);
    for (const region of regions) this.#drop(region);
    const cooling = this.#cooling.get(hostPage) ?? { drops: 0, until: 0 };
    cooling.until = this.#core.instructions + COOLING * 2 ** Math.min(cooling.drops++, MAXIMUM_DOUBLINGS);
    this.#cooling.set(hostPage, cooling);
  }

  /** Drops everything. */
  clear(): void {
    for (const regions of this.#byPage.values()) for (const region of regions) this.#drop(region);
    this.#byPage.clear();
    this.#cooling.clear();
  }

  #drop(region: CompiledRegion): void {
    const { number, user, hostPage } = region;
    addExits(this.#exitsOfDropped, region);
    for (const eip of region.region.entries) {
      const slot = slotOf(eip);
      if (this.#words[this.#slotWord(user, slot) + 2] === number) this.#clearSlot(user, slot);
      const key = keyOf((hostPage << 12) | (eip & 0xfff), eip, user);
      if (this.#entries.get(key)?.region === region) this.#entries.delete(key);
    }
    this.#table.set(number, null);
    this.#regions[number] = undefined;
    this.#free.push(number);
    this.#bytes -= region.module.length;
    this.#count--;
    this.#dropped++;
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

/** A number for an entry: linear address, where in memory it lies, and privilege. */
function keyOf(host: number, linear: number, user: boolean): number {
  return (linear >>> 12) * 2 ** 32 + host * 2 + (user ? 1 : 0);
}
