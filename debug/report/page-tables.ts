/** Page tables of parent and child around a fork, and the frames behind them. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { hex } from "../numbers.ts";
import { box, drawing, label, line, textWidth } from "./svg.ts";

const MOST_FORKS = 8;
const MOST_PAGES = 24;
/** Copies after a fork that are drawn. */
const MOST_COPIES = 8;
const PAGE_WRITABLE = 2;
const FRAME_MASK = 0xfffff000;

const TOP = 64;
const ROW = 26;
const PAGE_WIDTH = 160;
const FRAME_WIDTH = 92;
const SPACE = 60;
const PANEL_GAP = 56;
/** Panels beside one another, at most as wide as this together. */
const WIDEST = 1500;

/** What a write to a page does. */
type Access = "writable" | "copy-on-write" | "read-only";

const ACCESS: Readonly<Record<Access, { readonly fill: string; readonly stroke: string; readonly meaning: string }>> = {
  writable: { fill: "#d8f3dc", stroke: "#2b8a3e", meaning: "writable" },
  "copy-on-write": {
    fill: "#ffd8a8",
    stroke: "#e8590c",
    meaning: "copy-on-write: a write faults and gets a page of its own",
  },
  "read-only": { fill: "#e9ecef", stroke: "#868e96", meaning: "read-only for good: code, constants" },
};
/** Of the explanation of colours. */
const LEGEND_WIDTH = 1150;
const SHARED = "#ffe8a3";
const PRIVATE = "#ffffff";

interface Page {
  readonly address: number;
  readonly frame: number;
  readonly access: Access;
  /** Of what area it is: code, data or stack. */
  readonly area: string;
}

interface Table {
  readonly pid: number;
  readonly pages: readonly Page[];
  readonly leftOff: number;
  readonly hasEnded?: boolean;
}

/** A write to a page that had been shared, and the tables behind it. */
interface Copy {
  readonly pid: number;
  readonly address: number;
  /** Whether the page was copied, and not just made writable for its last user. */
  readonly isCopied: boolean;
  readonly parent: Table | undefined;
  readonly child: Table | undefined;
}

interface Fork {
  readonly before: Table | undefined;
  /** As they are after the fork and what has been collected since; undefined of a task that has ended. */
  parent: Table | undefined;
  child: Table | undefined;
  after: { readonly parent: Table; readonly child: Table } | undefined;
  readonly parentPid: number;
  readonly childPid: number;
  readonly copies: Copy[];
  leftOff: number;
  /** One of them has become another program: what it writes from now on is not what they shared. */
  isOver: boolean;
}

/** Collects the snapshots around forks. */
export class PageTables {
  readonly #forks: Fork[] = [];
  readonly #before = new Map<number, Table>();
  #cow: RecordedEvent | undefined;

  event(event: RecordedEvent): void {
    switch (event.event) {
      case "fork":
        this.#fork(Number(event["parent"]), Number(event["child"]));
        break;
      case "exec":
        for (const fork of this.#of(Number(event["pid"]))) fork.isOver = true;
        break;
      case "exit":
        this.#exit(Number(event["pid"]));
        break;
      case "cow":
        this.#cow = event;
        break;
      case "page_tables": {
        const table = tableOf(event);
        if (event["when"] === "fork_begin") this.#before.set(table.pid, table);
        else if (event["when"] === "fork_end") this.#after(table);
        else this.#copied(table);
      }
    }
  }

  /** A drawing for each fork of which there are snapshots. */
  svgs(): string[] {
    return this.#forks.flatMap((fork) => (fork.after === undefined ? [] : [draw(fork, fork.after)]));
  }

  #of(pid: number): Fork[] {
    return this.#forks.filter(({ parentPid, childPid }) => parentPid === pid || childPid === pid);
  }

  #fork(parentPid: number, childPid: number): void {
    const before = this.#before.get(parentPid);
    if (this.#forks.length === MOST_FORKS || before === undefined) return;
    const nothing = { parent: undefined, child: undefined, after: undefined };
    this.#forks.push({ before, ...nothing, parentPid, childPid, copies: [], leftOff: 0, isOver: false });
  }

  #after(table: Table): void {
    const fork = this.#forks.at(-1);
    if (fork?.parentPid === table.pid) fork.parent ??= table;
    else if (fork?.childPid === table.pid) fork.child ??= table;
    if (fork?.parent !== undefined && fork.child !== undefined)
      fork.after ??= { parent: fork.parent, child: fork.child };
  }

  #exit(pid: number): void {
    for (const fork of this.#of(pid)) {
      if (fork.parentPid === pid) fork.parent = undefined;
      else fork.child = undefined;
    }
  }

  /** Of the last fork that the task has to do with. */
  #copied(table: Table): void {
    const cow = this.#cow;
    const fork = this.#of(table.pid).at(-1);
    if (fork?.after === undefined || fork.isOver || cow === undefined || Number(cow["pid"]) !== table.pid) return;
    if (table.pid === fork.parentPid) fork.parent = table;
    else fork.child = table;
    if (fork.copies.length === MOST_COPIES) {
      fork.leftOff++;
      return;
    }
    const { parent, child } = fork;
    const address = (Number(cow["address"]) & FRAME_MASK) >>> 0;
    fork.copies.push({ pid: table.pid, address, isCopied: cow["copied"] === 1, parent, child });
  }
}

function tableOf(event: RecordedEvent): Table {
  const ptes = String(event["ptes"]);
  const pages =
    ptes === ""
      ? []
      : ptes.split(" ").map((entry) => {
          const [digits = "", bits = "", area = ""] = entry.split(":");
          const pte = Number.parseInt(bits, 16);
          const isWritable = (pte & PAGE_WRITABLE) !== 0;
          const access: Access = isWritable ? "writable" : area.includes("w") ? "copy-on-write" : "read-only";
          return {
            address: Number.parseInt(digits, 16),
            frame: (pte & FRAME_MASK) >>> 0,
            access,
            area: areaName(area),
          };
        });
  return {
    pid: Number(event["pid"]),
    pages: pages.slice(0, MOST_PAGES),
    leftOff: Number(event["left_off"]) + Math.max(0, pages.length - MOST_PAGES),
  };
}

/** @param rights as a trace has them */
function areaName(rights: string): string {
  if (rights.includes("g")) return "stack";
  return rights.includes("w") ? "data" : rights.includes("x") ? "code" : "constants";
}

function draw(fork: Fork, after: { readonly parent: Table; readonly child: Table }): string {
  const { before, copies, parentPid, childPid } = fork;
  const panels = [
    ...(before === undefined ? [] : [panel("before fork", before, undefined)]),
    panel("after fork", after.parent, after.child),
    ...copies.map(({ pid, address, isCopied, parent, child }) => {
      const what = isCopied ? "a copy" : "no copy, it is the last user";
      const title = `pid ${pid} writes ${hex(address)}: ${what}`;
      return panel(title, parent ?? ended(parentPid), child ?? ended(childPid), { pid, address });
    }),
  ];
  let x = 16;
  let top = TOP;
  let lowest = 0;
  let widest = 0;
  let content = "";
  for (const { markup, width, height } of panels) {
    if (x > 16 && x + width > WIDEST) {
      x = 16;
      top += lowest + PANEL_GAP / 2;
      lowest = 0;
    }
    content += `<g transform="translate(${x} ${top})">\n${markup}</g>\n`;
    x += width + PANEL_GAP;
    lowest = Math.max(lowest, height);
    widest = Math.max(widest, x - PANEL_GAP + 16);
  }
  const end = top + lowest + 28;
  if (fork.leftOff > 0) content += label(16, end, `… and ${fork.leftOff} writes more`, { class: "s" });
  content += legend(end + 22);
  return drawing(
    Math.max(widest, LEGEND_WIDTH),
    end + 60,
    `Page tables: pid ${parentPid} forks pid ${childPid}`,
    content,
  );
}

function ended(pid: number): Table {
  return { pid, pages: [], leftOff: 0, hasEnded: true };
}

interface Panel {
  readonly markup: string;
  readonly width: number;
  readonly height: number;
}

/** One or two page tables with the frames between them. */
function panel(
  title: string,
  left: Table,
  right: Table | undefined,
  written?: { readonly pid: number; readonly address: number },
): Panel {
  const frames = [...new Set([...left.pages, ...(right?.pages ?? [])].map(({ frame }) => frame))];
  const users = (frame: number) =>
    [left, right].filter((table) => table?.pages.some((page) => page.frame === frame)).length;
  const framesAt = PAGE_WIDTH + SPACE;
  const rightAt = framesAt + FRAME_WIDTH + SPACE;
  const y = (row: number) => 40 + row * ROW;
  let markup = label(0, 0, title, { "font-weight": "600" });
  const name = ({ pid, hasEnded }: Table) => `pid ${pid}${hasEnded === true ? " has ended" : ""}`;
  markup += label(0, 28, name(left)) + label(framesAt, 28, "frames");
  if (right !== undefined) markup += label(rightAt, 28, name(right));
  const connect = (table: Table, x: number, frameX: number) => {
    table.pages.forEach(({ frame, access }, row) => {
      const middle = (ROW - 6) / 2;
      const dash = access === "writable" ? {} : { "stroke-dasharray": "4 3" };
      markup += line(x, y(row) + middle, frameX, y(frames.indexOf(frame)) + middle, ACCESS[access].stroke, dash);
    });
  };
  connect(left, PAGE_WIDTH, framesAt);
  if (right !== undefined) connect(right, rightAt, framesAt + FRAME_WIDTH);
  frames.forEach((frame, row) => {
    markup += cell(framesAt, y(row), FRAME_WIDTH, hex(frame), users(frame) > 1 ? SHARED : PRIVATE);
  });
  const column = (table: Table, x: number) => {
    table.pages.forEach(({ address, access, area }, row) => {
      const isWritten = table.pid === written?.pid && address === written.address;
      markup += cell(x, y(row), PAGE_WIDTH, `${hex(address)} ${area}`, ACCESS[access].fill, isWritten);
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

/** @param isStrong whether it is what the panel is about */
function cell(x: number, y: number, width: number, text: string, fill: string, isStrong = false): string {
  const stroke = isStrong ? { stroke: "#c92a2a", "stroke-width": 2 } : { stroke: "#868e96", "stroke-width": 0.6 };
  return (
    box(x, y, width, ROW - 6, fill, "", { rx: 3, ...stroke }) +
    label(x + width / 2, y + 14, text, { class: "m", "text-anchor": "middle" })
  );
}

function legend(y: number): string {
  const entries = [
    ...Object.values(ACCESS).map(({ fill, meaning }) => [fill, meaning] as const),
    [SHARED, "frame shared by both"] as const,
    [PRIVATE, "frame of one"] as const,
  ];
  let x = 16;
  let content = "";
  for (const [fill, text] of entries) {
    content += box(x, y - 10, 12, 12, fill, "", { stroke: "#868e96", "stroke-width": 0.6 }) + label(x + 18, y, text);
    x += textWidth(text) + 44;
  }
  return content;
}
