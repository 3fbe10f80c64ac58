/** Memory as kernel code sees it: linear addresses of the guest. */
export interface GuestMemory {
  /** Unsigned byte at a linear address. Faults as the core would. */
  read8(linear: number): number;
  read16(linear: number): number;
  /** Signed 32-bit value at a linear address. */
  read32(linear: number): number;
  write8(linear: number, value: number): void;
  write16(linear: number, value: number): void;
  write32(linear: number, value: number): void;
}
