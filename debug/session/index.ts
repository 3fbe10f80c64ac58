/** A debugging session: going forwards and backwards, stopping, reading. */
export { Breakpoints } from "./breakpoints.ts";
export { outOfPatience } from "./patience.ts";
export { DebugPrograms } from "./programs.ts";
export {
  DebugSession,
  type HistoryOptions,
  type KernelSessionOptions,
  type MachineSessionOptions,
  type ReadOptions,
  type RunOptions,
  type StepOptions,
} from "./session.ts";
export { type LineEntry, type SymbolPlace, SymbolTable } from "./symbol-table.ts";
export { DEFAULT_HISTORY_BYTES } from "./timeline.ts";
export type * from "./types.ts";
