/** Standard input that is typed on the PC's keyboard (`--keyboard stdio`). */
import type { JournalTarget, KeyName, Machine } from "../emulator/index.ts";

/** Key events that wait: with fewer than the first more characters are taken, up to the second. */
const FEW_EVENTS = 64;
const ENOUGH_CHARACTERS = 256;

const DELETE = 0x7f;
/** What terminals send for keys without a character, after ESC [ or ESC O. */
const SEQUENCES: Readonly<Record<string, KeyName>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  H: "home",
  F: "end",
  "1~": "home",
  "2~": "insert",
  "3~": "delete",
  "4~": "end",
  "5~": "page-up",
  "6~": "page-down",
};

/** Characters that the keyboard has room for. */
export function wantedKeys(machine: Machine): number {
  return machine.keyboard.pendingEvents < FEW_EVENTS ? ENOUGH_CHARACTERS : 0;
}

/** Input is typed on the US layout; bytes that no key types are left out. The end of input is nothing to a keyboard. */
export function keyboardTarget(machine: Machine): JournalTarget {
  return {
    machine,
    input: (bytes) => typeBytes(machine, bytes),
    closeInput: () => {},
  };
}

function typeBytes({ keyboard }: Machine, bytes: Uint8Array): void {
  const text = String.fromCharCode(...bytes);
  for (let at = 0; at < text.length; at++) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC begins what terminals send
    const sequence = /^\x1b[[O]([A-Z]|\d~)/.exec(text.slice(at, at + 4));
    const key = sequence === null ? undefined : SEQUENCES[sequence[1]];
    if (sequence !== null && key !== undefined) {
      keyboard.stroke(key);
      at += sequence[0].length - 1;
    } else if (text.charCodeAt(at) === DELETE) {
      keyboard.stroke("backspace");
    } else if (isTypable(text.charCodeAt(at))) {
      keyboard.type(text[at]);
    }
  }
}

function isTypable(code: number): boolean {
  return (code >= 0x01 && code <= 0x1b) || (code >= 0x20 && code < DELETE);
}
