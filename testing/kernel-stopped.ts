/** Runs that end before they get where a test wanted them. */
import type { KernelStop } from "../kernel/index.ts";

/** The kernel did not get where the test wanted it. The message says how it stopped, and where. */
export class KernelStoppedError extends Error {
  constructor(
    message: string,
    readonly stop: KernelStop,
  ) {
    super(message);
    this.name = "KernelStoppedError";
  }
}

/** As messages have it. */
export function formatStop(stop: KernelStop): string {
  switch (stop.kind) {
    case "exit":
      return `pid 1 ended with status ${stop.status}`;
    case "panic":
      return "it panicked";
    case "asleep":
      return "everything is asleep, and nothing could wake it";
    case "input":
      return "a task waits for input; give it some with input() or closeInput()";
    case "budget":
      return "the instructions it may use are used up (maxInstructions)";
    default:
      return stop.kind;
  }
}
