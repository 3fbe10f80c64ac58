/** How compiled code finds compiled code: see the tables in working-memory.ts. */
import { TLB_MMIO, TLB_NO_USER, TLB_VALID } from "../state-layout.ts";
import { addBase, type Target } from "./emit.ts";
import type { Code } from "./wasm.ts";
import * as wasm from "./wasm.ts";
import { SLOT_BYTES, SLOT_SHIFT, SLOTS, slotsOffset } from "./working-memory.ts";

/** Index of the type of regions' functions: (entry, budget, core). */
export const REGION_TYPE = 0;

/**
 * Tail-calls the region that has an entry at a linear address, if the page of that is still where it was and may be read;
 * goes on behind otherwise.
 * @param eip local that has the linear address
 * @param budget local that has the budget left
 * @param slot local to use
 * @param pushCore pushes what CORE is to be
 */
export function emitLookup(
  code: Code,
  target: Target,
  { eip, budget, slot, pushCore }: { eip: number; budget: number; slot: number; pushCore: () => void },
): void {
  const table = target.working + slotsOffset(target.user);
  const fixed = ~0xfff | TLB_VALID | TLB_MMIO | (target.user ? TLB_NO_USER : 0);
  code.get(eip);
  code.get(eip);
  code.constant(SLOT_SHIFT);
  code.op(wasm.I32_SHR_U);
  code.op(wasm.I32_XOR);
  code.constant(SLOTS - 1);
  code.op(wasm.I32_AND);
  code.constant(Math.log2(SLOT_BYTES));
  code.op(wasm.I32_SHL);
  addBase(code, target);
  code.tee(slot);
  code.memory(wasm.I32_LOAD, table);
  code.get(eip);
  code.op(wasm.I32_EQ);
  code.if();
  code.get(eip);
  code.constant(10);
  code.op(wasm.I32_SHR_U);
  code.constant(0x3ffffc);
  code.op(wasm.I32_AND);
  addBase(code, target);
  code.memory(wasm.I32_LOAD, target.tlb);
  code.get(slot);
  code.memory(wasm.I32_LOAD, table + 4);
  code.op(wasm.I32_XOR);
  code.constant(fixed);
  code.op(wasm.I32_AND);
  code.op(wasm.I32_EQZ);
  code.if();
  code.get(slot);
  code.memory(wasm.I32_LOAD, table + 12);
  code.get(budget);
  pushCore();
  code.get(slot);
  code.memory(wasm.I32_LOAD, table + 8);
  code.returnCallIndirect(REGION_TYPE);
  code.end();
  code.end();
}
