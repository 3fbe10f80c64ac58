/** Recording kernel events in memory. */
import type { Kernel, RecordedEvent } from "../../kernel/index.ts";

/** Keeps every event from its construction on; has no influence on the run. */
export class TraceRecorder {
  readonly events: RecordedEvent[] = [];

  constructor(kernel: Kernel) {
    kernel.on_event((event) => this.events.push(event));
  }
}
