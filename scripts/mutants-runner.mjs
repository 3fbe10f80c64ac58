// Runs tests for scripts/mutants.mjs, which starts it: each message that it gets is a list of test files to run, up to the first
// failure; each that it sends is `{ passed, errors }`. vitest stays, so that a run costs little more than its tests; each run
// has processes of its own, which load the modules anew.

import { resolve } from "node:path";
import { createVitest } from "vitest/node";

const vitest = await createVitest("test", { watch: true, bail: 1, reporters: [{}] }, { server: { watch: null } });
await vitest.init();

function errorsOf(module) {
  const ofTests = [...module.children.allTests("failed")].flatMap((test) => test.result().errors ?? []);
  return [...module.errors(), ...ofTests];
}

process.on("message", async (tests) => {
  const specifications = tests.flatMap((test) => vitest.getModuleSpecifications(resolve(test)));
  if (specifications.length !== tests.length) throw new Error(`not all of these are test files: ${tests.join(" ")}`);
  const { unhandledErrors } = await vitest.runTestSpecifications(specifications);
  const modules = specifications.flatMap(({ testModule }) => testModule ?? []);
  const errors = [...modules.flatMap(errorsOf), ...unhandledErrors];
  process.send({
    passed: errors.length === 0 && modules.length === tests.length && modules.every((module) => module.ok()),
    errors: errors.map(({ message, stack }) => stack ?? message),
  });
});
