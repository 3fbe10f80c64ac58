/** Writing SVG: elements as text, in a document that brings its own background and fonts. */

type Attributes = Readonly<Record<string, string | number>>;

const FONT = "font-family: ui-sans-serif, system-ui, 'DejaVu Sans', sans-serif; font-size: 12px";
const MONOSPACE = "font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: 12px";
/** Widths of a character in pixels, about. */
const CHARACTER = 6.8;
const MONOSPACE_CHARACTER = 7.3;

/** Colours that can be told apart, for the first tasks. Text on them is dark. */
const PALETTE = [
  "#74b9e8",
  "#ffb703",
  "#90be6d",
  "#f28482",
  "#c39bd3",
  "#43c6ac",
  "#c9a27e",
  "#ff9ecb",
  "#f4e04d",
  "#a3b1c6",
];
const IDLE = "#dee2e6";
/** Degrees between the hues of two that follow one another: no small number of such steps comes round. */
const GOLDEN_ANGLE = 137.508;

/** The colour of a task in all drawings, its own. @param pid 0 is the idle task */
export function taskColour(pid: number): string {
  if (pid === 0) return IDLE;
  return PALETTE[pid - 1] ?? `hsl(${((pid * GOLDEN_ANGLE) % 360).toFixed(1)},55%,72%)`;
}

export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** An element; `content` is markup. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const written = Object.entries(attributes)
    .map(
      ([key, value]) =>
        ` ${key}="${escapeMarkup(typeof value === "number" ? String(Math.round(value * 100) / 100) : value)}"`,
    )
    .join("");
  return content === "" ? `<${name}${written}/>\n` : `<${name}${written}>${content}</${name}>\n`;
}

/** A rectangle; `title` shows when the pointer is on it. */
export function box(
  x: number,
  y: number,
  width: number,
  height: number,
  fill: string,
  title = "",
  more: Attributes = {},
): string {
  const shown = title === "" ? "" : element("title", {}, escapeMarkup(title)).trimEnd();
  return element("rect", { x, y, width: Math.max(width, 0.3), height, fill, ...more }, shown);
}

export function label(x: number, y: number, text: string, more: Attributes = {}): string {
  return element("text", { x, y, ...more }, escapeMarkup(text));
}

/** The first of several texts that fits in a box `width` wide; nothing when none does. */
export function labelWithin(
  x: number,
  y: number,
  width: number,
  texts: readonly string[],
  more: Attributes = {},
): string {
  const fitting = texts.find((text) => textWidth(text) + 6 <= width);
  return fitting === undefined ? "" : label(x + 3, y, fitting, more);
}

export function line(x1: number, y1: number, x2: number, y2: number, stroke: string, more: Attributes = {}): string {
  return element("line", { x1, y1, x2, y2, stroke, ...more });
}

/** Pixels that text takes, about. */
export function textWidth(text: string, monospace = false): number {
  return text.length * (monospace ? MONOSPACE_CHARACTER : CHARACTER);
}

/** A whole drawing with a title above it. `class="m"` makes text monospaced, `class="s"` small and grey. */
export function drawing(width: number, height: number, title: string, content: string): string {
  const style = `text{${FONT};fill:#222}.m{${MONOSPACE}}.s{font-size:11px;fill:#555}.t{font-size:15px;font-weight:600}`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${Math.ceil(height)}" ` +
    `viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}">\n${element("style", {}, style)}` +
    `${element("rect", { width: "100%", height: "100%", fill: "#fff" })}` +
    `${label(16, 26, title, { class: "t" })}${content}</svg>\n`
  );
}

/** Round numbers between two, about `wanted` of them, for the ticks of an axis. */
export function ticks(from: number, to: number, wanted: number): number[] {
  const rough = (to - from) / wanted;
  if (!(rough > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const first = Math.ceil(from / step);
  const count = Math.max(0, Math.min(Math.floor(to / step + 1e-6) - first + 1, 2 * wanted));
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A unit of time for an axis, and how many of it a second has. */
export interface TimeUnit {
  readonly name: "s" | "ms" | "µs";
  readonly perSecond: number;
}

/** The unit in which a stretch of time is written in few digits. */
export function timeUnit(seconds: number): TimeUnit {
  if (seconds >= 1) return { name: "s", perSecond: 1 };
  return seconds >= 1e-3 ? { name: "ms", perSecond: 1e3 } : { name: "µs", perSecond: 1e6 };
}

/** The path of an arrow from one point to another, straight or bent sideways by `bend` pixels. */
export function arrow(x1: number, y1: number, x2: number, y2: number, stroke: string, bend = 0): string {
  const middle = (y1 + y2) / 2;
  const curve = bend === 0 ? `L${x2} ${y2}` : `C${x1 + bend} ${middle} ${x2 - bend} ${middle} ${x2} ${y2}`;
  const towards = x2 >= x1 ? -1 : 1;
  const head = `M${x2 + 7 * towards} ${y2 - 4}L${x2} ${y2}L${x2 + 7 * towards} ${y2 + 4}`;
  return element("path", { d: `M${x1} ${y1}${curve}${head}`, fill: "none", stroke, "stroke-width": 2 });
}
