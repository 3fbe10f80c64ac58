/**
 * Shift and rotate instructions, by operand size and form. What they compute and which flags they set is in shift.ts.
 */
import type { Core } from "./core.ts";
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

type Shift = (cpu: Core, value: number, count: number) => number;

// The forms of 8 and 16 bits share their code; those of 32 bits are written out one by one, because a processor in
// 32-bit mode runs them all the time and V8 optimises each function for itself.

function forms8(shift: Shift): ShiftForms {
  return {
    ri(cpu, op) {
      cpu.r8[byteRegister(op.rm)] = shift(cpu, cpu.r8[byteRegister(op.rm)], op.imm);
    },
    mi(cpu, op) {
      cpu.modified8(shift(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), op.imm));
    },
    rc(cpu, op) {
      cpu.r8[byteRegister(op.rm)] = shift(cpu, cpu.r8[byteRegister(op.rm)], cpu.r8[CL]);
    },
    mc(cpu, op) {
      cpu.modified8(shift(cpu, cpu.modify8(cpu.linearOf(op, 1, true)), cpu.r8[CL]));
    },
  };
}

function forms16(shift: Shift): ShiftForms {
  return {
    ri(cpu, op) {
      cpu.r16[op.rm << 1] = shift(cpu, cpu.r16[op.rm << 1], op.imm);
    },
    mi(cpu, op) {
      cpu.modified16(shift(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), op.imm));
    },
    rc(cpu, op) {
      cpu.r16[op.rm << 1] = shift(cpu, cpu.r16[op.rm << 1], cpu.r8[CL]);
    },
    mc(cpu, op) {
      cpu.modified16(shift(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r8[CL]));
    },
  };
}

const ROL32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = rol32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(rol32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = rol32(cpu, cpu.r[op.rm], cpu.r8[CL]);
  },
  mc(cpu, op) {
    cpu.modified32(rol32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]));
  },
};

const ROR32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = ror32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(ror32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = ror32(cpu, cpu.r[op.rm], cpu.r8[CL]);
  },
  mc(cpu, op) {
    cpu.modified32(ror32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]));
  },
};

const RCL32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = rcl32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(rcl32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = rcl32(cpu, cpu.r[op.rm], cpu.r8[CL]);
  },
  mc(cpu, op) {
    cpu.modified32(rcl32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]));
  },
};

const RCR32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = rcr32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(rcr32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = rcr32(cpu, cpu.r[op.rm], cpu.r8[CL]);
  },
  mc(cpu, op) {
    cpu.modified32(rcr32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]));
  },
};

export const SHL32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = shl32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(shl32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = shl32(cpu, cpu.r[op.rm], cpu.r8[CL]);
  },
  mc(cpu, op) {
    cpu.modified32(shl32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]));
  },
};

export const SHR32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = shr32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(shr32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = shr32(cpu, cpu.r[op.rm], cpu.r8[CL]);
  },
  mc(cpu, op) {
    cpu.modified32(shr32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]));
  },
};

export const SAR32: ShiftForms = {
  ri(cpu, op) {
    cpu.r[op.rm] = sar32(cpu, cpu.r[op.rm], op.imm);
  },
  mi(cpu, op) {
    cpu.modified32(sar32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), op.imm));
  },
  rc(cpu, op) {
    cpu.r[op.rm] = sar32(cpu, cpu.r[op.rm], cpu.r8[CL]);
  },
  mc(cpu, op) {
    cpu.modified32(sar32(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r8[CL]));
  },
};

/** By ModRM.reg: ROL ROR RCL RCR SHL SHR SHL SAR; 6 is an undocumented second SHL. */
export const SHIFTS8: readonly ShiftForms[] = [rol8, ror8, rcl8, rcr8, shl8, shr8, shl8, sar8].map(forms8);

export const SHIFTS16: readonly ShiftForms[] = [rol16, ror16, rcl16, rcr16, shl16, shr16, shl16, sar16].map(forms16);

export const SHIFTS32: readonly ShiftForms[] = [ROL32, ROR32, RCL32, RCR32, SHL32, SHR32, SHL32, SAR32];

type DoubleShift = (cpu: Core, value: number, source: number, count: number) => number;

/** SHLD and SHRD: `op.reg` provides the bits that come in. */
function doubleForms16(shift: DoubleShift): ShiftForms {
  return {
    ri(cpu, op) {
      cpu.r16[op.rm << 1] = shift(cpu, cpu.r16[op.rm << 1], cpu.r16[op.reg << 1], op.imm);
    },
    mi(cpu, op) {
      cpu.modified16(shift(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r16[op.reg << 1], op.imm));
    },
    rc(cpu, op) {
      cpu.r16[op.rm << 1] = shift(cpu, cpu.r16[op.rm << 1], cpu.r16[op.reg << 1], cpu.r8[CL]);
    },
    mc(cpu, op) {
      cpu.modified16(shift(cpu, cpu.modify16(cpu.linearOf(op, 2, true)), cpu.r16[op.reg << 1], cpu.r8[CL]));
    },
  };
}

function doubleForms32(shift: DoubleShift): ShiftForms {
  return {
    ri(cpu, op) {
      cpu.r[op.rm] = shift(cpu, cpu.r[op.rm], cpu.r[op.reg], op.imm);
    },
    mi(cpu, op) {
      cpu.modified32(shift(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r[op.reg], op.imm));
    },
    rc(cpu, op) {
      cpu.r[op.rm] = shift(cpu, cpu.r[op.rm], cpu.r[op.reg], cpu.r8[CL]);
    },
    mc(cpu, op) {
      cpu.modified32(shift(cpu, cpu.modify32(cpu.linearOf(op, 4, true)), cpu.r[op.reg], cpu.r8[CL]));
    },
  };
}

export const SHLD16 = doubleForms16(shld16);
export const SHRD16 = doubleForms16(shrd16);
export const SHLD32 = doubleForms32(shld32);
export const SHRD32 = doubleForms32(shrd32);
