import type { Snapshot } from "../snapshot.ts";
import type { PortBus } from "./ports.ts";

/** What every device of the board is to it. What it drives, it was given when it was made. */
export interface Device {
  /** Takes its ports; memory that it answers for is its own affair. @throws RangeError when one is taken, or does not exist */
  connect(ports: PortBus): void;
  /** Power-on state, where a comment does not say that a PC's firmware has been there. Media keep their contents. */
  reset(): void;
  /** Saves or restores all of its state. */
  snapshot(s: Snapshot): void;
}
