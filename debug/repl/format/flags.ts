/** EFLAGS and the control registers, bit by bit (Intel SDM vol. 1, 3.4.3; vol. 3, 2.5). */

export interface Bits {
  readonly name: string;
  readonly mask: number;
  readonly shift: number;
  readonly meaning: string;
}

function bit(name: string, shift: number, meaning: string, width = 1): Bits {
  return { name, shift, mask: (2 ** width - 1) * 2 ** shift, meaning };
}

export const FLAG_BITS: readonly Bits[] = [
  bit("CF", 0, "carry"),
  bit("PF", 2, "even parity"),
  bit("AF", 4, "auxiliary carry"),
  bit("ZF", 6, "zero"),
  bit("SF", 7, "sign"),
  bit("TF", 8, "single step"),
  bit("IF", 9, "interrupts enabled"),
  bit("DF", 10, "strings go down"),
  bit("OF", 11, "overflow"),
  bit("IOPL", 12, "I/O privilege level", 2),
  bit("NT", 14, "nested task"),
  bit("RF", 16, "resume"),
  bit("VM", 17, "virtual-8086 mode"),
  bit("AC", 18, "alignment check"),
  bit("VIF", 19, "virtual interrupt flag"),
  bit("VIP", 20, "virtual interrupt pending"),
  bit("ID", 21, "CPUID can be used"),
];

export const CR0_BITS: readonly Bits[] = [
  bit("PE", 0, "protected mode"),
  bit("MP", 1, "WAIT obeys TS"),
  bit("EM", 2, "no x87"),
  bit("TS", 3, "task switched: the next x87 instruction raises #NM"),
  bit("ET", 4, "387 protocol"),
  bit("NE", 5, "x87 errors raise #MF"),
  bit("WP", 16, "read-only pages are so for ring 0 too"),
  bit("AM", 18, "alignment checks possible"),
  bit("NW", 29, "not write-through"),
  bit("CD", 30, "cache off"),
  bit("PG", 31, "paging"),
];

export const CR4_BITS: readonly Bits[] = [
  bit("VME", 0, "virtual-8086 extensions"),
  bit("PVI", 1, "protected-mode virtual interrupts"),
  bit("TSD", 2, "RDTSC only for ring 0"),
  bit("DE", 3, "debugging extensions"),
  bit("PSE", 4, "pages of 4 MiB"),
  bit("PAE", 5, "physical addresses of 36 bits"),
  bit("MCE", 6, "machine check"),
  bit("PGE", 7, "global pages"),
];

/** Names of the bits that are set; those of several bits with their value: `CF ZF IF IOPL=3`. */
export function setBits(value: number, bits: readonly Bits[]): string {
  const names = bits.flatMap(({ name, mask, shift }) => {
    const field = (value & mask) >>> shift;
    if (field === 0) return [];
    return mask >>> shift === 1 ? [name] : [`${name}=${field}`];
  });
  return names.length === 0 ? "none" : names.join(" ");
}
