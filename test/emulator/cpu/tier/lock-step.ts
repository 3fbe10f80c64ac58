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

/** Linear addresses of the first instructions that a machine's cores execute, by page. */
function addressesOf(machine: Machine): number[][] {
  const pages = new Map<number, Set<number>>();
  for (let i = 0; i < 2000 && machine.step().kind === "budget"; i++) {
    const { eip } = machine.cores[machine.turnCore];
    pages.set(eip >>> 12, (pages.get(eip >>> 12) ?? new Set()).add(eip));
  }
  return [...pages.values()].map((page) => [...page]);
}

/** Sets breakpoints; one time in eight, they stop. @returns what is noted of every time one is reached */
function setBreakpoints(machine: Machine, addresses: readonly number[]): string[] {
  const reached: string[] = [];
  machine.setBreakpoints(addresses, (core, linear) => {
    return reached.push(`${core.id} ${hex(linear)} ${hex(core.eip)} ${core.instructions} ${machine.cycles}`) % 8 === 0;
  });
  return reached;
}

/**
 * Runs the same on a machine with the tier and on one without, in slices of random lengths.
 * @param breakpoints whether both have breakpoints at instructions of a few pages, which change now and then
 * @returns what they came to differ in, and where; null when they do not
 */
export function lockStep(
  options: () => MachineOptions,
  prepare: (machine: Machine) => void,
  random: Random,
  {
    instructions,
    slice,
    threshold = 2,
    breakpoints = false,
  }: { instructions: number; slice: number; threshold?: number; breakpoints?: boolean },
): { difference: string | null; compiled: Machine } {
  const compiled = new Machine({ ...options(), tier: "on", tierThreshold: threshold });
  const plain = new Machine({ ...options(), tier: "off" });
  prepare(compiled);
  prepare(plain);
  let [reached, others]: string[][] = [[], []];
  let pages: number[][] = [];
  if (breakpoints) {
    const scout = new Machine({ ...options(), tier: "off" });
    prepare(scout);
    pages = addressesOf(scout);
  }
  for (let done = 0; done < instructions; ) {
    const length = random.oneIn(4) ? random.between(1, 20) : random.between(1, slice);
    const before = compiled.cores.map((core) => hex(core.eip)).join(" ");
    if (pages.length > 0 && random.oneIn(3)) {
      const addresses = Array.from({ length: random.below(4) }, () => random.pick(random.pick(pages)));
      reached = setBreakpoints(compiled, addresses);
      others = setBreakpoints(plain, addresses);
    }
    const stop = compiled.run({ maxInstructions: length });
    const other = plain.run({ maxInstructions: length });
    done += length;
    const memory = memoryDifference(compiled, plain);
    const found =
      stop.kind !== other.kind
        ? `stops: ${stop.kind}, ${other.kind}`
        : reached.join() !== others.join()
          ? `breakpoints: ${reached.find((at, i) => at !== others[i])}`
          : (difference(compiled, plain) ?? (memory < 0 ? null : `memory at ${hex(memory)}`));
    if (found !== null) return { difference: `${found} after ${done} instructions, from EIP ${before}`, compiled };
    if (stop.kind !== "budget" && stop.kind !== "breakpoint") break;
  }
  return { difference: null, compiled };
}
