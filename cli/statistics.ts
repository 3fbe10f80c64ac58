/** The table that `--stats` prints. */
import type { Machine } from "../emulator/index.ts";
import type { KernelStatistics } from "../kernel/index.ts";
import { formatTable } from "./table.ts";
import { tierTable } from "./tier-option.ts";

/**
 * A line a figure; numbers in groups of three digits.
 * @param seconds of the host's time, in which so many instructions were `executed`
 */
export function formatStatistics(
  statistics: KernelStatistics,
  machine: Machine,
  seconds: number,
  executed: number,
): string {
  const { instructions, ticks, contextSwitches, cowCopies, cowReuses, pageFaults, forks, syscalls } = statistics;
  const count = (value: number) => value.toLocaleString("en-US");
  const rows: [string, string][] = [
    ["instructions", count(instructions)],
    ["ticks", count(ticks)],
    ["context switches", count(contextSwitches)],
    ["page faults", count(pageFaults)],
    ["COW faults", `${count(cowCopies + cowReuses)} (${count(cowCopies)} copied, ${count(cowReuses)} reused)`],
    ["forks", count(forks)],
    ["system calls", count(syscalls)],
    ["host seconds", seconds.toFixed(3)],
    ["guest MIPS", seconds > 0 ? (executed / seconds / 1e6).toFixed(1) : "-"],
  ];
  return formatTable(rows) + tierTable(machine);
}
