/** Two machines that must never differ: one with the compiled tier, one without. */
import { Machine, type MachineOptions } from "../../../../emulator/index.ts";
import type { Random } from "../host-cpu/random.ts";

/** Slots of a core's state that are compared: all that the layout names. */
const SLOTS = 360;

/** What two machines differ in, or null. */
export function difference(a: Machine, b: Machine): string | null {
  if (a.instructions !== b.instructions) return `instructions: ${a.instructions}, ${b.instructions}`;
  for (const core of a.cores) {
    const other = b.cores[core.id];
    for (let i = 0; i < SLOTS; i++) {
      if (core.r[i] !== other.r[i]) return `core ${core.id}, slot ${i}: ${hex(core.r[i])}, ${hex(other.r[i])}`;
    }
    if (core.instructions !== other.instructions) return `instructions of core ${core.id}`;
    const entries = JSON.stringify(core.tlbEntries());
    const others = JSON.stringify(other.tlbEntries());
    if (entries !== others) return `TLB of core ${core.id}: ${entries}, ${others}`;
  }
  return null;
}

/** Where the memories of two machines differ, or -1. */
export function memoryDifference(a: Machine, b: Machine): number {
  const x = a.memory.bytes.subarray(a.memory.ramOffset, a.memory.ramOffset + a.memory.ramSize);
  const y = b.memory.bytes.subarray(b.memory.ramOffset, b.memory.ramOffset + b.memory.ramSize);
  return Buffer.compare(x, y) === 0 ? -1 : x.findIndex((byte, i) => byte !== y[i]);
}

function hex(value: number): string {
  return (value >>> 0).toString(16);
}

/**
 * Runs the same on a machine with the tier and on one without, in slices of random lengths.
 * @returns what they came to differ in, and where; null when they do not
 */
export function lockStep(
  options: () => MachineOptions,
  prepare: (machine: Machine) => void,
  random: Random,
  { instructions, slice, threshold = 2 }: { instructions: number; slice: number; threshold?: number },
): { difference: string | null; compiled: Machine } {
  const compiled = new Machine({ ...options(), tier: "on", tierThreshold: threshold });
  const plain = new Machine({ ...options(), tier: "off" });
  prepare(compiled);
  prepare(plain);
  for (let done = 0; done < instructions; ) {
    const length = random.oneIn(4) ? random.between(1, 20) : random.between(1, slice);
    const before = compiled.cores.map((core) => hex(core.eip)).join(" ");
    const stop = compiled.run({ maxInstructions: length });
    const other = plain.run({ maxInstructions: length });
    done += length;
    const memory = memoryDifference(compiled, plain);
    const found =
      stop.kind !== other.kind
        ? `stops: ${stop.kind}, ${other.kind}`
        : (difference(compiled, plain) ?? (memory < 0 ? null : `memory at ${hex(memory)}`));
    if (found !== null) return { difference: `${found} after ${done} instructions, from EIP ${before}`, compiled };
    if (stop.kind !== "budget") break;
  }
  return { difference: null, compiled };
}
