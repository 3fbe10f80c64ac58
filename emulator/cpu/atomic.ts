/**
 * Read-modify-write instructions of the 486 and Pentium (Intel SDM 2: XADD, CMPXCHG, CMPXCHG8B). Cores run one
 * instruction at a time, so every instruction is atomic, LOCK prefix or not.
 */
import { add8, add16, add32, sub8, sub16, sub32 } from "./arithmetic.ts";
import type { Core } from "./core.ts";
import { byteRegister } from "./core-state.ts";
import { setZf } from "./flags.ts";
import type { UnaryForms } from "./forms.ts";
import type { Op } from "./op.ts";
import { EAX, EBX, ECX, EDX } from "./state-layout.ts";

const AX = EAX << 1;
const AL = EAX << 2;

export const XADD8: UnaryForms = {
  r(cpu, op) {
    const old = cpu.r8[byteRegister(op.rm)];
    const sum = add8(cpu, old, cpu.r8[byteRegister(op.reg)]);
    cpu.r8[byteRegister(op.reg)] = old;
    cpu.r8[byteRegister(op.rm)] = sum;
  },
  m(cpu, op) {
    const old = cpu.modify8(cpu.linearOf(op, 1, true));
    cpu.modified8(add8(cpu, old, cpu.r8[byteRegister(op.reg)]));
    cpu.r8[byteRegister(op.reg)] = old;
  },
};

export const XADD16: UnaryForms = {
  r(cpu, op) {
    const old = cpu.r16[op.rm << 1];
    const sum = add16(cpu, old, cpu.r16[op.reg << 1]);
    cpu.r16[op.reg << 1] = old;
    cpu.r16[op.rm << 1] = sum;
  },
  m(cpu, op) {
    const old = cpu.modify16(cpu.linearOf(op, 2, true));
    cpu.modified16(add16(cpu, old, cpu.r16[op.reg << 1]));
    cpu.r16[op.reg << 1] = old;
  },
};

export const XADD32: UnaryForms = {
  r(cpu, op) {
    const old = cpu.r[op.rm];
    const sum = add32(cpu, old, cpu.r[op.reg]);
    cpu.r[op.reg] = old;
    cpu.r[op.rm] = sum;
  },
  m(cpu, op) {
    const old = cpu.modify32(cpu.linearOf(op, 4, true));
    cpu.modified32(add32(cpu, old, cpu.r[op.reg]));
    cpu.r[op.reg] = old;
  },
};

// CMPXCHG always writes its destination, the old value when the comparison fails.

export const CMPXCHG8: UnaryForms = {
  r(cpu, op) {
    const old = cpu.r8[byteRegister(op.rm)];
    if (sub8(cpu, cpu.r8[AL], old) === 0) cpu.r8[byteRegister(op.rm)] = cpu.r8[byteRegister(op.reg)];
    else cpu.r8[AL] = old;
  },
  m(cpu, op) {
    const old = cpu.modify8(cpu.linearOf(op, 1, true));
    const equal = sub8(cpu, cpu.r8[AL], old) === 0;
    cpu.modified8(equal ? cpu.r8[byteRegister(op.reg)] : old);
    if (!equal) cpu.r8[AL] = old;
  },
};

export const CMPXCHG16: UnaryForms = {
  r(cpu, op) {
    const old = cpu.r16[op.rm << 1];
    if (sub16(cpu, cpu.r16[AX], old) === 0) cpu.r16[op.rm << 1] = cpu.r16[op.reg << 1];
    else cpu.r16[AX] = old;
  },
  m(cpu, op) {
    const old = cpu.modify16(cpu.linearOf(op, 2, true));
    const equal = sub16(cpu, cpu.r16[AX], old) === 0;
    cpu.modified16(equal ? cpu.r16[op.reg << 1] : old);
    if (!equal) cpu.r16[AX] = old;
  },
};

export const CMPXCHG32: UnaryForms = {
  r(cpu, op) {
    const old = cpu.r[op.rm];
    if (sub32(cpu, cpu.r[EAX], old) === 0) cpu.r[op.rm] = cpu.r[op.reg];
    else cpu.r[EAX] = old;
  },
  m(cpu, op) {
    const old = cpu.modify32(cpu.linearOf(op, 4, true));
    const equal = sub32(cpu, cpu.r[EAX], old) === 0;
    cpu.modified32(equal ? cpu.r[op.reg] : old);
    if (!equal) cpu.r[EAX] = old;
  },
};

/** Compares EDX:EAX with eight bytes; equal: they become ECX:EBX, else EDX:EAX becomes them. Only ZF changes. */
export function cmpxchg8b(cpu: Core, op: Op): void {
  const linear = cpu.linearOf(op, 8, true);
  const high = (linear + 4) | 0;
  cpu.probeWrite(linear, 8);
  cpu.checkAlignment(linear, 8);
  const oldLow = cpu.read32(linear);
  const oldHigh = cpu.read32(high);
  const equal = oldLow === cpu.r[EAX] && oldHigh === cpu.r[EDX];
  cpu.write32(linear, equal ? cpu.r[EBX] : oldLow);
  cpu.write32(high, equal ? cpu.r[ECX] : oldHigh);
  if (!equal) {
    cpu.r[EAX] = oldLow;
    cpu.r[EDX] = oldHigh;
  }
  setZf(cpu, equal);
}
