/**
 * Decimal adjustment (Intel SDM 2: AAA, AAD, AAM, AAS, DAA, DAS). Flags that the manual leaves undefined follow the
 * result; OF is cleared.
 */
import type { Core } from "./core.ts";
import { AUX_AF, AUX_CF, AUX_CF_XOR_OF, getAf, getCf } from "./flags.ts";
import type { Op } from "./op.ts";
import { EAX, FLAG_AUX, FLAG_RESULT, VECTOR_DE } from "./state-layout.ts";

const AX = EAX << 1;
const AL = EAX << 2;
const AH = AL + 1;

function setFlags(cpu: Core, carry: boolean, adjust: boolean): void {
  cpu.r[FLAG_RESULT] = (cpu.r8[AL] << 24) >> 24;
  cpu.r[FLAG_AUX] = (carry ? AUX_CF | AUX_CF_XOR_OF : 0) | (adjust ? AUX_AF : 0);
}

export function daa(cpu: Core): void {
  const old = cpu.r8[AL];
  const adjust = (old & 0xf) > 9 || getAf(cpu) !== 0;
  const carry = old > 0x99 || getCf(cpu) !== 0;
  cpu.r8[AL] = old + (adjust ? 0x06 : 0) + (carry ? 0x60 : 0);
  setFlags(cpu, carry, adjust);
}

export function das(cpu: Core): void {
  const old = cpu.r8[AL];
  const adjust = (old & 0xf) > 9 || getAf(cpu) !== 0;
  const high = old > 0x99 || getCf(cpu) !== 0;
  cpu.r8[AL] = old - (adjust ? 0x06 : 0) - (high ? 0x60 : 0);
  setFlags(cpu, high || (adjust && old < 0x06), adjust);
}

export function aaa(cpu: Core): void {
  const adjust = (cpu.r8[AL] & 0xf) > 9 || getAf(cpu) !== 0;
  if (adjust) cpu.r16[AX] += 0x106;
  cpu.r8[AL] &= 0xf;
  setFlags(cpu, adjust, adjust);
}

export function aas(cpu: Core): void {
  const adjust = (cpu.r8[AL] & 0xf) > 9 || getAf(cpu) !== 0;
  if (adjust) cpu.r16[AX] -= 0x106;
  cpu.r8[AL] &= 0xf;
  setFlags(cpu, adjust, adjust);
}

/** `op.imm` is the base, 10 in the documented encoding. */
export function aam(cpu: Core, op: Op): void {
  if (op.imm === 0) cpu.raise(VECTOR_DE);
  const value = cpu.r8[AL];
  cpu.r8[AH] = value / op.imm;
  cpu.r8[AL] = value % op.imm;
  setFlags(cpu, false, false);
}

export function aad(cpu: Core, op: Op): void {
  cpu.r16[AX] = (cpu.r8[AL] + cpu.r8[AH] * op.imm) & 0xff;
  setFlags(cpu, false, false);
}
