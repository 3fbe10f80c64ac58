/** Page tables of parent and child around a fork, and the frames behind them. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { box, drawing, label, line } from "./svg.ts";

const MOST_FORKS = 8;
const MOST_PAGES = 24;
const PAGE_WRITABLE = 2;
const FRAME_MASK = 0xfffff000;

const TOP = 64;
const ROW = 26;
const PAGE_WIDTH = 134;
const FRAME_WIDTH = 92;
const SPACE = 70;
const PANEL_GAP = 56;

const WRITABLE = "#d8f3dc";
const READ_ONLY = "#fde2e4";
const SHARED = "#ffe8a3";
const PRIVATE = "#f1f3f5";

interface Page {
  readonly address: number;
  readonly frame: number;
  readonly writable: boolean;
}

interface Table {
  readonly pid: number;
  readonly pages: readonly Page[];
  readonly leftOff: number;
}

interface Fork {
  readonly before: Table | undefined;
  parent: Table | undefined;
  child: Table | undefined;
  readonly parentPid: number;
  readonly childPid: number;
  /** The tables after the first copy that one of the two got. */
  copied: { readonly pid: number; readonly parent: Table; readonly child: Table } | undefined;
}

/** Collects the snapshots around forks. */
export class PageTables {
  readonly #forks: Fork[] = [];
  readonly #before = new Map<number, Table>();

  event(event: RecordedEvent): void {
    if (event.event === "fork") this.#fork(Number(event["parent"]), Number(event["child"]));
    if (event.event !== "page_tables") return;
    const table = tableOf(event);
    if (event["when"] === "fork_begin") this.#before.set(table.pid, table);
    else if (event["when"] === "fork_end") this.#after(table);
    else this.#copied(table);
  }

  /** A drawing for each fork of which there are snapshots. */
  svgs(): string[] {
    return this.#forks.flatMap((fork) => (fork.parent && fork.child ? [draw(fork, fork.parent, fork.child)] : []));
  }

  #fork(parentPid: number, childPid: number): void {
    const before = this.#before.get(parentPid);
    if (this.#forks.length === MOST_FORKS || before === undefined) return;
    this.#forks.push({ before, parent: undefined, child: undefined, parentPid, childPid, copied: undefined });
  }

  #after(table: Table): void {
    const fork = this.#forks.at(-1);
    if (fork?.parentPid === table.pid) fork.parent ??= table;
    else if (fork?.childPid === table.pid) fork.child ??= table;
  }

  #copied(table: Table): void {
    const fork = this.#forks.findLast(({ parentPid, childPid }) => parentPid === table.pid || childPid === table.pid);
    if (fork?.parent === undefined || fork.child === undefined || fork.copied !== undefined) return;
    const isParent = table.pid === fork.parentPid;
    fork.copied = { pid: table.pid, parent: isParent ? table : fork.parent, child: isParent ? fork.child : table };
  }
}

function tableOf(event: RecordedEvent): Table {
  const ptes = String(event["ptes"]);
  const pages =
    ptes === ""
      ? []
      : ptes.split(" ").map((entry) => {
          const [address, pte] = entry.split(":").map((digits) => Number.parseInt(digits, 16)) as [number, number];
          return { address, frame: (pte & FRAME_MASK) >>> 0, writable: (pte & PAGE_WRITABLE) !== 0 };
        });
  return {
    pid: Number(event["pid"]),
    pages: pages.slice(0, MOST_PAGES),
    leftOff: Number(event["left_off"]) + Math.max(0, pages.length - MOST_PAGES),
  };
}

function draw(fork: Fork, parent: Table, child: Table): string {
  const { before, copied } = fork;
  const panels = [
    ...(before === undefined ? [] : [panel("before fork", before, undefined)]),
    panel("after fork", parent, child),
    ...(copied === undefined
      ? []
      : [panel(`after the first copy-on-write fault of pid ${copied.pid}`, copied.parent, copied.child)]),
  ];
  let x = 16;
  let content = "";
  for (const { markup, width } of panels) {
    content += `<g transform="translate(${x} ${TOP})">\n${markup}</g>\n`;
    x += width + PANEL_GAP;
  }
  const height = TOP + Math.max(...panels.map((each) => each.height)) + 44;
  content += legend(height - 20);
  return drawing(x - PANEL_GAP + 16, height, `Page tables: pid ${fork.parentPid} forks pid ${fork.childPid}`, content);
}

interface Panel {
  readonly markup: string;
  readonly width: number;
  readonly height: number;
}

/** One or two page tables with the frames between them. */
function panel(title: string, left: Table, right: Table | undefined): Panel {
  const frames = [...new Set([...left.pages, ...(right?.pages ?? [])].map(({ frame }) => frame))];
  const users = (frame: number) =>
    [left, right].filter((table) => table?.pages.some((page) => page.frame === frame)).length;
  const framesAt = PAGE_WIDTH + SPACE;
  const rightAt = framesAt + FRAME_WIDTH + SPACE;
  const y = (row: number) => 40 + row * ROW;
  let markup = label(0, 0, title, { "font-weight": "600" });
  markup += label(0, 28, `pid ${left.pid}`) + label(framesAt, 28, "frames");
  if (right !== undefined) markup += label(rightAt, 28, `pid ${right.pid}`);
  const connect = (table: Table, x: number, frameX: number) => {
    table.pages.forEach(({ frame, writable }, row) => {
      const middle = (ROW - 6) / 2;
      const dash = writable ? {} : { "stroke-dasharray": "4 3" };
      markup += line(
        x,
        y(row) + middle,
        frameX,
        y(frames.indexOf(frame)) + middle,
        writable ? "#2b8a3e" : "#c92a2a",
        dash,
      );
    });
  };
  connect(left, PAGE_WIDTH, framesAt);
  if (right !== undefined) connect(right, rightAt, framesAt + FRAME_WIDTH);
  frames.forEach((frame, row) => {
    markup += cell(framesAt, y(row), FRAME_WIDTH, hex(frame), users(frame) > 1 ? SHARED : PRIVATE);
  });
  const column = (table: Table, x: number) => {
    table.pages.forEach(({ address, writable }, row) => {
      markup += cell(
        x,
        y(row),
        PAGE_WIDTH,
        `${hex(address)} ${writable ? "rw" : "r-"}`,
        writable ? WRITABLE : READ_ONLY,
      );
    });
    if (table.leftOff > 0)
      markup += label(x, y(table.pages.length) + 14, `… and ${table.leftOff} more`, { class: "s" });
  };
  column(left, 0);
  if (right !== undefined) column(right, rightAt);
  const rows = Math.max(frames.length, left.pages.length + 1, (right?.pages.length ?? 0) + 1);
  const width = right === undefined ? framesAt + FRAME_WIDTH : rightAt + PAGE_WIDTH;
  return { markup, width, height: y(rows) };
}

function cell(x: number, y: number, width: number, text: string, fill: string): string {
  return (
    box(x, y, width, ROW - 6, fill, "", { rx: 3, stroke: "#868e96", "stroke-width": 0.6 }) +
    label(x + width / 2, y + 14, text, { class: "m", "text-anchor": "middle" })
  );
}

function legend(y: number): string {
  const entries = [
    [WRITABLE, "writable"],
    [READ_ONLY, "read-only: a write faults"],
    [SHARED, "frame shared by both"],
    [PRIVATE, "frame of one"],
  ] as const;
  return entries
    .map(([fill, text], i) => {
      const x = 16 + i * 190;
      return box(x, y - 10, 12, 12, fill, "", { stroke: "#868e96", "stroke-width": 0.6 }) + label(x + 18, y, text);
    })
    .join("");
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
