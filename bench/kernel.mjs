// What the kernel does in a second of the host's, and in how many instructions.
//
// usage: node bench/kernel.mjs [DIST...]   builds to compare, each run in turn with the others; dist/ by itself without any
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { median, timed } from "./measure.mjs";

const ROUNDS = 3;
/** The first part of a run is warm-up: V8 compiles what is executed often. */
const WARM_UP = 0.25;
const SLICE = 500_000;

/** What each guest does most of, and how often in all. */
const GUESTS = [
  { guest: "calls", what: "null system calls", counter: "syscalls", times: 400_000 },
  { guest: "pipes", what: "bytes through a pipe and back", counter: "contextSwitches", each: 2, times: 10_000 },
  { guest: "yields", what: "context switches (sched_yield)", counter: "contextSwitches", times: 40_000 },
  { guest: "forks", what: "fork + exit + wait", counter: "forks", times: 15_000 },
  { guest: "faults", what: "page faults (anonymous memory)", counter: "pageFaults", times: 25_600 },
];

async function load(dist) {
  const library = (name) => import(pathToFileURL(resolve(dist, name)).href);
  const [{ assemble, link, writeExecutable }, kernel] = [await library("asm.js"), await library("kernel.js")];
  const image = kernel.prebuilt_kernel(readFileSync(resolve(dist, "vmlinux")));
  const boot = (guest) => {
    const file = fileURLToPath(new URL(`guests/${guest}.S`, import.meta.url));
    const init = writeExecutable(link([assemble(readFileSync(file, "utf8"), { file })], {}));
    const booted = new kernel.Kernel({ image, initramfs: kernel.initramfs({ "/init": init }) });
    booted.run_to_user();
    return booted;
  };
  return { dist, boot };
}

/** Times a second of CPU time, and instructions each. */
function measure({ boot }, { guest, counter, each = 1, times }) {
  const kernel = boot(guest);
  let stop;
  const slice = () => {
    stop = kernel.run({ maxInstructions: SLICE });
  };
  const done = () => kernel.statistics[counter] / each;
  do slice();
  while (stop.kind === "budget" && done() < WARM_UP * times);
  const [before, begun] = [done(), kernel.statistics.instructions];
  const seconds = timed(() => {
    while (stop.kind === "budget") slice();
  });
  if (stop.kind !== "exit" || stop.status !== 0) throw new Error(`${guest} ended with ${JSON.stringify(stop)}`);
  const count = done() - before;
  return { rate: count / seconds, instructions: (kernel.statistics.instructions - begun) / count };
}

/** Prints a table: a row for what is measured, columns for the builds. */
export async function compareKernels(dists) {
  const builds = [];
  for (const dist of dists) builds.push(await load(dist));
  for (const one of GUESTS) {
    const runs = builds.map(() => []);
    for (let round = 0; round < ROUNDS; round++)
      for (const [number, build] of builds.entries()) runs[number].push(measure(build, one));
    const rates = runs.map((all) => median(all.map(({ rate }) => rate)));
    const columns = rates.map((rate, number) => {
      const { instructions } = runs[number][0];
      return `${Math.round(rate).toLocaleString("en-US").padStart(10)} a second, ${Math.round(instructions).toLocaleString("en-US").padStart(5)} instructions`;
    });
    const ratio = rates.length > 1 ? `   ratio ${(rates.at(-1) / rates[0]).toFixed(2)}` : "";
    console.log(`${one.what.padEnd(32)}${columns.join("   ")}${ratio}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const named = process.argv.slice(2);
  await compareKernels(named.length > 0 ? named : [fileURLToPath(new URL("../dist", import.meta.url))]);
}
