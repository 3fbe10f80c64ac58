/**
 * Arithmetic and logic on 8-bit operands, one handler for each form of operands (Intel SDM 2, the ADD … TEST, INC, DEC,
 * NEG and NOT pages). What the operations compute and which flags they set is in arithmetic.ts.
 */
import { adc8, add8, dec8, inc8, logic, sbb8, sub8 } from "./arithmetic.ts";
import { byteRegister } from "./core-state.ts";
import type { BinaryForms, UnaryForms } from "./forms.ts";

export const ADD8: BinaryForms = {
  rr(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = add8(cpu, cpu.r8[byteRegister(op.rm)], cpu.r8[byteRegister(op.reg)]);
  },
  mr(cpu, op) {
    cpu.modified8(add8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[byteRegister(op.reg)]));
  },
  rm(cpu, op) {
    cpu.r8[byteRegister(op.reg)] = add8(cpu, cpu.r8[byteRegister(op.reg)], cpu.load8(op));
  },
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = add8(cpu, cpu.r8[byteRegister(op.rm)], op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(add8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
};

export const OR8: BinaryForms = {
  rr(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = logic(
      cpu,
      ((cpu.r8[byteRegister(op.rm)] | cpu.r8[byteRegister(op.reg)]) << 24) >> 24,
    );
  },
  mr(cpu, op) {
    cpu.modified8(logic(cpu, ((cpu.modify8(cpu.linearOf(op, 1, true)) | cpu.r8[byteRegister(op.reg)]) << 24) >> 24));
  },
  rm(cpu, op) {
    cpu.r8[byteRegister(op.reg)] = logic(cpu, ((cpu.r8[byteRegister(op.reg)] | cpu.load8(op)) << 24) >> 24);
  },
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = logic(cpu, ((cpu.r8[byteRegister(op.rm)] | op.imm) << 24) >> 24);
  },
  mi(cpu, op) {
    cpu.modified8(logic(cpu, ((cpu.modify8(cpu.linearOf(op, 1, true)) | op.imm) << 24) >> 24));
  },
};

export const ADC8: BinaryForms = {
  rr(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = adc8(cpu, cpu.r8[byteRegister(op.rm)], cpu.r8[byteRegister(op.reg)]);
  },
  mr(cpu, op) {
    cpu.modified8(adc8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[byteRegister(op.reg)]));
  },
  rm(cpu, op) {
    cpu.r8[byteRegister(op.reg)] = adc8(cpu, cpu.r8[byteRegister(op.reg)], cpu.load8(op));
  },
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = adc8(cpu, cpu.r8[byteRegister(op.rm)], op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(adc8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
};

export const SBB8: BinaryForms = {
  rr(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = sbb8(cpu, cpu.r8[byteRegister(op.rm)], cpu.r8[byteRegister(op.reg)]);
  },
  mr(cpu, op) {
    cpu.modified8(sbb8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[byteRegister(op.reg)]));
  },
  rm(cpu, op) {
    cpu.r8[byteRegister(op.reg)] = sbb8(cpu, cpu.r8[byteRegister(op.reg)], cpu.load8(op));
  },
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = sbb8(cpu, cpu.r8[byteRegister(op.rm)], op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(sbb8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
};

export const AND8: BinaryForms = {
  rr(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = logic(
      cpu,
      ((cpu.r8[byteRegister(op.rm)] & cpu.r8[byteRegister(op.reg)]) << 24) >> 24,
    );
  },
  mr(cpu, op) {
    cpu.modified8(logic(cpu, ((cpu.modify8(cpu.linearOf(op, 1, true)) & cpu.r8[byteRegister(op.reg)]) << 24) >> 24));
  },
  rm(cpu, op) {
    cpu.r8[byteRegister(op.reg)] = logic(cpu, ((cpu.r8[byteRegister(op.reg)] & cpu.load8(op)) << 24) >> 24);
  },
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = logic(cpu, ((cpu.r8[byteRegister(op.rm)] & op.imm) << 24) >> 24);
  },
  mi(cpu, op) {
    cpu.modified8(logic(cpu, ((cpu.modify8(cpu.linearOf(op, 1, true)) & op.imm) << 24) >> 24));
  },
};

export const SUB8: BinaryForms = {
  rr(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = sub8(cpu, cpu.r8[byteRegister(op.rm)], cpu.r8[byteRegister(op.reg)]);
  },
  mr(cpu, op) {
    cpu.modified8(sub8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[byteRegister(op.reg)]));
  },
  rm(cpu, op) {
    cpu.r8[byteRegister(op.reg)] = sub8(cpu, cpu.r8[byteRegister(op.reg)], cpu.load8(op));
  },
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = sub8(cpu, cpu.r8[byteRegister(op.rm)], op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(sub8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
};

export const XOR8: BinaryForms = {
  rr(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = logic(
      cpu,
      ((cpu.r8[byteRegister(op.rm)] ^ cpu.r8[byteRegister(op.reg)]) << 24) >> 24,
    );
  },
  mr(cpu, op) {
    cpu.modified8(logic(cpu, ((cpu.modify8(cpu.linearOf(op, 1, true)) ^ cpu.r8[byteRegister(op.reg)]) << 24) >> 24));
  },
  rm(cpu, op) {
    cpu.r8[byteRegister(op.reg)] = logic(cpu, ((cpu.r8[byteRegister(op.reg)] ^ cpu.load8(op)) << 24) >> 24);
  },
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = logic(cpu, ((cpu.r8[byteRegister(op.rm)] ^ op.imm) << 24) >> 24);
  },
  mi(cpu, op) {
    cpu.modified8(logic(cpu, ((cpu.modify8(cpu.linearOf(op, 1, true)) ^ op.imm) << 24) >> 24));
  },
};

export const CMP8: BinaryForms = {
  rr(cpu, op) {
    sub8(cpu, cpu.r8[byteRegister(op.rm)], cpu.r8[byteRegister(op.reg)]);
  },
  mr(cpu, op) {
    sub8(cpu, cpu.load8(op), cpu.r8[byteRegister(op.reg)]);
  },
  rm(cpu, op) {
    sub8(cpu, cpu.r8[byteRegister(op.reg)], cpu.load8(op));
  },
  ri(cpu, op) {
    sub8(cpu, cpu.r8[byteRegister(op.rm)], op.imm);
  },
  mi(cpu, op) {
    sub8(cpu, cpu.load8(op), op.imm);
  },
};

export const TEST8: BinaryForms = {
  rr(cpu, op) {
    logic(cpu, ((cpu.r8[byteRegister(op.rm)] & cpu.r8[byteRegister(op.reg)]) << 24) >> 24);
  },
  mr(cpu, op) {
    logic(cpu, ((cpu.load8(op) & cpu.r8[byteRegister(op.reg)]) << 24) >> 24);
  },
  rm(cpu, op) {
    logic(cpu, ((cpu.r8[byteRegister(op.reg)] & cpu.load8(op)) << 24) >> 24);
  },
  ri(cpu, op) {
    logic(cpu, ((cpu.r8[byteRegister(op.rm)] & op.imm) << 24) >> 24);
  },
  mi(cpu, op) {
    logic(cpu, ((cpu.load8(op) & op.imm) << 24) >> 24);
  },
};

export const INC8: UnaryForms = {
  r(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = inc8(cpu, cpu.r8[byteRegister(op.rm)]);
  },
  m(cpu, op) {
    cpu.modified8(inc8(cpu, cpu.modify8(cpu.linearOf(op, 1, true))));
  },
};

export const DEC8: UnaryForms = {
  r(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = dec8(cpu, cpu.r8[byteRegister(op.rm)]);
  },
  m(cpu, op) {
    cpu.modified8(dec8(cpu, cpu.modify8(cpu.linearOf(op, 1, true))));
  },
};

export const NEG8: UnaryForms = {
  r(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = sub8(cpu, 0, cpu.r8[byteRegister(op.rm)]);
  },
  m(cpu, op) {
    cpu.modified8(sub8(cpu, 0, cpu.modify8(cpu.linearOf(op, 1, true))));
  },
};

export const NOT8: UnaryForms = {
  r(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = ~cpu.r8[byteRegister(op.rm)];
  },
  m(cpu, op) {
    cpu.modified8(~cpu.modify8(cpu.linearOf(op, 1, true)));
  },
};

/** In the order of their encoding (bits 3 to 5 of the opcode, or ModRM.reg). */
export const BINARY8: readonly BinaryForms[] = [ADD8, OR8, ADC8, SBB8, AND8, SUB8, XOR8, CMP8];
