/** Writing SVG: elements as text, in a document that brings its own background and fonts. */

type Attributes = Readonly<Record<string, string | number>>;

const FONT = "font-family: ui-sans-serif, system-ui, 'DejaVu Sans', sans-serif; font-size: 12px";
const MONOSPACE = "font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: 12px";
/** Widths of a character in pixels, about. */
const CHARACTER = 6.8;
const MONOSPACE_CHARACTER = 7.3;

/** Colours that can be told apart, for tasks. Text on them is dark. */
const PALETTE = [
  "#8ecae6",
  "#ffb703",
  "#a7c957",
  "#f4978e",
  "#cdb4db",
  "#90dbf4",
  "#e9c46a",
  "#b8e0d2",
  "#ffafcc",
  "#d4a373",
];

/** One of the palette's colours. */
export function colour(index: number): string {
  return PALETTE[((index % PALETTE.length) + PALETTE.length) % PALETTE.length]!;
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

/** Text in a box `width` wide, cut short or left out when it does not fit. */
export function labelWithin(x: number, y: number, width: number, text: string, more: Attributes = {}): string {
  const fits = Math.floor((width - 6) / CHARACTER);
  if (fits < 2) return "";
  return label(x + 3, y, text.length <= fits ? text : `${text.slice(0, fits - 1)}…`, more);
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
