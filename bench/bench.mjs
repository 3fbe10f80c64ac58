// How fast esp0 is on this machine. Figures of one run are comparable with each other, never with those of another.
// Runs what `npm run build` made.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { assemble, link, writeExecutable } from "../dist/asm.js";
import { initramfs, Kernel, prebuilt_kernel } from "../dist/kernel.js";
import { compare } from "./yardstick/compare.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const vmlinux = readFileSync(here("../dist/vmlinux"));

function program(name) {
  const file = here(`guests/${name}.S`);
  return initramfs({ "/init": writeExecutable(link([assemble(readFileSync(file, "utf8"), { file })], {})) });
}

/** A booted kernel at its first user instruction, and the seconds that took. */
function boot(name) {
  const root = program(name);
  const begun = performance.now();
  const kernel = new Kernel({ image: prebuilt_kernel(vmlinux), initramfs: root });
  kernel.run_to_user();
  return { kernel, seconds: (performance.now() - begun) / 1000 };
}

/** Runs a guest to its end; seconds from the first user instruction on. */
function run(name) {
  const { kernel } = boot(name);
  const before = kernel.statistics;
  const begun = performance.now();
  const stop = kernel.run();
  const seconds = (performance.now() - begun) / 1000;
  if (stop.kind !== "exit" || stop.status !== 0) throw new Error(`${name} ended with ${JSON.stringify(stop)}`);
  const after = kernel.statistics;
  return { seconds, done: (counter) => after[counter] - before[counter] };
}

function row(what, value, unit, aim = "") {
  console.log(`${what.padEnd(44)}${value.padStart(12)} ${unit.padEnd(8)}${aim}`);
}

console.log(`${cpus()[0].model}, Node ${process.version}\n`);

const begun = performance.now();
const { status } = spawnSync(process.execPath, [
  here("../dist/esp0.js"),
  "run",
  "--quiet",
  here("../examples/hello.S"),
]);
if (status !== 0) throw new Error(`esp0 run examples/hello.S exited with ${status}`);
row("the whole of `esp0 run examples/hello.S`", ((performance.now() - begun) / 1000).toFixed(3), "s");

row("start to first user instruction, cold", boot("alu").seconds.toFixed(3), "s", "aim: < 0.5");
row("start to first user instruction, warm", boot("alu").seconds.toFixed(3), "s");

const alu = run("alu");
row("tight integer loop", (alu.done("instructions") / alu.seconds / 1e6).toFixed(1), "MIPS", "aim: >= 40");

const forks = run("forks");
row("fork + exit + wait", Math.round(forks.done("forks") / forks.seconds).toLocaleString("en-US"), "a second");

const yields = run("yields");
row(
  "context switches (sched_yield)",
  Math.round(yields.done("contextSwitches") / yields.seconds).toLocaleString("en-US"),
  "a second",
);

console.log();
compare();
