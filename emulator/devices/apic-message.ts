/**
 * What travels on the APIC bus. The low half of the interrupt command register, the entries of the local vector table
 * and the low halves of the I/O APIC's redirection entries all have these fields in the same places, so a message is
 * such a word as it was written.
 */

/** Delivery modes, bits 8 to 10 (Intel SDM 3A 10.5.1 and 10.6.1, 82093AA data sheet 3.2.4). */
export const DELIVERY = {
  FIXED: 0,
  LOWEST_PRIORITY: 1,
  SMI: 2,
  REMOTE_READ: 3,
  NMI: 4,
  INIT: 5,
  STARTUP: 6,
  EXTINT: 7,
} as const;

export const VECTOR_MASK = 0xff;
export const DELIVERY_SHIFT = 8;
export const DELIVERY_MASK = 7 << DELIVERY_SHIFT;
/** The destination is a set of logical IDs, not a physical APIC ID. */
export const LOGICAL_DESTINATION = 1 << 11;
/** Of a pin: active low. */
export const ACTIVE_LOW = 1 << 13;
/** Of a level triggered pin: accepted by a local APIC, and its EOI has not come yet. */
export const REMOTE_IRR = 1 << 14;
/** Of a command: assert, as opposed to de-assert. The same bit as REMOTE_IRR. */
export const LEVEL_ASSERT = 1 << 14;
export const LEVEL_TRIGGERED = 1 << 15;
export const MASKED = 1 << 16;

/** Vectors below this one are illegal in fixed and lowest-priority messages. */
export const FIRST_LEGAL_VECTOR = 16;

export function deliveryMode(message: number): number {
  return (message & DELIVERY_MASK) >>> DELIVERY_SHIFT;
}

/** The bus as those see it that send on it. */
export interface ApicMessenger {
  /**
   * Delivers a message at once.
   * @param message command as above, of any delivery mode
   * @param destination 0 to 255: physical APIC ID, or logical destination
   * @returns whether at least one local APIC accepted it
   */
  send(message: number, destination: number): boolean;
  /** Delivers a message to all local APICs but those in `excluded`, a bit mask of cores. Returns as `send` does. */
  broadcast(message: number, excluded: number): boolean;
  /** Tells the I/O APICs that a local APIC finished a level triggered interrupt. */
  endOfInterrupt(vector: number): void;
}
