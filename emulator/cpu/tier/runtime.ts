/** The WebAssembly that is the same for all regions of a core. */

import { auxFunction } from "./aux-function.ts";
import type { Target } from "./emit.ts";
import { emitLookup } from "./lookup.ts";
import { Code, encodeModule, I32 } from "./wasm.ts";

/** What `enter` returns when there is nothing to enter. */
export const NOT_FOUND = -2;

/** By type index: parameters of regions' functions, of `aux` and of `interpret`. */
const TYPES = [2, 4, 1];
const AUX_TYPE = 1;
const INTERPRET_TYPE = 2;

export interface Runtime {
  /** Runs compiled code from a linear address on; returns what regions' functions do, or NOT_FOUND. */
  enter(eip: number, budget: number): number;
  /** The same at CPL 3. */
  enterUser(eip: number, budget: number): number;
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

/** Builds the functions above. */
export function buildRuntime(environment: Environment, target: Omit<Target, "user">): Runtime {
  const enter = (user: boolean) => {
    const code = new Code(2);
    emitLookup(code, { ...target, user }, 0, 1, code.local(I32));
    code.constant(NOT_FOUND);
    return code;
  };
  const aux = new Code(4);
  auxFunction(aux);
  const bytes = encodeModule({
    types: TYPES,
    imports: [],
    functions: [
      { name: "enter", type: 0, code: enter(false) },
      { name: "enterUser", type: 0, code: enter(true) },
      { name: "aux", type: AUX_TYPE, code: aux },
    ],
    memoryPages: pagesOf(environment.memory),
  });
  return instantiate(bytes, { ...environment }) as unknown as Runtime;
}

/** A region's module. */
export function encodeRegion(code: Code, memory: WebAssembly.Memory): Uint8Array {
  return encodeModule({
    types: TYPES,
    // AUX_FUNCTION, INTERPRET_FUNCTION.
    imports: [
      ["aux", AUX_TYPE],
      ["interpret", INTERPRET_TYPE],
    ],
    functions: [{ name: "run", type: 0, code }],
    memoryPages: pagesOf(memory),
  });
}

/** Compiles and instantiates a module, at once: what is compiled when must depend on the guest alone. */
export function instantiate(bytes: Uint8Array, env: Record<string, unknown>): Record<string, unknown> {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports;
}
