/** Instruction decoding (Intel SDM 2A, chapter 2). */
import { type Handler, MAXIMUM_LENGTH, Op, REPEAT_EQUAL, REPEAT_NONE, REPEAT_NOT_EQUAL } from "./op.ts";
import type { EscapeOpcode, Immediate, Opcode, OpcodeEntry } from "./opcode.ts";
import { NOP, OPCODE_MAP, PAUSE } from "./opcode-map.ts";
import { OPCODE_MAP_0F } from "./opcode-map-0f.ts";
import { frequentNumber } from "./run-blocks.ts";
import { CS, DS, EBP, EBX, EDI, ES, ESI, ESP, FS, GS, SS, ZERO } from "./state-layout.ts";
import { instruction_too_long, undefined_opcode, unimplemented } from "./undefined.ts";
import { X87_OPCODES } from "./x87/opcode-map-x87.ts";

/** Thrown when an instruction goes on after the last byte that may be read. */
const OUT_OF_BYTES = Symbol("out of bytes");

/** Base and index of 16-bit memory operands, by ModRM.rm. */
const BASE16: readonly number[] = [EBX, EBX, EBP, EBP, ESI, EDI, EBP, EBX];
const INDEX16: readonly number[] = [ESI, EDI, ESI, EDI, ZERO, ZERO, ZERO, ZERO];

let bytes: Uint8Array = new Uint8Array(0);
let position = 0;
let end = 0;

function next8(): number {
  if (position >= end) throw OUT_OF_BYTES;
  return bytes[position++];
}

function next8Signed(): number {
  return (next8() << 24) >> 24;
}

function next16(): number {
  const low = next8();
  return low | (next8() << 8);
}

function next32(): number {
  const low = next16();
  return low | (next16() << 16);
}

function nextSigned(size: 16 | 32): number {
  return size === 32 ? next32() : (next16() << 16) >> 16;
}

/**
 * Decodes one instruction. What cannot be decoded becomes an `Op` that raises the right fault.
 * @param start index of the first byte
 * @param limit index after the last byte that is there
 * @param codeSize32 CS.D
 * @returns null when the instruction goes on beyond `limit` (and is not too long anyway)
 */
export function decodeInstruction(source: Uint8Array, start: number, limit: number, codeSize32: boolean): Op | null {
  bytes = source;
  position = start;
  end = Math.min(limit, start + MAXIMUM_LENGTH);
  const op = new Op(undefined_opcode);
  try {
    op.execute = decode(op, codeSize32) ?? fault(op, undefined_opcode);
  } catch (error) {
    if (error !== OUT_OF_BYTES) throw error;
    if (end < start + MAXIMUM_LENGTH) return null;
    fault(op, instruction_too_long);
  }
  op.length = position - start;
  op.frequent = frequentNumber(op.execute);
  return op;
}

function fault(op: Op, handler: Handler): Handler {
  op.execute = handler;
  op.endsBlock = true;
  return handler;
}

/** @returns the handler, or null when there is no such instruction */
function decode(op: Op, codeSize32: boolean): Handler | null {
  op.operandSize = codeSize32 ? 32 : 16;
  op.addressSize = op.operandSize;
  let override = -1;
  let byte = next8();
  for (; ; byte = next8()) {
    if (byte === 0x66) op.operandSize = codeSize32 ? 16 : 32;
    else if (byte === 0x67) op.addressSize = codeSize32 ? 16 : 32;
    else if (byte === 0xf0) op.lock = true;
    else if (byte === 0xf2) op.repeat = REPEAT_NOT_EQUAL;
    else if (byte === 0xf3) op.repeat = REPEAT_EQUAL;
    else {
      const seg = segmentOverride(byte);
      if (seg < 0) break;
      override = seg;
    }
  }
  op.addressMask = op.addressSize === 32 ? -1 : 0xffff;
  let entry: OpcodeEntry;
  if (byte === 0x0f) {
    op.opcode = 0x0f00 | next8();
    entry = OPCODE_MAP_0F[op.opcode & 0xff];
  } else {
    op.opcode = byte;
    if ((byte & 0xf8) === 0xd8) return decodeEscape(op, X87_OPCODES[byte & 7], override);
    entry = byte === NOP && op.repeat === REPEAT_EQUAL ? PAUSE : OPCODE_MAP[byte];
  }
  if (entry === undefined) return null;
  return operands(op, entry, override);
}

function segmentOverride(byte: number): number {
  switch (byte) {
    case 0x26:
      return ES;
    case 0x2e:
      return CS;
    case 0x36:
      return SS;
    case 0x3e:
      return DS;
    case 0x64:
      return FS;
    case 0x65:
      return GS;
    default:
      return -1;
  }
}

/** x87: `Op.imm` is the opcode as the x87 keeps it, eleven bits; `Op.rm` is i of ST(i). */
function decodeEscape(op: Op, entry: EscapeOpcode, override: number): Handler | null {
  const modrm = next8();
  decodeModrm(op, modrm, false);
  if (override >= 0) op.seg = override;
  if (op.lock) return null;
  op.imm = ((op.opcode & 7) << 8) | modrm;
  const handler = (op.isMemory ? entry.memory[op.reg] : entry.registers[modrm & 0x3f]) ?? null;
  op.endsBlock = handler === unimplemented;
  return handler;
}

function operands(op: Op, entry: Opcode | { readonly group: readonly (Opcode | undefined)[] }, override: number) {
  let opcode: Opcode | undefined;
  if ("group" in entry) {
    const modrm = next8();
    opcode = entry.group[(modrm >> 3) & 7];
    if (opcode === undefined) return null;
    decodeModrm(op, modrm, opcode.registerOnly);
  } else {
    opcode = entry;
    if (opcode.operands === "modrm") decodeModrm(op, next8(), opcode.registerOnly);
    else if (opcode.operands === "opcode") op.rm = op.reg = op.opcode & 7;
    else op.reg = opcode.reg;
  }
  decodeImmediate(op, opcode.immediate);
  if (override >= 0) op.seg = override;
  op.endsBlock = opcode.endsBlock || (opcode.repeats && op.repeat !== REPEAT_NONE);
  if (op.lock && !(opcode.lockable && op.isMemory)) return null;
  if (opcode.swapped && !op.isMemory) {
    const reg = op.reg;
    op.reg = op.rm;
    op.rm = reg;
  }
  if (op.operandSize === 32) return op.isMemory && hasForms(opcode) ? opcode.memory32 : opcode.register32;
  return op.isMemory && hasForms(opcode) ? opcode.memory16 : opcode.register16;
}

/** MOV with an offset has a memory operand and one form only. */
function hasForms(opcode: Opcode): boolean {
  return opcode.operands === "modrm";
}

function decodeModrm(op: Op, modrm: number, registerOnly: boolean): void {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  op.reg = (modrm >> 3) & 7;
  if (mod === 3 || registerOnly) {
    op.rm = rm;
    return;
  }
  op.isMemory = true;
  if (op.addressSize === 16) decodeMemory16(op, mod, rm);
  else decodeMemory32(op, mod, rm);
}

function decodeMemory16(op: Op, mod: number, rm: number): void {
  if (mod === 0 && rm === 6) {
    op.disp = next16();
    return;
  }
  op.base = BASE16[rm];
  op.index = INDEX16[rm];
  if (mod === 1) op.disp = next8Signed();
  else if (mod === 2) op.disp = next16();
  if (op.base === EBP) op.seg = SS;
}

function decodeMemory32(op: Op, mod: number, rm: number): void {
  let base = rm;
  if (rm === ESP) {
    const sib = next8();
    const index = (sib >> 3) & 7;
    base = sib & 7;
    if (index !== ESP) {
      op.index = index;
      op.scale = sib >> 6;
    }
  }
  if (mod === 0 && base === EBP) {
    op.disp = next32();
    return;
  }
  op.base = base;
  if (mod === 1) op.disp = next8Signed();
  else if (mod === 2) op.disp = next32();
  if (base === ESP || base === EBP) op.seg = SS;
}

function decodeImmediate(op: Op, immediate: Immediate): void {
  switch (immediate) {
    case "none":
      return;
    case "i8":
      op.imm = next8Signed();
      return;
    case "u8":
      op.imm = next8();
      return;
    case "u16":
      op.imm = next16();
      return;
    case "iz":
      op.imm = nextSigned(op.operandSize);
      return;
    case "one":
      op.imm = 1;
      return;
    case "moffs":
      op.isMemory = true;
      op.disp = op.addressSize === 32 ? next32() : next16();
      return;
    case "far":
      op.imm = op.operandSize === 32 ? next32() : next16();
      op.imm2 = next16();
      return;
    case "u16u8":
      op.imm = next16();
      op.imm2 = next8();
  }
}
