/** Reading debugging information: DWARF of versions 2 to 5, as compilers, assemblers and this linker write it. */
export * from "./c-types.ts";
export { type CallFrames, readCallFrames } from "./call-frames.ts";
export { DebugInformation, type EnumeratorValue } from "./debug-information.ts";
export {
  type CallerRegisters,
  callerRegisters,
  type FrameRegisters,
  type FrameRules,
  frameAddress,
} from "./frame-rules.ts";
export { type CodeLine, codeLines } from "./line-table.ts";
export type { ExpressionContext, Place } from "./location-expression.ts";
export type { Scope, Variable } from "./scopes.ts";
