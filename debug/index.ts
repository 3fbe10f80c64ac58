/** Looking at a running kernel: tasks, traces. */
export { describe_tasks, type TaskSummary, tasks } from "./tasks.ts";
export { TraceRecorder } from "./trace.ts";
