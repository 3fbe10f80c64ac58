import { describe, expect, it } from "vitest";
import type { ScriptStep } from "../../emulator/index.ts";
import { describeScript, formatScript, shortest } from "../../testing/shortest-script.ts";

/** Runs the search with a test that fails when a predicate of its script is true. */
function search(script: readonly ScriptStep[], fails: (script: readonly ScriptStep[]) => boolean) {
  const tried: ScriptStep[][] = [];
  const steps = shortest(script);
  let step = steps.next();
  while (step.done !== true) {
    tried.push(step.value);
    step = steps.next(fails(step.value));
  }
  return { found: step.value, tried };
}

const turn = (core: number, instructions = 1): ScriptStep => ({ core, instructions });
/** Sixty turns of many cores: leaving out what lies between two makes one of them only if they are of one core. */
const LONG = Array.from({ length: 60 }, (_, i) => turn(i % 31, 1 + i));

describe("shortest", () => {
  it("finds the steps that matter, wherever they are", () => {
    for (const needed of [[59], [0], [3, 40], [10, 11, 50], [0, 30, 59]]) {
      const wanted = needed.map((i) => LONG[i]);
      const isIn = (script: readonly ScriptStep[]) => {
        let next = 0;
        for (const step of script) if (JSON.stringify(step) === JSON.stringify(wanted[next])) next++;
        return next === wanted.length;
      };
      const { found, tried } = search(LONG, isIn);
      expect(found).toEqual(wanted);
      expect(tried.length).toBeLessThan(160);
    }
  });

  it("takes what fails without any script at its word", () => {
    expect(search(LONG, () => true)).toEqual({ found: [], tried: [[]] });
  });

  it("makes one of turns in a row of one core, and of its stores", () => {
    const script = [turn(0, 2), turn(1), turn(0, 3), { core: 0, stores: 1 }, { core: 0, stores: 2 }];
    const { found } = search(script, (steps) => {
      const executed = steps.reduce(
        (sum, step) => sum + ("stores" in step || step.core !== 0 ? 0 : step.instructions),
        0,
      );
      return executed === 5 && steps.some((step) => "stores" in step && step.stores === 3);
    });
    expect(found).toEqual([turn(0, 5), { core: 0, stores: 3 }]);
    expect(describeScript(found)).toEqual(["core 0 runs 5 instructions", "core 0: 3 stores reach memory"]);
    expect(formatScript(found)).toBe("[{ core: 0, instructions: 5 }, { core: 0, stores: 3 }]");
  });
});
