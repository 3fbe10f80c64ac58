/** The axis of virtual time that drawings have in common. */
import { label, line, ticks, timeUnit } from "./svg.ts";
import type { Window } from "./window.ts";

/** Where the cycles of a window are, from one side of a plot to the other. */
export class TimeAxis {
  readonly #window: Window;
  readonly #hz: number;
  readonly #left: number;
  readonly #width: number;

  /** @param hz cycles in a second @param left of the plot, in pixels, as its width is */
  constructor(window: Window, hz: number, left: number, width: number) {
    this.#window = window;
    this.#hz = hz;
    this.#left = left;
    this.#width = width;
  }

  x(cycle: number): number {
    const { from, to } = this.#window;
    return this.#left + ((cycle - from) / Math.max(1, to - from)) * this.#width;
  }

  /** The axis at `bottom`, with lines up to `top`. */
  svg(top: number, bottom: number): string {
    const { from, to } = this.#window;
    const unit = timeUnit((to - from) / this.#hz);
    const scale = unit.perSecond / this.#hz;
    let content = line(this.#left, bottom, this.#left + this.#width, bottom, "#adb5bd");
    for (const tick of ticks(from * scale, to * scale, 10)) {
      const at = this.x(tick / scale);
      content += line(at, top, at, bottom + 4, "#e9ecef");
      content += label(at, bottom + 17, `${tick}`, { class: "s", "text-anchor": "middle" });
    }
    return content + label(16, bottom + 17, unit.name, { class: "s" });
  }
}
