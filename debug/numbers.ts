/** Numbers as the REPL, reports and traces write them. */

/** `0x0000abcd`. */
export function hex(value: number, digits = 8): string {
  return `0x${(value >>> 0).toString(16).padStart(digits, "0")}`;
}

/** Without `0x`. */
export function bareHex(value: number, digits = 8): string {
  return (value >>> 0).toString(16).padStart(digits, "0");
}

/** `12,345,678`. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Columns of text: each but the last padded to its widest cell. Without `heading` the rows alone. */
export function table(rows: readonly (readonly string[])[], heading?: readonly string[]): string[] {
  const all = heading === undefined ? rows : [heading, ...rows];
  const widths: number[] = [];
  for (const row of all) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return all.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]))).join("  "));
}
