/**
 * Port instructions (Intel SDM 2: IN, OUT, INS, OUTS). The I/O permission is checked first; INS then makes sure that
 * its destination may be written before the port is read, and OUTS reads its source before the port is written, so
 * that a fault never loses a datum. Repeated forms run in pieces as in string.ts.
 */
import type { Core } from "./core.ts";
import { checkIoPermission } from "./io-permission.ts";
import { type Op, REPEAT_NONE } from "./op.ts";
import { EAX, ECX, EDI, EDX, ES, ESI } from "./state-layout.ts";
import { advance, dropDecoded, pieceLength, repeatWhileCounting, stride } from "./string.ts";

const AX = EAX << 1;
const AL = EAX << 2;
const DX = EDX << 1;

function in8(cpu: Core, port: number): void {
  checkIoPermission(cpu, port, 1);
  cpu.r8[AL] = cpu.ports.read8(port);
}

function in16(cpu: Core, port: number): void {
  checkIoPermission(cpu, port, 2);
  cpu.r16[AX] = cpu.ports.read16(port);
}

function in32(cpu: Core, port: number): void {
  checkIoPermission(cpu, port, 4);
  cpu.r[EAX] = cpu.ports.read32(port);
}

function out8(cpu: Core, port: number): void {
  checkIoPermission(cpu, port, 1);
  cpu.ports.write8(port, cpu.r8[AL]);
}

function out16(cpu: Core, port: number): void {
  checkIoPermission(cpu, port, 2);
  cpu.ports.write16(port, cpu.r16[AX]);
}

function out32(cpu: Core, port: number): void {
  checkIoPermission(cpu, port, 4);
  cpu.ports.write32(port, cpu.r[EAX]);
}

export function in_imm8(cpu: Core, op: Op): void {
  in8(cpu, op.imm);
}

export function in_imm16(cpu: Core, op: Op): void {
  in16(cpu, op.imm);
}

export function in_imm32(cpu: Core, op: Op): void {
  in32(cpu, op.imm);
}

export function out_imm8(cpu: Core, op: Op): void {
  out8(cpu, op.imm);
}

export function out_imm16(cpu: Core, op: Op): void {
  out16(cpu, op.imm);
}

export function out_imm32(cpu: Core, op: Op): void {
  out32(cpu, op.imm);
}

export function in_dx8(cpu: Core): void {
  in8(cpu, cpu.r16[DX]);
}

export function in_dx16(cpu: Core): void {
  in16(cpu, cpu.r16[DX]);
}

export function in_dx32(cpu: Core): void {
  in32(cpu, cpu.r16[DX]);
}

export function out_dx8(cpu: Core): void {
  out8(cpu, cpu.r16[DX]);
}

export function out_dx16(cpu: Core): void {
  out16(cpu, cpu.r16[DX]);
}

export function out_dx32(cpu: Core): void {
  out32(cpu, cpu.r16[DX]);
}

/** One element of INS of `size` bytes. */
function insElement(cpu: Core, op: Op, size: number, step: number): void {
  const port = cpu.r16[DX];
  const linear = cpu.segmentAddress(ES, cpu.r[EDI] & op.addressMask, size, true);
  cpu.probeWrite(linear, size);
  if (size === 1) cpu.write8(linear, cpu.ports.read8(port));
  else if (size === 2) cpu.write16(linear, cpu.ports.read16(port));
  else cpu.write32(linear, cpu.ports.read32(port));
  advance(cpu, EDI, step, op.addressMask);
}

/** One element of OUTS of `size` bytes. */
function outsElement(cpu: Core, op: Op, size: number, step: number): void {
  const port = cpu.r16[DX];
  const offset = cpu.r[ESI] & op.addressMask;
  if (size === 1) cpu.ports.write8(port, cpu.readSegment8(op.seg, offset));
  else if (size === 2) cpu.ports.write16(port, cpu.readSegment16(op.seg, offset));
  else cpu.ports.write32(port, cpu.readSegment32(op.seg, offset));
  advance(cpu, ESI, step, op.addressMask);
}

function ins(cpu: Core, op: Op, size: number): void {
  checkIoPermission(cpu, cpu.r16[DX], size);
  const step = stride(cpu, size);
  if (op.repeat === REPEAT_NONE) {
    insElement(cpu, op, size, step);
    return;
  }
  const count = pieceLength(cpu, op, size, step, false, true);
  if (count > 1) dropDecoded(cpu, op, count, size, step);
  for (let i = 0; i < count; i++) {
    insElement(cpu, op, size, step);
    advance(cpu, ECX, -1, op.addressMask);
  }
  repeatWhileCounting(cpu, op);
}

function outs(cpu: Core, op: Op, size: number): void {
  checkIoPermission(cpu, cpu.r16[DX], size);
  const step = stride(cpu, size);
  if (op.repeat === REPEAT_NONE) {
    outsElement(cpu, op, size, step);
    return;
  }
  const count = pieceLength(cpu, op, size, step, true, false);
  for (let i = 0; i < count; i++) {
    outsElement(cpu, op, size, step);
    advance(cpu, ECX, -1, op.addressMask);
  }
  repeatWhileCounting(cpu, op);
}

export function ins8(cpu: Core, op: Op): void {
  ins(cpu, op, 1);
}

export function ins16(cpu: Core, op: Op): void {
  ins(cpu, op, 2);
}

export function ins32(cpu: Core, op: Op): void {
  ins(cpu, op, 4);
}

export function outs8(cpu: Core, op: Op): void {
  outs(cpu, op, 1);
}

export function outs16(cpu: Core, op: Op): void {
  outs(cpu, op, 2);
}

export function outs32(cpu: Core, op: Op): void {
  outs(cpu, op, 4);
}
