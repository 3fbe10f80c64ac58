/** Back-traces as text. */
import type { Frame } from "../backtrace.ts";
import type { Console } from "../console.ts";
import { isEntryCode } from "../entry-frames.ts";
import { hex } from "./numbers.ts";

/** One line for each frame. */
export function frameLines(console: Console, frames: readonly Frame[]): string[] {
  const { symbols } = console.session;
  return frames.flatMap((frame, index) => {
    const lines: string[] = [];
    if (frame.kind === "user" && index > 0 && frames[index - 1]!.kind === "kernel")
      lines.push("    --- user space ---");
    const name = symbols.symbolize(frame.pc) === undefined ? "" : ` ${symbols.format(frame.pc)}`;
    const line = symbols.line(frame.pc);
    const source = line === undefined ? "" : "file" in line ? `  ${line.file}:${line.line}` : "  TypeScript";
    lines.push(`#${String(index).padEnd(2)} ${hex(frame.pc)}${name}${source}`);
    if (frame.entryFrame !== undefined) lines.push(`    --- ${entryName(console, frame)} ---`);
    return lines;
  });
}

/** What brought the CPU into the kernel, by the frame that entry code has left. */
export function entryName({ guest, session }: Console, { entryFrame, pc }: Frame): string {
  const symbol = session.symbols.symbolize(pc)?.symbol ?? "";
  const at = `frame of the CPU at ${hex(entryFrame!)}`;
  if (!isEntryCode(symbol)) return at;
  if (symbol === "error_code") return `exception, ${at}`;
  try {
    // orig_eax, just below the CPU's frame: a system call's number, -1 for an exception, an IRQ - 256.
    const original = guest.read32(entryFrame! - 4) | 0;
    if (symbol.includes("interrupt") && original < 0) return `interrupt ${original + 256}, ${at}`;
    return original >= 0
      ? `system call, ${at}`
      : original === -1
        ? `exception, ${at}`
        : `interrupt ${original + 256}, ${at}`;
  } catch {
    return at;
  }
}
