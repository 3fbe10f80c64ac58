// Runs the kernel's scenario tests on every kernel there is: each number of CPUs, each value of each key of `esp0 config`.
// `npm run test:matrix -- --help` says how.

import { spawnSync } from "node:child_process";
import { Command, Option } from "commander";
import { countOf, sampleOf } from "./sampling.mjs";

const TESTS = ["test/kernel/scenarios", "test/kernel/smp"];
const STRESS = "test/kernel/smp/stress.test.ts";
const CPUS = [1, 2, 4, 8];

const program = new Command("npm run test:matrix --")
  .description("Runs the kernel's scenario tests on every kernel that can be configured.")
  .argument("[file...]", "tests", TESTS)
  .addOption(
    new Option("--pairs", "only as many kernels as it takes to have each two values together in one").conflicts(
      "sample",
    ),
  )
  .addOption(new Option("--sample <n>", "only so many of them, chosen by the seed").argParser(countOf))
  .option("--seed <text>", "what chooses them", "0")
  .addHelpText("after", "\nOf the whole, and with --pairs, the stress on four CPUs with 1,000 seeds comes last.")
  .parse();
const { pairs, sample, seed } = program.opts();

const { configuration, configuration_keys } = await import(new URL("../dist/kernel.js", import.meta.url).href);

/** What can be chosen, by name. Whether a kernel is for several CPUs follows from their number. */
function choices() {
  const keys = Object.entries(configuration_keys).filter(([name, key]) => name !== "smp" && Array.isArray(key.values));
  return [["cpus", CPUS], ...keys.map(([name, key]) => [name, key.values])];
}

function product([first, ...others]) {
  if (first === undefined) return [{}];
  const [name, values] = first;
  const rest = product(others);
  return values.flatMap((value) => rest.map((kernel) => ({ [name]: value, ...kernel })));
}

function pairsOf(kernel) {
  const entries = Object.entries(kernel).map(([name, value]) => `${name}=${value}`);
  return entries.flatMap((one, i) => entries.slice(i + 1).map((other) => `${one} ${other}`));
}

/** Few kernels in which each two values occur together: always the one next that has most pairs that none had yet. */
function covering(kernels) {
  const missing = new Set(kernels.flatMap(pairsOf));
  const chosen = [];
  while (missing.size > 0) {
    const news = (kernel) => pairsOf(kernel).filter((pair) => missing.has(pair)).length;
    const best = kernels.reduce((a, b) => (news(b) > news(a) ? b : a));
    for (const pair of pairsOf(best)) missing.delete(pair);
    chosen.push(best);
  }
  return chosen;
}

function textOf(kernel) {
  return Object.entries(kernel)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

/** Returns whether the tests pass. */
function passes(files, { cpus, ...config }, more = {}) {
  const ESP0_CONFIG = Object.entries(config)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  const env = { ...process.env, ESP0_CPUS: String(cpus), ESP0_CONFIG, ...more };
  return spawnSync("npx", ["vitest", "run", ...files], { env, stdio: "inherit" }).status === 0;
}

/** Whether such a kernel can be linked: some values do not go together, and scheduler=module is as good as its module. */
function isPossible({ cpus: _cpus, ...config }) {
  if (config.scheduler === "module") return false;
  try {
    configuration(config);
    return true;
  } catch {
    return false;
  }
}

const all = product(choices()).filter(isPossible);
const chosen = sample !== undefined ? sampleOf(all, sample, seed) : pairs ? covering(all) : all;
const failed = [];
for (const [i, kernel] of chosen.entries()) {
  console.log(`== ${i + 1} of ${chosen.length}: ${textOf(kernel)}`);
  if (!passes(program.processedArgs[0], kernel)) failed.push(textOf(kernel));
}
if (sample === undefined && program.args.length === 0) {
  const kernel = { cpus: 4, lockdep: true };
  console.log(`== stress: ${textOf(kernel)}`);
  if (!passes([STRESS], kernel, { ESP0_SEEDS: "1000" })) failed.push(`stress on ${textOf(kernel)}`);
}
for (const kernel of failed) console.log(`failed: ${kernel}`);
process.exitCode = failed.length > 0 ? 1 : 0;
