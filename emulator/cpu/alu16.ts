/**
 * Arithmetic and logic on 16-bit operands, one handler for each form of operands (Intel SDM 2, the ADD … TEST, INC, DEC,
 * NEG and NOT pages). What the operations compute and which flags they set is in arithmetic.ts.
 */
import { adc16, add16, dec16, inc16, logic, sbb16, sub16 } from "./arithmetic.ts";
import type { BinaryForms, UnaryForms } from "./forms.ts";

export const ADD16: BinaryForms = {
  rr(cpu, op) {
    cpu.r16[op.rm << 1] = add16(cpu, cpu.r16[op.rm << 1], cpu.r16[op.reg << 1]);
  },
  mr(cpu, op) {
    cpu.modified16(add16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r16[op.reg << 1]));
  },
  rm(cpu, op) {
    cpu.r16[op.reg << 1] = add16(cpu, cpu.r16[op.reg << 1], cpu.load16(op));
  },
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = add16(cpu, cpu.r16[op.rm << 1], op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(add16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
};

export const OR16: BinaryForms = {
  rr(cpu, op) {
    cpu.r16[op.rm << 1] = logic(cpu, ((cpu.r16[op.rm << 1] | cpu.r16[op.reg << 1]) << 16) >> 16);
  },
  mr(cpu, op) {
    cpu.modified16(logic(cpu, ((cpu.modify16(cpu.linearOf(op, 2, true)) | cpu.r16[op.reg << 1]) << 16) >> 16));
  },
  rm(cpu, op) {
    cpu.r16[op.reg << 1] = logic(cpu, ((cpu.r16[op.reg << 1] | cpu.load16(op)) << 16) >> 16);
  },
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = logic(cpu, ((cpu.r16[op.rm << 1] | op.imm) << 16) >> 16);
  },
  mi(cpu, op) {
    cpu.modified16(logic(cpu, ((cpu.modify16(cpu.linearOf(op, 2, true)) | op.imm) << 16) >> 16));
  },
};

export const ADC16: BinaryForms = {
  rr(cpu, op) {
    cpu.r16[op.rm << 1] = adc16(cpu, cpu.r16[op.rm << 1], cpu.r16[op.reg << 1]);
  },
  mr(cpu, op) {
    cpu.modified16(adc16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r16[op.reg << 1]));
  },
  rm(cpu, op) {
    cpu.r16[op.reg << 1] = adc16(cpu, cpu.r16[op.reg << 1], cpu.load16(op));
  },
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = adc16(cpu, cpu.r16[op.rm << 1], op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(adc16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
};

export const SBB16: BinaryForms = {
  rr(cpu, op) {
    cpu.r16[op.rm << 1] = sbb16(cpu, cpu.r16[op.rm << 1], cpu.r16[op.reg << 1]);
  },
  mr(cpu, op) {
    cpu.modified16(sbb16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r16[op.reg << 1]));
  },
  rm(cpu, op) {
    cpu.r16[op.reg << 1] = sbb16(cpu, cpu.r16[op.reg << 1], cpu.load16(op));
  },
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = sbb16(cpu, cpu.r16[op.rm << 1], op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(sbb16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
};

export const AND16: BinaryForms = {
  rr(cpu, op) {
    cpu.r16[op.rm << 1] = logic(cpu, ((cpu.r16[op.rm << 1] & cpu.r16[op.reg << 1]) << 16) >> 16);
  },
  mr(cpu, op) {
    cpu.modified16(logic(cpu, ((cpu.modify16(cpu.linearOf(op, 2, true)) & cpu.r16[op.reg << 1]) << 16) >> 16));
  },
  rm(cpu, op) {
    cpu.r16[op.reg << 1] = logic(cpu, ((cpu.r16[op.reg << 1] & cpu.load16(op)) << 16) >> 16);
  },
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = logic(cpu, ((cpu.r16[op.rm << 1] & op.imm) << 16) >> 16);
  },
  mi(cpu, op) {
    cpu.modified16(logic(cpu, ((cpu.modify16(cpu.linearOf(op, 2, true)) & op.imm) << 16) >> 16));
  },
};

export const SUB16: BinaryForms = {
  rr(cpu, op) {
    cpu.r16[op.rm << 1] = sub16(cpu, cpu.r16[op.rm << 1], cpu.r16[op.reg << 1]);
  },
  mr(cpu, op) {
    cpu.modified16(sub16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r16[op.reg << 1]));
  },
  rm(cpu, op) {
    cpu.r16[op.reg << 1] = sub16(cpu, cpu.r16[op.reg << 1], cpu.load16(op));
  },
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = sub16(cpu, cpu.r16[op.rm << 1], op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(sub16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
};

export const XOR16: BinaryForms = {
  rr(cpu, op) {
    cpu.r16[op.rm << 1] = logic(cpu, ((cpu.r16[op.rm << 1] ^ cpu.r16[op.reg << 1]) << 16) >> 16);
  },
  mr(cpu, op) {
    cpu.modified16(logic(cpu, ((cpu.modify16(cpu.linearOf(op, 2, true)) ^ cpu.r16[op.reg << 1]) << 16) >> 16));
  },
  rm(cpu, op) {
    cpu.r16[op.reg << 1] = logic(cpu, ((cpu.r16[op.reg << 1] ^ cpu.load16(op)) << 16) >> 16);
  },
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = logic(cpu, ((cpu.r16[op.rm << 1] ^ op.imm) << 16) >> 16);
  },
  mi(cpu, op) {
    cpu.modified16(logic(cpu, ((cpu.modify16(cpu.linearOf(op, 2, true)) ^ op.imm) << 16) >> 16));
  },
};

export const CMP16: BinaryForms = {
  rr(cpu, op) {
    sub16(cpu, cpu.r16[op.rm << 1], cpu.r16[op.reg << 1]);
  },
  mr(cpu, op) {
    sub16(cpu, cpu.load16(op), cpu.r16[op.reg << 1]);
  },
  rm(cpu, op) {
    sub16(cpu, cpu.r16[op.reg << 1], cpu.load16(op));
  },
  ri(cpu, op) {
    sub16(cpu, cpu.r16[op.rm << 1], op.imm);
  },
  mi(cpu, op) {
    sub16(cpu, cpu.load16(op), op.imm);
  },
};

export const TEST16: BinaryForms = {
  rr(cpu, op) {
    logic(cpu, ((cpu.r16[op.rm << 1] & cpu.r16[op.reg << 1]) << 16) >> 16);
  },
  mr(cpu, op) {
    logic(cpu, ((cpu.load16(op) & cpu.r16[op.reg << 1]) << 16) >> 16);
  },
  rm(cpu, op) {
    logic(cpu, ((cpu.r16[op.reg << 1] & cpu.load16(op)) << 16) >> 16);
  },
  ri(cpu, op) {
    logic(cpu, ((cpu.r16[op.rm << 1] & op.imm) << 16) >> 16);
  },
  mi(cpu, op) {
    logic(cpu, ((cpu.load16(op) & op.imm) << 16) >> 16);
  },
};

export const INC16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.rm << 1] = inc16(cpu, cpu.r16[op.rm << 1]);
  },
  m(cpu, op) {
    cpu.modified16(inc16(cpu, cpu.modify16(cpu.linearOf(op, 2, true))));
  },
};

export const DEC16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.rm << 1] = dec16(cpu, cpu.r16[op.rm << 1]);
  },
  m(cpu, op) {
    cpu.modified16(dec16(cpu, cpu.modify16(cpu.linearOf(op, 2, true))));
  },
};

export const NEG16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.rm << 1] = sub16(cpu, 0, cpu.r16[op.rm << 1]);
  },
  m(cpu, op) {
    cpu.modified16(sub16(cpu, 0, cpu.modify16(cpu.linearOf(op, 2, true))));
  },
};

export const NOT16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.rm << 1] = ~cpu.r16[op.rm << 1];
  },
  m(cpu, op) {
    cpu.modified16(~cpu.modify16(cpu.linearOf(op, 2, true)));
  },
};

/** In the order of their encoding (bits 3 to 5 of the opcode, or ModRM.reg). */
export const BINARY16: readonly BinaryForms[] = [ADD16, OR16, ADC16, SBB16, AND16, SUB16, XOR16, CMP16];
