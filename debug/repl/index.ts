/** The debugger's commands, for a terminal, a script or another program. */
export type { ConsoleOptions } from "./console.ts";
export { type LineResult, PROMPT, Repl } from "./repl.ts";
export { SourceTexts } from "./source-texts.ts";
