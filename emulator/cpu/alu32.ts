/**
 * Arithmetic and logic on 32-bit operands, one handler for each form of operands (Intel SDM 2, the ADD … TEST, INC, DEC,
 * NEG and NOT pages). What the operations compute and which flags they set is in arithmetic.ts.
 */
import { adc32, add32, dec32, inc32, logic, sbb32, sub32 } from "./arithmetic.ts";
import type { BinaryForms, UnaryForms } from "./forms.ts";

export const ADD32: BinaryForms = {
  rr(cpu, op) {
    cpu.r[op.rm] = add32(cpu, cpu.r[op.rm], cpu.r[op.reg]);
  },
  mr(cpu, op) {
    cpu.modified32(add32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r[op.reg]));
  },
  rm(cpu, op) {
    cpu.r[op.reg] = add32(cpu, cpu.r[op.reg], cpu.load32(op));
  },
  ri(cpu, op) {
    cpu.r[op.rm] = add32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(add32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
};

export const OR32: BinaryForms = {
  rr(cpu, op) {
    cpu.r[op.rm] = logic(cpu, cpu.r[op.rm] | cpu.r[op.reg]);
  },
  mr(cpu, op) {
    cpu.modified32(logic(cpu, cpu.modify32(cpu.linearOf(op, 4, true)) | cpu.r[op.reg]));
  },
  rm(cpu, op) {
    cpu.r[op.reg] = logic(cpu, cpu.r[op.reg] | cpu.load32(op));
  },
  ri(cpu, op) {
    cpu.r[op.rm] = logic(cpu, cpu.r[op.rm] | op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(logic(cpu, cpu.modify32(cpu.linearOf(op, 4, true)) | op.imm));
  },
};

export const ADC32: BinaryForms = {
  rr(cpu, op) {
    cpu.r[op.rm] = adc32(cpu, cpu.r[op.rm], cpu.r[op.reg]);
  },
  mr(cpu, op) {
    cpu.modified32(adc32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r[op.reg]));
  },
  rm(cpu, op) {
    cpu.r[op.reg] = adc32(cpu, cpu.r[op.reg], cpu.load32(op));
  },
  ri(cpu, op) {
    cpu.r[op.rm] = adc32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(adc32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
};

export const SBB32: BinaryForms = {
  rr(cpu, op) {
    cpu.r[op.rm] = sbb32(cpu, cpu.r[op.rm], cpu.r[op.reg]);
  },
  mr(cpu, op) {
    cpu.modified32(sbb32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r[op.reg]));
  },
  rm(cpu, op) {
    cpu.r[op.reg] = sbb32(cpu, cpu.r[op.reg], cpu.load32(op));
  },
  ri(cpu, op) {
    cpu.r[op.rm] = sbb32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(sbb32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
};

export const AND32: BinaryForms = {
  rr(cpu, op) {
    cpu.r[op.rm] = logic(cpu, cpu.r[op.rm] & cpu.r[op.reg]);
  },
  mr(cpu, op) {
    cpu.modified32(logic(cpu, cpu.modify32(cpu.linearOf(op, 4, true)) & cpu.r[op.reg]));
  },
  rm(cpu, op) {
    cpu.r[op.reg] = logic(cpu, cpu.r[op.reg] & cpu.load32(op));
  },
  ri(cpu, op) {
    cpu.r[op.rm] = logic(cpu, cpu.r[op.rm] & op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(logic(cpu, cpu.modify32(cpu.linearOf(op, 4, true)) & op.imm));
  },
};

export const SUB32: BinaryForms = {
  rr(cpu, op) {
    cpu.r[op.rm] = sub32(cpu, cpu.r[op.rm], cpu.r[op.reg]);
  },
  mr(cpu, op) {
    cpu.modified32(sub32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r[op.reg]));
  },
  rm(cpu, op) {
    cpu.r[op.reg] = sub32(cpu, cpu.r[op.reg], cpu.load32(op));
  },
  ri(cpu, op) {
    cpu.r[op.rm] = sub32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(sub32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
};

export const XOR32: BinaryForms = {
  rr(cpu, op) {
    cpu.r[op.rm] = logic(cpu, cpu.r[op.rm] ^ cpu.r[op.reg]);
  },
  mr(cpu, op) {
    cpu.modified32(logic(cpu, cpu.modify32(cpu.linearOf(op, 4, true)) ^ cpu.r[op.reg]));
  },
  rm(cpu, op) {
    cpu.r[op.reg] = logic(cpu, cpu.r[op.reg] ^ cpu.load32(op));
  },
  ri(cpu, op) {
    cpu.r[op.rm] = logic(cpu, cpu.r[op.rm] ^ op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(logic(cpu, cpu.modify32(cpu.linearOf(op, 4, true)) ^ op.imm));
  },
};

export const CMP32: BinaryForms = {
  rr(cpu, op) {
    sub32(cpu, cpu.r[op.rm], cpu.r[op.reg]);
  },
  mr(cpu, op) {
    sub32(cpu, cpu.load32(op), cpu.r[op.reg]);
  },
  rm(cpu, op) {
    sub32(cpu, cpu.r[op.reg], cpu.load32(op));
  },
  ri(cpu, op) {
    sub32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    sub32(cpu, cpu.load32(op), op.imm);
  },
};

export const TEST32: BinaryForms = {
  rr(cpu, op) {
    logic(cpu, cpu.r[op.rm] & cpu.r[op.reg]);
  },
  mr(cpu, op) {
    logic(cpu, cpu.load32(op) & cpu.r[op.reg]);
  },
  rm(cpu, op) {
    logic(cpu, cpu.r[op.reg] & cpu.load32(op));
  },
  ri(cpu, op) {
    logic(cpu, cpu.r[op.rm] & op.imm);
  },
  mi(cpu, op) {
    logic(cpu, cpu.load32(op) & op.imm);
  },
};

export const INC32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.rm] = inc32(cpu, cpu.r[op.rm]);
  },
  m(cpu, op) {
    cpu.modified32(inc32(cpu, cpu.modify32(cpu.linearOf(op, 4, true))));
  },
};

export const DEC32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.rm] = dec32(cpu, cpu.r[op.rm]);
  },
  m(cpu, op) {
    cpu.modified32(dec32(cpu, cpu.modify32(cpu.linearOf(op, 4, true))));
  },
};

export const NEG32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.rm] = sub32(cpu, 0, cpu.r[op.rm]);
  },
  m(cpu, op) {
    cpu.modified32(sub32(cpu, 0, cpu.modify32(cpu.linearOf(op, 4, true))));
  },
};

export const NOT32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.rm] = ~cpu.r[op.rm];
  },
  m(cpu, op) {
    cpu.modified32(~cpu.modify32(cpu.linearOf(op, 4, true)));
  },
};

/** In the order of their encoding (bits 3 to 5 of the opcode, or ModRM.reg). */
export const BINARY32: readonly BinaryForms[] = [ADD32, OR32, ADC32, SBB32, AND32, SUB32, XOR32, CMP32];
