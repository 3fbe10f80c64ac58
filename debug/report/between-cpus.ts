/** What goes from CPU to CPU in the timeline: tasks that move, and the CPUs' interrupts of each other. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { ipiName } from "../trace/names.ts";
import { box, element, escapeMarkup, label, taskColour, textWidth } from "./svg.ts";
import type { Window } from "./window.ts";

/** Arrows of either kind in one drawing: with more nobody could tell them apart. */
const MOST = 200;
const IPI_COLOURS: Readonly<Record<string, string>> = {
  reschedule: "#e03131",
  "call function": "#9c36b5",
  "TLB shoot-down": "#1971c2",
  stop: "#343a40",
};

interface Arrow {
  readonly from: number;
  readonly begin: number;
  readonly to: number;
  readonly end: number;
  readonly title: string;
  readonly stroke: string;
  readonly dashed: boolean;
}

/** Collects what a window shows of it. */
export class BetweenCpus {
  readonly #window: Window;
  /** Where each task ran last, and when it left. */
  readonly #last = new Map<number, { readonly cpu: number; readonly cycle: number }>();
  /** Interrupts on their way, by vector and target. */
  readonly #sent = new Map<string, { readonly cpu: number; readonly cycle: number }>();
  readonly #migrations: Arrow[] = [];
  readonly #ipis: Arrow[] = [];
  /** Those that were left off. */
  readonly #more = { migrations: 0, ipis: 0 };

  constructor(window: Window) {
    this.#window = window;
  }

  event(event: RecordedEvent): void {
    const { cpu, cycle } = event;
    switch (event.event) {
      case "switch_to":
        this.#leaves(Number(event["prev"]), cpu, cycle);
        this.#comes(Number(event["next"]), cpu, cycle);
        break;
      case "fork":
        // A new task comes from where it was made.
        this.#last.set(Number(event["child"]), { cpu, cycle });
        break;
      case "ipi_raise":
        for (let target = 0; target < 32; target++)
          if ((Number(event["target_cpus"]) >>> target) & 1)
            this.#sent.set(`${event["vector"]} ${target}`, { cpu, cycle });
        break;
      case "ipi_entry":
        this.#arrives(Number(event["vector"]), cpu, cycle);
    }
  }

  #leaves(pid: number, cpu: number, cycle: number): void {
    if (pid !== 0) this.#last.set(pid, { cpu, cycle });
  }

  #comes(pid: number, cpu: number, cycle: number): void {
    const last = this.#last.get(pid);
    this.#last.delete(pid);
    if (pid === 0 || last === undefined || last.cpu === cpu) return;
    const title = `pid ${pid} moves from CPU ${last.cpu} to CPU ${cpu}`;
    this.#add("migrations", {
      ...{ from: last.cpu, begin: last.cycle, to: cpu, end: cycle },
      ...{ title, stroke: taskColour(pid), dashed: false },
    });
  }

  #arrives(vector: number, cpu: number, cycle: number): void {
    const key = `${vector} ${cpu}`;
    const sent = this.#sent.get(key);
    if (sent === undefined) return;
    this.#sent.delete(key);
    const name = ipiName(vector);
    const title = `${name}: CPU ${sent.cpu} interrupts CPU ${cpu}`;
    this.#add("ipis", {
      ...{ from: sent.cpu, begin: sent.cycle, to: cpu, end: cycle },
      ...{ title, stroke: IPI_COLOURS[name] ?? "#343a40", dashed: true },
    });
  }

  #add(kind: "migrations" | "ipis", arrow: Arrow): void {
    if (arrow.end <= this.#window.from || arrow.begin >= this.#window.to) return;
    const arrows = kind === "ipis" ? this.#ipis : this.#migrations;
    if (arrows.length < MOST) arrows.push(arrow);
    else this.#more[kind]++;
  }

  /** @param x of a cycle @param y of a CPU's row of tasks */
  svg(x: (cycle: number) => number, y: (cpu: number) => number): string {
    return [...this.#migrations, ...this.#ipis]
      .map(({ from, begin, to, end, title, stroke, dashed }) => {
        const x1 = x(Math.max(begin, this.#window.from));
        const x2 = x(Math.min(end, this.#window.to));
        const y1 = y(from);
        const y2 = y(to);
        const back = y2 > y1 ? -5 : 5;
        const d = `M${x1.toFixed(1)} ${y1}L${x2.toFixed(1)} ${y2}m-3 ${back}l3 ${-back}l3 ${back}`;
        const attributes = { d, fill: "none", stroke, "stroke-width": 1.5 };
        return element(
          "path",
          dashed ? { ...attributes, "stroke-dasharray": "4 2" } : attributes,
          element("title", {}, escapeMarkup(title)).trimEnd(),
        );
      })
      .join("");
  }

  /** What the arrows mean, at a place; nothing when there are none. */
  legend(x: number, y: number): string {
    const names = new Map(this.#ipis.map(({ title, stroke }) => [title.split(":")[0], stroke]));
    let content = "";
    let at = x;
    const entries = [...(this.#migrations.length > 0 ? [["a task moves", "#868e96"] as const] : []), ...names];
    for (const [text, stroke] of entries) {
      content += box(at, y - 6, 12, 2, stroke) + label(at + 17, y, text, { class: "s" });
      at += textWidth(text) + 36;
    }
    const { migrations, ipis } = this.#more;
    if (migrations + ipis > 0)
      content += label(
        at,
        y,
        `left off: ${migrations} moves, ${ipis} interrupts of CPUs; --from and --to show a part`,
        {
          class: "s",
        },
      );
    return content;
  }
}
