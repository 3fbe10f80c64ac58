/** Looking at a running kernel: debugging sessions, tasks, traces and reports on them. */
export { describeShutdown } from "./exceptions.ts";
export {
  drawTrace,
  formatSummary,
  openTrace,
  type Summary,
  summarize,
  type Trace,
  TraceError,
} from "./report/index.ts";
export * from "./session/index.ts";
export { describe_tasks, type TaskSummary, tasks } from "./tasks.ts";
export { TRACE_EVENTS, traceEventTable } from "./trace/events.ts";
export { TraceFile, type TraceFormat, traceFormatOf } from "./trace/file.ts";
export { TraceRecorder } from "./trace/recorder.ts";
