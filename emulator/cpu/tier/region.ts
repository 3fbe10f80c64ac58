/** Finding what is compiled together: code of one page that can be reached from one instruction. */
import type { Block } from "../block-cache.ts";
import type { Op } from "../op.ts";
import { type BranchKind, branchKind, continues, isDirect, targetOf } from "./branches.ts";
import type { Emitter } from "./emitter.ts";
import { emitterOf, isInterpretable, isStep, stepContinues } from "./emitters.ts";

/** Instructions in a region at most. */
const REGION_OPS = 400;
/** Return addresses that a RET is compared with at most. */
const RETURN_TARGETS = 4;
/** Instructions that the interpreter runs one after the other behind a block at most. */
const MOST_STEPS = 8;

const PAGE_SIZE = 4096;

/** An instruction in its place. */
export interface Placed {
  readonly op: Op;
  readonly eip: number;
  /** Null for a branch, and for what the interpreter is to run. */
  readonly emitter: Emitter | null;
}

/** Instructions without a way in but at the first, or out but behind the last. */
export interface RegionBlock {
  readonly eip: number;
  /** Without the branch. */
  readonly body: readonly Placed[];
  /** The branch at the end; null when execution goes on at `next`. */
  readonly branch: Placed | null;
  readonly kind: BranchKind | null;
  /** EIP behind the last instruction. */
  readonly next: number;
  /**
   * When there is an instruction at `next` that is not compiled: those that the interpreter is to run from there on before
   * the region, or another, is entered again. None where it is to go on by itself.
   */
  readonly steps: readonly Placed[] | null;
  /** For a RET: return addresses in the region that it is likely to find. */
  returnTargets: readonly number[];
}

export interface Region {
  /** By their EIP. */
  readonly blocks: ReadonlyMap<number, RegionBlock>;
  /** EIPs of the blocks that are entered from outside, the most important first. */
  readonly entries: readonly number[];
  /** Instructions. */
  readonly size: number;
}

/** Instructions in a block, the branch included. */
export function sizeOf(block: RegionBlock): number {
  return block.body.length + (block.branch === null ? 0 : 1);
}

/** EIPs of the blocks of the region that may follow a block. */
export function successors(block: RegionBlock): number[] {
  const { branch, kind, next } = block;
  if (branch === null) return block.steps !== null ? [] : [next];
  if (kind === "return") return [...block.returnTargets];
  if (kind === "repeat") return [block.eip, next];
  const targets = isDirect(kind!) ? [targetOf(branch.op, next)] : [];
  return kind === "conditional" ? [...targets, next] : targets;
}

/**
 * Finds a region.
 * @param root EIP, which is a linear address, of its first instruction
 * @param fetch the decoded block at an EIP of the root's page; null when there is none that ends in the page
 * @returns null when it is not worth it
 */
export function findRegion(root: number, fetch: (eip: number) => Block | null): Region | null {
  const found = new Map<number, Placed>();
  const leaders = new Set<number>([root]);
  const stops = new Map<number, readonly Placed[]>();
  /** Where the interpreter's steps end. */
  const resumed = new Set<number>();
  const queue = [root];
  const isInPage = (eip: number) => (eip ^ root) >>> 0 < PAGE_SIZE;
  const goTo = (eip: number) => {
    if (!isInPage(eip) || leaders.has(eip)) return;
    leaders.add(eip);
    queue.push(eip);
  };
  for (let start = queue.shift(); start !== undefined; start = queue.shift()) {
    if (found.has(start) || stops.has(start) || found.size >= REGION_OPS) continue;
    const block = fetch(start);
    if (block === null) {
      stops.set(start, []);
      continue;
    }
    let next = start;
    for (const op of block.ops) {
      const eip = (start + op.offset) | 0;
      if (found.has(eip)) {
        leaders.add(eip);
        break;
      }
      next = (eip + op.length) | 0;
      const kind = branchKind(op);
      const emitter = kind === null ? emitterOf(op) : null;
      if (kind === null && emitter === null && !isInterpretable(op)) {
        const steps = stepsFrom(eip, fetch);
        stops.set(eip, steps);
        const last = steps.at(-1);
        if (last !== undefined && stepContinues(last.op)) {
          const behind = (last.eip + last.op.length) | 0;
          goTo(behind);
          resumed.add(behind);
        }
        break;
      }
      if (found.size >= REGION_OPS) break;
      found.set(eip, { op, eip, emitter });
      if (kind === "repeat") {
        // A block of its own, to which it goes back.
        leaders.add(eip);
        goTo(next);
      } else if (kind !== null) {
        if (isDirect(kind)) goTo(targetOf(op, next));
        if (continues(kind)) goTo(next);
      } else if (op === block.ops[block.ops.length - 1]) {
        goTo(next);
      }
    }
  }
  const hasSteps = (eip: number) => (stops.get(eip) ?? []).length > 0;
  if (!(found.has(root) || hasSteps(root)) || !isWorthwhile([...found.values()])) return null;
  const blocks = new Map<number, RegionBlock>();
  for (const eip of leaders) if (found.has(eip) || hasSteps(eip)) blocks.set(eip, cut(eip, found, leaders, stops));
  const known = [...connectReturns(root, blocks), ...[...resumed].filter((eip) => blocks.has(eip))];
  const entries = reachAll([...new Set(known)], blocks);
  return { blocks, entries, size: found.size };
}

/** The instructions from one on that end a block each, and are not branches. */
function stepsFrom(eip: number, fetch: (eip: number) => Block | null): Placed[] {
  const steps: Placed[] = [];
  for (let at = eip; steps.length < MOST_STEPS; ) {
    const op = fetch(at)?.ops[0];
    if (op === undefined || !isStep(op) || branchKind(op) !== null) break;
    steps.push({ op, eip: at, emitter: null });
    if (!stepContinues(op)) break;
    at = (at + op.length) | 0;
    if ((at ^ eip) >>> 0 >= PAGE_SIZE) break;
  }
  return steps;
}

/** Whether enough of the instructions become WebAssembly. */
function isWorthwhile(placed: readonly Placed[]): boolean {
  const compiled = placed.filter(({ op, emitter }) => emitter !== null || branchKind(op) !== null).length;
  return compiled > 0 && 2 * compiled >= placed.length;
}

/** The block that begins at `start`. */
function cut(
  start: number,
  found: ReadonlyMap<number, Placed>,
  leaders: ReadonlySet<number>,
  stops: ReadonlyMap<number, readonly Placed[]>,
): RegionBlock {
  const body: Placed[] = [];
  let eip = start;
  let branch: Placed | null = null;
  let kind: BranchKind | null = null;
  for (let placed = found.get(eip); placed !== undefined; placed = found.get(eip)) {
    if (eip !== start && leaders.has(eip)) break;
    eip = (eip + placed.op.length) | 0;
    kind = branchKind(placed.op);
    if (kind !== null) {
      branch = placed;
      break;
    }
    body.push(placed);
  }
  const steps = branch === null ? (stops.get(eip) ?? null) : null;
  return { eip: start, body, branch, kind, next: eip, steps, returnTargets: [] };
}

/**
 * Leads RETs back to the calls in the region that they may belong to.
 * @returns the entries: the root, and where calls return to that no RET of the region leads to
 */
function connectReturns(root: number, blocks: ReadonlyMap<number, RegionBlock>): number[] {
  const targets = new Map<RegionBlock, number[]>();
  const entries = new Set([root]);
  for (const block of blocks.values()) {
    if (block.kind !== "call" && block.kind !== "indirect-call") continue;
    const callee = block.kind === "call" ? blocks.get(targetOf(block.branch!.op, block.next)) : undefined;
    const returns = callee === undefined || !blocks.has(block.next) ? [] : returnsOf(callee, blocks);
    for (const end of returns) {
      const known = targets.get(end) ?? [];
      if (known.length < RETURN_TARGETS) targets.set(end, [...known, block.next]);
      else entries.add(block.next);
    }
    if (returns.length === 0 && blocks.has(block.next)) entries.add(block.next);
  }
  for (const [end, eips] of targets) end.returnTargets = eips;
  return [...entries];
}

/** The RETs that a function which begins with a block may end with. */
function returnsOf(first: RegionBlock, blocks: ReadonlyMap<number, RegionBlock>): RegionBlock[] {
  const seen = new Set([first]);
  const returns: RegionBlock[] = [];
  for (const block of seen) {
    if (block.kind === "return") returns.push(block);
    const isCall = block.kind === "call" || block.kind === "indirect-call";
    for (const eip of isCall ? [block.next] : block.kind === "return" ? [] : successors(block)) {
      const next = blocks.get(eip);
      if (next !== undefined) seen.add(next);
    }
  }
  return returns;
}

/** Entries from which every block can be reached: a return from a recursion that seems to have no end becomes one. */
function reachAll(entries: readonly number[], blocks: ReadonlyMap<number, RegionBlock>): number[] {
  const all = [...entries];
  const reached = new Set<number>();
  const reach = (entry: number) => {
    const queue = new Set([entry]);
    for (const eip of queue) {
      const block = blocks.get(eip);
      if (block === undefined || reached.has(eip)) continue;
      reached.add(eip);
      for (const next of successors(block)) queue.add(next);
    }
  };
  for (const entry of entries) reach(entry);
  for (const eip of blocks.keys()) {
    if (reached.has(eip)) continue;
    all.push(eip);
    reach(eip);
  }
  return all;
}
