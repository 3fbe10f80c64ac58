/** The keyboard's interrupt: scan codes of set 1 to the keys that INT 16h hands out, by the US layout. */
import type { Machine } from "../../emulator/index.ts";
import { BDA } from "./data-area.ts";
import type { ServiceCall } from "./services.ts";

const DATA_PORT = 0x60;
const BDA_BASE = 0x400;
const RELEASED = 0x80;
const EXTENDED_PREFIX = 0xe0;
/** Pause: this, then two codes on making and two on breaking. */
const PAUSE_PREFIX = 0xe1;
/** Bits of `BDA.KEYBOARD_TYPE`: the code before was a prefix. */
const AFTER_PAUSE_PREFIX = 0x01;
const AFTER_EXTENDED_PREFIX = 0x02;
const NUM_LOCK = 69;

/** Bits of the first byte of shift flags. */
const FLAG = {
  RIGHT_SHIFT: 0x01,
  LEFT_SHIFT: 0x02,
  CTRL: 0x04,
  ALT: 0x08,
  SCROLL: 0x10,
  NUM: 0x20,
  CAPS: 0x40,
} as const;
const SHIFTS = FLAG.LEFT_SHIFT | FLAG.RIGHT_SHIFT;
const HELD: Readonly<Record<number, number>> = {
  42: FLAG.LEFT_SHIFT,
  54: FLAG.RIGHT_SHIFT,
  29: FLAG.CTRL,
  56: FLAG.ALT,
};
/** Bits of the second byte of shift flags, for keys that are down; and of the keyboard type, for the right one of two. */
const DOWN: Readonly<Record<number, number>> = { 29: 0x01, 56: 0x02, 84: 0x04, 70: 0x10, 69: 0x20, 58: 0x40 };
const RIGHT: Readonly<Record<number, number>> = { 29: 0x04, 56: 0x08 };
const LOCKS: Readonly<Record<number, number>> = { 58: FLAG.CAPS, 69: FLAG.NUM, 70: FLAG.SCROLL };

/** What the keys from scan code 1 on give, without and with shift; a space where they give no character. */
const PLAIN = "\x1b1234567890-=\b\tqwertyuiop[]\r asdfghjkl;'` \\zxcvbnm,./ *  ";
const SHIFTED = '\x1b!@#$%^&*()_+\b\tQWERTYUIOP{}\r ASDFGHJKL:"~ |ZXCVBNM<>? *  ';
const SPACE_BAR = 57;
/** The key pad, from scan code 71 on, with Num Lock. */
const KEY_PAD = "789-456+1230.";
const FIRST_OF_KEY_PAD = 71;
/** Function and cursor keys: they give 0 and their scan code. */
const FIRST_WITHOUT_CHARACTER = 59;
const LAST_KEY = 88;

export function keyboardInterrupt({ machine }: ServiceCall): void {
  const { memory } = machine;
  const code = machine.ports.read8(DATA_PORT);
  const type = memory.read8(BDA.KEYBOARD_TYPE);
  if (code === EXTENDED_PREFIX || code === PAUSE_PREFIX) {
    memory.write8(BDA.KEYBOARD_TYPE, type | (code === PAUSE_PREFIX ? AFTER_PAUSE_PREFIX : AFTER_EXTENDED_PREFIX));
    return;
  }
  if ((type & AFTER_PAUSE_PREFIX) !== 0) {
    if ((code & ~RELEASED) === NUM_LOCK) memory.write8(BDA.KEYBOARD_TYPE, type & ~AFTER_PAUSE_PREFIX);
    return;
  }
  const isExtended = (type & AFTER_EXTENDED_PREFIX) !== 0;
  memory.write8(BDA.KEYBOARD_TYPE, type & ~AFTER_EXTENDED_PREFIX);
  handleKey(machine, code, isExtended);
}

/** @param isExtended one of the keys that a keyboard of 84 keys did not have; those come with made-up shift codes */
function handleKey(machine: Machine, code: number, isExtended: boolean): void {
  const { memory } = machine;
  const scanCode = code & ~RELEASED;
  const isReleased = (code & RELEASED) !== 0;
  const flags = memory.read8(BDA.SHIFT_FLAGS);
  const held = HELD[scanCode];
  if (isExtended && held !== undefined && (held & SHIFTS) !== 0) return;
  noteSide(machine, scanCode, isExtended, isReleased);
  if (held !== undefined) {
    memory.write8(BDA.SHIFT_FLAGS, isReleased ? flags & ~held : flags | held);
  } else if (!isReleased && LOCKS[scanCode] !== undefined) {
    memory.write8(BDA.SHIFT_FLAGS, flags ^ LOCKS[scanCode]);
  } else if (!isReleased && scanCode >= 1 && scanCode <= LAST_KEY) {
    putKey(machine, (scanCode << 8) | characterOf(scanCode, isExtended ? flags & ~(FLAG.NUM | SHIFTS) : flags));
  }
}

/** Which of the two keys of a kind is held, for INT 16h AH = 12h. */
function noteSide({ memory }: Machine, scanCode: number, isExtended: boolean, isReleased: boolean): void {
  const bit = isExtended ? RIGHT[scanCode] : DOWN[scanCode];
  if (bit === undefined) return;
  const at = isExtended ? BDA.KEYBOARD_TYPE : BDA.SHIFT_FLAGS_2;
  const flags = memory.read8(at);
  memory.write8(at, isReleased ? flags & ~bit : flags | bit);
}

function characterOf(scanCode: number, flags: number): number {
  if ((flags & FLAG.ALT) !== 0) return 0;
  const shift = (flags & SHIFTS) !== 0;
  if (scanCode === SPACE_BAR) return 0x20;
  if (scanCode >= FIRST_OF_KEY_PAD && scanCode < FIRST_OF_KEY_PAD + KEY_PAD.length) {
    const character = KEY_PAD[scanCode - FIRST_OF_KEY_PAD];
    const isDigit = ((flags & FLAG.NUM) !== 0) !== shift || character === "-" || character === "+";
    return isDigit ? character.charCodeAt(0) : 0;
  }
  if (scanCode >= FIRST_WITHOUT_CHARACTER) return 0;
  const plain = PLAIN[scanCode - 1] ?? " ";
  if (plain === " ") return 0;
  const isLetter = plain >= "a" && plain <= "z";
  if ((flags & FLAG.CTRL) !== 0) return isLetter ? plain.charCodeAt(0) & 0x1f : plain < " " ? plain.charCodeAt(0) : 0;
  const upper = isLetter && (flags & FLAG.CAPS) !== 0 ? !shift : shift;
  return (upper ? SHIFTED : PLAIN).charCodeAt(scanCode - 1);
}

/** Adds a key to the ring in the data area; a key more than it holds is lost. */
function putKey({ memory }: Machine, key: number): void {
  const start = memory.read16(BDA.KEY_BUFFER_START);
  const end = memory.read16(BDA.KEY_BUFFER_END);
  const tail = memory.read16(BDA.KEY_TAIL);
  const next = tail + 2 >= end ? start : tail + 2;
  if (next === memory.read16(BDA.KEY_HEAD)) return;
  memory.write16(BDA_BASE + tail, key);
  memory.write16(BDA.KEY_TAIL, next);
}
