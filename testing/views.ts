/** What a kernel under test shows of itself, beside tasks, pages and registers. */
import type { RecordedEvent } from "../kernel/index.ts";
import type { Registers } from "./registers.ts";

/** Free pages, threads, and the objects in use of each slab cache, by name. */
export type MemoryAccounting = Readonly<Record<string, number>>;

/** A context switch that was waited for. */
export interface Switch {
  readonly from: number;
  readonly to: number;
  readonly event: RecordedEvent;
  /** At the first instruction of switch_to, on the stack of `from`. */
  readonly before: Registers;
  /** At the first instruction on the stack of `to`, with everything switched. */
  readonly after: Registers;
}

/** Fields of the TSS that a kernel uses. */
export interface TssView {
  /** Linear address of the TSS. */
  readonly address: number;
  /** The stack that the CPU takes when it leaves ring 3. */
  readonly esp0: number;
  readonly ss0: number;
}
