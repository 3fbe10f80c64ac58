/** What can be seen of a guest that is being debugged, without moving or changing it. */
import type { Machine, RegisterName } from "../../emulator/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { ReadOptions } from "./options.ts";
import type { SymbolTable } from "./symbol-table.ts";

export interface SessionView {
  readonly symbols: SymbolTable;
  /** The machine of this moment; going back may make it another object. */
  readonly machine: Machine;
  /** The kernel of this moment; undefined on a bare machine. */
  readonly kernel: Kernel | undefined;
  /** Instructions executed by all cores since the reset. */
  readonly position: number;
  /** Number of the selected core; while a condition is asked, the one that met the request. */
  readonly core: number;

  /**
   * A copy of memory as a core or a task sees it, without side effects; of a kernel's, before it has turned paging on, as
   * it will see it.
   * @throws RangeError when it is not mapped
   */
  readLinear(address: number, length: number, options?: ReadOptions): Uint8Array;

  /** A copy of physical memory, without side effects. @throws RangeError when it leaves the address space */
  readPhysical(address: number, length: number): Uint8Array;

  /** Physical address behind a linear one; undefined where none is mapped. */
  physicalAddress(linear: number, options?: ReadOptions): number | undefined;

  /** Every register by name, unsigned; of the selected core, or of another. */
  registers(core?: number): Record<RegisterName, number>;

  /** Linear address of the next instruction, unsigned. */
  linearEip(core?: number): number;
}
