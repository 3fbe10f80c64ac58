// How fast esp0 is on this machine. Figures of one run are comparable with each other, never with those of another.
// Runs what `npm run build` made.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { assemble, link, writeExecutable } from "../dist/asm.js";
import { initramfs, Kernel, prebuilt_kernel } from "../dist/kernel.js";
import { compareKernels } from "./kernel.mjs";
import { row } from "./measure.mjs";
import { compareCpus } from "./smp.mjs";
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

/** Millions of instructions a second of a guest without system calls. */
function mips(name) {
  const { kernel } = boot(name);
  const before = kernel.statistics.instructions;
  const begun = performance.now();
  const stop = kernel.run();
  const seconds = (performance.now() - begun) / 1000;
  if (stop.kind !== "exit" || stop.status !== 0) throw new Error(`${name} ended with ${JSON.stringify(stop)}`);
  return (kernel.statistics.instructions - before) / seconds / 1e6;
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

row("tight integer loop", mips("alu").toFixed(1), "MIPS", "aim: >= 40");

console.log();
await compareKernels([here("../dist")]);

console.log();
await compareCpus([here("../dist")]);

console.log();
compare();
