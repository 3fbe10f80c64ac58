import type { Core } from "./cpu/core.ts";
import {
  descriptorAccess,
  descriptorBase,
  descriptorLimit,
  isNullSelector,
  requireDescriptor,
} from "./cpu/descriptors.ts";
import { loadNullSegment, loadRealSegment } from "./cpu/segmentation.ts";
import * as layout from "./cpu/state-layout.ts";

const { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI } = layout;
const { ES, CS, SS, DS, FS, GS, LDTR, TR } = layout;

const GENERAL = { eax: EAX, ecx: ECX, edx: EDX, ebx: EBX, esp: ESP, ebp: EBP, esi: ESI, edi: EDI } as const;
const SEGMENTS = { es: ES, cs: CS, ss: SS, ds: DS, fs: FS, gs: GS, ldtr: LDTR, tr: TR } as const;
const DEBUG = { dr0: 0, dr1: 1, dr2: 2, dr3: 3, dr6: 6, dr7: 7 } as const;
const OTHERS = [
  "eip",
  "eflags",
  "cr0",
  "cr2",
  "cr3",
  "cr4",
  "gdtr_base",
  "gdtr_limit",
  "idtr_base",
  "idtr_limit",
] as const;

export type RegisterName = keyof typeof GENERAL | keyof typeof SEGMENTS | keyof typeof DEBUG | (typeof OTHERS)[number];

/** Every name that `getRegister` and `setRegister` know. A segment register's name stands for its selector. */
export const REGISTER_NAMES: readonly RegisterName[] = [
  ...(Object.keys(GENERAL) as (keyof typeof GENERAL)[]),
  ...(Object.keys(SEGMENTS) as (keyof typeof SEGMENTS)[]),
  ...(Object.keys(DEBUG) as (keyof typeof DEBUG)[]),
  ...OTHERS,
];

/** Value of a register, unsigned. @throws RangeError for an unknown name */
export function getRegister(core: Core, name: RegisterName): number {
  if (Object.hasOwn(GENERAL, name)) return core.r[GENERAL[name as keyof typeof GENERAL]] >>> 0;
  if (Object.hasOwn(SEGMENTS, name)) return core.segSelector(SEGMENTS[name as keyof typeof SEGMENTS]) & 0xffff;
  if (Object.hasOwn(DEBUG, name)) return core.getDr(DEBUG[name as keyof typeof DEBUG]) >>> 0;
  switch (name) {
    case "eip":
      return core.eip >>> 0;
    case "eflags":
      return core.getEflags() >>> 0;
    case "cr0":
      return core.cr0 >>> 0;
    case "cr2":
      return core.cr2 >>> 0;
    case "cr3":
      return core.cr3 >>> 0;
    case "cr4":
      return core.cr4 >>> 0;
    case "gdtr_base":
      return core.gdtrBase >>> 0;
    case "gdtr_limit":
      return core.gdtrLimit & 0xffff;
    case "idtr_base":
      return core.idtrBase >>> 0;
    case "idtr_limit":
      return core.idtrLimit & 0xffff;
    default:
      throw unknownRegister(name);
  }
}

/**
 * Sets a register, between instructions, with what follows from it: a selector loads the segment (in protected mode
 * from the descriptor tables, without privilege checks; CS also sets CPL), a control register drops translations.
 * @param value the low 32 bits count, 16 for selectors and table limits
 * @throws RangeError for an unknown name, or a selector whose descriptor cannot be read
 */
export function setRegister(core: Core, name: RegisterName, value: number): void {
  if (Object.hasOwn(GENERAL, name)) {
    core.r[GENERAL[name as keyof typeof GENERAL]] = value;
    return;
  }
  if (Object.hasOwn(SEGMENTS, name)) {
    setSegment(core, name, SEGMENTS[name as keyof typeof SEGMENTS], value & 0xffff);
    return;
  }
  if (Object.hasOwn(DEBUG, name)) {
    core.setDr(DEBUG[name as keyof typeof DEBUG], value | 0);
    return;
  }
  switch (name) {
    case "eip":
      core.eip = value | 0;
      break;
    case "eflags":
      core.setEflags(value | 0);
      break;
    case "cr0":
      core.cr0 = value | 0;
      core.flushTlb(false);
      break;
    case "cr2":
      core.cr2 = value | 0;
      break;
    case "cr3":
      core.cr3 = value | 0;
      core.flushTlb(false);
      break;
    case "cr4":
      core.cr4 = value | 0;
      core.flushTlb(false);
      break;
    case "gdtr_base":
      core.gdtrBase = value | 0;
      break;
    case "gdtr_limit":
      core.gdtrLimit = value & 0xffff;
      break;
    case "idtr_base":
      core.idtrBase = value | 0;
      break;
    case "idtr_limit":
      core.idtrLimit = value & 0xffff;
      break;
    default:
      throw unknownRegister(name);
  }
}

function setSegment(core: Core, name: string, segment: number, selector: number): void {
  const system = segment === LDTR || segment === TR;
  if (!core.protectedMode && !system) {
    loadRealSegment(core, segment, selector);
  } else if (isNullSelector(selector)) {
    loadNullSegment(core, segment, selector);
  } else {
    try {
      const address = requireDescriptor(core, selector, layout.VECTOR_GP);
      const low = core.systemRead32(address);
      const high = core.systemRead32((address + 4) | 0);
      const base = descriptorBase(low, high);
      core.setSegment(segment, selector, base, descriptorLimit(low, high), descriptorAccess(high));
    } catch (error) {
      if (error !== core.fault) throw error;
      const vector = core.fault.vector;
      throw new RangeError(`${name} = 0x${selector.toString(16)}: reading its descriptor raises exception ${vector}`);
    }
    if (segment === CS) core.setCpl(selector & 3);
  }
}

function unknownRegister(name: string): RangeError {
  return new RangeError(`unknown register "${name}"; known are ${REGISTER_NAMES.join(", ")}`);
}
