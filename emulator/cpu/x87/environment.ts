/**
 * FNSTENV, FLDENV, FNSAVE and FRSTOR: the x87 state in memory, in its four layouts (Intel SDM 1, figures 8-9 to 8-12).
 * An area is accessed as a whole: a fault leaves both memory and x87 as they were.
 */
import type { Core } from "../core.ts";
import type { Op } from "../op.ts";
import {
  FPU_CONTROL,
  FPU_CS,
  FPU_DP,
  FPU_DS,
  FPU_EXPONENT,
  FPU_HIGH,
  FPU_IP,
  FPU_LOW,
  FPU_OCCUPIED,
  FPU_OPCODE,
  FPU_STATUS,
} from "../state-layout.ts";
import { ALL_EXCEPTIONS } from "./context.ts";
import { classOf, NORMAL, ZERO } from "./float80.ts";
import { initialize, operand, physical, readRegister, requireAvailable, requireReady, setControl } from "./state.ts";

const REGISTERS = 8;
const REGISTER_BYTES = 10;
/** Bytes of an environment: seven slots of 16 or 32 bits. */
const ENVIRONMENT16 = 14;
const ENVIRONMENT32 = 28;

/** Tags in the tag word, two bits each. */
const TAG_VALID = 0;
const TAG_ZERO = 1;
const TAG_SPECIAL = 2;
const TAG_EMPTY = 3;

/** Status word bits besides ES and B, which follow from the exceptions. */
const STATUS_LOADED = 0x7f7f;

/** A state area on its way to or from memory. */
const area = new DataView(new ArrayBuffer(ENVIRONMENT32 + REGISTERS * REGISTER_BYTES));

/** The tag word, whose two-bit fields are by physical register. */
export function tagWord(cpu: Core): number {
  const top = physical(cpu, 0);
  const occupied = cpu.r[FPU_OCCUPIED];
  let tags = 0;
  for (let i = 0; i < REGISTERS; i++) {
    const n = (top + i) & 7;
    let tag = TAG_EMPTY;
    if (((occupied >> n) & 1) !== 0) {
      readRegister(cpu, i, operand);
      const valueClass = classOf(operand);
      tag = valueClass === NORMAL ? TAG_VALID : valueClass === ZERO ? TAG_ZERO : TAG_SPECIAL;
    }
    tags |= tag << (2 * n);
  }
  return tags;
}

/** Real and virtual-8086 mode have linear addresses where protected mode has selectors. */
function putEnvironment(cpu: Core, wide: boolean): void {
  const r = cpu.r;
  const step = wide ? 4 : 2;
  // The reserved upper halves of 32-bit slots are ones.
  if (wide) for (let slot = 0; slot < 7; slot++) area.setInt32(4 * slot, 0xffff0000, true);
  area.setUint16(0, r[FPU_CONTROL], true);
  area.setUint16(step, r[FPU_STATUS], true);
  area.setUint16(2 * step, tagWord(cpu), true);
  const opcode = r[FPU_OPCODE];
  if (cpu.protectedMode) {
    if (wide) {
      area.setInt32(12, r[FPU_IP], true);
      area.setInt32(16, (r[FPU_CS] & 0xffff) | (opcode << 16), true);
      area.setInt32(20, r[FPU_DP], true);
      area.setUint16(24, r[FPU_DS], true);
    } else {
      area.setUint16(6, r[FPU_IP], true);
      area.setUint16(8, r[FPU_CS], true);
      area.setUint16(10, r[FPU_DP], true);
      area.setUint16(12, r[FPU_DS], true);
    }
    return;
  }
  const instruction = (r[FPU_IP] + (r[FPU_CS] << 4)) | 0;
  const data = (r[FPU_DP] + (r[FPU_DS] << 4)) | 0;
  if (wide) {
    area.setUint16(12, instruction, true);
    area.setInt32(16, ((instruction >>> 16) << 12) | opcode, true);
    area.setUint16(20, data, true);
    area.setInt32(24, (data >>> 16) << 12, true);
  } else {
    area.setUint16(6, instruction, true);
    area.setUint16(8, ((instruction >>> 4) & 0xf000) | opcode, true);
    area.setUint16(10, data, true);
    area.setUint16(12, (data >>> 4) & 0xf000, true);
  }
}

/** Takes over the environment in `area`. All but the control, status and tag words comes last, as nothing uses it. */
function takeEnvironment(cpu: Core, wide: boolean): void {
  const r = cpu.r;
  const step = wide ? 4 : 2;
  const tags = area.getUint16(2 * step, true);
  let occupied = 0;
  for (let n = 0; n < REGISTERS; n++) if (((tags >> (2 * n)) & 3) !== TAG_EMPTY) occupied |= 1 << n;
  r[FPU_OCCUPIED] = occupied;
  r[FPU_STATUS] = (r[FPU_STATUS] & ~STATUS_LOADED) | (area.getUint16(step, true) & STATUS_LOADED);
  setControl(cpu, area.getUint16(0, true));
  if (cpu.protectedMode) {
    if (wide) {
      r[FPU_IP] = area.getInt32(12, true);
      r[FPU_CS] = area.getUint16(16, true);
      r[FPU_OPCODE] = area.getUint16(18, true) & 0x7ff;
      r[FPU_DP] = area.getInt32(20, true);
      r[FPU_DS] = area.getUint16(24, true);
    } else {
      // This layout alone has no opcode.
      r[FPU_OPCODE] = 0;
      r[FPU_IP] = area.getUint16(6, true);
      r[FPU_CS] = area.getUint16(8, true);
      r[FPU_DP] = area.getUint16(10, true);
      r[FPU_DS] = area.getUint16(12, true);
    }
    return;
  }
  r[FPU_CS] = 0;
  r[FPU_DS] = 0;
  if (wide) {
    r[FPU_OPCODE] = area.getUint16(16, true) & 0x7ff;
    r[FPU_IP] = area.getUint16(12, true) | ((area.getInt32(16, true) << 4) & 0xffff0000);
    r[FPU_DP] = area.getUint16(20, true) | ((area.getInt32(24, true) << 4) & 0xffff0000);
  } else {
    r[FPU_OPCODE] = area.getUint16(8, true) & 0x7ff;
    r[FPU_IP] = area.getUint16(6, true) | ((area.getUint16(8, true) & 0xf000) << 4);
    r[FPU_DP] = area.getUint16(10, true) | ((area.getUint16(12, true) & 0xf000) << 4);
  }
}

/** The registers from ST(0) on, 80 bits each. */
function putRegisters(cpu: Core, offset: number): void {
  const r = cpu.r;
  for (let i = 0; i < REGISTERS; i++) {
    const n = physical(cpu, i);
    area.setInt32(offset + REGISTER_BYTES * i, r[FPU_LOW + n], true);
    area.setInt32(offset + REGISTER_BYTES * i + 4, r[FPU_HIGH + n], true);
    area.setUint16(offset + REGISTER_BYTES * i + 8, r[FPU_EXPONENT + n], true);
  }
}

function takeRegisters(cpu: Core, offset: number): void {
  const r = cpu.r;
  for (let i = 0; i < REGISTERS; i++) {
    const n = physical(cpu, i);
    r[FPU_LOW + n] = area.getInt32(offset + REGISTER_BYTES * i, true);
    r[FPU_HIGH + n] = area.getInt32(offset + REGISTER_BYTES * i + 4, true);
    r[FPU_EXPONENT + n] = area.getUint16(offset + REGISTER_BYTES * i + 8, true);
  }
}

/** Writes the first `size` bytes of `area` to the memory operand. */
function storeArea(cpu: Core, op: Op, size: number): void {
  const linear = cpu.linearOf(op, size, true);
  cpu.checkAlignment(linear, op.operandSize >> 3);
  cpu.probeWrite(linear, size);
  for (let offset = 0; offset < size; offset += 2) cpu.write16((linear + offset) | 0, area.getUint16(offset, true));
}

function loadArea(cpu: Core, op: Op, size: number): void {
  const linear = cpu.linearOf(op, size, false);
  cpu.checkAlignment(linear, op.operandSize >> 3);
  for (let offset = 0; offset < size; offset += 2) area.setUint16(offset, cpu.read16((linear + offset) | 0), true);
}

function environmentSize(op: Op): number {
  return op.operandSize === 32 ? ENVIRONMENT32 : ENVIRONMENT16;
}

/** Stores the environment, then masks all exceptions. */
export function fnstenv(cpu: Core, op: Op): void {
  requireAvailable(cpu);
  putEnvironment(cpu, op.operandSize === 32);
  storeArea(cpu, op, environmentSize(op));
  setControl(cpu, cpu.r[FPU_CONTROL] | ALL_EXCEPTIONS);
}

/** Exceptions that the loaded environment has unmasked are pending from then on. */
export function fldenv(cpu: Core, op: Op): void {
  requireReady(cpu);
  loadArea(cpu, op, environmentSize(op));
  takeEnvironment(cpu, op.operandSize === 32);
}

/** Stores environment and registers, then does what FNINIT does. */
export function fnsave(cpu: Core, op: Op): void {
  requireAvailable(cpu);
  const size = environmentSize(op);
  putEnvironment(cpu, op.operandSize === 32);
  putRegisters(cpu, size);
  storeArea(cpu, op, size + REGISTERS * REGISTER_BYTES);
  initialize(cpu);
}

export function frstor(cpu: Core, op: Op): void {
  requireReady(cpu);
  const size = environmentSize(op);
  loadArea(cpu, op, size + REGISTERS * REGISTER_BYTES);
  takeEnvironment(cpu, op.operandSize === 32);
  takeRegisters(cpu, size);
}
