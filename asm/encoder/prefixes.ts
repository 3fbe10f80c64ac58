/** Instruction prefixes written as words (GNU as manual, 9.16.6 "Instruction Prefixes"). */
import { StatementError } from "../diagnostics.ts";
import type { Instruction } from "../instruction.ts";
import { SEGMENT_PREFIXES } from "./registers.ts";

/** Prefixes of one instruction: one byte of each kind, 0 for none, stored in the order in which they are emitted. */
export interface PrefixBytes {
  wait: number;
  segment: number;
  addressSize: number;
  operandSize: number;
  repeat: number;
  lock: number;
}

interface Prefix {
  readonly kind: keyof PrefixBytes;
  readonly byte: number;
  /** The code size in which a size prefix says nothing new, else 0. */
  readonly redundantIn: number;
}

const PREFIXES: ReadonlyMap<string, Prefix> = new Map<string, Prefix>([
  ["wait", { kind: "wait", byte: 0x9b, redundantIn: 0 }],
  ...["es", "cs", "ss", "ds", "fs", "gs"].map((name, number): [string, Prefix] => [
    name,
    { kind: "segment", byte: SEGMENT_PREFIXES[number] as number, redundantIn: 0 },
  ]),
  ["addr16", { kind: "addressSize", byte: 0x67, redundantIn: 16 }],
  ["addr32", { kind: "addressSize", byte: 0x67, redundantIn: 32 }],
  ["data16", { kind: "operandSize", byte: 0x66, redundantIn: 16 }],
  ["data32", { kind: "operandSize", byte: 0x66, redundantIn: 32 }],
  ["rep", { kind: "repeat", byte: 0xf3, redundantIn: 0 }],
  ["repe", { kind: "repeat", byte: 0xf3, redundantIn: 0 }],
  ["repz", { kind: "repeat", byte: 0xf3, redundantIn: 0 }],
  ["repne", { kind: "repeat", byte: 0xf2, redundantIn: 0 }],
  ["repnz", { kind: "repeat", byte: 0xf2, redundantIn: 0 }],
  ["lock", { kind: "lock", byte: 0xf0, redundantIn: 0 }],
]);

/** Whether `name` is a prefix, usable before a mnemonic or alone. */
export function isPrefix(name: string): boolean {
  return PREFIXES.has(name);
}

/** The prefixes written before the mnemonic. Throws a StatementError for unknown, redundant or conflicting ones. */
export function readPrefixes({ prefixes, codeSize, position }: Instruction): PrefixBytes {
  const bytes: PrefixBytes = { wait: 0, segment: 0, addressSize: 0, operandSize: 0, repeat: 0, lock: 0 };
  for (const name of prefixes) {
    const prefix = PREFIXES.get(name);
    if (prefix === undefined) throw new StatementError(`unknown prefix \`${name}\``, position);
    if (prefix.redundantIn === codeSize) {
      throw new StatementError(`prefix \`${name}\` is redundant in ${codeSize}-bit code; leave it out`, position);
    }
    if (bytes[prefix.kind] !== 0) {
      throw new StatementError(
        `prefix \`${name}\` follows another of its kind; one instruction takes only one`,
        position,
      );
    }
    bytes[prefix.kind] = prefix.byte;
  }
  return bytes;
}
