/** Recording kernel events. */
import type { Kernel, RecordedEvent } from "../kernel/index.ts";

/** Keeps every event from its construction on; has no influence on the run. */
export class TraceRecorder {
  readonly events: RecordedEvent[] = [];

  constructor(kernel: Kernel) {
    kernel.on_event((event) => this.events.push(event));
  }

  /** One JSON object a line, in order: `instruction`, `cycle`, `event`, then the event's own fields. */
  json_lines(): string {
    return this.events
      .map(
        ({ instruction, cycle, event, ...fields }) => `${JSON.stringify({ instruction, cycle, event, ...fields })}\n`,
      )
      .join("");
  }
}
