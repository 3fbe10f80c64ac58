/** The scalar types of `host/types.ts` by name, and what numbers they hold. */

/** `small` fits both int and unsigned int; `wide` is any integer up to 2^53. */
export type NumberRange = "small" | "i32" | "u32" | "wide";

export const scalar_numbers = {
  u8: "small",
  u16: "small",
  u32: "u32",
  i8: "i32",
  i16: "i32",
  i32: "i32",
} as const satisfies Readonly<Record<string, NumberRange>>;

/** How a word is narrowed to a type that is smaller: text behind the word's. */
export const narrow_word: Readonly<Record<string, string>> = {
  u8: " & 0xff",
  u16: " & 0xffff",
  i8: " << 24 >> 24",
  i16: " << 16 >> 16",
};

export function is_scalar_name(name: string): name is keyof typeof scalar_numbers {
  return Object.hasOwn(scalar_numbers, name);
}
