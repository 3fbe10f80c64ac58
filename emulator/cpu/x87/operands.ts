/** Memory operands of x87 instructions wider than 32 bits. Reads give everything before anything changes. */
import type { Core } from "../core.ts";
import type { Op } from "../op.ts";
import type { Float80 } from "./float80.ts";
import { fromFloat64 } from "./float80-convert.ts";

/** Reads a double, with #D raised in the context for a denormal. */
export function loadFloat64(cpu: Core, op: Op, into: Float80): void {
  const linear = cpu.linearOf(op, 8, false);
  cpu.checkAlignment(linear, 8);
  const low = cpu.read32(linear);
  fromFloat64(cpu.read32((linear + 4) | 0), low, into);
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
