/** Data movement between registers, memory and immediates (Intel SDM 2: MOV, MOVZX, MOVSX, XCHG, LEA, XLAT, CBW …). */
import type { Core } from "./core.ts";
import { byteRegister } from "./core-state.ts";
import type { BinaryForms, UnaryForms } from "./forms.ts";
import type { Handler, Op } from "./op.ts";
import { EAX, EBX, EDX } from "./state-layout.ts";

const AX = EAX << 1;
const DX = EDX << 1;
const AL = EAX << 2;

export const MOV8: BinaryForms = {
  rr(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = cpu.r8[byteRegister(op.reg)];
  },
  mr(cpu, op) {
    cpu.store8(op, cpu.r8[byteRegister(op.reg)]);
  },
  rm(cpu, op) {
    cpu.r8[byteRegister(op.reg)] = cpu.load8(op);
  },
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = op.imm;
  },
  mi(cpu, op) {
    cpu.store8(op, op.imm);
  },
};

export const MOV16: BinaryForms = {
  rr(cpu, op) {
    cpu.r16[op.rm << 1] = cpu.r16[op.reg << 1];
  },
  mr(cpu, op) {
    cpu.store16(op, cpu.r16[op.reg << 1]);
  },
  rm(cpu, op) {
    cpu.r16[op.reg << 1] = cpu.load16(op);
  },
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = op.imm;
  },
  mi(cpu, op) {
    cpu.store16(op, op.imm);
  },
};

export const MOV32: BinaryForms = {
  rr(cpu, op) {
    cpu.r[op.rm] = cpu.r[op.reg];
  },
  mr(cpu, op) {
    cpu.store32(op, cpu.r[op.reg]);
  },
  rm(cpu, op) {
    cpu.r[op.reg] = cpu.load32(op);
  },
  ri(cpu, op) {
    cpu.r[op.rm] = op.imm;
  },
  mi(cpu, op) {
    cpu.store32(op, op.imm);
  },
};

export const XCHG8: UnaryForms = {
  r(cpu, op) {
    const value = cpu.r8[byteRegister(op.rm)];
    cpu.r8[byteRegister(op.rm)] = cpu.r8[byteRegister(op.reg)];
    cpu.r8[byteRegister(op.reg)] = value;
  },
  m(cpu, op) {
    const value = cpu.modify8(cpu.linearOf(op, 1, true));
    cpu.modified8(cpu.r8[byteRegister(op.reg)]);
    cpu.r8[byteRegister(op.reg)] = value;
  },
};

export const XCHG16: UnaryForms = {
  r(cpu, op) {
    const value = cpu.r16[op.rm << 1];
    cpu.r16[op.rm << 1] = cpu.r16[op.reg << 1];
    cpu.r16[op.reg << 1] = value;
  },
  m(cpu, op) {
    const value = cpu.modify16(cpu.linearOf(op, 2, true));
    cpu.modified16(cpu.r16[op.reg << 1]);
    cpu.r16[op.reg << 1] = value;
  },
};

export const XCHG32: UnaryForms = {
  r(cpu, op) {
    const value = cpu.r[op.rm];
    cpu.r[op.rm] = cpu.r[op.reg];
    cpu.r[op.reg] = value;
  },
  m(cpu, op) {
    const value = cpu.modify32(cpu.linearOf(op, 4, true));
    cpu.modified32(cpu.r[op.reg]);
    cpu.r[op.reg] = value;
  },
};

/** XCHG with the accumulator, register in the opcode. */
export function xchg_accumulator16(cpu: Core, op: Op): void {
  const value = cpu.r16[AX];
  cpu.r16[AX] = cpu.r16[op.rm << 1];
  cpu.r16[op.rm << 1] = value;
}

export function lea16(cpu: Core, op: Op): void {
  cpu.r16[op.reg << 1] = cpu.offsetOf(op);
}

/** XCHG with the accumulator, register in the opcode. */
export function xchg_accumulator32(cpu: Core, op: Op): void {
  const value = cpu.r[EAX];
  cpu.r[EAX] = cpu.r[op.rm];
  cpu.r[op.rm] = value;
}

export function lea32(cpu: Core, op: Op): void {
  cpu.r[op.reg] = cpu.offsetOf(op);
}

/** MOVZX and MOVSX: destination `op.reg`, source `op.rm` or memory; named by source and destination size. */
export const MOVZX8_16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.reg << 1] = cpu.r8[byteRegister(op.rm)];
  },
  m(cpu, op) {
    cpu.r16[op.reg << 1] = cpu.load8(op);
  },
};

export const MOVZX8_32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.reg] = cpu.r8[byteRegister(op.rm)];
  },
  m(cpu, op) {
    cpu.r[op.reg] = cpu.load8(op);
  },
};

export const MOVZX16_32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.reg] = cpu.r16[op.rm << 1];
  },
  m(cpu, op) {
    cpu.r[op.reg] = cpu.load16(op);
  },
};

export const MOVZX16_16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.reg << 1] = cpu.r16[op.rm << 1];
  },
  m(cpu, op) {
    cpu.r16[op.reg << 1] = cpu.load16(op);
  },
};

export const MOVSX8_16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.reg << 1] = (cpu.r8[byteRegister(op.rm)] << 24) >> 24;
  },
  m(cpu, op) {
    cpu.r16[op.reg << 1] = (cpu.load8(op) << 24) >> 24;
  },
};

export const MOVSX8_32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.reg] = (cpu.r8[byteRegister(op.rm)] << 24) >> 24;
  },
  m(cpu, op) {
    cpu.r[op.reg] = (cpu.load8(op) << 24) >> 24;
  },
};

export const MOVSX16_32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.reg] = (cpu.r16[op.rm << 1] << 16) >> 16;
  },
  m(cpu, op) {
    cpu.r[op.reg] = (cpu.load16(op) << 16) >> 16;
  },
};

export const MOVSX16_16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.reg << 1] = (cpu.r16[op.rm << 1] << 16) >> 16;
  },
  m(cpu, op) {
    cpu.r16[op.reg << 1] = (cpu.load16(op) << 16) >> 16;
  },
};

/** AL = the byte at DS:(E)BX + AL, segment overrides applied. */
export function xlat(cpu: Core, op: Op): void {
  cpu.r8[AL] = cpu.readSegment8(op.seg, (cpu.r[EBX] + cpu.r8[AL]) & op.addressMask);
}

export function cbw(cpu: Core): void {
  cpu.r16[AX] = (cpu.r8[AL] << 24) >> 24;
}

export function cwde(cpu: Core): void {
  cpu.r[EAX] = (cpu.r16[AX] << 16) >> 16;
}

export function cwd(cpu: Core): void {
  cpu.r16[DX] = (cpu.r16[AX] << 16) >> 31;
}

export function cdq(cpu: Core): void {
  cpu.r[EDX] = cpu.r[EAX] >> 31;
}

/** NOP, the long NOPs and prefetch hints: nothing. */
export const nop: Handler = () => {};
