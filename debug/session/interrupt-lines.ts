/** Which line a device's interrupt came by. */
import { apicMessage, type Machine } from "../../emulator/index.ts";

const PIC_LINES = 8;

/**
 * The IRQ that a vector stands for, as the 8259A pair or else the I/O APIC is programmed now; undefined for one that neither
 * raises, such as another CPU's.
 */
export function irqOfVector({ pic, ioApic }: Machine, vector: number): number | undefined {
  for (const [chip, first] of [
    [pic.master, 0],
    [pic.slave, PIC_LINES],
  ] as const) {
    const line = vector - chip.vectorBase;
    if (line >= 0 && line < PIC_LINES) return first + line;
  }
  const { VECTOR_MASK, MASKED } = apicMessage;
  const pin = ioApic.redirection.findIndex(({ entry }) => (entry & MASKED) === 0 && (entry & VECTOR_MASK) === vector);
  return pin < 0 ? undefined : pin;
}
