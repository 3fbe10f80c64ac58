/** The compiled code of a machine, shared by its cores: regions, where they are entered, and when they are dropped. */
import type { Block, CodeCache } from "../block-cache.ts";
import { blockWithinPage } from "../code-fetch.ts";
import type { Core } from "../core.ts";
import type { Exit, Interlude, Target } from "./emit.ts";
import { findRegion, type Region } from "./region.ts";
import { encodeRegion, instantiate, type Runtime } from "./runtime.ts";
import { EXIT_REASONS, type ExitReason, type TierRegion } from "./statistics.ts";
import { translate } from "./translate.ts";

/** Regions at most, and bytes of WebAssembly: when there would be more, all are dropped. */
const MAXIMUM_REGIONS = 4096;
const MAXIMUM_BYTES = 32 << 20;

/** Places for regions' functions at first; more are made as they are needed, for V8 copies the table for each region. */
const FIRST_PLACES = 32;

/** Exits and interludes of a region at most. */
const EXIT_BITS = 13;
const EXITS = 1 << EXIT_BITS;

/**
 * Instructions that the cores run before code of a page whose regions were dropped is compiled again; doubled each time it
 * happens, up to so many times.
 */
const COOLING = 1 << 16;
const MAXIMUM_DOUBLINGS = 14;

/** Value of `Block.untilHot` for what is not worth another try soon. */
const RARELY = 1 << 20;

export interface CompiledRegion {
  readonly number: number;
  /** The core for which it was compiled first. */
  readonly owner: RegionUser;
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
export interface Entry {
  readonly region: CompiledRegion;
  /** Its number in the region. */
  readonly entry: number;
}

/** What runs regions: the tier of a core. */
export interface RegionUser {
  readonly core: Core;
  readonly runtime: Runtime;
  /** What regions import: `interpret` of an interlude's number, `loadSegment` of a segment register and a selector. */
  interpret(number: number): number;
  loadSegment(what: number): number;
  /** A region is dropped: it is not to be found any more. */
  forget(region: CompiledRegion): void;
}

export type ExitCounts = Record<ExitReason, number>;

export function noExits(): ExitCounts {
  return Object.fromEntries(EXIT_REASONS.map((reason) => [reason, 0])) as ExitCounts;
}

/** A page whose regions were dropped, for it was written to. */
interface Cooling {
  drops: number;
  /** Instructions of the cores before which nothing is compiled. */
  until: number;
}

const ofCaches = new WeakMap<CodeCache, CompiledCode>();

export class CompiledCode {
  readonly table = new WebAssembly.Table({ element: "anyfunc", initial: FIRST_PLACES });
  /** Places of core 0, which regions know, for regions of either privilege. */
  readonly #target: Omit<Target, "user" | "readMask" | "writeMask">;
  readonly #users: RegionUser[] = [];
  /** Whose code runs: imported functions act for it. */
  #running: RegionUser | null = null;
  readonly #interpret = (number: number) => this.#running!.interpret(number);
  readonly #loadSegment = (what: number) => this.#running!.loadSegment(what);
  readonly #regions: (CompiledRegion | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #byPage = new Map<number, CompiledRegion[]>();
  /** By `keyOf`: the region and the number of the entry in it. */
  readonly #entries = new Map<number, Entry>();
  readonly #cooling = new Map<number, Cooling>();
  #bytes = 0;
  /** Regions ever dropped. */
  dropped = 0;

  private constructor({ memory }: Core) {
    const isShared = memory.cpus > 1;
    this.#target = { state: memory.stateOffset(0), tlb: memory.tlbOffset(0), working: memory.tierOffset(0), isShared };
  }

  /** That of the machine that a core belongs to. */
  static of(core: Core): CompiledCode {
    let code = ofCaches.get(core.codeCache);
    if (code === undefined) ofCaches.set(core.codeCache, (code = new CompiledCode(core)));
    return code;
  }

  attach(user: RegionUser): void {
    this.#users.push(user);
  }

  /** From here on it is `user` that runs regions. */
  enteredBy(user: RegionUser): void {
    this.#running = user;
  }

  /** The regions there are. */
  get regions(): readonly CompiledRegion[] {
    return this.#regions.filter((region) => region !== undefined);
  }

  /** The region of an exit's or an interlude's number. */
  regionOf(number: number): CompiledRegion {
    return this.#regions[number >> EXIT_BITS]!;
  }

  /** Where something lies, if it was compiled: its linear address, host offset and privilege. */
  find(host: number, linear: number, user: boolean): Entry | undefined {
    return this.#entries.get(keyOf(host, linear, user));
  }

  /** Compiles what begins with a block; undefined when that is not to be. */
  compile(owner: RegionUser, block: Block, eip: number, user: boolean): Entry | undefined {
    const { core, runtime } = owner;
    const hostPage = block.host >>> 12;
    const cooling = this.#cooling.get(hostPage);
    if (cooling !== undefined && this.#executed() < cooling.until) {
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
      table: this.table,
      aux: runtime.aux,
      interpret: this.#interpret,
      loadSegment: this.#loadSegment,
    });
    if (number === this.table.length) this.table.grow(number);
    this.table.set(number, run);
    const taken = new Float64Array(exits.length);
    const compiled = { number, owner, hostPage, user, region, exits, taken, interludes, module };
    this.#regions[number] = compiled;
    const neighbours = this.#byPage.get(hostPage);
    if (neighbours === undefined) this.#byPage.set(hostPage, [compiled]);
    else neighbours.push(compiled);
    region.entries.forEach((at, entry) => {
      const key = keyOf(origin | (at & 0xfff), at, user);
      if (at === eip || !this.#entries.has(key)) this.#entries.set(key, { region: compiled, entry });
    });
    this.#bytes += module.length;
    return { region: compiled, entry: 0 };
  }

  /** Instructions of all cores that have run compiled code. */
  #executed(): number {
    return this.#users.reduce((sum, { core }) => sum + core.instructions, 0);
  }

  /** Instructions decoded from a page have been dropped: so is what was compiled from it. */
  dropPage(hostPage: number): void {
    const regions = this.#byPage.get(hostPage);
    if (regions === undefined) return;
    this.#byPage.delete(hostPage);
    for (const region of regions) this.#drop(region);
    const cooling = this.#cooling.get(hostPage) ?? { drops: 0, until: 0 };
    cooling.until = this.#executed() + COOLING * 2 ** Math.min(cooling.drops++, MAXIMUM_DOUBLINGS);
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
    for (const client of this.#users) client.forget(region);
    for (const eip of region.region.entries) {
      const key = keyOf((hostPage << 12) | (eip & 0xfff), eip, user);
      if (this.#entries.get(key)?.region === region) this.#entries.delete(key);
    }
    this.table.set(number, null);
    this.#regions[number] = undefined;
    this.#free.push(number);
    this.#bytes -= region.module.length;
    this.dropped++;
  }
}

/** The number of an exit or interlude within its region. */
export function numberInRegion(number: number): number {
  return number & (EXITS - 1);
}

/** What is told of a region. */
export function viewOf({ region, user, module, exits: all, taken }: CompiledRegion): TierRegion {
  const counts = noExits();
  all.forEach(({ reason }, i) => {
    counts[reason] += taken[i];
  });
  const blocks = [...region.blocks.keys()].sort((a, b) => a - b);
  return { entries: region.entries, blocks, user, instructions: region.size, module, exits: counts };
}

/** A number for an entry: linear address, where in memory it lies, and privilege. */
function keyOf(host: number, linear: number, user: boolean): number {
  return (linear >>> 12) * 2 ** 32 + host * 2 + (user ? 1 : 0);
}
