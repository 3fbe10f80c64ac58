/** Runs recorded vectors on the emulator, in ring 3 under paging, and tells what differs from the real CPU. */
import { CodeCache } from "../../../../emulator/cpu/block-cache.ts";
import { Core } from "../../../../emulator/cpu/core.ts";
import {
  CR0_AM,
  CR0_MP,
  CR0_NE,
  CR0_PE,
  CR0_PG,
  CR0_WP,
  CS,
  FLAG_IF,
  FLAG_TF,
  LDTR,
  SS,
  TR,
} from "../../../../emulator/cpu/state-layout.ts";
import type { TierSettings } from "../../../../emulator/cpu/tier/settings.ts";
import { PortBus } from "../../../../emulator/devices/ports.ts";
import { PhysicalMemory } from "../../../../emulator/memory/physical-memory.ts";
import {
  CODE,
  CODE_PAGES,
  DATA_PAGES,
  GLOBAL_SEGMENTS,
  initialMemory,
  LOCAL_SEGMENTS,
  MODE_SELECTORS,
  READ_ONLY_PAGE,
  RECORDED_FLAGS,
  type Segment,
  STACK_PAGES,
  WINDOWS,
} from "./environment.ts";
import { memoryBefore, WINDOW_ADDRESSES } from "./recorder-format.ts";
import type { RecordedVector } from "./vectors.ts";

/** Physical addresses of what only ring 0 sees; linear ones are KERNEL_BASE higher. */
const PAGE_DIRECTORY = 0x80000;
const USER_TABLE = 0x81000;
const KERNEL_TABLE = 0x82000;
const GDT = 0x90000;
const LDT = 0x91000;
const IDT = 0x92000;
const TSS = 0x93000;
const HANDLERS = 0x94000;
const STACK_TOP = 0x97000;
const KERNEL_BASE = 0xc0000000 | 0;

const KERNEL_CS = 0x08;
const KERNEL_DS = 0x18;
const TSS_SELECTOR = 0x40;
const LDT_SELECTOR = 0x50;
const GDT_LIMIT = 0x7f;
const LDT_LIMIT = 9 * 8 - 1;

const PRESENT = 1;
const WRITABLE = 2;
const USER = 4;
const HLT = 0xf4;
const INT3 = 0xcc;

const PAGE_FAULT = 14;
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);
/** #DB and #BP come after an instruction, and leave what it did. */
const TRAPS: ReadonlySet<number> = new Set([1, 3]);
const BUDGET = 4000;
/** Bytes of code that are written for each vector. */
const CODE_BYTES = 64;

/** Where a compiled vector is entered: NOPs and a jump to CODE make a region of any instruction. */
const LEAD_IN = CODE - 0x100;
const LEAD_IN_NOPS = 8;
const LEAD_IN_BYTES = Uint8Array.of(...Array(LEAD_IN_NOPS).fill(0x90), 0xe9, 0x100 - LEAD_IN_NOPS - 5, 0, 0, 0);
/** Physical address of the pages that hold one code each, for vectors that are compiled. */
const FRAMES = 1 << 20;

const SEGMENT_NAMES = ["ES", "CS", "SS", "DS", "FS", "GS"];
const REGISTER_NAMES = ["EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"];

/** Instructions before the vector's own when it is compiled. */
export const LEAD_IN_INSTRUCTIONS = LEAD_IN_NOPS + 1;

function hex(value: number): string {
  return (value >>> 0).toString(16);
}

export class Replay {
  readonly #memory: PhysicalMemory;
  readonly #core: Core;
  /** Of compiled vectors: by their code, the page that it is in. Null when vectors are interpreted. */
  readonly #frames: Map<string, number> | null;
  readonly #segments = new Map([...GLOBAL_SEGMENTS, ...LOCAL_SEGMENTS].map((segment) => [segment.selector, segment]));
  readonly #unchanged = memoryBefore([]);
  /** The windows in guest memory. They hold no code, so they may be written like this. */
  readonly #windows: Int32Array[];

  /** @param compiledCodes 0 to interpret vectors; else they are compiled, and so many different codes may come */
  constructor(compiledCodes = 0) {
    const tier: TierSettings = { tier: compiledCodes > 0 ? "on" : "off", threshold: 0 };
    this.#memory = new PhysicalMemory(FRAMES + compiledCodes * 0x1000, 1);
    this.#core = new Core(0, this.#memory, new PortBus(), new CodeCache(this.#memory, tier));
    this.#frames = compiledCodes > 0 ? new Map() : null;
    this.#windows = WINDOWS.map(
      ({ start, end }) => new Int32Array(this.#memory.buffer, this.#memory.ramOffset + start, (end - start) / 4),
    );
    this.#fill(DATA_PAGES.start, DATA_PAGES.end);
    this.#fill(READ_ONLY_PAGE, READ_ONLY_PAGE + 0x1000);
    this.#fill(STACK_PAGES.start, STACK_PAGES.end);
    this.#memory.load(new Uint8Array(CODE_PAGES.end - CODE_PAGES.start).fill(INT3), CODE_PAGES.start);
    this.#mapPages();
    this.#describeSegments();
    this.#catchExceptions();
    const core = this.#core;
    core.cr3 = PAGE_DIRECTORY;
    core.cr0 = CR0_PE | CR0_MP | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
  }

  #fill(start: number, end: number): void {
    for (let address = start; address < end; address += 4) this.#memory.write32(address, initialMemory(address));
  }

  #mapPages(): void {
    const memory = this.#memory;
    const map = ({ start, end }: { start: number; end: number }, rights: number) => {
      for (let page = start; page < end; page += 0x1000) memory.write32(USER_TABLE + (page >>> 10), page | rights);
    };
    map(CODE_PAGES, PRESENT | WRITABLE | USER);
    map(DATA_PAGES, PRESENT | WRITABLE | USER);
    map(STACK_PAGES, PRESENT | WRITABLE | USER);
    map({ start: READ_ONLY_PAGE, end: READ_ONLY_PAGE + 1 }, PRESENT | USER);
    for (let page = 0; page < 1 << 20; page += 0x1000) {
      memory.write32(KERNEL_TABLE + (page >>> 10), page | PRESENT | WRITABLE);
    }
    memory.write32(PAGE_DIRECTORY, USER_TABLE | PRESENT | WRITABLE | USER);
    memory.write32(PAGE_DIRECTORY + (KERNEL_BASE >>> 20), KERNEL_TABLE | PRESENT | WRITABLE);
  }

  #describe(table: number, selector: number, base: number, limit: number, access: number, flags: number): void {
    const units = (flags & 8) !== 0 ? limit >>> 12 : limit;
    const at = table + (selector & 0xfff8);
    this.#memory.write32(at, (units & 0xffff) | (base << 16));
    this.#memory.write32(
      at + 4,
      ((base >>> 16) & 0xff) | (access << 8) | (units & 0xf0000) | (flags << 20) | (base & 0xff000000),
    );
  }

  #describeSegments(): void {
    const core = this.#core;
    for (const { selector, base, limit, access, flags } of GLOBAL_SEGMENTS) {
      this.#describe(GDT, selector, base, limit, access, flags);
    }
    for (const { selector, base, limit, access, flags } of LOCAL_SEGMENTS) {
      this.#describe(LDT, selector, base, limit, access, flags);
    }
    this.#describe(GDT, KERNEL_CS, 0, 0xffffffff, 0x9b, 0xc);
    this.#describe(GDT, 0x10, 0, 0xffffffff, 0x9b, 0xc);
    this.#describe(GDT, KERNEL_DS, 0, 0xffffffff, 0x93, 0xc);
    this.#describe(GDT, TSS_SELECTOR, KERNEL_BASE + TSS, 0x67, 0x8b, 0);
    this.#describe(GDT, LDT_SELECTOR, KERNEL_BASE + LDT, LDT_LIMIT, 0x82, 0);
    core.gdtrBase = KERNEL_BASE + GDT;
    core.gdtrLimit = GDT_LIMIT;
    core.setSegment(LDTR, LDT_SELECTOR, KERNEL_BASE + LDT, LDT_LIMIT, 0x82);
    core.setSegment(TR, TSS_SELECTOR, KERNEL_BASE + TSS, 0x67, 0x8b);
    this.#memory.write32(TSS + 4, KERNEL_BASE + STACK_TOP);
    this.#memory.write32(TSS + 8, KERNEL_DS);
    // No I/O permission map: it would begin after the limit.
    this.#memory.write32(TSS + 100, 0x68 << 16);
  }

  /** Handlers that halt. As in Linux, user mode may use INT 3 and INT 4 only. */
  #catchExceptions(): void {
    for (let vector = 0; vector < 256; vector++) {
      const handler = (KERNEL_BASE + HANDLERS + vector * 16) | 0;
      const access = vector === 3 || vector === 4 ? 0xee00 : 0x8e00;
      this.#memory.write8(HANDLERS + vector * 16, HLT);
      this.#memory.write32(IDT + vector * 8, (KERNEL_CS << 16) | (handler & 0xffff));
      this.#memory.write32(IDT + vector * 8 + 4, (handler & 0xffff0000) | access);
    }
    this.#core.idtrBase = KERNEL_BASE + IDT;
    this.#core.idtrLimit = 0x7ff;
  }

  #writeWindows(words: Int32Array): void {
    let first = 0;
    for (const window of this.#windows) {
      window.set(words.subarray(first, first + window.length));
      first += window.length;
    }
  }

  #load(seg: number, { selector, base, limit, access, flags }: Segment): void {
    this.#core.setSegment(seg, selector, base, limit | 0, access | (flags << 12));
  }

  /** What the emulator did otherwise than the real CPU, or null. */
  difference(vector: RecordedVector): string | null {
    const before = vector.patches.length === 0 ? this.#unchanged : memoryBefore(vector.patches);
    this.#start(vector, before);
    const core = this.#core;
    core.run(BUDGET);
    const found = core.halted && !core.shutdown ? this.#compare(vector, before) : "did not end";
    this.#writeWindows(this.#unchanged);
    return found;
  }

  #start({ mode, code, registers, eflags }: RecordedVector, before: Int32Array): void {
    const core = this.#core;
    this.#writeWindows(before);
    this.#place(code);
    MODE_SELECTORS[mode].forEach((selector, seg) => {
      this.#load(seg, this.#segments.get(selector)!);
    });
    core.setCpl(3);
    registers.forEach((value, i) => {
      core.r[i] = value;
    });
    core.setEflags(eflags | FLAG_IF | 2);
    // A single-step trap is to come behind the vector's instruction.
    core.eip = this.#frames === null || (eflags & FLAG_TF) !== 0 ? CODE : LEAD_IN;
    core.halted = false;
    core.shutdown = false;
    core.flushTlb(false);
  }

  /** Puts code at CODE: what is compiled in a page of its own, for what is overwritten is not compiled again soon. */
  #place(code: readonly number[]): void {
    const frames = this.#frames;
    const memory = this.#memory;
    const bytes = new Uint8Array(CODE_BYTES).fill(INT3);
    bytes.set(code);
    if (frames === null) {
      memory.load(bytes, CODE);
      return;
    }
    const key = code.join();
    const known = frames.get(key);
    const frame = known ?? FRAMES + frames.size * 0x1000;
    memory.write32(USER_TABLE + (CODE_PAGES.start >>> 10), frame | PRESENT | WRITABLE | USER);
    if (known !== undefined) return;
    frames.set(key, frame);
    const page = new Uint8Array(0x1000).fill(INT3);
    page.set(LEAD_IN_BYTES, LEAD_IN - CODE_PAGES.start);
    page.set(bytes, CODE - CODE_PAGES.start);
    memory.load(page, frame);
  }

  /** Instructions of vectors that compiled code has executed, those before them included. */
  get compiledInstructions(): number {
    return this.#core.tierStatistics?.instructions ?? 0;
  }

  #compare({ undefinedFlags, outcome }: RecordedVector, before: Int32Array): string | null {
    const core = this.#core;
    const memory = this.#memory;
    const trap = (core.eip - 1 - (KERNEL_BASE + HANDLERS)) >> 4;
    const hasCode = WITH_ERROR_CODE.has(trap);
    const frame = core.r[4] - KERNEL_BASE;
    const pushed = (n: number) => memory.read32(frame + (hasCode ? 4 : 0) + n * 4);
    const errorCode = hasCode ? memory.read32(frame) : 0;
    const expect = (name: string, actual: number, expected: number) =>
      (actual | 0) === (expected | 0) ? null : `${name} ${hex(actual)}, really ${hex(expected)}`;
    const exception = (vector: number, code: number) => `exception ${vector}${code === 0 ? "" : `(${hex(code)})`}`;
    if (trap !== outcome.trap || errorCode !== outcome.errorCode) {
      return `${exception(trap, errorCode)}, really ${exception(outcome.trap, outcome.errorCode)}`;
    }
    const defined = RECORDED_FLAGS & ~(TRAPS.has(trap) ? undefinedFlags : 0);
    const registers = [...core.r.subarray(0, 8)];
    registers[4] = pushed(3);
    const segments = MODE_SELECTORS[0].map((_, seg) => core.segSelector(seg));
    segments[CS] = pushed(1) & 0xffff;
    segments[SS] = pushed(4) & 0xffff;
    const differences = [
      expect("EIP", pushed(0), outcome.eip),
      trap === PAGE_FAULT ? expect("CR2", core.cr2, outcome.cr2) : null,
      ...registers.map((value, i) => expect(REGISTER_NAMES[i], value, outcome.registers[i])),
      ...segments.map((value, i) => expect(SEGMENT_NAMES[i], value, outcome.segments[i])),
      expect("EFLAGS", pushed(2) & defined, outcome.eflags & defined),
      this.#compareMemory(outcome.memory, before),
    ].filter((difference) => difference !== null);
    return differences.length === 0 ? null : differences.join("; ");
  }

  #compareMemory(changes: readonly (readonly [number, number])[], before: Int32Array): string | null {
    let next = 0;
    let i = 0;
    for (const window of this.#windows) {
      for (const actual of window) {
        const address = WINDOW_ADDRESSES[i];
        const changed = next < changes.length && changes[next][0] === address;
        const expected = changed ? changes[next++][1] : before[i];
        if (actual !== expected) return `memory at ${hex(address)} ${hex(actual)}, really ${hex(expected)}`;
        i++;
      }
    }
    return null;
  }

  /** An address outside the windows that some vector has changed, or -1. */
  strayWrite(): number {
    for (const { start, end } of [DATA_PAGES, STACK_PAGES, { start: READ_ONLY_PAGE, end: READ_ONLY_PAGE + 0x1000 }]) {
      for (let address = start; address < end; address += 4) {
        if (this.#memory.read32(address) !== initialMemory(address)) return address;
      }
    }
    return -1;
  }
}
