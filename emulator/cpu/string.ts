/**
 * String instructions (Intel SDM 2: MOVS, STOS, LODS, SCAS, CMPS, REP).
 *
 * A repeated instruction is run in pieces. A piece ends at the first page boundary that one of its operands reaches
 * (by linear address, in the direction of DF), and has one element at least. Each piece retires as one instruction;
 * while elements are left, EIP stays on the instruction, so that interrupts are taken between pieces. A fault leaves
 * the registers as after the last complete element. Where pieces end depends on registers alone, never on the TLB.
 */
import { sub8, sub16, sub32 } from "./arithmetic.ts";
import { hasDataBreakpoints } from "./breakpoints.ts";
import type { Core } from "./core.ts";
import { isZero } from "./flags.ts";
import { type Op, REPEAT_EQUAL, REPEAT_NONE } from "./op.ts";
import {
  CONTROL_FLAGS,
  EAX,
  ECX,
  EDI,
  EIP,
  ES,
  ESI,
  FLAG_DF,
  FLAG_TF,
  SEG_BASE,
  SEG_FLAT,
  TLB_CLEAN,
  TLB_CODE,
  TLB_VALID,
} from "./state-layout.ts";
import { TLB_SLOWER } from "./translation.ts";

const AX = EAX << 1;
const AL = EAX << 2;

/** Bytes from one element to the next: `size`, negative when DF is set. */
export function stride(cpu: Core, size: number): number {
  return (cpu.r[CONTROL_FLAGS] & FLAG_DF) === 0 ? size : -size;
}

/** Adds `distance` to ESI, EDI or ECX, or to the low half alone. */
export function advance(cpu: Core, register: number, distance: number, mask: number): void {
  const old = cpu.r[register];
  cpu.r[register] = (old & ~mask) | ((old + distance) & mask);
}

/** Elements from `offset` of a segment on that lie within one page, 1 at least. */
export function elementsInPage(cpu: Core, seg: number, offset: number, size: number, step: number): number {
  const inPage = (cpu.r[SEG_BASE + seg] + offset) & 0xfff;
  const elements = step > 0 ? Math.floor((0x1000 - inPage) / size) : Math.floor(inPage / size) + 1;
  return elements === 0 ? 1 : elements;
}

/** After a piece of a repeated instruction: stays on it while elements are left. */
export function repeatWhileCounting(cpu: Core, op: Op): void {
  if ((cpu.r[ECX] & op.addressMask) !== 0) cpu.r[EIP] -= op.length;
}

type Element = (cpu: Core, op: Op, step: number) => void;

function movsElement8(cpu: Core, op: Op, step: number): void {
  const mask = op.addressMask;
  cpu.writeSegment8(ES, cpu.r[EDI] & mask, cpu.readSegment8(op.seg, cpu.r[ESI] & mask));
  advance(cpu, ESI, step, mask);
  advance(cpu, EDI, step, mask);
}

function movsElement16(cpu: Core, op: Op, step: number): void {
  const mask = op.addressMask;
  cpu.writeSegment16(ES, cpu.r[EDI] & mask, cpu.readSegment16(op.seg, cpu.r[ESI] & mask));
  advance(cpu, ESI, step, mask);
  advance(cpu, EDI, step, mask);
}

function movsElement32(cpu: Core, op: Op, step: number): void {
  const mask = op.addressMask;
  cpu.writeSegment32(ES, cpu.r[EDI] & mask, cpu.readSegment32(op.seg, cpu.r[ESI] & mask));
  advance(cpu, ESI, step, mask);
  advance(cpu, EDI, step, mask);
}

function stosElement8(cpu: Core, op: Op, step: number): void {
  cpu.writeSegment8(ES, cpu.r[EDI] & op.addressMask, cpu.r8[AL]);
  advance(cpu, EDI, step, op.addressMask);
}

function stosElement16(cpu: Core, op: Op, step: number): void {
  cpu.writeSegment16(ES, cpu.r[EDI] & op.addressMask, cpu.r16[AX]);
  advance(cpu, EDI, step, op.addressMask);
}

function stosElement32(cpu: Core, op: Op, step: number): void {
  cpu.writeSegment32(ES, cpu.r[EDI] & op.addressMask, cpu.r[EAX]);
  advance(cpu, EDI, step, op.addressMask);
}

function lodsElement8(cpu: Core, op: Op, step: number): void {
  cpu.r8[AL] = cpu.readSegment8(op.seg, cpu.r[ESI] & op.addressMask);
  advance(cpu, ESI, step, op.addressMask);
}

function lodsElement16(cpu: Core, op: Op, step: number): void {
  cpu.r16[AX] = cpu.readSegment16(op.seg, cpu.r[ESI] & op.addressMask);
  advance(cpu, ESI, step, op.addressMask);
}

function lodsElement32(cpu: Core, op: Op, step: number): void {
  cpu.r[EAX] = cpu.readSegment32(op.seg, cpu.r[ESI] & op.addressMask);
  advance(cpu, ESI, step, op.addressMask);
}

function scasElement8(cpu: Core, op: Op, step: number): void {
  sub8(cpu, cpu.r8[AL], cpu.readSegment8(ES, cpu.r[EDI] & op.addressMask));
  advance(cpu, EDI, step, op.addressMask);
}

function scasElement16(cpu: Core, op: Op, step: number): void {
  sub16(cpu, cpu.r16[AX], cpu.readSegment16(ES, cpu.r[EDI] & op.addressMask));
  advance(cpu, EDI, step, op.addressMask);
}

function scasElement32(cpu: Core, op: Op, step: number): void {
  sub32(cpu, cpu.r[EAX], cpu.readSegment32(ES, cpu.r[EDI] & op.addressMask));
  advance(cpu, EDI, step, op.addressMask);
}

function cmpsElement8(cpu: Core, op: Op, step: number): void {
  const mask = op.addressMask;
  const source = cpu.readSegment8(op.seg, cpu.r[ESI] & mask);
  sub8(cpu, source, cpu.readSegment8(ES, cpu.r[EDI] & mask));
  advance(cpu, ESI, step, mask);
  advance(cpu, EDI, step, mask);
}

function cmpsElement16(cpu: Core, op: Op, step: number): void {
  const mask = op.addressMask;
  const source = cpu.readSegment16(op.seg, cpu.r[ESI] & mask);
  sub16(cpu, source, cpu.readSegment16(ES, cpu.r[EDI] & mask));
  advance(cpu, ESI, step, mask);
  advance(cpu, EDI, step, mask);
}

function cmpsElement32(cpu: Core, op: Op, step: number): void {
  const mask = op.addressMask;
  const source = cpu.readSegment32(op.seg, cpu.r[ESI] & mask);
  sub32(cpu, source, cpu.readSegment32(ES, cpu.r[EDI] & mask));
  advance(cpu, ESI, step, mask);
  advance(cpu, EDI, step, mask);
}

/**
 * Elements of the next piece: as many as are left, and as lie within one page of each operand; single-stepping (EFLAGS.TF)
 * and data breakpoints see one at a time.
 */
export function pieceLength(
  cpu: Core,
  op: Op,
  size: number,
  step: number,
  usesSource: boolean,
  usesDestination: boolean,
): number {
  const r = cpu.r;
  const mask = op.addressMask;
  let count = (r[ECX] & mask) >>> 0;
  if (count === 0) return 0;
  if ((r[CONTROL_FLAGS] & FLAG_TF) !== 0 || (cpu.readMask === 0 && hasDataBreakpoints(cpu))) return 1;
  if (usesSource) count = Math.min(count, elementsInPage(cpu, op.seg, r[ESI] & mask, size, step));
  if (usesDestination) count = Math.min(count, elementsInPage(cpu, ES, r[EDI] & mask, size, step));
  return count;
}

/**
 * Copies a piece at once when both pages are plain memory and may be used, and going forward does not read bytes
 * that the same piece has written.
 * @returns whether it did
 */
function moveAtOnce(cpu: Core, op: Op, count: number, size: number): boolean {
  const r = cpu.r;
  const bytes = count * size;
  if (r[SEG_FLAT + op.seg] === 0 || r[SEG_FLAT + ES] === 0) return false;
  const source = r[ESI] & op.addressMask;
  const destination = r[EDI] & op.addressMask;
  const sourceEntry = cpu.tlb[source >>> 12];
  const destinationEntry = cpu.tlb[destination >>> 12];
  if ((sourceEntry & cpu.readMask) !== TLB_VALID) return false;
  if ((destinationEntry & cpu.writeMask & ~TLB_CLEAN) !== TLB_VALID) return false;
  if ((source & 0xfff) + bytes > 0x1000 || (destination & 0xfff) + bytes > 0x1000) return false;
  const from = (sourceEntry & ~0xfff) ^ source;
  const to = (destinationEntry & ~0xfff) ^ destination;
  if (to > from && to < from + bytes) return false;
  if ((destinationEntry & TLB_CLEAN) !== 0) cpu.noteWrite(destination, to);
  cpu.bytes.copyWithin(to, from, from + bytes);
  return true;
}

/** Fills a piece at once, under the same conditions. */
function storeAtOnce(cpu: Core, op: Op, count: number, size: number): boolean {
  const r = cpu.r;
  if (r[SEG_FLAT + ES] === 0) return false;
  const destination = r[EDI] & op.addressMask;
  const entry = cpu.tlb[destination >>> 12];
  if ((entry & cpu.writeMask & ~TLB_CLEAN) !== TLB_VALID) return false;
  if ((destination & 0xfff) + count * size > 0x1000) return false;
  const to = (entry & ~0xfff) ^ destination;
  if ((entry & TLB_CLEAN) !== 0) cpu.noteWrite(destination, to);
  const end = to + count * size;
  const value = r[EAX];
  if (size === 1) cpu.bytes.fill(value, to, end);
  else if (size === 2) for (let at = to; at < end; at += 2) cpu.view.setInt16(at, value, true);
  else for (let at = to; at < end; at += 4) cpu.view.setInt32(at, value, true);
  return true;
}

/**
 * Drops what was decoded from the bytes that a piece will write, at once: byte by byte it would be looked for as often as
 * there are elements.
 */
export function dropDecoded(cpu: Core, op: Op, count: number, size: number, step: number): void {
  const destination = (cpu.r[SEG_BASE + ES] + (cpu.r[EDI] & op.addressMask)) | 0;
  const entry = cpu.tlb[destination >>> 12];
  if ((entry & TLB_CODE) === 0 || (entry & cpu.writeMask & ~TLB_SLOWER) !== TLB_VALID) return;
  const inPage = destination & 0xfff;
  const first = step > 0 ? inPage : Math.max(0, inPage - (count - 1) * size);
  const end = step > 0 ? Math.min(0x1000, inPage + count * size) : Math.min(0x1000, inPage + size);
  cpu.codeCache.bytesWritten((((entry & ~0xfff) ^ destination) & ~0xfff) | first, end - first);
}

function repeatMovs(cpu: Core, op: Op, size: number, element: Element): void {
  const step = stride(cpu, size);
  const count = pieceLength(cpu, op, size, step, true, true);
  if (count > 1) dropDecoded(cpu, op, count, size, step);
  if (step > 0 && count > 1 && moveAtOnce(cpu, op, count, size)) {
    advance(cpu, ESI, count * size, op.addressMask);
    advance(cpu, EDI, count * size, op.addressMask);
    advance(cpu, ECX, -count, op.addressMask);
  } else {
    repeatElements(cpu, op, step, count, element);
  }
  repeatWhileCounting(cpu, op);
}

function repeatStos(cpu: Core, op: Op, size: number, element: Element): void {
  const step = stride(cpu, size);
  const count = pieceLength(cpu, op, size, step, false, true);
  if (count > 1) dropDecoded(cpu, op, count, size, step);
  if (step > 0 && count > 1 && storeAtOnce(cpu, op, count, size)) {
    advance(cpu, EDI, count * size, op.addressMask);
    advance(cpu, ECX, -count, op.addressMask);
  } else {
    repeatElements(cpu, op, step, count, element);
  }
  repeatWhileCounting(cpu, op);
}

function repeatLods(cpu: Core, op: Op, size: number, element: Element): void {
  const step = stride(cpu, size);
  repeatElements(cpu, op, step, pieceLength(cpu, op, size, step, true, false), element);
  repeatWhileCounting(cpu, op);
}

function repeatElements(cpu: Core, op: Op, step: number, count: number, element: Element): void {
  for (let i = 0; i < count; i++) {
    element(cpu, op, step);
    advance(cpu, ECX, -1, op.addressMask);
  }
}

/** REPE goes on while elements are equal, REPNE while they differ. Without elements, flags stay. */
function repeatCompare(cpu: Core, op: Op, size: number, element: Element, usesSource: boolean): void {
  const step = stride(cpu, size);
  const wanted = op.repeat === REPEAT_EQUAL;
  const count = pieceLength(cpu, op, size, step, usesSource, true);
  for (let i = 0; i < count; i++) {
    element(cpu, op, step);
    advance(cpu, ECX, -1, op.addressMask);
    if (isZero(cpu) !== wanted) return;
  }
  repeatWhileCounting(cpu, op);
}

export function movs8(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) movsElement8(cpu, op, stride(cpu, 1));
  else repeatMovs(cpu, op, 1, movsElement8);
}

export function movs16(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) movsElement16(cpu, op, stride(cpu, 2));
  else repeatMovs(cpu, op, 2, movsElement16);
}

export function movs32(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) movsElement32(cpu, op, stride(cpu, 4));
  else repeatMovs(cpu, op, 4, movsElement32);
}

export function stos8(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) stosElement8(cpu, op, stride(cpu, 1));
  else repeatStos(cpu, op, 1, stosElement8);
}

export function stos16(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) stosElement16(cpu, op, stride(cpu, 2));
  else repeatStos(cpu, op, 2, stosElement16);
}

export function stos32(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) stosElement32(cpu, op, stride(cpu, 4));
  else repeatStos(cpu, op, 4, stosElement32);
}

export function lods8(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) lodsElement8(cpu, op, stride(cpu, 1));
  else repeatLods(cpu, op, 1, lodsElement8);
}

export function lods16(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) lodsElement16(cpu, op, stride(cpu, 2));
  else repeatLods(cpu, op, 2, lodsElement16);
}

export function lods32(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) lodsElement32(cpu, op, stride(cpu, 4));
  else repeatLods(cpu, op, 4, lodsElement32);
}

export function scas8(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) scasElement8(cpu, op, stride(cpu, 1));
  else repeatCompare(cpu, op, 1, scasElement8, false);
}

export function scas16(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) scasElement16(cpu, op, stride(cpu, 2));
  else repeatCompare(cpu, op, 2, scasElement16, false);
}

export function scas32(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) scasElement32(cpu, op, stride(cpu, 4));
  else repeatCompare(cpu, op, 4, scasElement32, false);
}

export function cmps8(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) cmpsElement8(cpu, op, stride(cpu, 1));
  else repeatCompare(cpu, op, 1, cmpsElement8, true);
}

export function cmps16(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) cmpsElement16(cpu, op, stride(cpu, 2));
  else repeatCompare(cpu, op, 2, cmpsElement16, true);
}

export function cmps32(cpu: Core, op: Op): void {
  if (op.repeat === REPEAT_NONE) cmpsElement32(cpu, op, stride(cpu, 4));
  else repeatCompare(cpu, op, 4, cmpsElement32, true);
}
