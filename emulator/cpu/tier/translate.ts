/** From a region to the WebAssembly function that does what its instructions do. */
import { jecxz, loop, loope, loopne } from "../branch.ts";
import type { Handler, Op } from "../op.ts";
import { ECX, EIP } from "../state-layout.ts";
import { fromMemory, fromRegister } from "./alu.ts";
import { targetOf } from "./branches.ts";
import {
  ACCESS,
  BUDGET,
  CHOICE,
  CORE,
  Emit,
  ENTRY,
  FLAG_FIRST,
  FLAG_KIND,
  FLAG_RESULT,
  FLAG_SECOND,
  LEFT_FOR_TARGET,
  loadLocal,
  loadRegisters,
  PARAMETERS,
  pushBase,
  type Registry,
  saveRegisters,
  storeLocal,
  TARGET,
  type Target,
  toSteps,
} from "./emit.ts";
import { makeDynamic, makeRaw, pushCondition } from "./flag-code.ts";
import { Kind } from "./flags.ts";
import { emitLookup } from "./lookup.ts";
import { type Placed, type Region, type RegionBlock, sizeOf, successors } from "./region.ts";
import { moveStackPointer, push } from "./stack.ts";
import { emitPiece, hasPieces } from "./string.ts";
import { emitGraph, type Graph, loopHeads, type Way } from "./structure.ts";
import * as wasm from "./wasm.ts";
import { Code, I32 } from "./wasm.ts";
import { KIND, LEFT, LINEAR, PAIR, RESULT } from "./working-memory.ts";

/** Instructions that follow each other without a look at the budget, if no block has more. */
const LONGEST_PATH = 64;

/** Condition codes, as Jcc has them. */
const ZERO = 4;
const NOT_ZERO = 5;

/** Bit masks of the general registers that a region uses, and of those that it may change. */
interface Registers {
  readonly used: number;
  readonly written: number;
}

const ALL: Registers = { used: 0xff, written: 0xff };

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
function emitBlock(e: Emit, block: RegionBlock, ways: Ways, registers: Registers): void {
  const { body, branch, next } = block;
  let interpreted: Placed[] = [];
  body.forEach((placed, i) => {
    const { op, eip, emitter } = placed;
    if (emitter === null) interpreted.push(placed);
    if (emitter === null && i + 1 < body.length) return;
    if (interpreted.length > 0) {
      emitInterlude(e, interpreted, i + (emitter === null ? 1 : 0) - interpreted.length, registers);
      interpreted = [];
    }
    if (emitter === null) return;
    e.begin(eip, op.length, i);
    emitter(e, op);
  });
  const size = sizeOf(block);
  if (branch !== null) {
    e.begin(branch.eip, branch.op.length, size - 1);
    if (block.kind === "repeat") emitRepeat(e, block, branch, ways, registers);
    else emitBranch(e, block, branch.op, ways);
    return;
  }
  charge(e, size);
  if (block.steps === null) {
    ways.go(next);
    return;
  }
  e.begin(next, 0, 0);
  e.leave("instruction", block.steps.length > 0 ? toSteps(block.steps) : null);
}

/** Instructions that the interpreter runs; `executed` before them in the block. */
function emitInterlude(e: Emit, placed: readonly Placed[], executed: number, registers: Registers): void {
  e.begin(placed[0].eip, placed[0].op.length, executed);
  makeRaw(e);
  e.interpret(toSteps(placed), registers);
}

/** A piece of a repeated string instruction, if need be by the interpreter; it is there again while elements are left. */
function emitRepeat(e: Emit, block: RegionBlock, placed: Placed, ways: Ways, registers: Registers): void {
  const { code } = e;
  if (hasPieces(placed.op)) {
    const { kind } = e;
    const otherwise = code.block();
    const pushStays = emitPiece(e, placed.op, otherwise);
    charge(e, 1);
    pushStays();
    ways.goIf(block.eip);
    ways.go(block.next);
    code.end();
    e.kind = kind;
  }
  emitInterlude(e, [placed], 0, registers);
  charge(e, 1);
  pushBase(code, e.target);
  code.memory(wasm.I32_LOAD, e.target.state + 4 * EIP);
  e.with(wasm.I32_EQ, block.eip);
  ways.goIf(block.eip);
  ways.go(block.next);
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
  switch (kind) {
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
  const code = new Code(PARAMETERS);
  Emit.declareLocals(code);
  const e = new Emit(code, target, code.block(I32), { exit: () => 0, interlude: () => 0 });
  let interprets = false;
  const merge = (eip: number) => {
    const node = numbers.get(eip);
    if (node === undefined || kinds[node] === e.kind || kinds[node] === Kind.DYNAMIC) return;
    kinds[node] = kinds[node] === undefined ? e.kind : Kind.DYNAMIC;
    queue.push(node);
  };
  const ways: Ways = { isInside: (eip) => numbers.has(eip), go: merge, goIf: merge, goToTarget: () => {} };
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    e.kind = kinds[node]!;
    emitBlock(e, blocks[node], ways, ALL);
    interprets ||= blocks[node].kind === "repeat" || blocks[node].body.some(({ emitter }) => emitter === null);
  }
  // The interpreter may change any register, of which locals hold those that are used.
  const used = e.used | e.written;
  return { kinds, registers: { used, written: interprets ? used : e.written } };
}

/** @returns the function: (entry, budget, core) to the number of an exit, INTERRUPTED or LEFT_FOR_TARGET; state and flags are in memory then */
export function translate(region: Region, target: Target, registry: Registry): Code {
  const blocks = [...region.blocks.values()];
  const numbers = new Map(blocks.map((block, number) => [block.eip, number]));
  const graph: Graph = {
    successors: blocks.map((block) => successors(block).flatMap((eip) => numbers.get(eip) ?? [])),
    entries: region.entries.map((eip) => numbers.get(eip)!),
  };
  const needs = budgets(graph, blocks.map(sizeOf));
  const { kinds, registers } = analyse(blocks, numbers, graph, target);

  const code = new Code(PARAMETERS);
  Emit.declareLocals(code);
  const out = code.block(I32);
  const elsewhere = code.block();
  const e = new Emit(code, target, out, registry);
  loadState(code, target, registers.used);
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
        e.leaveIf("budget", () => {
          code.get(BUDGET);
          e.with(wasm.I32_LT_S, need);
        });
      }
      const goToTarget = () => {
        makeDynamic(e);
        code.br(elsewhere);
      };
      emitBlock(
        e,
        blocks[node],
        {
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
        },
        registers,
      );
    },
  );
  code.end();
  saveState(code, target, registers.written);
  emitLookup(code, target, { eip: TARGET, budget: BUDGET, slot: CHOICE, pushCore: () => code.get(CORE) });
  storeLocal(code, target, target.state + 4 * EIP, TARGET);
  storeLocal(code, target, target.working + LEFT, BUDGET);
  code.constant(LEFT_FOR_TARGET);
  code.return();
  code.end();
  code.set(ENTRY);
  saveState(code, target, registers.written);
  storeLocal(code, target, target.working + LEFT, BUDGET);
  storeLocal(code, target, target.working + LINEAR, ACCESS);
  code.get(ENTRY);
  return code;
}

/** Where in working memory the locals that hold flags are between regions. */
const FLAG_PLACES = [
  [KIND, FLAG_KIND],
  [RESULT, FLAG_RESULT],
  [PAIR, FLAG_FIRST],
  [PAIR + 4, FLAG_SECOND],
] as const;

function loadState(code: Code, target: Target, registers: number): void {
  loadRegisters(code, target, registers);
  for (const [place, local] of FLAG_PLACES) loadLocal(code, target, target.working + place, local);
}

function saveState(code: Code, target: Target, registers: number): void {
  saveRegisters(code, target, registers);
  for (const [place, local] of FLAG_PLACES) storeLocal(code, target, target.working + place, local);
}
