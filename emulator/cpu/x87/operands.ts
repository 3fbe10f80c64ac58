/** Memory operands of x87 instructions. Reads give everything before anything changes. */
import type { Core } from "../core.ts";
import type { Op } from "../op.ts";
import { fromFloat32, fromFloat64, fromInt32 } from "./float80-convert.ts";
import { beginOperation, operand, recordMemoryInstruction, requireReady } from "./state.ts";

/** Begins an operation on a single, which goes to `operand`; #D is raised in the context for a denormal. */
export function takeFloat32(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  fromFloat32(cpu.load32(op), operand);
  recordMemoryInstruction(cpu, op);
}

/** The same for a double. */
export function takeFloat64(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  const linear = cpu.linearOf(op, 8, false);
  cpu.checkAlignment(linear, 8);
  const low = cpu.read32(linear);
  fromFloat64(cpu.read32((linear + 4) | 0), low, operand);
  recordMemoryInstruction(cpu, op);
}

/** The same for a 16-bit integer. */
export function takeInt16(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  fromInt32((cpu.load16(op) << 16) >> 16, operand);
  recordMemoryInstruction(cpu, op);
}

/** The same for a 32-bit integer. */
export function takeInt32(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  fromInt32(cpu.load32(op), operand);
  recordMemoryInstruction(cpu, op);
}

/** Writes 64 bits, all or nothing. */
export function store64(cpu: Core, op: Op, high: number, low: number): void {
  const linear = cpu.linearOf(op, 8, true);
  cpu.checkAlignment(linear, 8);
  if ((linear & 0xfff) > 0xff8) cpu.probeWrite(linear, 8);
  cpu.write32(linear, low);
  cpu.write32((linear + 4) | 0, high);
}

/** Writes 80 bits, all or nothing. */
export function store80(cpu: Core, op: Op, top: number, high: number, low: number): void {
  const linear = cpu.linearOf(op, 10, true);
  cpu.checkAlignment(linear, 8);
  if ((linear & 0xfff) > 0xff6) cpu.probeWrite(linear, 10);
  cpu.write32(linear, low);
  cpu.write32((linear + 4) | 0, high);
  cpu.write16((linear + 8) | 0, top);
}
