/** Reports on trace files: what they add up to, and drawings. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { ContextSwitches } from "./context-switch.ts";
import { Goodness } from "./goodness.ts";
import { InterruptStacks } from "./interrupt-stacks.ts";
import { KernelStacks } from "./kernel-stack.ts";
import { Locks } from "./locks.ts";
import { PageTables } from "./page-tables.ts";
import { PriorityArrays } from "./priority-arrays.ts";
import type { Trace } from "./read.ts";
import { RunQueues } from "./run-queues.ts";
import { Timeline } from "./timeline.ts";
import type { Window } from "./window.ts";

export { openTrace, type Trace, TraceError } from "./read.ts";
export { type Summary, summarize, type Tally, type TaskTimes } from "./summary.ts";
export { formatSummary } from "./text.ts";
export type { Window };

/**
 * SVG drawings by file name. What is over time, and the locks, is that of `window`, by default from the first program's start to
 * the end.
 * @throws TraceError at a line that is no event
 */
export function drawTrace(trace: Trace, window: Partial<Window> = {}): Map<string, string> {
  const shown = { ...programsOf(trace), ...window };
  const timeline = new Timeline(shown, trace.hz);
  const tables = new PageTables();
  const stacks = new KernelStacks();
  const switches = new ContextSwitches();
  const interrupts = new InterruptStacks();
  const plots = {
    "goodness.svg": new Goodness(trace.hz),
    "run-queues.svg": new RunQueues(shown, trace.hz),
    "priority-arrays.svg": new PriorityArrays(shown, trace.hz),
    "locks.svg": new Locks(shown),
  };
  const parts = [timeline, tables, stacks, switches, interrupts, ...Object.values(plots)];
  let last: RecordedEvent | undefined;
  for (const event of trace.events()) {
    for (const part of parts) part.event(event);
    last = event;
  }
  if (last !== undefined) timeline.finish({ ...last, event: "end" });
  const drawings = new Map([["cpu-timeline.svg", timeline.svg()]]);
  for (const [i, svg] of tables.svgs().entries()) drawings.set(`page-tables-${i + 1}.svg`, svg);
  for (const [i, svg] of stacks.svgs().entries()) drawings.set(`kernel-stack-${i + 1}.svg`, svg);
  for (const [i, svg] of switches.svgs().entries()) drawings.set(`context-switch-${i + 1}.svg`, svg);
  for (const [i, svg] of interrupts.svgs().entries()) drawings.set(`interrupt-stacks-${i + 1}.svg`, svg);
  for (const [name, plot] of Object.entries(plots)) {
    const svg = plot.svg();
    if (svg !== undefined) drawings.set(name, svg);
  }
  return drawings;
}

function programsOf(trace: Trace): Window {
  let from: number | undefined;
  let to = 1;
  for (const { event, cycle } of trace.events()) {
    if (event === "exec") from ??= cycle;
    to = Math.max(to, cycle);
  }
  return { from: from ?? 0, to };
}
