import { ACTIVE_LOW, DELIVERY_MASK, LEVEL_TRIGGERED, MASKED, VECTOR_MASK } from "./apic-message.ts";

/** Offsets of the local APIC's registers from its base (Intel SDM 3A table 10-1); each is 32 bits wide. */
export const APIC_REGISTER = {
  ID: 0x020,
  VERSION: 0x030,
  TPR: 0x080,
  APR: 0x090,
  PPR: 0x0a0,
  EOI: 0x0b0,
  REMOTE_READ: 0x0c0,
  LDR: 0x0d0,
  DFR: 0x0e0,
  SVR: 0x0f0,
  /** In-service, trigger mode and interrupt request registers: eight each, 0x10 apart. */
  ISR: 0x100,
  TMR: 0x180,
  IRR: 0x200,
  ESR: 0x280,
  ICR_LOW: 0x300,
  ICR_HIGH: 0x310,
  LVT_TIMER: 0x320,
  LVT_PERFORMANCE: 0x340,
  LVT_LINT0: 0x350,
  LVT_LINT1: 0x360,
  LVT_ERROR: 0x370,
  INITIAL_COUNT: 0x380,
  CURRENT_COUNT: 0x390,
  DIVIDE: 0x3e0,
} as const;

/** Version 0x14, highest entry of the local vector table 4: the integrated APIC of the P6 family. */
export const APIC_VERSION = 0x00040014;

/** Bits of SVR. The low four bits of the spurious vector are always ones. */
export const SVR = { VECTOR: 0xf0, VECTOR_ONES: 0x0f, ENABLE: 1 << 8, FOCUS_DISABLED: 1 << 9 } as const;
export const SVR_AT_RESET = 0xff;

/** Bits of ESR that can come up here; there is no checksum to go wrong. */
export const ESR = {
  SEND_ACCEPT: 1 << 2,
  SEND_ILLEGAL_VECTOR: 1 << 5,
  RECEIVE_ILLEGAL_VECTOR: 1 << 6,
  ILLEGAL_REGISTER: 1 << 7,
} as const;

/** Destination shorthands, bits 18 and 19 of the ICR. */
export const SHORTHAND = { NONE: 0, SELF: 1, ALL: 2, OTHERS: 3 } as const;
export const SHORTHAND_SHIFT = 18;

/** IDs and logical IDs are in the top bits of their registers. */
export const DESTINATION_SHIFT = 24;

/** Of the timer's entry: counts again from the initial count when it has reached zero. */
export const TIMER_PERIODIC = 1 << 17;

/** Entries of the local vector table by their place in LVT_REGISTERS; nothing ever triggers the last one. */
export const TIMER = 0;
export const LINT0 = 1;
export const LINT1 = 2;
export const ERROR = 3;
export const LVT_REGISTERS: readonly number[] = [
  APIC_REGISTER.LVT_TIMER,
  APIC_REGISTER.LVT_LINT0,
  APIC_REGISTER.LVT_LINT1,
  APIC_REGISTER.LVT_ERROR,
  APIC_REGISTER.LVT_PERFORMANCE,
];
const PIN_WRITABLE = VECTOR_MASK | DELIVERY_MASK | ACTIVE_LOW | LEVEL_TRIGGERED | MASKED;
export const LVT_WRITABLE: readonly number[] = [
  VECTOR_MASK | MASKED | TIMER_PERIODIC,
  PIN_WRITABLE,
  PIN_WRITABLE,
  VECTOR_MASK | MASKED,
  VECTOR_MASK | DELIVERY_MASK | MASKED,
];

/** Registers whose writes are ignored. */
export function isReadOnly(offset: number): boolean {
  if (offset >= APIC_REGISTER.ISR && offset < APIC_REGISTER.ESR) return true;
  switch (offset) {
    case APIC_REGISTER.VERSION:
    case APIC_REGISTER.APR:
    case APIC_REGISTER.PPR:
    case APIC_REGISTER.REMOTE_READ:
    case APIC_REGISTER.CURRENT_COUNT:
      return true;
    default:
      return false;
  }
}
