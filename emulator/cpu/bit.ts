/** Bit instructions (Intel SDM 2: BT, BTC, BTR, BTS, BSF, BSR, BSWAP, SETcc, CMOVcc). */

import { logic } from "./arithmetic.ts";
import { holds } from "./conditions.ts";
import type { Core } from "./core.ts";
import { byteRegister } from "./core-state.ts";
import { setCf } from "./flags.ts";
import type { BinaryForms, UnaryForms } from "./forms.ts";
import type { Op } from "./op.ts";

/** What becomes of the operand; the bit itself goes to CF. `mask` has the selected bit set. */
type BitOperation = (value: number, mask: number) => number;

const keep: BitOperation = (value) => value;
const set: BitOperation = (value, mask) => value | mask;
const reset: BitOperation = (value, mask) => value & ~mask;
const complement: BitOperation = (value, mask) => value ^ mask;

function apply(cpu: Core, operation: BitOperation, value: number, position: number): number {
  setCf(cpu, (value >>> position) & 1);
  return operation(value, 1 << position);
}

/**
 * Linear address of the word that holds bit `r[reg]` of a bit string in memory: the bit offset is signed and reaches
 * beyond the operand.
 */
function wordOf16(cpu: Core, op: Op, write: boolean): number {
  const bitOffset = (cpu.r16[op.reg << 1] << 16) >> 16;
  const offset = (cpu.offsetOf(op) + ((bitOffset >> 4) << 1)) & op.addressMask;
  return cpu.segmentAddress(op.seg, offset, 2, write);
}

function wordOf32(cpu: Core, op: Op, write: boolean): number {
  const offset = (cpu.offsetOf(op) + ((cpu.r[op.reg] >> 5) << 2)) & op.addressMask;
  return cpu.segmentAddress(op.seg, offset, 4, write);
}

type BitForms = Omit<BinaryForms, "rm">;

function forms16(operation: BitOperation): BitForms {
  return {
    rr(cpu, op) {
      cpu.r16[op.rm << 1] = apply(cpu, operation, cpu.r16[op.rm << 1], cpu.r16[op.reg << 1] & 15);
    },
    mr(cpu, op) {
      const value = cpu.modify16(wordOf16(cpu, op, true));
      cpu.modified16(apply(cpu, operation, value, cpu.r16[op.reg << 1] & 15));
    },
    ri(cpu, op) {
      cpu.r16[op.rm << 1] = apply(cpu, operation, cpu.r16[op.rm << 1], op.imm & 15);
    },
    mi(cpu, op) {
      cpu.modified16(apply(cpu, operation, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm & 15));
    },
  };
}

function forms32(operation: BitOperation): BitForms {
  return {
    rr(cpu, op) {
      cpu.r[op.rm] = apply(cpu, operation, cpu.r[op.rm], cpu.r[op.reg] & 31);
    },
    mr(cpu, op) {
      const value = cpu.modify32(wordOf32(cpu, op, true));
      cpu.modified32(apply(cpu, operation, value, cpu.r[op.reg] & 31));
    },
    ri(cpu, op) {
      cpu.r[op.rm] = apply(cpu, operation, cpu.r[op.rm], op.imm & 31);
    },
    mi(cpu, op) {
      cpu.modified32(apply(cpu, operation, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm & 31));
    },
  };
}

export const BTS16 = forms16(set);
export const BTR16 = forms16(reset);
export const BTC16 = forms16(complement);
export const BTS32 = forms32(set);
export const BTR32 = forms32(reset);
export const BTC32 = forms32(complement);

/** BT only reads its operand. */
export const BT16: BitForms = {
  ...forms16(keep),
  mr(cpu, op) {
    apply(cpu, keep, cpu.read16(wordOf16(cpu, op, false)), cpu.r16[op.reg << 1] & 15);
  },
  mi(cpu, op) {
    apply(cpu, keep, cpu.load16(op), op.imm & 15);
  },
};

export const BT32: BitForms = {
  ...forms32(keep),
  mr(cpu, op) {
    apply(cpu, keep, cpu.read32(wordOf32(cpu, op, false)), cpu.r[op.reg] & 31);
  },
  mi(cpu, op) {
    apply(cpu, keep, cpu.load32(op), op.imm & 31);
  },
};

/** By ModRM.reg of 0F BA. */
export const BIT_GROUP16: readonly BitForms[] = [BT16, BTS16, BTR16, BTC16];
export const BIT_GROUP32: readonly BitForms[] = [BT32, BTS32, BTR32, BTC32];

/** Number of the lowest bit set; `otherwise` when there is none. ZF says which, the other flags are as for TEST. */
function scanForward(cpu: Core, value: number, otherwise: number): number {
  logic(cpu, value);
  return value === 0 ? otherwise : 31 - Math.clz32(value & -value);
}

/** Number of the highest bit set. */
function scanReverse(cpu: Core, value: number, otherwise: number): number {
  logic(cpu, value);
  return value === 0 ? otherwise : 31 - Math.clz32(value);
}

export const BSF16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.reg << 1] = scanForward(cpu, cpu.r16[op.rm << 1], cpu.r16[op.reg << 1]);
  },
  m(cpu, op) {
    cpu.r16[op.reg << 1] = scanForward(cpu, cpu.load16(op), cpu.r16[op.reg << 1]);
  },
};

export const BSF32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.reg] = scanForward(cpu, cpu.r[op.rm], cpu.r[op.reg]);
  },
  m(cpu, op) {
    cpu.r[op.reg] = scanForward(cpu, cpu.load32(op), cpu.r[op.reg]);
  },
};

export const BSR16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.reg << 1] = scanReverse(cpu, cpu.r16[op.rm << 1], cpu.r16[op.reg << 1]);
  },
  m(cpu, op) {
    cpu.r16[op.reg << 1] = scanReverse(cpu, cpu.load16(op), cpu.r16[op.reg << 1]);
  },
};

export const BSR32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.reg] = scanReverse(cpu, cpu.r[op.rm], cpu.r[op.reg]);
  },
  m(cpu, op) {
    cpu.r[op.reg] = scanReverse(cpu, cpu.load32(op), cpu.r[op.reg]);
  },
};

export function bswap32(cpu: Core, op: Op): void {
  const value = cpu.r[op.rm];
  cpu.r[op.rm] = (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/** Undefined by the manual; processors clear the register. */
export function bswap16(cpu: Core, op: Op): void {
  cpu.r16[op.rm << 1] = 0;
}

/** The condition is the low four bits of the opcode. */
export const SETCC: UnaryForms = {
  r(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = holds(cpu, op.opcode & 15) ? 1 : 0;
  },
  m(cpu, op) {
    cpu.store8(op, holds(cpu, op.opcode & 15) ? 1 : 0);
  },
};

/** The source is read, and may fault, whether or not the condition holds. */
export const CMOVCC16: UnaryForms = {
  r(cpu, op) {
    if (holds(cpu, op.opcode & 15)) cpu.r16[op.reg << 1] = cpu.r16[op.rm << 1];
  },
  m(cpu, op) {
    const value = cpu.load16(op);
    if (holds(cpu, op.opcode & 15)) cpu.r16[op.reg << 1] = value;
  },
};

export const CMOVCC32: UnaryForms = {
  r(cpu, op) {
    if (holds(cpu, op.opcode & 15)) cpu.r[op.reg] = cpu.r[op.rm];
  },
  m(cpu, op) {
    const value = cpu.load32(op);
    if (holds(cpu, op.opcode & 15)) cpu.r[op.reg] = value;
  },
};
