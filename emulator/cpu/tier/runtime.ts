/** The WebAssembly that is the same for all regions of a core. */

import { CPL, EIP, FLAG_AUX, FLAG_RESULT } from "../state-layout.ts";
import { auxFunction } from "./aux-function.ts";
import { loadLocal, PARAMETERS, storeLocal, type Target } from "./emit.ts";
import { Kind, POSITIVE } from "./flags.ts";
import { emitLookup } from "./lookup.ts";
import { Code, encodeModule, I32, I32_EQ, I32_NE } from "./wasm.ts";
import { KIND, PAIR, RESULT } from "./working-memory.ts";

/** What `enter` returns when there is nothing to enter. */
export const NOT_FOUND = -2;

/** Index of `aux` among the functions below. */
const AUX = 0;

/** By type index: parameters of regions' functions, of `aux` and of what else there is. */
const TYPES = [PARAMETERS, 4, 1];
const AUX_TYPE = 1;
const OTHER_TYPE = 2;

export interface Runtime {
  /** Runs compiled code from EIP on, with a budget; returns what regions' functions do, or NOT_FOUND. */
  enter(budget: number): number;
  /** Makes the flags that a region left behind, of a kind, those of the state; see flags.ts. Returns nothing of use. */
  settleFlags(kind: number): number;
  /** FLAG_AUX; see flags.ts. */
  aux(kind: number, result: number, first: number, second: number): number;
}

/** What modules import. */
export interface Environment {
  readonly memory: WebAssembly.Memory;
  readonly table: WebAssembly.Table;
}

function pagesOf(memory: WebAssembly.Memory): number {
  return memory.buffer.byteLength >>> 16;
}

/** A core, for functions of its own: its places in memory, and what CORE is for it. */
export interface CoreTarget extends Omit<Target, "user"> {
  readonly core: number;
}

/** Builds the functions above. */
export function buildRuntime(environment: Environment, target: CoreTarget): Runtime {
  const aux = new Code(4);
  auxFunction(aux);
  const bytes = encodeModule({
    types: TYPES,
    imports: [],
    functions: [
      { name: "aux", type: AUX_TYPE, code: aux },
      { name: "enter", type: OTHER_TYPE, code: enterFunction(target) },
      { name: "settleFlags", type: OTHER_TYPE, code: settleFunction(target) },
    ],
    memoryPages: pagesOf(environment.memory),
  });
  return instantiate(bytes, { ...environment }) as unknown as Runtime;
}

/** `Runtime.enter`: the parameter is the budget. */
function enterFunction(target: CoreTarget): Code {
  const code = new Code(1);
  const eip = code.local(I32);
  const slot = code.local(I32);
  const value = code.local(I32);
  code.constant(Kind.RAW);
  code.set(value);
  storeLocal(code, target, target.working + KIND, value);
  loadLocal(code, target, target.state + 4 * FLAG_RESULT, value);
  storeLocal(code, target, target.working + RESULT, value);
  code.constant(POSITIVE);
  code.set(value);
  storeLocal(code, target, target.working + PAIR, value);
  loadLocal(code, target, target.state + 4 * FLAG_AUX, value);
  storeLocal(code, target, target.working + PAIR + 4, value);
  loadLocal(code, target, target.state + 4 * EIP, eip);
  loadLocal(code, target, target.state + 4 * CPL, value);
  code.get(value);
  code.constant(3);
  code.op(I32_EQ);
  code.if();
  const lookup = { eip, budget: 0, slot, pushCore: () => code.constant(target.core) };
  emitLookup(code, { ...target, user: true }, lookup);
  code.constant(NOT_FOUND);
  code.return();
  code.end();
  emitLookup(code, { ...target, user: false }, lookup);
  code.constant(NOT_FOUND);
  return code;
}

/** `Runtime.settleFlags`: the parameter is the kind. */
function settleFunction(target: CoreTarget): Code {
  const code = new Code(1);
  const [kind, result, first, second] = [0, code.local(I32), code.local(I32), code.local(I32)];
  loadLocal(code, target, target.working + RESULT, result);
  storeLocal(code, target, target.state + 4 * FLAG_RESULT, result);
  loadLocal(code, target, target.working + PAIR + 4, second);
  code.get(kind);
  code.constant(Kind.RAW);
  code.op(I32_NE);
  code.if();
  code.get(kind);
  code.constant(Kind.DYNAMIC);
  code.op(I32_EQ);
  code.if();
  loadLocal(code, target, target.working + KIND, kind);
  code.end();
  loadLocal(code, target, target.working + PAIR, first);
  for (const local of [kind, result, first, second]) code.get(local);
  code.call(AUX);
  code.set(second);
  code.end();
  storeLocal(code, target, target.state + 4 * FLAG_AUX, second);
  code.constant(0);
  return code;
}

/** A region's module. */
export function encodeRegion(code: Code, memory: WebAssembly.Memory): Uint8Array {
  return encodeModule({
    types: TYPES,
    // AUX_FUNCTION, INTERPRET_FUNCTION, LOAD_SEGMENT_FUNCTION.
    imports: [
      ["aux", AUX_TYPE],
      ["interpret", OTHER_TYPE],
      ["loadSegment", OTHER_TYPE],
    ],
    functions: [{ name: "run", type: 0, code }],
    memoryPages: pagesOf(memory),
  });
}

/** Compiles and instantiates a module, at once: what is compiled when must depend on the guest alone. */
export function instantiate(bytes: Uint8Array, env: Record<string, unknown>): Record<string, unknown> {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports;
}
