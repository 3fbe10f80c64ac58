/** The test kit: boots a kernel inside a test, drives it, looks at it, and says in the domain's words what is wrong. */
export type { DebugSession } from "../debug/session/index.ts";
export type { RecordedEvent } from "../kernel/index.ts";
export { BootedKernel, bootKernel } from "./booted-kernel.ts";
export { type EventFilter, formatEvent } from "./events.ts";
export { forEachInterleaving, Interleaving, type InterleavingOptions } from "./interleaving.ts";
export { KernelStoppedError } from "./kernel-stopped.ts";
export { type KernelMatchers, type MatcherResult, matchers, type SwitchFilter } from "./matchers.ts";
export type { BootKernelOptions } from "./options.ts";
export type { AreaView, PageView } from "./pages.ts";
export { asm, assembleProgram, Program, ProgramError, type ProgramSource } from "./program.ts";
export type { CalleeSaved, RegisterField, Registers } from "./registers.ts";
export type { StackWord } from "./stack.ts";
export type { SwitchFrame, TaskState, TaskView, UserRegisters } from "./tasks.ts";
export type { MemoryAccounting, Switch, TssView } from "./views.ts";
