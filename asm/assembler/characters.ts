/** Character classes of the source text. Characters beyond ASCII count as letters, as in GNU as. */

const NAME_START = 1;
const NAME_PART = 2;
const DIGIT = 4;

const classes = new Uint8Array(128);
for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.$") {
  classes[letter.charCodeAt(0)] = NAME_START | NAME_PART;
}
for (const digit of "0123456789") classes[digit.charCodeAt(0)] = NAME_PART | DIGIT;

export const SPACE = 0x20;
export const TAB = 0x09;
export const QUOTE = 0x22;
const DOLLAR = 0x24;
export const APOSTROPHE = 0x27;
export const BACKSLASH = 0x5c;

export function isSpace(code: number): boolean {
  return code === SPACE || code === TAB || code === 0x0d || code === 0x0c || code === 0x0b;
}

/** May begin a symbol, mnemonic or directive name. */
export function isNameStart(code: number): boolean {
  return code >= 128 || (classes[code] & NAME_START) !== 0;
}

export function isNamePart(code: number): boolean {
  return code >= 128 || (classes[code] & NAME_PART) !== 0;
}

export function isDigit(code: number): boolean {
  return code < 128 && (classes[code] & DIGIT) !== 0;
}

/** The offset just after the string literal whose opening quote is at `start`; the text's length if it is not closed. */
export function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    at += code === BACKSLASH ? 2 : 1;
  }
  return text.length;
}

/** Whether the apostrophe at `at` opens a character constant: not if it stands in a word, but after `$` it does. */
export function opensCharacter(text: string, at: number): boolean {
  if (at === 0) return true;
  const before = text.charCodeAt(at - 1);
  return before === DOLLAR || !isNamePart(before);
}

/**
 * The offset just after the character constant whose apostrophe is at `start`. The closing apostrophe is optional
 * (GNU as manual, "Characters").
 */
export function endOfCharacter(text: string, start: number): number {
  let at = start + 1;
  if (at >= text.length) return text.length;
  at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  if (text.charCodeAt(at) === APOSTROPHE) at++;
  return Math.min(at, text.length);
}

const ESCAPES: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9 };

/**
 * The value of the character constant whose text, apostrophe first, this is (GNU as manual, "Characters"). Unlike those of
 * strings its escapes are one character each.
 */
export function characterValue(constant: string): number {
  if (constant.charCodeAt(1) !== BACKSLASH) return constant.codePointAt(1)!;
  const letter = constant.charAt(2);
  return ESCAPES[letter] ?? letter.charCodeAt(0);
}

/** A statement with numbers for its character constants. */
export function withoutCharacters(text: string): string {
  let result = "";
  let copied = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === APOSTROPHE && opensCharacter(text, at) && at + 1 < text.length) {
      const end = endOfCharacter(text, at);
      const constant = text.slice(at, end);
      if (constant.length > 1 && constant !== "'\\") {
        result += text.slice(copied, at) + characterValue(constant);
        copied = end;
      }
      at = end;
    } else {
      at++;
    }
  }
  return result + text.slice(copied);
}
