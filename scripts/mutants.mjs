// Changes of the code that the tests must notice: makes each of test/mutants/catalogue.mjs in turn, in modules of its own and
// not in the sources, runs the tests that are to fail, and prints the survivors. Its status is 1 when there are any.
// `npm run mutants -- --help` says how.

import { fork } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { Command, Option } from "commander";
import { mutants } from "../test/mutants/catalogue.mjs";
import { NOT_HOSTED } from "./build-modules.mjs";
import { editsOf, mutantsBuilder } from "./mutants-builder.mjs";
import { countOf, sampleOf } from "./sampling.mjs";

const OUTDIR = `node_modules/.cache/esp0/mutants.${process.pid}`;
/** Tests that take minutes: none for a sample. */
const SLOW = "test/kernel/anywhere/";

const program = new Command("npm run mutants --")
  .description("Prints the changes of the code that the tests do not notice.")
  .argument("[word...]", "only those whose name, file or catalogue has one of the words")
  .addOption(new Option("--sample <n>", "of these only so many, chosen by the seed").argParser(countOf))
  .option("--seed <text>", "what chooses them", "1")
  .addOption(new Option("--limit <seconds>", "how long tests may take").default(180).argParser(countOf))
  .parse();
const { sample, seed, limit } = program.opts();
const words = program.args;

/** `count` of those whose tests are quick, in their order. */
function quickSample(all, count, seed) {
  return sampleOf(
    all.filter(({ tests }) => !tests.some((test) => test.startsWith(SLOW))),
    count,
    seed,
  );
}

function chosenMutants() {
  const named = mutants.filter(
    ({ name, catalogue, file }) =>
      words.length === 0 || words.some((word) => [name, catalogue, file].some((text) => text.includes(word))),
  );
  return sample === undefined ? named : quickSample(named, sample, seed);
}

function checkTexts(chosen) {
  for (const one of chosen) {
    for (const { file, old } of editsOf(one)) {
      const times = readFileSync(file, "utf8").split(old).length - 1;
      if (times !== 1) throw new Error(`${one.name}: its text is ${times} times in ${file}; it has to be there once`);
    }
  }
}

/** Runs tests in a process of its own, which is ended with all that it started when they outlast their time. */
class Runner {
  #child;

  /** @returns `{ passed, errors }`, or undefined when the time is up */
  run(tests, seconds) {
    this.#child ??= fork("scripts/mutants-runner.mjs", {
      env: { ...process.env, ESP0_MODULES: OUTDIR },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      detached: true,
    });
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const clock = setTimeout(() => {
        child.removeAllListeners();
        this.end();
        resolve(undefined);
      }, 1000 * seconds);
      child.once("message", (result) => {
        clearTimeout(clock);
        child.removeAllListeners();
        resolve(result);
      });
      child.once("exit", (status) => {
        clearTimeout(clock);
        this.#child = undefined;
        reject(new Error(`the process that runs the tests has ended, status ${status}`));
      });
      child.send(tests);
    });
  }

  end() {
    if (this.#child !== undefined) process.kill(-this.#child.pid, "SIGKILL");
    this.#child = undefined;
  }
}

/** What notices a mutant: "tests", "build" or "clock"; undefined when nothing does. */
async function noticedBy(builder, runner, mutant, limit) {
  try {
    await builder.rebuild(mutant);
  } catch {
    return "build"; // the compiler or the linker refuses it
  }
  const result = await runner.run(mutant.tests, limit);
  if (result === undefined) return "clock";
  return result.passed ? undefined : "tests";
}

/** @returns those that survive */
async function runMutants(runner, group, folders, limit) {
  if (group.length === 0) return [];
  const survivors = [];
  const builder = await mutantsBuilder(OUTDIR, folders);
  try {
    await builder.rebuild(undefined);
    const unchanged = await runner.run([...new Set(group.flatMap(({ tests }) => tests))], 3600);
    if (!unchanged?.passed) throw new Error(`the tests fail without any change:\n${unchanged?.errors.join("\n")}`);
    for (const mutant of group) {
      const begin = performance.now();
      const by = await noticedBy(builder, runner, mutant, limit);
      if (by === undefined) survivors.push(mutant);
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      const said = by === undefined ? "SURVIVES" : `caught by the ${by}`;
      console.log(`${said.padEnd(19)} ${seconds.padStart(5)} s  ${mutant.name} (${mutant.file})`);
    }
  } finally {
    await builder.dispose();
    rmSync(OUTDIR, { recursive: true, force: true });
  }
  return survivors;
}

const chosen = chosenMutants();
if (chosen.length === 0) program.error(`error: no mutant has ${words.join(" or ")} in its name, file or catalogue`);
checkTexts(chosen);
if (sample !== undefined) console.log(`${chosen.length} of ${mutants.length} mutants, --seed ${seed}`);
// What hosted functions are in takes long to build; tests of these folders need none of it.
const needsHosted = ({ tests }) =>
  !tests.every((test) => NOT_HOSTED.some((folder) => test.startsWith(`test/${folder}/`)));
const begin = performance.now();
const runner = new Runner();
const survivors = [];
try {
  const plain = chosen.filter((one) => !needsHosted(one));
  survivors.push(...(await runMutants(runner, plain, NOT_HOSTED, limit)));
  survivors.push(...(await runMutants(runner, chosen.filter(needsHosted), undefined, limit)));
} finally {
  runner.end();
}
const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
console.log(`${chosen.length} mutants in ${minutes} minutes, ${survivors.length} survive`);
for (const { name, catalogue, tests } of survivors) console.log(`SURVIVES  ${name} (${catalogue}): ${tests.join(" ")}`);
process.exitCode = survivors.length > 0 ? 1 : 0;
