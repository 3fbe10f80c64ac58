import type { Snapshot } from "../snapshot.ts";
import type { Key, KeyName } from "./keyboard-keys.ts";

/** Goes before the code of a key that is let go, in sets 2 and 3. */
export const BREAK_PREFIX = 0xf0;
const EXTENDED_PREFIX = 0xe0;
const PAUSE_PREFIX = 0xe1;

const LEFT_SHIFT = 0x12;
const RIGHT_SHIFT = 0x59;
const ALT_PRINT_SCREEN = 0x84;
/** Pause sends its make and break codes at once; with control held it is the break key. */
const PAUSE_KEY = [PAUSE_PREFIX, 0x14, 0x77, PAUSE_PREFIX, BREAK_PREFIX, 0x14, BREAK_PREFIX, 0x77] as const;
const BREAK_KEY = [EXTENDED_PREFIX, 0x7e, EXTENDED_PREFIX, BREAK_PREFIX, 0x7e] as const;

const BREAK_BIT = 0x80;

/** Codes 00 to 7F of set 2 in set 1 (IBM Personal System/2 Technical Reference, keyboard controller, "Translation"). */
const SET_1_OF_SET_2 = Uint8Array.of(
  ...[0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59],
  ...[0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b],
  ...[0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d],
  ...[0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f],
  ...[0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61],
  ...[0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76],
  ...[0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f],
  ...[0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54],
);
/** The two codes of set 2 above 7F: F7, and alt + print screen. Other bytes from 80 up are not translated. */
const F7 = { set2: 0x83, set1: 0x41 } as const;
const SYSTEM_REQUEST = { set2: 0x84, set1: 0x54 } as const;

/** Turns the bytes of scan code set 2 into those of set 1: the prefix F0 becomes bit 7 of the code behind it. */
export class ScanCodeTranslator {
  #breaking = false;

  reset(): void {
    this.#breaking = false;
  }

  snapshot(s: Snapshot): void {
    this.#breaking = s.flag(this.#breaking);
  }

  /** The byte in set 1, or -1 for the prefix F0, which is only remembered. */
  translate(byte: number): number {
    if (byte === BREAK_PREFIX) {
      this.#breaking = true;
      return -1;
    }
    const code = byte === F7.set2 ? F7.set1 : byte === SYSTEM_REQUEST.set2 ? SYSTEM_REQUEST.set1 : SET_1_OF_SET_2[byte];
    if (code === undefined) return byte;
    const breaking = this.#breaking;
    this.#breaking = false;
    return breaking ? code | BREAK_BIT : code;
  }
}

/** Bytes of whole key events in set 2, in set 1. */
export function translated(codes: readonly number[]): readonly number[] {
  const translator = new ScanCodeTranslator();
  return codes.map((code) => translator.translate(code)).filter((code) => code >= 0);
}

/** What a key sends in set 2 when it goes down, given the keys that are held and whether num lock is on. */
export function makeCodes(key: Key, held: ReadonlySet<KeyName>, numLock: boolean): readonly number[] {
  if (key.quirk === "pause") return isControlHeld(held) ? BREAK_KEY : PAUSE_KEY;
  return [...shiftCodes(key, held, numLock, true), ...ownCodes(key, held)];
}

/** What a key sends in set 2 when it is let go. */
export function breakCodes(key: Key, held: ReadonlySet<KeyName>, numLock: boolean): readonly number[] {
  if (key.quirk === "pause") return [];
  return [...ownCodes(key, held).toSpliced(-1, 0, BREAK_PREFIX), ...shiftCodes(key, held, numLock, false)];
}

function ownCodes(key: Key, held: ReadonlySet<KeyName>): readonly number[] {
  if (key.quirk === "print-screen" && isAltHeld(held)) return [ALT_PRINT_SCREEN];
  return key.set2 > 0xff ? [key.set2 >>> 8, key.set2 & 0xff] : [key.set2];
}

/**
 * Keys that the 84-key keyboard had on its keypad only send shift codes around their own, so that old programs take
 * them for keypad keys in the right state: shifts that are held are let go meanwhile, or one is pressed.
 */
function shiftCodes(key: Key, held: ReadonlySet<KeyName>, numLock: boolean, down: boolean): readonly number[] {
  const shifts = [...(held.has("left-shift") ? [LEFT_SHIFT] : []), ...(held.has("right-shift") ? [RIGHT_SHIFT] : [])];
  const letGo = (code: number) => (down ? [EXTENDED_PREFIX, BREAK_PREFIX, code] : [EXTENDED_PREFIX, code]);
  const pressed = down ? [EXTENDED_PREFIX, LEFT_SHIFT] : [EXTENDED_PREFIX, BREAK_PREFIX, LEFT_SHIFT];
  switch (key.quirk) {
    case "navigation":
      if (numLock) return shifts.length > 0 ? [] : pressed;
      return shifts.flatMap(letGo);
    case "keypad-slash":
      return shifts.flatMap(letGo);
    case "print-screen":
      return shifts.length > 0 || isControlHeld(held) || isAltHeld(held) ? [] : pressed;
    default:
      return [];
  }
}

function isControlHeld(held: ReadonlySet<KeyName>): boolean {
  return held.has("left-control") || held.has("right-control");
}

function isAltHeld(held: ReadonlySet<KeyName>): boolean {
  return held.has("left-alt") || held.has("right-alt");
}
