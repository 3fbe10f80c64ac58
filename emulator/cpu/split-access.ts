/**
 * Read-modify-write instructions without LOCK (Intel SDM 3A 8.1). Such an instruction reads its operand and writes it
 * in two accesses, and another processor's may come between. Here a core's turn ends between instructions; so when the
 * next one is of this kind, its read is made at the end of the turn, and the rest at the beginning of the core's next
 * turn. XCHG and instructions with LOCK are never split.
 */
import { fetchBlock } from "./code-fetch.ts";
import type { Core } from "./core.ts";
import { MAXIMUM_LENGTH, type Op } from "./op.ts";
import {
  CS,
  EIP,
  SEG_BASE,
  SEG_LIMIT,
  SPLIT_EIP,
  SPLIT_HOST,
  SPLIT_SIZE,
  SPLIT_VALUE,
  TLB_VALID,
  TLB_WATCHED,
} from "./state-layout.ts";
import { TLB_SLOWER } from "./translation.ts";

const PAGE_SIZE = 4096;
const ALL_FORMS = 0xff;

/**
 * Instructions that read their memory operand and always write it, by opcode, with a bit for each value of the ModRM
 * byte's reg field. Shifts are left out, as they may write nothing, and bit tests whose bit offset is in a register.
 */
const SPLITTABLE: ReadonlyMap<number, number> = new Map([
  // ADD, OR, ADC, SBB, AND, SUB, XOR.
  ...[0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30].flatMap((opcode): [number, number][] => [
    [opcode, ALL_FORMS],
    [opcode + 1, ALL_FORMS],
  ]),
  // The same with an immediate; reg 7 is CMP.
  [0x80, 0x7f],
  [0x81, 0x7f],
  [0x82, 0x7f],
  [0x83, 0x7f],
  // NOT, NEG.
  [0xf6, 0x0c],
  [0xf7, 0x0c],
  // INC, DEC.
  [0xfe, 0x03],
  [0xff, 0x03],
  // CMPXCHG, XADD.
  [0x0fb0, ALL_FORMS],
  [0x0fb1, ALL_FORMS],
  [0x0fc0, ALL_FORMS],
  [0x0fc1, ALL_FORMS],
  // BTS, BTR, BTC with an immediate.
  [0x0fba, 0xe0],
]);

/** At the end of a core's turn: makes the read of the next instruction, if that can be split. */
export function splitNextAccess(cpu: Core): void {
  const op = nextSplittable(cpu);
  if (op === null) return;
  const size = operandBytes(op);
  const host = operandHost(cpu, op, size);
  if (host < 0) return;
  const r = cpu.r;
  r[SPLIT_SIZE] = size;
  r[SPLIT_EIP] = r[EIP];
  r[SPLIT_HOST] = host;
  r[SPLIT_VALUE] =
    size === 4 ? cpu.view.getInt32(host, true) : size === 2 ? cpu.view.getInt16(host, true) : cpu.bytes[host];
}

/**
 * At the beginning of a core's turn: has the next instruction find what its early read found. Between this and that
 * instruction nothing else may run. When the core does something else first, the early read is forgotten: the
 * instruction had not begun.
 */
export function completeSplitAccess(cpu: Core): void {
  const r = cpu.r;
  const size = r[SPLIT_SIZE];
  if (size === 0) return;
  r[SPLIT_SIZE] = 0;
  if (r[SPLIT_EIP] !== r[EIP]) return;
  const op = nextSplittable(cpu);
  const host = r[SPLIT_HOST];
  if (op === null || operandBytes(op) !== size || operandHost(cpu, op, size) !== host) return;
  const value = r[SPLIT_VALUE];
  cpu.memory.tracker.note(host >>> 12);
  cpu.codeCache.bytesWritten(host, size);
  if (size === 4) cpu.view.setInt32(host, value, true);
  else if (size === 2) cpu.view.setInt16(host, value, true);
  else cpu.bytes[host] = value;
}

/** The next instruction, when it is certain to run next and without a fault in fetching it, and can be split. */
function nextSplittable(cpu: Core): Op | null {
  const r = cpu.r;
  if (cpu.disturbed) return null;
  const eip = r[EIP] >>> 0;
  if (eip + MAXIMUM_LENGTH > r[SEG_LIMIT + CS] >>> 0) return null;
  const linear = (r[SEG_BASE + CS] + eip) | 0;
  if ((linear & (PAGE_SIZE - 1)) + MAXIMUM_LENGTH > PAGE_SIZE) return null;
  if ((cpu.tlb[linear >>> 12] & cpu.readMask & ~TLB_WATCHED) !== TLB_VALID) return null;
  const op = fetchBlock(cpu, linear).ops[0];
  const forms = op.isMemory && !op.lock ? (SPLITTABLE.get(op.opcode) ?? 0) : 0;
  return (forms & (1 << op.reg)) !== 0 ? op : null;
}

function operandBytes(op: Op): number {
  const isByte = (op.opcode & 1) === 0 && op.opcode !== 0x0fba;
  return isByte ? 1 : op.operandSize >>> 3;
}

/** Where the operand lies in the machine's memory, when it can be read and written without a fault; else -1. */
function operandHost(cpu: Core, op: Op, size: number): number {
  let linear: number;
  try {
    linear = cpu.linearOf(op, size, true);
  } catch (error) {
    if (error !== cpu.fault) throw error;
    return -1;
  }
  const entry = cpu.tlb[linear >>> 12];
  // Whether the page holds decoded code, is watched or was captured must make no difference.
  if ((entry & cpu.writeMask & ~TLB_SLOWER) !== TLB_VALID || (linear & (PAGE_SIZE - 1)) + size > PAGE_SIZE) return -1;
  return (entry & ~(PAGE_SIZE - 1)) ^ linear;
}
