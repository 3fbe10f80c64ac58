/** What brought the CPU into the kernel, as text. */
import { EXCEPTIONS } from "../../exceptions.ts";
import { type Entry, type EntryFrame, entryOf } from "../../frames/entry.ts";
import type { Frame } from "../../frames/frame-walk.ts";
import { MemoryError } from "../../frames/guest.ts";
import { hex } from "../../numbers.ts";
import type { Console } from "../console.ts";
import { syscallName } from "./event.ts";

/** `system call 2 (fork)`, `exception 14 (#PF page fault)`, `interrupt 0x20 (IRQ 0)`, and where the CPU's frame is. */
export function entryName(console: Console, frame: EntryFrame & Pick<Frame, "kind">): string {
  const at = `frame of the CPU at ${hex(frame.entryFrame ?? 0)}`;
  if (console.session.kernel === undefined || frame.kind === "user") return at;
  try {
    const entry = entryOf(console.guest, frame);
    return entry === undefined ? at : `${nameOf(entry)}, ${at}`;
  } catch (error) {
    if (error instanceof MemoryError) return at;
    throw error;
  }
}

function nameOf(entry: Entry): string {
  switch (entry.kind) {
    case "syscall":
      return numbered("system call", entry.nr, entry.nr === undefined ? undefined : syscallName(entry.nr));
    case "exception":
      return numbered("exception", entry.vector, entry.vector === undefined ? undefined : EXCEPTIONS[entry.vector]);
    case "interrupt":
      return `interrupt ${hex(entry.vector, 2)} (IRQ ${entry.irq})`;
  }
}

function numbered(what: string, number: number | undefined, name: string | undefined): string {
  if (number === undefined) return what;
  return `${what} ${number}${name === undefined ? "" : ` (${name})`}`;
}
