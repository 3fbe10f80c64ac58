// The twelve workloads on the interpreter alone, with the compiled tier, and on v86: in turns, on the same machine.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median } from "../measure.mjs";

const CHECKSUMS = {
  alu: "c353c5c9",
  collatz: "000001ba",
  sieve: "0004520a",
  fib: "00213d05",
  qsort: "b60c995f",
  crc: "b5abb9ee",
  matmul: "00528500",
  memcpy: "000000ef",
  syscall: "00030d41",
  switch: "0007a120",
  fault: "000173e0",
  pagedsieve: "0004520a",
};
const WORKLOADS = Object.keys(CHECKSUMS);

const COLUMNS = [
  { heading: "interpreter", script: "esp0", argument: "off" },
  { heading: "tier", script: "esp0", argument: "on" },
  { heading: "v86", script: "v86", argument: "" },
];
const ROUNDS = 3;

/** CPU seconds by workload. */
function run({ script, argument, heading }) {
  const file = fileURLToPath(new URL(`${script}.mjs`, import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, [file, argument], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 600_000,
  });
  const results = new Map();
  for (const line of stdout.split("\n").filter((line) => line.startsWith("{"))) {
    const { name: workload, seconds, checksum } = JSON.parse(line);
    if (checksum !== CHECKSUMS[workload])
      throw new Error(`${heading}: ${workload} gave ${checksum}, not ${CHECKSUMS[workload]}`);
    results.set(workload, seconds);
  }
  if (status !== 0 || results.size !== WORKLOADS.length)
    throw new Error(`${heading} did not finish (status ${status})`);
  return results;
}

function line(name, ...figures) {
  console.log(name.padEnd(16) + figures.map((figure) => figure.padStart(14)).join(""));
}

/** Prints the table: CPU seconds, and how many times faster the tier is than the interpreter and than v86. */
export function compare(rounds = ROUNDS) {
  const runs = COLUMNS.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, column] of COLUMNS.entries()) runs[i].push(run(column));
  }
  line("CPU seconds", ...COLUMNS.map(({ heading }) => heading), "× interpreter", "× v86");
  const products = [1, 1];
  for (const name of WORKLOADS) {
    const [interpreter, tier, v86] = runs.map((results) => median(results.map((result) => result.get(name))));
    const ratios = [interpreter / tier, v86 / tier];
    ratios.forEach((ratio, i) => {
      products[i] *= ratio;
    });
    line(name, ...[interpreter, tier, v86].map((s) => s.toFixed(3)), ...ratios.map((ratio) => ratio.toFixed(2)));
  }
  const means = products.map((product) => (product ** (1 / WORKLOADS.length)).toFixed(2));
  line("geometric mean", "", "", "", ...means);
}
