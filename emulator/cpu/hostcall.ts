import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { CS, EIP, EIP_REPLACED, SEG_LIMIT, VECTOR_UD } from "./state-layout.ts";

/** Bytes of the instruction without prefixes. */
const LENGTH = 4;

/**
 * 0F 3F imm16: calls the host with the number, from CPL 0 only; #UD when nobody listens. The host finds EIP behind the
 * instruction and may change it. The block goes on unless EIP leaves it, or something waits to be attended to.
 * @returns index in the block of the instruction that counts as executed: the one before the next
 */
export function hostcall(cpu: Core, op: Op): number {
  if (cpu.hostcall === null || cpu.cpl !== 0) cpu.raise(VECTOR_UD);
  const { r } = cpu;
  const behindBlock = r[EIP];
  r[EIP] = (cpu.runStart + op.offset + op.length) | 0;
  cpu.hostcall(cpu, op.imm);
  const index = cpu.runIndex;
  const { ops } = cpu.runBlock;
  const behind = (cpu.runStart + ops[index].offset + ops[index].length) | 0;
  const eip = r[EIP];
  if (cpu.attention === 0) {
    if (eip === behind) {
      r[EIP] = behindBlock;
      return index;
    }
    // A branch between hostcalls. What the block was limited to but by the budget would be lost.
    const next = index + 1 + ((eip - behind) >> 2);
    const within = next >= 0 && next < ops.length && ops[next].offset === ((eip - cpu.runStart) | 0);
    if (within && op.length === LENGTH && cpu.runStop > index && r[SEG_LIMIT + CS] === -1) {
      r[EIP] = behindBlock;
      // What was retired before the block, had all before `next` been in it.
      cpu.retired += index + 1 - next;
      const left = cpu.budget - cpu.retired;
      cpu.runStop = Math.min(left, ops.length);
      return next - 1;
    }
  }
  cpu.runStop = EIP_REPLACED;
  return index;
}

/**
 * For the host, which may know what is behind a hostcall: goes on with the one `distance` instructions further, whose
 * number is as much higher, as if it had been called for it. EIP stands where that one begins. Everything is as if the
 * run loop had gone there; what it alone sees to makes this do nothing.
 * @returns whether that hostcall is the current instruction now, with EIP behind it
 */
export function nextHostcall(cpu: Core, distance: number): boolean {
  const { runIndex } = cpu;
  const { ops } = cpu.runBlock;
  const next = runIndex + distance;
  if (cpu.attention !== 0 || cpu.runStop <= runIndex || next < 0 || next >= ops.length) return false;
  const op = ops[next];
  const { r } = cpu;
  const eip = (cpu.runStart + op.offset) | 0;
  if (r[EIP] !== eip || op.execute !== hostcall || op.length !== LENGTH || op.imm !== ops[runIndex].imm + distance)
    return false;
  if (distance === 1) {
    if (next >= cpu.runStop) return false;
  } else {
    const retired = cpu.retired + 1 - distance;
    const left = cpu.budget - retired;
    if (next >= left || r[SEG_LIMIT + CS] !== -1) return false;
    cpu.retired = retired;
    cpu.runStop = Math.min(left, ops.length);
  }
  cpu.runIndex = next;
  r[EIP] = eip + LENGTH;
  return true;
}
