/** Exceptions in words (Intel SDM vol. 3, chapter 6). */
import { EXTERNAL, type Machine } from "../emulator/index.ts";
import { bareHex } from "./numbers.ts";

const PAGE_FAULT = 14;
const DOUBLE_FAULT = 8;
const ALIGNMENT = 17;

/** Names of the exceptions (table 6-1), by vector. */
export const EXCEPTIONS: readonly (string | undefined)[] = [
  ...["#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow", "#BR bound", "#UD undefined opcode"],
  ...["#NM no x87", "#DF double fault", "x87 segment overrun", "#TS bad TSS", "#NP segment not present"],
  ...["#SS stack fault", "#GP general protection", "#PF page fault", undefined, "#MF x87 error", "#AC alignment"],
  ...["#MC machine check", "#XM SIMD error"],
];

/** Bits of an error code that names a descriptor (6.13). */
const SELECTOR = { EXT: 1, IDT: 2, TI: 4 } as const;
/** Bits of a page fault's (figure 4-12). */
const PAGE = { PROTECTION: 1, WRITE: 2, USER: 4, RESERVED: 8 } as const;

/** `#GP`, `interrupt 20`. */
function shortName(vector: number): string {
  return /^#\w+|^NMI/.exec(EXCEPTIONS[vector] ?? "")?.[0] ?? `interrupt ${bareHex(vector, 2)}`;
}

/** What an exception's error code says: `write, no such page, ring 0`; empty for a code that says nothing. */
export function describeErrorCode(vector: number, code: number): string {
  if (vector === DOUBLE_FAULT || vector === ALIGNMENT) return "";
  if (vector === PAGE_FAULT) {
    const why =
      (code & PAGE.RESERVED) !== 0
        ? "a reserved bit is set in an entry"
        : (code & PAGE.PROTECTION) !== 0
          ? "not allowed"
          : "page not present";
    return [(code & PAGE.WRITE) !== 0 ? "write" : "read", why, (code & PAGE.USER) !== 0 ? "ring 3" : "ring 0"].join(
      ", ",
    );
  }
  const index = code & 0xfff8;
  const external = (code & SELECTOR.EXT) !== 0 ? " (EXT)" : "";
  if ((code & SELECTOR.IDT) !== 0) return `IDT entry ${bareHex(index >>> 3, 2)}, ${shortName(index >>> 3)}${external}`;
  if (index === 0 && (code & SELECTOR.TI) === 0) return `no selector${external}`;
  return `${(code & SELECTOR.TI) !== 0 ? "LDT" : "GDT"} selector ${bareHex(code & 0xfffc, 4)}${external}`;
}

/**
 * The exceptions that led to a core's shutdown, in order, each on the way to the handler of the one before; none while it
 * runs.
 */
export function describeShutdown(machine: Machine, core: number): string[] {
  return machine.cores[core].shutdownCause.deliveries.map(({ vector, kind, errorCode, cr2 }) => {
    const exception = kind === EXTERNAL && vector >= 32 ? undefined : EXCEPTIONS[vector];
    const meaning = errorCode < 0 ? "" : describeErrorCode(vector, errorCode);
    const code = errorCode < 0 ? "" : `, error code ${bareHex(errorCode, 4)}${meaning === "" ? "" : `: ${meaning}`}`;
    const address = vector === PAGE_FAULT ? `; CR2 ${bareHex(cr2)}` : "";
    return `${exception ?? `interrupt ${bareHex(vector, 2)}`}${code}${address}`;
  });
}
