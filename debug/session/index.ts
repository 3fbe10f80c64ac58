/** A debugging session: going forwards and backwards, stopping, reading. */
export { Breakpoints } from "./breakpoints.ts";
export type {
  HistoryOptions,
  KernelSessionOptions,
  MachineSessionOptions,
  ReadOptions,
  RunOptions,
  StepOptions,
} from "./options.ts";
export { outOfPatience } from "./patience.ts";
export { DebugPrograms } from "./programs.ts";
export { DebugSession } from "./session.ts";
export { type LineEntry, type SymbolPlace, SymbolTable } from "./symbol-table.ts";
export { DEFAULT_HISTORY_BYTES } from "./timeline.ts";
export type * from "./types.ts";
export type { SessionView } from "./view.ts";
