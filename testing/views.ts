/** What a kernel under test shows of itself, beside tasks, pages and registers. */
import type { RecordedEvent } from "../kernel/index.ts";
import type { Registers } from "./registers.ts";

type KmallocSize = 32 | 64 | 128 | 256 | 512 | 1024 | 2048 | 4096 | 8192 | 16384 | 32768 | 65536 | 131072;
/** The kernel's own slab caches. */
export type SlabCache =
  | "kmem_cache"
  | `size-${KmallocSize}`
  | "signal_act"
  | "files_cache"
  | "fs_cache"
  | "mm_struct"
  | "vm_area_struct"
  | "filp"
  | "inode_cache";

/** Free pages, threads, and the objects in use of each slab cache; those that a test's own modules make are there, too. */
export type MemoryAccounting = Readonly<Record<"free_pages" | "threads" | SlabCache, number>>;

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
