// The twelve workloads here and on v86, in the same minute on the same machine.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

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

function run(name) {
  const { stdout, status } = spawnSync(process.execPath, [fileURLToPath(new URL(`${name}.mjs`, import.meta.url))], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 600_000,
  });
  const results = new Map();
  for (const line of stdout.split("\n").filter((line) => line.startsWith("{"))) {
    const { name: workload, seconds, checksum } = JSON.parse(line);
    if (checksum !== CHECKSUMS[workload])
      throw new Error(`${name}: ${workload} gave ${checksum}, not ${CHECKSUMS[workload]}`);
    results.set(workload, seconds);
  }
  if (status !== 0 || results.size !== Object.keys(CHECKSUMS).length)
    throw new Error(`${name} did not finish (status ${status})`);
  return results;
}

/** Prints the table: seconds here, seconds on v86, how many times slower we are. */
export function compare() {
  const ours = run("esp0");
  const theirs = run("v86");
  console.log(`${"yardstick guest".padEnd(16)}${"esp0 s".padStart(10)}${"v86 s".padStart(10)}${"ratio".padStart(9)}`);
  let product = 1;
  for (const name of Object.keys(CHECKSUMS)) {
    const ratio = ours.get(name) / theirs.get(name);
    product *= ratio;
    console.log(
      `${name.padEnd(16)}${ours.get(name).toFixed(3).padStart(10)}${theirs.get(name).toFixed(3).padStart(10)}${ratio.toFixed(2).padStart(9)}`,
    );
  }
  const mean = product ** (1 / Object.keys(CHECKSUMS).length);
  console.log(`${"geometric mean".padEnd(36)}${mean.toFixed(2).padStart(9)}`);
}
