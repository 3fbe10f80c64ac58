// Choosing some of many by a seed.

import { InvalidArgumentError } from "commander";

/** What an option says is a number. @throws InvalidArgumentError */
export function countOf(text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("A number from 1 on is wanted.");
  return value;
}

/** Numbers from 0 to 1 that a text decides (FNV-1a, then mulberry32). */
function randomNumbers(seed) {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(seed)) state = Math.imul(state ^ byte, 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` of all, in their order. @param seed any text */
export function sampleOf(all, count, seed) {
  const random = randomNumbers(seed);
  const drawn = all.map((one) => ({ one, lot: random() })).sort((a, b) => a.lot - b.lot);
  const chosen = new Set(drawn.slice(0, count).map(({ one }) => one));
  return all.filter((one) => chosen.has(one));
}
