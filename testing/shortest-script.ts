/** Of a script of turns with which a test fails, the shortest part with which it still does. */
import type { ScriptStep } from "../emulator/index.ts";
import { shortened } from "./recorded-interleaver.ts";

/**
 * Delta debugging (Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28, 2002), after the
 * end of the script was found behind which it does not matter who runs: yields scripts to try, and is told whether the test
 * fails with each. What it returns cannot be made shorter by leaving out any one step, if it was not cut short.
 * @param failing a script with which the test fails
 */
export function* shortest(failing: readonly ScriptStep[]): Generator<ScriptStep[], ScriptStep[], boolean> {
  let best = shortened(failing);
  let passing = 0;
  let beyond = best.length;
  if (yield []) return [];
  while (beyond - passing > 1) {
    const middle = (passing + beyond) >> 1;
    if (yield shortened(best.slice(0, middle))) beyond = middle;
    else passing = middle;
  }
  best = shortened(best.slice(0, beyond));
  for (let parts = 2; best.length > 1; ) {
    const size = Math.ceil(best.length / parts);
    let smaller: ScriptStep[] | undefined;
    for (let start = 0; start < best.length && smaller === undefined; start += size) {
      const candidate = shortened([...best.slice(0, start), ...best.slice(start + size)]);
      if (yield candidate) smaller = candidate;
    }
    if (smaller !== undefined) {
      best = smaller;
      parts = Math.max(2, Math.min(parts - 1, best.length));
    } else if (size === 1) return best;
    else parts = Math.min(2 * parts, best.length);
  }
  return best;
}

/** A script in words, a step a line. */
export function describeScript(steps: readonly ScriptStep[]): string[] {
  return steps.map((step) =>
    "stores" in step
      ? `core ${step.core}: ${step.stores} ${step.stores === 1 ? "store reaches" : "stores reach"} memory`
      : `core ${step.core} runs ${step.instructions} ${step.instructions === 1 ? "instruction" : "instructions"}`,
  );
}

/** A script as it is written in a test. */
export function formatScript(steps: readonly ScriptStep[]): string {
  const parts = steps.map((step) =>
    "stores" in step
      ? `{ core: ${step.core}, stores: ${step.stores} }`
      : `{ core: ${step.core}, instructions: ${step.instructions} }`,
  );
  return `[${parts.join(", ")}]`;
}
