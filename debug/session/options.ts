/** What a debugging session and its commands are told to begin with. */
import type { BootOptions } from "../../kernel/index.ts";
import type { SymbolTable } from "./symbol-table.ts";

export interface HistoryOptions {
  /** Bytes of memory for the captures it goes back by, 256 MiB by default; with less, going far back takes longer. */
  readonly historyBytes?: number | undefined;
}

/** How to boot a kernel for debugging. */
export interface KernelSessionOptions extends BootOptions, HistoryOptions {
  /** The ELF file of pid 1, for its symbols. */
  readonly program?: Uint8Array | undefined;
}

export interface MachineSessionOptions extends HistoryOptions {
  /** Symbols of the program on the machine. */
  readonly symbols?: SymbolTable | undefined;
}

export interface RunOptions {
  /** Instructions to execute at most, by all cores together. */
  readonly maxInstructions?: number | undefined;
}

export interface StepOptions {
  /** Only this core executes; it is selected. Without it all do, until the selected one has executed the instructions. */
  readonly core?: number | undefined;
}

export interface ReadOptions {
  /** Whose page tables and mode to use; the selected core's without it. */
  readonly core?: number | undefined;
  /** Address of a `task_struct`, whose address space to use instead. */
  readonly task?: number | undefined;
}
