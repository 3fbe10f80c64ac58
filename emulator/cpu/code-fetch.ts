import { Block } from "./block-cache.ts";
import type { Core } from "./core.ts";
import { decodeInstruction } from "./decoder.ts";
import { MAXIMUM_LENGTH, type Op } from "./op.ts";
import { CS, SEG_BASE, SEG_LIMIT, VECTOR_GP } from "./state-layout.ts";
import { drainAfter } from "./store-order.ts";

/** Instructions in one block at most. */
const BLOCK_OPS = 48;

const PAGE_SIZE = 4096;

/**
 * The block that starts at a linear address, from the code cache or newly decoded. What the core itself has stored there is
 * in it.
 * @throws #PF, or #GP(0) when an instruction that spans two pages passes the CS limit
 */
export function fetchBlock(cpu: Core, linear: number): Block {
  const host = cpu.resolveCode(linear);
  if (host < 0) return fetchFromBus(cpu, linear);
  const cached = cpu.codeCache.find(host, cpu.codeSize32);
  const isKnown = cached !== undefined && isBlockAt(cpu, cached, linear);
  const block = isKnown ? cached : (decodeWithinPage(cpu, host) ?? decodeAcrossPages(cpu, linear, host));
  if (drained(cpu, host, Math.min(block.length, PAGE_SIZE - (host & (PAGE_SIZE - 1))))) return fetchBlock(cpu, linear);
  if (!isKnown && block.valid) cpu.codeCache.insert(block);
  return block;
}

/** Whether a block is what `fetchBlock` would find at a linear address, with the same effects. @throws as it does */
export function isBlockAt(cpu: Core, block: Block, linear: number): boolean {
  if (!block.valid || cpu.resolveCode(linear) !== block.host) return false;
  return block.secondPage < 0 || followingPage(cpu, linear) >> 12 === block.secondPage;
}

/** The block at a host offset, from the code cache or newly decoded; null when not even one instruction ends in the page. */
export function blockWithinPage(cpu: Core, host: number): Block | null {
  const cached = cpu.codeCache.find(host, cpu.codeSize32);
  if (cached !== undefined) return cached.secondPage < 0 ? cached : null;
  const block = decodeWithinPage(cpu, host);
  if (block !== null) cpu.codeCache.insert(block);
  return block;
}

/** Decodes from a host offset to the end of the block or the page; null when not even one instruction fits. */
function decodeWithinPage(cpu: Core, host: number): Block | null {
  const pageEnd = (host | (PAGE_SIZE - 1)) + 1;
  const ops: Op[] = [];
  let position = host;
  let ends = false;
  while (!ends && ops.length < BLOCK_OPS) {
    const op = decode(cpu, cpu.bytes, position, pageEnd);
    if (op === null) break;
    op.offset = position - host;
    ops.push(op);
    position += op.length;
    ends = op.endsBlock;
  }
  return ops.length === 0 ? null : new Block(ops, host, cpu.codeSize32, -1);
}

/** Decodes one instruction whose first bytes end their page. */
function decodeAcrossPages(cpu: Core, linear: number, host: number): Block {
  const room = PAGE_SIZE - (linear & (PAGE_SIZE - 1));
  const secondHost = followingPage(cpu, linear);
  if (secondHost >= 0) drained(cpu, secondHost, MAXIMUM_LENGTH);
  const bytes = new Uint8Array(MAXIMUM_LENGTH + 1);
  bytes.set(cpu.bytes.subarray(host, host + room));
  const nextPage = (linear + room) | 0;
  for (let i = room; i < bytes.length; i++) {
    bytes[i] = secondHost < 0 ? cpu.readCodeByte((nextPage + i - room) | 0) : cpu.bytes[secondHost + i - room];
  }
  return singleInstruction(cpu, bytes, host, secondHost < 0 ? -1 : secondHost >> 12, secondHost >= 0);
}

/** Decodes one instruction from device memory; it is not kept, because nothing tells when such memory changes. */
function fetchFromBus(cpu: Core, linear: number): Block {
  const bytes = new Uint8Array(MAXIMUM_LENGTH + 1);
  const room = PAGE_SIZE - (linear & (PAGE_SIZE - 1));
  const within = Math.min(room, bytes.length);
  for (let i = 0; i < within; i++) bytes[i] = cpu.readCodeByte((linear + i) | 0);
  if (within < bytes.length && decode(cpu, bytes, 0, within) === null) {
    followingPage(cpu, linear);
    for (let i = within; i < bytes.length; i++) bytes[i] = cpu.readCodeByte((linear + i) | 0);
  }
  return singleInstruction(cpu, bytes, 0, -1, false);
}

/** Decodes an instruction, which drains the store buffer where there is one and it is of that kind. */
function decode(cpu: Core, source: Uint8Array, start: number, limit: number): Op | null {
  const op = decodeInstruction(source, start, limit, cpu.codeSize32);
  if (op !== null && cpu.storeBuffer !== null) drainAfter(op);
  return op;
}

/** Has the core's stores reach memory when some of these bytes are among them. @returns whether they are */
function drained(cpu: Core, host: number, size: number): boolean {
  if (cpu.storeBuffer?.holds(host, size) !== true) return false;
  cpu.storeBuffer.drain();
  return true;
}

function singleInstruction(cpu: Core, bytes: Uint8Array, host: number, secondPage: number, keep: boolean): Block {
  const op = decode(cpu, bytes, 0, bytes.length)!;
  const block = new Block([op], host, cpu.codeSize32, secondPage);
  block.valid = keep;
  return block;
}

/** Host offset of the page after the one of `linear`, or -1 when it is not plain memory. @throws #GP(0), #PF */
function followingPage(cpu: Core, linear: number): number {
  const next = ((linear | (PAGE_SIZE - 1)) + 1) | 0;
  const offset = (next - cpu.r[SEG_BASE + CS]) >>> 0;
  if (offset > cpu.r[SEG_LIMIT + CS] >>> 0) cpu.raise(VECTOR_GP, 0);
  return cpu.resolveCode(next);
}
