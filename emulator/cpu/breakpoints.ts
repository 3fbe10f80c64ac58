/** Debug registers (Intel SDM 3B 17.2): which breakpoints are enabled, and which of them an access hits. */
import type { CoreState } from "./core-state.ts";
import { DR } from "./state-layout.ts";

/** DR6 bit: the trap is a single step. */
export const DR6_BS = 1 << 14;
/** General detection: any access to a debug register raises #DB. The same bit number in DR6 (BD) reports it. */
export const DR7_GD = 1 << 13;
export const DR6_BD = 1 << 13;
/** DR6 bits that always read as ones. */
export const DR6_FIXED = 0xffff0ff0 | 0;

/** B0 to B3 of DR6: the breakpoints that were hit. */
const DR6_HITS = 0xf;

/** L0, G0 to L3, G3 of DR7: any breakpoint is enabled. */
const DR7_ENABLED = 0xff;

/** R/W field of DR7: what a breakpoint watches. */
const ON_EXECUTE = 0;
const ON_WRITE = 1;
const ON_ACCESS = 3;

/**
 * Has DR6 say why a #DB is about to be raised. On the P6 family B0 to B3 are of this #DB alone; the other bits stay until
 * software clears them (SDM 3B 17.2.3).
 * @param reasons bits of DR6
 */
export function reportDebugException(cpu: CoreState, reasons: number): void {
  cpu.r[DR + 6] = (cpu.r[DR + 6] & ~DR6_HITS) | reasons;
}

function isEnabled(dr7: number, n: number): boolean {
  return ((dr7 >> (2 * n)) & 3) !== 0;
}

function kindOf(dr7: number, n: number): number {
  return (dr7 >>> (16 + 4 * n)) & 3;
}

/** Bytes, from the LEN field: 1, 2, 8 (as 4 here), 4. */
function lengthOf(dr7: number, n: number): number {
  const field = (dr7 >>> (18 + 4 * n)) & 3;
  return field === 0 ? 1 : field === 1 ? 2 : 4;
}

/** Whether any breakpoint on execution is enabled. */
export function hasInstructionBreakpoints(cpu: CoreState): boolean {
  const dr7 = cpu.r[DR + 7];
  for (let n = 0; n < 4; n++) if (isEnabled(dr7, n) && kindOf(dr7, n) === ON_EXECUTE) return true;
  return false;
}

/** Whether any breakpoint on data is enabled. */
export function hasDataBreakpoints(cpu: CoreState): boolean {
  const dr7 = cpu.r[DR + 7];
  if ((dr7 & DR7_ENABLED) === 0) return false;
  for (let n = 0; n < 4; n++) if (isEnabled(dr7, n) && (kindOf(dr7, n) & ON_WRITE) !== 0) return true;
  return false;
}

/** DR6 bits of the breakpoints that the instruction at a linear address hits. */
export function instructionBreakpoints(cpu: CoreState, linear: number): number {
  const dr7 = cpu.r[DR + 7];
  let hit = 0;
  for (let n = 0; n < 4; n++) {
    if (isEnabled(dr7, n) && kindOf(dr7, n) === ON_EXECUTE && cpu.r[DR + n] === linear) hit |= 1 << n;
  }
  return hit;
}

/** DR6 bits of the breakpoints that an access of `size` bytes hits. */
export function dataBreakpoints(cpu: CoreState, linear: number, size: number, write: boolean): number {
  const dr7 = cpu.r[DR + 7];
  let hit = 0;
  for (let n = 0; n < 4; n++) {
    const kind = kindOf(dr7, n);
    if (!isEnabled(dr7, n) || !(kind === ON_ACCESS || (kind === ON_WRITE && write))) continue;
    const length = lengthOf(dr7, n);
    const start = (cpu.r[DR + n] & -length) >>> 0;
    const first = linear >>> 0;
    if (first < start + length && start < first + size) hit |= 1 << n;
  }
  return hit;
}
