/** Instructions that set or move single flags (Intel SDM 2: CLC, STC, CMC, CLD, STD, LAHF, SAHF, and the unlisted SALC). */
import type { Core } from "./core.ts";
import { getCf, readEflags, setCf, writeArithmeticFlags } from "./flags.ts";
import { CONTROL_FLAGS, EAX, FLAG_DF, FLAG_OF } from "./state-layout.ts";

const AL = EAX << 2;
const AH = AL + 1;

export function clc(cpu: Core): void {
  setCf(cpu, 0);
}

export function stc(cpu: Core): void {
  setCf(cpu, 1);
}

export function cmc(cpu: Core): void {
  setCf(cpu, getCf(cpu) ^ 1);
}

export function cld(cpu: Core): void {
  cpu.r[CONTROL_FLAGS] &= ~FLAG_DF;
}

export function std(cpu: Core): void {
  cpu.r[CONTROL_FLAGS] |= FLAG_DF;
}

export function lahf(cpu: Core): void {
  cpu.r8[AH] = readEflags(cpu);
}

export function sahf(cpu: Core): void {
  writeArithmeticFlags(cpu, cpu.r8[AH] | (readEflags(cpu) & FLAG_OF));
}

export function salc(cpu: Core): void {
  cpu.r8[AL] = -getCf(cpu);
}
