/**
 * What a key sends in scan code set 3, as bits: beyond its make code, the make code again while it is held, and a break
 * code. The system can change it.
 */
export const KEY_TYPE = { MAKE: 0, TYPEMATIC: 1, MAKE_BREAK: 2 } as const;

/** Keys whose set 1 and 2 codes depend on what else is held or lit (PS/2 reference, keyboard, "Scan code tables"). */
export type KeyQuirk = "navigation" | "keypad-slash" | "print-screen" | "pause";

/** A key of the 101/102-key keyboard, or one of the three that came later beside the space bar. */
export interface Key {
  readonly name: KeyName;
  /** Position in KEY_NAMES. */
  readonly number: number;
  /** Make code in set 2; with prefix E0, 0xE000 + the code. Set 1 is its translation. */
  readonly set2: number;
  readonly set3: number;
  /** KEY_TYPE bits at power-on. */
  readonly type: number;
  readonly quirk: KeyQuirk | null;
}

const EXTENDED = 0xe000;

/** Names of the keys that print, which are what they print without shift, with their codes in sets 2 and 3. */
const PRINTING = {
  "`": [0x0e, 0x0e],
  "1": [0x16, 0x16],
  "2": [0x1e, 0x1e],
  "3": [0x26, 0x26],
  "4": [0x25, 0x25],
  "5": [0x2e, 0x2e],
  "6": [0x36, 0x36],
  "7": [0x3d, 0x3d],
  "8": [0x3e, 0x3e],
  "9": [0x46, 0x46],
  "0": [0x45, 0x45],
  "-": [0x4e, 0x4e],
  "=": [0x55, 0x55],
  q: [0x15, 0x15],
  w: [0x1d, 0x1d],
  e: [0x24, 0x24],
  r: [0x2d, 0x2d],
  t: [0x2c, 0x2c],
  y: [0x35, 0x35],
  u: [0x3c, 0x3c],
  i: [0x43, 0x43],
  o: [0x44, 0x44],
  p: [0x4d, 0x4d],
  "[": [0x54, 0x54],
  "]": [0x5b, 0x5b],
  "\\": [0x5d, 0x5c],
  a: [0x1c, 0x1c],
  s: [0x1b, 0x1b],
  d: [0x23, 0x23],
  f: [0x2b, 0x2b],
  g: [0x34, 0x34],
  h: [0x33, 0x33],
  j: [0x3b, 0x3b],
  k: [0x42, 0x42],
  l: [0x4b, 0x4b],
  ";": [0x4c, 0x4c],
  "'": [0x52, 0x52],
  z: [0x1a, 0x1a],
  x: [0x22, 0x22],
  c: [0x21, 0x21],
  v: [0x2a, 0x2a],
  b: [0x32, 0x32],
  n: [0x31, 0x31],
  m: [0x3a, 0x3a],
  ",": [0x41, 0x41],
  ".": [0x49, 0x49],
  "/": [0x4a, 0x4a],
  space: [0x29, 0x29],
  tab: [0x0d, 0x0d],
  enter: [0x5a, 0x5a],
  backspace: [0x66, 0x66],
  /** The 102nd key, between left shift and Z. */
  "<": [0x61, 0x13],
  "keypad-+": [0x79, 0x7c],
} as const;

const MAKE_BREAK = {
  "left-shift": [0x12, 0x12],
  "right-shift": [0x59, 0x59],
  "left-control": [0x14, 0x11],
  "left-alt": [0x11, 0x19],
  "caps-lock": [0x58, 0x14],
} as const;

const MAKE_ONLY = {
  escape: [0x76, 0x08],
  f1: [0x05, 0x07],
  f2: [0x06, 0x0f],
  f3: [0x04, 0x17],
  f4: [0x0c, 0x1f],
  f5: [0x03, 0x27],
  f6: [0x0b, 0x2f],
  f7: [0x83, 0x37],
  f8: [0x0a, 0x3f],
  f9: [0x01, 0x47],
  f10: [0x09, 0x4f],
  f11: [0x78, 0x56],
  f12: [0x07, 0x5e],
  "scroll-lock": [0x7e, 0x5f],
  "num-lock": [0x77, 0x76],
  "right-control": [EXTENDED | 0x14, 0x58],
  "right-alt": [EXTENDED | 0x11, 0x39],
  "left-windows": [EXTENDED | 0x1f, 0x8b],
  "right-windows": [EXTENDED | 0x27, 0x8c],
  menu: [EXTENDED | 0x2f, 0x8d],
  "keypad-enter": [EXTENDED | 0x5a, 0x79],
  "keypad-*": [0x7c, 0x7e],
  "keypad--": [0x7b, 0x84],
  "keypad-.": [0x71, 0x71],
  "keypad-0": [0x70, 0x70],
  "keypad-1": [0x69, 0x69],
  "keypad-2": [0x72, 0x72],
  "keypad-3": [0x7a, 0x7a],
  "keypad-4": [0x6b, 0x6b],
  "keypad-5": [0x73, 0x73],
  "keypad-6": [0x74, 0x74],
  "keypad-7": [0x6c, 0x6c],
  "keypad-8": [0x75, 0x75],
  "keypad-9": [0x7d, 0x7d],
} as const;

const MAKE_ONLY_NAVIGATION = {
  insert: [EXTENDED | 0x70, 0x67],
  home: [EXTENDED | 0x6c, 0x6e],
  "page-up": [EXTENDED | 0x7d, 0x6f],
  end: [EXTENDED | 0x69, 0x65],
  "page-down": [EXTENDED | 0x7a, 0x6d],
} as const;

const TYPEMATIC_NAVIGATION = {
  delete: [EXTENDED | 0x71, 0x64],
  up: [EXTENDED | 0x75, 0x63],
  left: [EXTENDED | 0x6b, 0x61],
  down: [EXTENDED | 0x72, 0x60],
  right: [EXTENDED | 0x74, 0x6a],
} as const;

const KEYPAD_SLASH = { "keypad-/": [EXTENDED | 0x4a, 0x77] } as const;
const PRINT_SCREEN = { "print-screen": [EXTENDED | 0x7c, 0x57] } as const;
const PAUSE = { pause: [EXTENDED | 0x7e, 0x62] } as const;

/** A key's name: what it prints without shift, or what is written on it. */
export type KeyName =
  | keyof typeof PRINTING
  | keyof typeof MAKE_BREAK
  | keyof typeof MAKE_ONLY
  | keyof typeof MAKE_ONLY_NAVIGATION
  | keyof typeof TYPEMATIC_NAVIGATION
  | keyof typeof KEYPAD_SLASH
  | keyof typeof PRINT_SCREEN
  | keyof typeof PAUSE;

type Codes = readonly [set2: number, set3: number];

type KeyGroup = readonly [codes: Readonly<Record<string, Codes>>, type: number, quirk: KeyQuirk | null];

const GROUPS: readonly KeyGroup[] = [
  [PRINTING, KEY_TYPE.TYPEMATIC, null],
  [MAKE_BREAK, KEY_TYPE.MAKE_BREAK, null],
  [MAKE_ONLY, KEY_TYPE.MAKE, null],
  [MAKE_ONLY_NAVIGATION, KEY_TYPE.MAKE, "navigation"],
  [TYPEMATIC_NAVIGATION, KEY_TYPE.TYPEMATIC, "navigation"],
  [KEYPAD_SLASH, KEY_TYPE.MAKE, "keypad-slash"],
  [PRINT_SCREEN, KEY_TYPE.MAKE, "print-screen"],
  [PAUSE, KEY_TYPE.MAKE, "pause"],
];

/** All keys, by number. */
export const KEYS: readonly Key[] = GROUPS.flatMap(([codes, type, quirk]) =>
  Object.entries(codes).map(([name, [set2, set3]]) => ({ name: name as KeyName, set2, set3, type, quirk })),
).map((key, number) => ({ ...key, number }));

const BY_NAME: ReadonlyMap<string, Key> = new Map(KEYS.map((key) => [key.name, key]));

/** The names of all keys. Their order is part of a snapshot. */
export const KEY_NAMES: readonly KeyName[] = KEYS.map((key) => key.name);

/** @throws RangeError when there is no such key */
export function keyNamed(name: string): Key {
  const key = BY_NAME.get(name);
  if (key !== undefined) return key;
  throw new RangeError(`no key is named ${JSON.stringify(name)}; the keys are ${KEY_NAMES.join(" ")}`);
}

const SHIFTED = '~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:"ZXCVBNM<>?';
const UNSHIFTED = "`1234567890-=qwertyuiop[]\\asdfghjkl;'zxcvbnm,./";
const CONTROL_CHARACTERS: Readonly<Record<string, KeyName>> = {
  "\b": "backspace",
  "\t": "tab",
  "\n": "enter",
  "\r": "enter",
  "\x1b": "escape",
  " ": "space",
};

/**
 * The keys that type a character on the US layout: the last of the list, with those before it held. ASCII is covered,
 * control characters by the control key.
 * @throws RangeError for a character that the layout does not have
 */
export function keysFor(character: string): readonly KeyName[] {
  const named = CONTROL_CHARACTERS[character];
  if (named !== undefined) return [named];
  if (UNSHIFTED.includes(character)) return [character as KeyName];
  const shifted = SHIFTED.indexOf(character);
  if (shifted >= 0) return ["left-shift", UNSHIFTED[shifted] as KeyName];
  const code = character.charCodeAt(0);
  if (character.length === 1 && code >= 1 && code <= 26) {
    return ["left-control", String.fromCharCode(code + 0x60) as KeyName];
  }
  throw new RangeError(`no key types ${JSON.stringify(character)}: expected characters of the US layout (ASCII)`);
}
