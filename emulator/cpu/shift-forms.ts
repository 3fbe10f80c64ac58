/**
 * Shift and rotate instructions, one handler for each operand size and form. What they compute and which flags they set
 * is in shift.ts.
 */
import { byteRegister } from "./core-state.ts";
import type { ShiftForms } from "./forms.ts";
import {
  rcl8,
  rcl16,
  rcl32,
  rcr8,
  rcr16,
  rcr32,
  rol8,
  rol16,
  rol32,
  ror8,
  ror16,
  ror32,
  sar8,
  sar16,
  sar32,
  shl8,
  shl16,
  shl32,
  shld16,
  shld32,
  shr8,
  shr16,
  shr32,
  shrd16,
  shrd32,
} from "./shift.ts";
import { ECX } from "./state-layout.ts";

const CL = ECX << 2;

const ROL8: ShiftForms = {
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = rol8(cpu, cpu.r8[byteRegister(op.rm)]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(rol8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = rol8(cpu, cpu.r8[byteRegister(op.rm)]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified8(rol8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[CL]!));
  },
};

const ROR8: ShiftForms = {
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = ror8(cpu, cpu.r8[byteRegister(op.rm)]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(ror8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = ror8(cpu, cpu.r8[byteRegister(op.rm)]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified8(ror8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[CL]!));
  },
};

const RCL8: ShiftForms = {
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = rcl8(cpu, cpu.r8[byteRegister(op.rm)]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(rcl8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = rcl8(cpu, cpu.r8[byteRegister(op.rm)]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified8(rcl8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[CL]!));
  },
};

const RCR8: ShiftForms = {
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = rcr8(cpu, cpu.r8[byteRegister(op.rm)]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(rcr8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = rcr8(cpu, cpu.r8[byteRegister(op.rm)]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified8(rcr8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[CL]!));
  },
};

const SHL8: ShiftForms = {
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = shl8(cpu, cpu.r8[byteRegister(op.rm)]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(shl8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = shl8(cpu, cpu.r8[byteRegister(op.rm)]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified8(shl8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[CL]!));
  },
};

const SHR8: ShiftForms = {
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = shr8(cpu, cpu.r8[byteRegister(op.rm)]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(shr8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = shr8(cpu, cpu.r8[byteRegister(op.rm)]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified8(shr8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[CL]!));
  },
};

const SAR8: ShiftForms = {
  ri(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = sar8(cpu, cpu.r8[byteRegister(op.rm)]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified8(sar8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r8[byteRegister(op.rm)] = sar8(cpu, cpu.r8[byteRegister(op.rm)]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified8(sar8(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[CL]!));
  },
};

/** By ModRM.reg; 6 is an undocumented second SHL. */
export const SHIFTS8: readonly ShiftForms[] = [ROL8, ROR8, RCL8, RCR8, SHL8, SHR8, SHL8, SAR8];

const ROL16: ShiftForms = {
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = rol16(cpu, cpu.r16[op.rm << 1]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(rol16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r16[op.rm << 1] = rol16(cpu, cpu.r16[op.rm << 1]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified16(rol16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r8[CL]!));
  },
};

const ROR16: ShiftForms = {
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = ror16(cpu, cpu.r16[op.rm << 1]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(ror16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r16[op.rm << 1] = ror16(cpu, cpu.r16[op.rm << 1]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified16(ror16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r8[CL]!));
  },
};

const RCL16: ShiftForms = {
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = rcl16(cpu, cpu.r16[op.rm << 1]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(rcl16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r16[op.rm << 1] = rcl16(cpu, cpu.r16[op.rm << 1]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified16(rcl16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r8[CL]!));
  },
};

const RCR16: ShiftForms = {
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = rcr16(cpu, cpu.r16[op.rm << 1]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(rcr16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r16[op.rm << 1] = rcr16(cpu, cpu.r16[op.rm << 1]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified16(rcr16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r8[CL]!));
  },
};

const SHL16: ShiftForms = {
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = shl16(cpu, cpu.r16[op.rm << 1]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(shl16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r16[op.rm << 1] = shl16(cpu, cpu.r16[op.rm << 1]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified16(shl16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r8[CL]!));
  },
};

const SHR16: ShiftForms = {
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = shr16(cpu, cpu.r16[op.rm << 1]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(shr16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r16[op.rm << 1] = shr16(cpu, cpu.r16[op.rm << 1]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified16(shr16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r8[CL]!));
  },
};

const SAR16: ShiftForms = {
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = sar16(cpu, cpu.r16[op.rm << 1]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(sar16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r16[op.rm << 1] = sar16(cpu, cpu.r16[op.rm << 1]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified16(sar16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r8[CL]!));
  },
};

/** By ModRM.reg; 6 is an undocumented second SHL. */
export const SHIFTS16: readonly ShiftForms[] = [ROL16, ROR16, RCL16, RCR16, SHL16, SHR16, SHL16, SAR16];

const ROL32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = rol32(cpu, cpu.r[op.rm]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(rol32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = rol32(cpu, cpu.r[op.rm]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified32(rol32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]!));
  },
};

const ROR32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = ror32(cpu, cpu.r[op.rm]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(ror32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = ror32(cpu, cpu.r[op.rm]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified32(ror32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]!));
  },
};

const RCL32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = rcl32(cpu, cpu.r[op.rm]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(rcl32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = rcl32(cpu, cpu.r[op.rm]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified32(rcl32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]!));
  },
};

const RCR32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = rcr32(cpu, cpu.r[op.rm]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(rcr32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = rcr32(cpu, cpu.r[op.rm]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified32(rcr32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]!));
  },
};

const SHL32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = shl32(cpu, cpu.r[op.rm]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(shl32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = shl32(cpu, cpu.r[op.rm]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified32(shl32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]!));
  },
};

const SHR32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = shr32(cpu, cpu.r[op.rm]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(shr32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = shr32(cpu, cpu.r[op.rm]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified32(shr32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]!));
  },
};

const SAR32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = sar32(cpu, cpu.r[op.rm]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(sar32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = sar32(cpu, cpu.r[op.rm]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified32(sar32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]!));
  },
};

/** By ModRM.reg; 6 is an undocumented second SHL. */
export const SHIFTS32: readonly ShiftForms[] = [ROL32, ROR32, RCL32, RCR32, SHL32, SHR32, SHL32, SAR32];

export const SHLD16: ShiftForms = {
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = shld16(cpu, cpu.r16[op.rm << 1]!, cpu.r16[op.reg << 1]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(shld16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r16[op.reg << 1]!, op.imm));
  },
  rc(cpu, op) {
    cpu.r16[op.rm << 1] = shld16(cpu, cpu.r16[op.rm << 1]!, cpu.r16[op.reg << 1]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified16(shld16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r16[op.reg << 1]!, cpu.r8[CL]!));
  },
};

export const SHRD16: ShiftForms = {
  ri(cpu, op) {
    cpu.r16[op.rm << 1] = shrd16(cpu, cpu.r16[op.rm << 1]!, cpu.r16[op.reg << 1]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified16(shrd16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r16[op.reg << 1]!, op.imm));
  },
  rc(cpu, op) {
    cpu.r16[op.rm << 1] = shrd16(cpu, cpu.r16[op.rm << 1]!, cpu.r16[op.reg << 1]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified16(shrd16(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r16[op.reg << 1]!, cpu.r8[CL]!));
  },
};

export const SHLD32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = shld32(cpu, cpu.r[op.rm]!, cpu.r[op.reg]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(shld32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r[op.reg]!, op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = shld32(cpu, cpu.r[op.rm]!, cpu.r[op.reg]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified32(shld32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r[op.reg]!, cpu.r8[CL]!));
  },
};

export const SHRD32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = shrd32(cpu, cpu.r[op.rm]!, cpu.r[op.reg]!, op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(shrd32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r[op.reg]!, op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = shrd32(cpu, cpu.r[op.rm]!, cpu.r[op.reg]!, cpu.r8[CL]!);
  },
  mc(cpu, op) {
    cpu.modified32(shrd32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r[op.reg]!, cpu.r8[CL]!));
  },
};
