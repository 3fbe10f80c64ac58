/** The programs that tasks run, for their names in drawings. */
import type { RecordedEvent } from "../../kernel/index.ts";

export class TaskNames {
  readonly #comms = new Map<number, string>();

  event(event: RecordedEvent): void {
    if (event.event === "exec") this.#comms.set(Number(event["pid"]), String(event["comm"]));
    if (event.event === "fork") this.#comms.set(Number(event["child"]), this.#comms.get(Number(event["parent"])) ?? "");
  }

  /** `cow (2)`; `pid 2` when its program is not known. */
  of(pid: number): string {
    const comm = this.#comms.get(pid) ?? "";
    return pid === 0 ? "swapper (0)" : comm === "" ? `pid ${pid}` : `${comm} (${pid})`;
  }
}
