import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { MAXIMUM_LENGTH, Op } from "./op.ts";
import { type TierSettings, tierDefaults } from "./tier/settings.ts";

/** Value of `CodeCache.heat` when nothing is ever hot, and of `Block.untilHot` for blocks that it does not keep. */
export const NEVER = 1 << 30;

/** A straight run of instructions that starts within one physical page. */
export class Block {
  readonly ops: readonly Op[];
  /** Bytes from the first instruction to the end of the last. */
  readonly length: number;
  /** Host offset of the first byte. */
  readonly host: number;
  /** CS.D it was decoded for. */
  readonly codeSize32: boolean;
  /** Host page of the second part of an instruction that spans two pages (alone in its block), else -1. */
  readonly secondPage: number;
  /** How often it is interpreted yet before it counts as hot; see `Core.runHot`. */
  untilHot = NEVER;
  /** False once its bytes were overwritten, or when it must not be found again. */
  valid = true;

  constructor(ops: readonly Op[], host: number, codeSize32: boolean, secondPage: number) {
    const last = ops[ops.length - 1];
    this.ops = ops;
    this.length = last.offset + last.length;
    this.host = host;
    this.codeSize32 = codeSize32;
    this.secondPage = secondPage;
  }
}

/** Stands for "no instruction": what is running between blocks. */
export const NO_BLOCK = new Block([new Op(() => {})], 0, false, -1);
NO_BLOCK.valid = false;

/** Instructions kept at most; a guest that makes up code endlessly must not exhaust the host's memory. */
const CAPACITY_OPS = 1 << 18;

const PAGE_SIZE = 4096;
const NO_TAILS: ReadonlySet<Block> = new Set();

/** Writes to a page without blocks before it is taken for data again: marking a page as code costs a look at every TLB. */
const WRITES_TO_DATA = 64;

/** What is decoded from one host page. Blocks that start here are known by `keyOf` their first byte. */
class CodePage {
  readonly blocks = new Map<number, Block>();
  /** By key: offset behind the last byte of the block, or of its part in this page; 0 when there is no block. */
  readonly ends = new Uint16Array(2 * PAGE_SIZE);
  /** Blocks of the page before whose last instruction ends here. */
  readonly tails = new Set<Block>();
  /** For each byte, how many blocks it belongs to. */
  readonly covered = new Uint16Array(PAGE_SIZE);
  /** Length of the longest block that ever started here. */
  longest = 0;
  /** Writes since it last had a block. */
  writes = 0;

  get isEmpty(): boolean {
    return this.blocks.size === 0 && this.tails.size === 0;
  }

  add(block: Block): void {
    const key = keyOf(block.host, block.codeSize32);
    const start = block.host & (PAGE_SIZE - 1);
    const end = Math.min(start + block.length, PAGE_SIZE);
    this.blocks.set(key, block);
    this.ends[key] = end;
    this.longest = Math.max(this.longest, end - start);
    this.#cover(start, end, 1);
  }

  delete(block: Block): void {
    const key = keyOf(block.host, block.codeSize32);
    this.blocks.delete(key);
    this.#cover(block.host & (PAGE_SIZE - 1), this.ends[key], -1);
    this.ends[key] = 0;
  }

  addTail(block: Block): void {
    this.tails.add(block);
    this.#cover(0, tailLength(block), 1);
  }

  deleteTail(block: Block): void {
    if (this.tails.delete(block)) this.#cover(0, tailLength(block), -1);
  }

  /** Whether one of the bytes from `start` to `end` - 1 belongs to a block. */
  covers(start: number, end: number): boolean {
    for (let i = start; i < end; i++) if (this.covered[i] !== 0) return true;
    return false;
  }

  #cover(start: number, end: number, change: number): void {
    for (let i = start; i < end; i++) this.covered[i] += change;
  }
}

/** Bytes of a block in its second page. */
function tailLength(block: Block): number {
  return (block.host & (PAGE_SIZE - 1)) + block.length - PAGE_SIZE;
}

/** A core, as far as the cache must tell it things. */
export interface CodeCacheClient {
  /** A page now holds decoded code: writes to it must come through `CodeCache.bytesWritten`. */
  markCodePage(hostPage: number): void;
  /** Decoded instructions may have gone away. */
  endBlock(): void;
  /** Blocks of a page are not valid any more. */
  blocksDropped(hostPage: number): void;
}

/**
 * The decoded instructions of a machine, shared by its cores, by host page (byte offset in the machine's buffer,
 * shifted right by 12), so that every physical alias of a page is the same page.
 */
export class CodeCache {
  readonly #clients: CodeCacheClient[] = [];
  readonly #pages = new Map<number, CodePage>();
  /** `codePages` of the memory. */
  readonly #hasCode: Uint8Array;
  #opCount = 0;
  /** How often a block is interpreted before it is hot. */
  readonly heat: number;

  /** Takes over `onCodeWrite` of the memory: writes by devices and loaders drop what was decoded from their pages. */
  constructor(memory: PhysicalMemory, { tier, threshold }: TierSettings = tierDefaults) {
    this.heat = tier === "on" ? threshold : NEVER;
    this.#hasCode = memory.codePages;
    memory.onCodeWrite = (hostPage) => this.#dropPage(hostPage);
  }

  /** Makes a core hear of new code pages and dropped code. */
  attach(client: CodeCacheClient): void {
    this.#clients.push(client);
  }

  /** Whether instructions decoded from this page are kept. */
  hasCode(hostPage: number): boolean {
    return this.#hasCode[hostPage] !== 0;
  }

  /** Whether one of these bytes, all in one page, belongs to instructions that are kept. */
  isDecoded(host: number, size: number): boolean {
    const start = host & (PAGE_SIZE - 1);
    return this.#pages.get(host >>> 12)?.covers(start, start + size) === true;
  }

  /** The block decoded at a host offset for a code size, if there is one. */
  find(host: number, codeSize32: boolean): Block | undefined {
    return this.#pages.get(host >>> 12)?.blocks.get(keyOf(host, codeSize32));
  }

  /** Keeps a block, in place of one that starts at the same byte. */
  insert(block: Block): void {
    if (this.#opCount + block.ops.length > CAPACITY_OPS) this.clear();
    block.untilHot = this.heat;
    const page = this.#pageFor(block.host >>> 12);
    const old = page.blocks.get(keyOf(block.host, block.codeSize32));
    if (old !== undefined) this.#dropBlock(page, old);
    page.add(block);
    this.#opCount += block.ops.length;
    if (block.secondPage >= 0) this.#pageFor(block.secondPage).addTail(block);
  }

  /**
   * To be called before `size` bytes within one page are changed.
   * @returns true when instructions were dropped because of it
   */
  bytesWritten(host: number, size: number): boolean {
    const page = this.#pages.get(host >>> 12);
    if (page === undefined) return false;
    const start = host & (PAGE_SIZE - 1);
    const end = start + size;
    if (!page.covers(start, end)) {
      if (page.isEmpty && ++page.writes >= WRITES_TO_DATA) this.#forgetPage(host >>> 12);
      return false;
    }
    const last = keyOf(end - 1, true);
    for (let key = keyOf(Math.max(0, start - page.longest + 1), false); key <= last; key++) {
      if (page.ends[key] > start) this.#dropBlock(page, page.blocks.get(key)!);
    }
    for (const block of start < MAXIMUM_LENGTH ? page.tails : NO_TAILS) {
      if (start < tailLength(block)) this.#dropBlock(this.#pages.get(block.host >>> 12)!, block);
    }
    page.writes = 0;
    this.#endBlocks(host >>> 12);
    return true;
  }

  /** Drops everything. */
  clear(): void {
    for (const hostPage of [...this.#pages.keys()]) this.#dropPage(hostPage);
  }

  #pageFor(hostPage: number): CodePage {
    let page = this.#pages.get(hostPage);
    if (page === undefined) {
      page = new CodePage();
      this.#pages.set(hostPage, page);
      this.#hasCode[hostPage] = 1;
      for (const client of this.#clients) client.markCodePage(hostPage);
    }
    return page;
  }

  #dropPage(hostPage: number): void {
    const page = this.#pages.get(hostPage);
    if (page === undefined) return;
    for (const block of page.blocks.values()) this.#dropBlock(page, block);
    for (const block of page.tails) this.#dropBlock(this.#pages.get(block.host >>> 12)!, block);
    this.#forgetPage(hostPage);
    this.#endBlocks(hostPage);
  }

  #forgetPage(hostPage: number): void {
    this.#pages.delete(hostPage);
    this.#hasCode[hostPage] = 0;
  }

  /** @param page the one its first byte is in */
  #dropBlock(page: CodePage, block: Block): void {
    block.valid = false;
    page.delete(block);
    if (block.secondPage >= 0) this.#pages.get(block.secondPage)?.deleteTail(block);
    this.#opCount -= block.ops.length;
  }

  #endBlocks(hostPage: number): void {
    for (const client of this.#clients) {
      client.endBlock();
      client.blocksDropped(hostPage);
    }
  }
}

function keyOf(host: number, codeSize32: boolean): number {
  return ((host & (PAGE_SIZE - 1)) << 1) | (codeSize32 ? 1 : 0);
}
