import { type Snapshot, SnapshotError } from "../snapshot.ts";
import { Block, NO_BLOCK } from "./block-cache.ts";
import { DR6_BS } from "./breakpoints.ts";
import type { Core } from "./core.ts";
import { Op } from "./op.ts";
import {
  CPL,
  DEBUG_TRAP,
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
const LARGEST_OPCODE = 0xffff;

/** Saves or restores a core between instructions: its state and its TLB. */
export function snapshotCore(cpu: Core, s: Snapshot): void {
  s.section(`core ${cpu.id}`);
  s.bytes(cpu.r8);
  cpu.shutdownCause.snapshot(s);
  // While a single-step trap is due, it has to be known what ran last.
  const previous = cpu.r[DEBUG_TRAP] === DR6_BS ? cpu.runBlock : NO_BLOCK;
  const previousOpcode = s.integer(previous.ops[0]!.opcode, 0, LARGEST_OPCODE);
  if (s.restoring) {
    checkState(cpu);
    cpu.runBlock = stoppedAfter(previousOpcode);
    cpu.passedBreakpoint = -1;
    for (let segment = 0; segment < SEGMENTS; segment++) refreshSegment(cpu, segment);
  }
  cpu.snapshotTlb(s);
  if (s.restoring) cpu.refreshDerivedState();
}

/** Whatever the guest can bring about is in order; what it cannot would upset the emulator. */
function checkState(cpu: Core): void {
  const { r, f64 } = cpu;
  const instructions = f64[F64_INSTRUCTIONS]!;
  if (r[ZERO] !== 0 || (r[CPL]! & ~3) !== 0 || !Number.isSafeInteger(instructions) || instructions < 0) {
    throw new SnapshotError(`malformed snapshot: the state of core ${cpu.id} is impossible`);
  }
  if (!Number.isSafeInteger(f64[F64_TSC_OFFSET]!)) {
    throw new SnapshotError(`malformed snapshot: the time-stamp counter of core ${cpu.id} is impossible`);
  }
}

function refreshSegment(cpu: Core, segment: number): void {
  const { r } = cpu;
  const selector = r[SEG_SELECTOR + segment]!;
  const limit = r[SEG_LIMIT + segment]!;
  cpu.setSegment(segment, selector, r[SEG_BASE + segment]!, limit, r[SEG_ACCESS + segment]!, cpu.segValid(segment));
}

function stoppedAfter(opcode: number): Block {
  if (opcode === NO_BLOCK.ops[0]!.opcode) return NO_BLOCK;
  const op = new Op(() => {});
  op.opcode = opcode;
  const block = new Block([op], 0, false, -1);
  block.valid = false;
  return block;
}
