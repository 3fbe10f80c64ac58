/** A summary as tables. */
import type { Summary, Tally } from "./summary.ts";

const BAR = 40;

/** Tables with titles; those of which there is nothing to say are left out. Times are microseconds of virtual time. */
export function formatSummary(summary: Summary): string {
  const { hz } = summary;
  const us = (cycles: number) => ((cycles * 1e6) / hz).toFixed(1);
  /** @param time writes cycles, and the mean of some */
  const tallies = (tally: Readonly<Record<string, Tally>>, time = us) =>
    Object.entries(tally)
      .sort(([, a], [, b]) => b.cycles - a.cycles)
      .map(([name, { count, cycles, longest, errors }]) => [
        name,
        `${count}`,
        time(cycles),
        time(cycles / count),
        time(longest),
        ...(errors === undefined ? [] : [`${errors}`]),
      ]);
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => [name, `${count}`]);
  const timing = ["count", "total µs", "mean µs", "longest µs"];
  // Nobody halts while a lock is held or waited for: cycles are instructions.
  const instructions = (cycles: number) => `${Math.round(cycles)}`;
  const lockHeads = ["lock", "count", "total", "mean", "longest"];
  const { cow, timers } = summary;
  return [
    table(
      "trace",
      ["", ""],
      [
        ["events", `${summary.events}`],
        ["instructions", `${summary.instructions}`],
        ["µs of virtual time", us(summary.cycles)],
        ["CPUs", `${summary.cpus}`],
      ],
    ),
    table(
      "time per task",
      ["task", "user µs", "kernel µs", "idle µs", "turns"],
      Object.entries(summary.tasks).map(([name, { user, kernel, idle, turns }]) => [
        name,
        us(user),
        us(kernel),
        us(idle),
        `${turns}`,
      ]),
    ),
    table("context switches", ["reason", "count"], counts(summary.switches)),
    table("from wake-up to running", ["µs", "count", ""], histogram(summary.wakeToRun)),
    table("system calls (with sleep)", ["call", ...timing, "errors"], tallies(summary.syscalls)),
    table("exceptions", ["vector", ...timing], tallies(summary.exceptions)),
    table("interrupts", ["IRQ", ...timing], tallies(summary.irqs)),
    table("interrupts of CPUs by CPUs", ["for", "count"], counts(summary.ipis)),
    table("bottom halves", ["name", ...timing], tallies(summary.bottomHalves)),
    table("locks waited for (instructions)", lockHeads, tallies(summary.lockWaits, instructions)),
    table("locks held (instructions)", lockHeads, tallies(summary.lockHolds, instructions)),
    table("page faults", ["pid", "count"], counts(summary.pageFaults)),
    table("signals", ["signal", "count"], counts(summary.signals)),
    table(
      "other",
      ["", ""],
      [
        ["COW copied", `${cow.copied}`],
        ["COW reused", `${cow.reused}`],
        ["forks", `${summary.forks}`],
        ["execs", `${summary.execs}`],
        ["exits", `${summary.exits}`],
        ["CR3 loads", `${summary.cr3Loads}`],
        ["timers added", `${timers.added}`],
        ["timers deleted", `${timers.deleted}`],
        ["timers fired", `${timers.fired}`],
        ...(summary.cpus > 1 ? [["tasks that went on on another CPU", `${summary.migrations}`]] : []),
        ["deepest nesting of entries", `${summary.deepest}`],
      ],
    ),
  ]
    .filter((text) => text !== "")
    .join("\n");
}

function histogram(buckets: readonly number[]): string[][] {
  const most = Math.max(...buckets);
  const first = buckets.findIndex((count) => count > 0);
  return buckets
    .map((count, i) => [
      `${i === 0 ? 0 : 2 ** i}–${2 ** (i + 1)}`,
      `${count}`,
      "█".repeat(Math.ceil((count / most) * BAR)),
    ])
    .slice(Math.max(0, first));
}

/** Empty when there are no rows. The first column is flush left, numbers are flush right. */
function table(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const lines = heads.some((head) => head !== "") ? [heads, ...rows] : rows;
  const widths = heads.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const isText = heads.map((_, i) => i === 0 || rows.every((row) => !/^[\d.]+$/.test(row[i])));
  const format = (line: readonly string[]) =>
    line
      .map((cell, i) => (isText[i] ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  return `${title}\n${lines.map((line) => `  ${format(line)}\n`).join("")}`;
}
