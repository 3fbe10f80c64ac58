/** A stack in blocks of words. */
import { fillOf, type StackWord } from "./stack-words.ts";

/** Words that belong together, from the higher addresses down. */
export interface Block {
  readonly text: string;
  readonly fill: string;
  readonly rows: number;
}

export function blocksOf(words: readonly StackWord[]): Block[] {
  const blocks: Block[] = [];
  for (let i = 0; i < words.length; ) {
    const { note } = words[i];
    const kind = kindOf(note);
    let end = i + 1;
    // A return address and a saved EBP stand for themselves.
    if (kind !== note || kind === "") while (end < words.length && kindOf(words[end].note) === kind) end++;
    const count = end - i;
    const text =
      kind === "pt_regs"
        ? `struct pt_regs, ${count} words`
        : kind === "switch frame"
          ? "switch frame: ebx, esi, edi, ebp"
          : kind === ""
            ? `… ${count} ${count === 1 ? "word" : "words"}`
            : note.replace(/\/.*$/, "");
    blocks.push({ text, fill: fillOf(note), rows: kind === "pt_regs" ? 2 : 1 });
    i = end;
  }
  return blocks;
}

function kindOf(note: string): string {
  if (note.startsWith("pt_regs.")) return "pt_regs";
  return note.startsWith("switch frame") ? "switch frame" : note;
}
