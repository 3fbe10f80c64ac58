/** What the emulator tells of a guest (`Machine.notices`), on standard error. */
import type { Notice } from "../emulator/index.ts";
import type { CommandIo } from "./io.ts";

/** A `log` for machines that go through the same run, some of them more than once: each line is shown once. */
export function noticeLog(io: CommandIo, isQuiet = false): (line: string) => void {
  const shown = new Set<string>();
  return (line) => {
    if (isQuiet || shown.has(line)) return;
    shown.add(line);
    io.stderr(`esp0: ${line}\n`);
  };
}

/** At the end of a run: what happened more often than it was told. */
export function repeatedNotices(notices: readonly Notice[]): string {
  return notices
    .filter(({ count }) => count > 1)
    .map(({ what, count }) => `esp0: ${count.toLocaleString("en-US")} times: ${what}\n`)
    .join("");
}
