// What several CPUs cost: how fast tasks that compute get on, and what CPUs have to do with each other, in instructions.
//
// usage: node bench/smp.mjs [DIST...]   builds to compare, each run in turn with the others; dist/ by itself without any
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ESP } from "../dist/emulator.js";
import { median, row, timed } from "./measure.mjs";

const ROUNDS = 60;
/** Instructions of all CPUs in a round: long enough for all to have turns, short enough for some to be undisturbed. */
const SLICE = 4_000_000;
const WARM_UP = 60_000_000;

/** Instructions from the first call of what is measured on, in which each caller has called it. */
const FIRST_CALLS = 150_000;

const TASKS = 4;
/** Rounds of a task, as guests/tasks.S has it: more than are run. */
const TASK_ROUNDS = 100_000;

async function load(dist) {
  const library = (name) => import(pathToFileURL(resolve(dist, name)).href);
  const [{ assemble, link, writeExecutable }, kernel] = [await library("asm.js"), await library("kernel.js")];
  const image = kernel.prebuilt_kernel(readFileSync(resolve(dist, "vmlinux-smp")), { smp: true });
  const boot = (guest, cpus, symbols = {}) => {
    const file = fileURLToPath(new URL(`guests/${guest}.S`, import.meta.url));
    const settings = Object.entries(symbols).map(([name, value]) => `.set ${name}, ${value}\n`);
    const program = link([assemble(settings.join("") + readFileSync(file, "utf8"), { file })], {});
    const init = writeExecutable(program);
    const booted = new kernel.Kernel({ image, cpus, initramfs: kernel.initramfs({ "/init": init }) });
    booted.run_to_user();
    return { kernel: booted, program };
  };
  return { dist, boot };
}

function finish({ kernel }) {
  const stop = kernel.run();
  if (stop.kind !== "exit" || stop.status !== 0) throw new Error(`the guest ended with ${JSON.stringify(stop)}`);
}

const word = (bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

/** How far each task of guests/tasks.S has got: those that CPUs run right now, by what is in their memory. */
function progress({ kernel: { machine }, program }) {
  return machine.cores.map(({ id }) => TASK_ROUNDS - word(machine.readLinear(program.symbol("progress"), 4, id)));
}

/** Millions of instructions a second of CPU time, at best and as a rule, and how even four CPUs' tasks get on. */
function computing(builds) {
  const runs = builds.flatMap(({ boot }, build) =>
    [1, TASKS].map((cpus) => {
      const booted = boot("tasks", cpus, { ROUNDS: TASK_ROUNDS });
      booted.kernel.run({ maxInstructions: WARM_UP });
      return { build, cpus, booted, seconds: [] };
    }),
  );
  for (let round = 0; round < ROUNDS; round++) {
    for (const { booted, seconds } of runs) seconds.push(timed(() => booted.kernel.run({ maxInstructions: SLICE })));
  }
  return builds.map((_, build) => {
    const [one, four] = runs.filter((run) => run.build === build);
    const speed = (seconds) => SLICE / seconds / 1e6;
    const best = [one, four].map(({ seconds }) => speed(Math.min(...seconds)));
    const usual = [one, four].map(({ seconds }) => speed(median(seconds)));
    const rounds = progress(four.booted);
    return { best, usual, fairness: Math.min(...rounds) / Math.max(...rounds) };
  });
}

/** Instructions of all threads for one acquisition and release of a spinlock that `threads` CPUs want. */
function spinlock({ boot }, threads) {
  const booted = boot("spinlock", threads, { THREADS: threads });
  const { machine } = booted.kernel;
  const before = [];
  let spent = 0;
  machine.setProbes(
    new Map([
      [booted.program.symbol("begin"), ({ id, instructions }) => (before[id] = instructions)],
      [booted.program.symbol("over"), ({ id, instructions }) => (spent += instructions - before[id])],
    ]),
  );
  finish(booted);
  return spent / (threads * booted.program.symbol("TIMES"));
}

/** From try_to_wake_up on one CPU to the woken task's first instruction on another: cycles, and instructions of the latter. */
function wakeUp({ boot }) {
  const booted = boot("wakeups", 2);
  const { machine } = booted.kernel;
  const cycles = [];
  const instructions = [];
  let from = null;
  machine.setProbes(
    new Map([
      [
        booted.kernel.image.symbol("try_to_wake_up"),
        ({ id }) => {
          from = { id, cycle: machine.cycles, instructions: machine.cores.map((core) => core.instructions) };
        },
      ],
      [
        booted.program.symbol("woken"),
        (core) => {
          if (from === null || from.id === core.id) return;
          cycles.push(machine.cycles - from.cycle);
          instructions.push(core.instructions - from.instructions[core.id]);
          from = null;
        },
      ],
    ]),
  );
  finish(booted);
  return { cycles: median(cycles), instructions: median(instructions) };
}

/**
 * Of flush_tlb_others, called by flush_tlb_page and flush_tlb_mm for memory that `cpus` CPUs have loaded: the caller's
 * instructions, and cycles.
 */
function shootDown({ boot }, cpus) {
  const booted = boot("shootdowns", cpus, { THREADS: cpus });
  const { machine } = booted.kernel;
  const entry = booted.kernel.image.symbol("flush_tlb_others");
  const instructions = [];
  const cycles = [];
  let from = null;
  const enter = (core) => {
    from = { id: core.id, cycle: machine.cycles, instructions: core.instructions };
  };
  const leave = (core) => {
    if (from?.id !== core.id) return;
    cycles.push(machine.cycles - from.cycle);
    instructions.push(core.instructions - from.instructions);
    from = null;
  };
  // Where it returns to, found out by the first calls.
  const returns = new Set();
  machine.setProbes(new Map([[entry, (core) => returns.add(word(machine.readLinear(core.r[ESP], 4, core.id)))]]));
  while (returns.size === 0) booted.kernel.run({ maxInstructions: 1000 });
  booted.kernel.run({ maxInstructions: FIRST_CALLS });
  machine.setProbes(new Map([[entry, enter], ...[...returns].map((eip) => [eip, leave])]));
  finish(booted);
  return { instructions: median(instructions), cycles: median(cycles) };
}

const figure = (number) => Math.round(number).toLocaleString("en-US");

/** Prints what is told of each build. */
export async function compareCpus(dists) {
  const builds = [];
  for (const dist of dists) builds.push(await load(dist));
  const speeds = computing(builds);
  builds.forEach((build, n) => {
    if (builds.length > 1) console.log(build.dist);
    const { best, usual, fairness } = speeds[n];
    const ratio = ([one, four]) => (four / one).toFixed(2);
    row(
      "4 CPUs: aggregate MIPS against one CPU",
      ratio(usual),
      "",
      `aim: >= 0.80 (${usual.map(figure).join(" and ")})`,
    );
    row("  at best", ratio(best), "", `(${best.map(figure).join(" and ")})`);
    row("fairness: slowest/fastest of 4 on 4 CPUs", fairness.toFixed(3), "", "aim: >= 0.95");
    for (const threads of [1, 2, 4]) {
      row(`spinlock, acquire + release: ${threads} want it`, figure(spinlock(build, threads)), "instructions");
    }
    const wake = wakeUp(build);
    row(
      "wake-up of a task on another CPU",
      figure(wake.instructions),
      "instructions",
      `there, in ${figure(wake.cycles)} cycles`,
    );
    for (const cpus of [1, 2, 4]) {
      const { instructions, cycles } = shootDown(build, cpus);
      row(
        `TLB shoot-down: ${cpus} have it loaded`,
        figure(instructions),
        "instructions",
        `of the caller, in ${figure(cycles)} cycles`,
      );
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const named = process.argv.slice(2);
  await compareCpus(named.length > 0 ? named : [fileURLToPath(new URL("../dist", import.meta.url))]);
}
