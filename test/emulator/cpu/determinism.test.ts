import { describe, expect, it } from "vitest";
import { SS } from "../../../emulator/cpu/state-layout.ts";
import { FLAT_DATA, Guest } from "./guest.ts";

const INSTRUCTIONS = 1500;
const STATE_SLOTS = 128;

/** A guest with 512 random bytes of code, random registers, and handlers for all exceptions. */
function randomGuest(seed: number): Guest {
  let state = seed;
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16;
  const guest = Guest.flat(Uint8Array.from({ length: 512 }, next));
  guest.catchExceptions();
  // Handlers skip three bytes and go on: addl $3, (%esp); iret. Those of vectors with an error code fault again,
  // which is as good a test.
  for (let vector = 0; vector < 64; vector++) {
    guest.memory.load(Uint8Array.of(0x83, 0x04, 0x24, 3, 0xcf), 0x2000 + 16 * vector);
  }
  for (let n = 0; n < 8; n++) if (n !== 4) guest.core.r[n] = next() * (n % 2 === 0 ? 1 : 0x10001);
  guest.core.setSegment(SS, 0x10, 0, -1, FLAT_DATA);
  return guest;
}

describe("random code", () => {
  it("ends in the same state however it is cut into slices", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const whole = randomGuest(seed);
      whole.core.run(INSTRUCTIONS);
      for (const slice of [1, 7]) {
        const cut = randomGuest(seed);
        for (let left = INSTRUCTIONS; left > 0; left -= slice) cut.core.run(Math.min(slice, left));
        expect(cut.core.instructions).toBe(whole.core.instructions);
        expect(Array.from(cut.core.r.subarray(0, STATE_SLOTS))).toEqual(
          Array.from(whole.core.r.subarray(0, STATE_SLOTS)),
        );
        expect(
          Buffer.compare(
            cut.memory.bytes.subarray(cut.memory.ramOffset, cut.memory.ramOffset + cut.memory.ramSize),
            whole.memory.bytes.subarray(whole.memory.ramOffset, whole.memory.ramOffset + whole.memory.ramSize),
          ),
        ).toBe(0);
      }
    }
  });
});
