import { type Snapshot, SnapshotError } from "../snapshot.ts";
import type { Core } from "./core.ts";
import {
  CPL,
  F64_INSTRUCTIONS,
  F64_TSC_OFFSET,
  SEG_ACCESS,
  SEG_BASE,
  SEG_LIMIT,
  SEG_SELECTOR,
  ZERO,
} from "./state-layout.ts";

/** Segment registers and the two system segment registers. */
const SEGMENTS = 8;

/** Saves or restores a core between instructions: its state, its TLB and its store buffer. */
export function snapshotCore(cpu: Core, s: Snapshot): void {
  s.section(`core ${cpu.id}`);
  s.bytes(cpu.r8);
  cpu.shutdownCause.snapshot(s);
  if (s.restoring) {
    checkState(cpu);
    for (let segment = 0; segment < SEGMENTS; segment++) refreshSegment(cpu, segment);
  }
  cpu.snapshotTlb(s);
  cpu.storeBuffer?.snapshot(s);
  if (s.restoring) cpu.refreshDerivedState();
}

/** Whatever the guest can bring about is in order; what it cannot would upset the emulator. */
function checkState(cpu: Core): void {
  const { r, f64 } = cpu;
  const instructions = f64[F64_INSTRUCTIONS];
  if (r[ZERO] !== 0 || (r[CPL] & ~3) !== 0 || !Number.isSafeInteger(instructions) || instructions < 0) {
    throw new SnapshotError(`malformed snapshot: the state of core ${cpu.id} is impossible`);
  }
  if (!Number.isSafeInteger(f64[F64_TSC_OFFSET])) {
    throw new SnapshotError(`malformed snapshot: the time-stamp counter of core ${cpu.id} is impossible`);
  }
}

function refreshSegment(cpu: Core, segment: number): void {
  const { r } = cpu;
  const selector = r[SEG_SELECTOR + segment];
  const limit = r[SEG_LIMIT + segment];
  cpu.setSegment(segment, selector, r[SEG_BASE + segment], limit, r[SEG_ACCESS + segment], cpu.segValid(segment));
}
