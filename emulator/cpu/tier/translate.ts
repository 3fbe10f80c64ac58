/** From a region to the WebAssembly function that does what its instructions do. */
import { jecxz, loop, loope, loopne } from "../branch.ts";
import type { Handler, Op } from "../op.ts";
import { ECX, EIP } from "../state-layout.ts";
import { fromMemory, fromRegister } from "./alu.ts";
import { targetOf } from "./branches.ts";
import {
  BUDGET,
  CHOICE,
  Emit,
  ENTRY,
  type Exit,
  FLAG_FIRST,
  FLAG_KIND,
  FLAG_RESULT,
  FLAG_SECOND,
  GENERAL_REGISTERS,
  TARGET,
  type Target,
} from "./emit.ts";
import { emitterOf } from "./emitters.ts";
import { makeDynamic, pushCondition } from "./flag-code.ts";
import { Kind } from "./flags.ts";
import { emitLookup } from "./lookup.ts";
import { type Region, type RegionBlock, sizeOf, successors } from "./region.ts";
import { moveStackPointer, push } from "./stack.ts";
import { emitGraph, type Graph, loopHeads, type Way } from "./structure.ts";
import * as wasm from "./wasm.ts";
import { Code, I32 } from "./wasm.ts";
import { KIND, LEFT, PAIR, RESULT } from "./working-memory.ts";

/** Instructions that follow each other without a look at the budget, if no block has more. */
const LONGEST_PATH = 64;

/** What a region's function returns when it has left for code that is not compiled, whose EIP it has set. */
export const LEFT_FOR_TARGET = -1;

/** Condition codes, as Jcc has them. */
const ZERO = 4;
const NOT_ZERO = 5;

/** Ways from a block; what they do besides branching is theirs. */
interface Ways {
  isInside(eip: number): boolean;
  go(eip: number): void;
  /** If the number on the stack is not 0; to a block of the region only. */
  goIf(eip: number): void;
  /** To the EIP in the local TARGET. */
  goToTarget(): void;
}

/** Emits a block. */
function emitBlock(e: Emit, block: RegionBlock, ways: Ways): void {
  block.body.forEach(({ op, eip }, i) => {
    e.begin(eip, op.length, i);
    emitterOf(op)!(e, op);
  });
  const { branch, next } = block;
  const size = sizeOf(block);
  if (branch !== null) {
    e.begin(branch.eip, branch.op.length, size - 1);
    emitBranch(e, block, branch.op, ways);
    return;
  }
  charge(e, size);
  if (!block.stops) {
    ways.go(next);
    return;
  }
  e.begin(next, 0, 0);
  e.leave();
}

function charge(e: Emit, instructions: number): void {
  e.code.get(BUDGET);
  e.with(wasm.I32_SUB, instructions);
  e.code.set(BUDGET);
}

function emitBranch(e: Emit, block: RegionBlock, op: Op, ways: Ways): void {
  const { code } = e;
  const { kind, next } = block;
  const size = sizeOf(block);
  switch (kind!) {
    case "jump":
      charge(e, size);
      ways.go(targetOf(op, next));
      break;
    case "conditional":
      charge(e, size);
      emitConditional(e, op, targetOf(op, next), next, ways);
      break;
    case "call":
      push(e, 32, () => code.constant(next));
      charge(e, size);
      ways.go(targetOf(op, next));
      break;
    case "indirect-call":
    case "indirect-jump": {
      const target = op.isMemory ? fromMemory(e, 32, e.operand(op, 32, false)) : fromRegister(e, 32, op.rm);
      if (kind === "indirect-call") push(e, 32, () => code.constant(next));
      charge(e, size);
      code.get(target);
      code.set(TARGET);
      ways.goToTarget();
      break;
    }
    case "return": {
      const target = fromMemory(e, 32, e.stack(0, 32, false));
      moveStackPointer(e, 4 + op.imm);
      charge(e, size);
      for (const eip of block.returnTargets) {
        code.get(target);
        e.with(wasm.I32_EQ, eip);
        ways.goIf(eip);
      }
      code.get(target);
      code.set(TARGET);
      ways.goToTarget();
    }
  }
}

function emitConditional(e: Emit, op: Op, taken: number, next: number, ways: Ways): void {
  const { code } = e;
  pushTaken(e, op);
  if (ways.isInside(taken)) {
    ways.goIf(taken);
    ways.go(next);
  } else if (ways.isInside(next)) {
    code.op(wasm.I32_EQZ);
    ways.goIf(next);
    ways.go(taken);
  } else {
    code.if();
    ways.go(taken);
    code.end();
    ways.go(next);
  }
}

const COUNTING: ReadonlyMap<Handler, number | null> = new Map([
  [loop, null],
  [loope, ZERO],
  [loopne, NOT_ZERO],
]);

/** Pushes a number that is not 0 when a conditional branch is taken. */
function pushTaken(e: Emit, op: Op): void {
  const { code } = e;
  const condition = COUNTING.get(op.execute);
  if (op.execute === jecxz) {
    e.getRegister(ECX);
    code.op(wasm.I32_EQZ);
  } else if (condition === undefined) {
    pushCondition(e, op.opcode & 15);
  } else {
    e.getRegister(ECX);
    e.with(wasm.I32_SUB, 1);
    e.teeRegister(ECX);
    if (condition === null) return;
    e.with(wasm.I32_NE, 0);
    pushCondition(e, condition);
    code.op(wasm.I32_AND);
  }
}

/** For each block, what the budget must cover when it is entered; undefined where that need not be looked at. */
function budgets(graph: Graph, sizes: readonly number[]): (number | undefined)[] {
  const checked = new Set([...graph.entries, ...loopHeads(graph)]);
  const needs: number[] = [];
  const needOf = (node: number): number => {
    if (needs[node] !== undefined) return needs[node];
    let longest = 0;
    for (const next of graph.successors[node]) {
      const need = checked.has(next) ? 0 : needOf(next);
      if (!checked.has(next)) longest = Math.max(longest, need);
    }
    needs[node] = sizes[node] + longest;
    if (needs[node] > LONGEST_PATH) checked.add(node);
    return needs[node];
  };
  return sizes.map((_, node) => {
    const need = needOf(node);
    return checked.has(node) ? need : undefined;
  });
}

/** How flags are held where each block begins, and which registers are used and written. */
function analyse(blocks: readonly RegionBlock[], numbers: ReadonlyMap<number, number>, graph: Graph, target: Target) {
  const kinds: (Kind | undefined)[] = blocks.map(() => undefined);
  const queue = [...graph.entries];
  for (const node of queue) kinds[node] = Kind.DYNAMIC;
  const code = new Code(2);
  Emit.declareLocals(code);
  const e = new Emit(code, target, code.block(I32), () => 0);
  const merge = (eip: number) => {
    const node = numbers.get(eip);
    if (node === undefined || kinds[node] === e.kind || kinds[node] === Kind.DYNAMIC) return;
    kinds[node] = kinds[node] === undefined ? e.kind : Kind.DYNAMIC;
    queue.push(node);
  };
  const ways: Ways = { isInside: (eip) => numbers.has(eip), go: merge, goIf: merge, goToTarget: () => {} };
  for (;;) {
    const node = queue.pop() ?? kinds.indexOf(undefined);
    if (node < 0) break;
    e.kind = kinds[node] ??= Kind.DYNAMIC;
    emitBlock(e, blocks[node], ways);
  }
  return { kinds, used: e.used | e.written, written: e.written };
}

/**
 * @param exit registers an exit and returns its number, 0 or more
 * @returns the function: (entry, budget) to the number of an exit, or LEFT_FOR_TARGET; state and flags are in memory then
 */
export function translate(region: Region, target: Target, exit: (exit: Exit) => number): Code {
  const blocks = [...region.blocks.values()];
  const numbers = new Map(blocks.map((block, number) => [block.eip, number]));
  const graph: Graph = {
    successors: blocks.map((block) => successors(block).flatMap((eip) => numbers.get(eip) ?? [])),
    entries: region.entries.map((eip) => numbers.get(eip)!),
  };
  const needs = budgets(graph, blocks.map(sizeOf));
  const { kinds, used, written } = analyse(blocks, numbers, graph, target);

  const code = new Code(2);
  Emit.declareLocals(code);
  const out = code.block(I32);
  const elsewhere = code.block();
  const e = new Emit(code, target, out, exit);
  loadState(code, target, used);
  const select = ({ choice }: Way) => {
    if (choice < 0) return;
    code.constant(choice);
    code.set(CHOICE);
  };
  emitGraph(
    code,
    graph,
    CHOICE,
    (entries) => {
      for (let i = entries.length - 1; i > 0; i--) {
        select(entries[i]);
        code.get(ENTRY);
        e.with(wasm.I32_EQ, i);
        code.brIf(entries[i].label);
      }
      select(entries[0]);
      code.br(entries[0].label);
    },
    (node, wayTo) => {
      const { eip } = blocks[node];
      const prepare = (to: number): Way => {
        if (kinds[to] === Kind.DYNAMIC) makeDynamic(e);
        const way = wayTo(to);
        select(way);
        return way;
      };
      e.kind = kinds[node]!;
      const need = needs[node];
      if (need !== undefined) {
        e.begin(eip, 0, 0);
        e.leaveIf(() => {
          code.get(BUDGET);
          e.with(wasm.I32_LT_S, need);
        });
      }
      const goToTarget = () => {
        makeDynamic(e);
        code.br(elsewhere);
      };
      emitBlock(e, blocks[node], {
        isInside: (to) => numbers.has(to),
        go: (to) => {
          const number = numbers.get(to);
          if (number !== undefined) {
            code.br(prepare(number).label);
            return;
          }
          code.constant(to);
          code.set(TARGET);
          goToTarget();
        },
        goIf: (to) => code.brIf(prepare(numbers.get(to)!).label),
        goToTarget,
      });
    },
  );
  code.end();
  saveState(code, target, written);
  emitLookup(code, target, TARGET, BUDGET, CHOICE);
  store(code, target.state + 4 * EIP, TARGET);
  store(code, target.working + LEFT, BUDGET);
  code.constant(LEFT_FOR_TARGET);
  code.return();
  code.end();
  code.set(ENTRY);
  saveState(code, target, written);
  store(code, target.working + LEFT, BUDGET);
  code.get(ENTRY);
  return code;
}

function loadState(code: Code, target: Target, registers: number): void {
  const load = (local: number, offset: number) => {
    code.constant(0);
    code.memory(wasm.I32_LOAD, offset);
    code.set(local);
  };
  for (let n = 0; n < 8; n++) if ((registers & (1 << n)) !== 0) load(GENERAL_REGISTERS + n, target.state + 4 * n);
  load(FLAG_KIND, target.working + KIND);
  load(FLAG_RESULT, target.working + RESULT);
  load(FLAG_FIRST, target.working + PAIR);
  load(FLAG_SECOND, target.working + PAIR + 4);
}

function saveState(code: Code, target: Target, registers: number): void {
  for (let n = 0; n < 8; n++) {
    if ((registers & (1 << n)) !== 0) store(code, target.state + 4 * n, GENERAL_REGISTERS + n);
  }
  store(code, target.working + KIND, FLAG_KIND);
  store(code, target.working + RESULT, FLAG_RESULT);
  store(code, target.working + PAIR, FLAG_FIRST);
  store(code, target.working + PAIR + 4, FLAG_SECOND);
}

function store(code: Code, offset: number, local: number): void {
  code.constant(0);
  code.get(local);
  code.memory(wasm.I32_STORE, offset);
}
