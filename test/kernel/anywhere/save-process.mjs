// One of the two processes of save.test.ts: `save DIR` runs the program in DIR and writes the state at every point down,
// `restore DIR` goes on from each of them. Both write what they saw as JSON.
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Capture } from "../../../dist/emulator.js";
import { Kernel } from "../../../dist/kernel.js";

const POINTS = 2000;
/** Points that share a base, from which their states differ in few pages. */
const GROUP = 50;
/** Instructions before and after an event that are all points. */
const AROUND = 12;
const DENSE = /^(fork|sched_switch|switch_to|signal|signal_deliver|exit|exec|irq_entry|timer_fire)$/;
const MOST_OF_A_KIND = 5;
/** Of these points the run goes on to its end, in a kernel of its own. */
const TO_THE_END = 100;
const [mode, directory] = process.argv.slice(2);

/** What is heard of a kernel since the last `take`. */
class Witness {
  output = "";
  #hash = createHash("sha1");

  constructor(kernel) {
    kernel.on_output = (byte) => (this.output += String.fromCharCode(byte));
    kernel.on_event((event) => this.#hash.update(JSON.stringify(event)));
  }

  take() {
    const taken = `${this.#hash.digest("hex")} ${this.output}`;
    this.#hash = createHash("sha1");
    this.output = "";
    return taken;
  }
}

/** A hash of the whole state, by its difference from a base. */
function hash(capture, base) {
  const result = createHash("sha1").update(capture.state);
  capture.pages.forEachDifference(base.pages, (index) => {
    const page = Buffer.from(capture.pages.page(index) ?? new Uint8Array(4096));
    if (!page.equals(base.pages.page(index) ?? new Uint8Array(4096))) result.update(String(index)).update(page);
  });
  return result.digest("hex");
}

function boot() {
  return new Kernel({ memoryBytes: 8 << 20, initramfs: readFileSync(join(directory, "initramfs")), init: "/bin/init" });
}

/** Which instructions: evenly over the run, and all around the first events of each kind. */
function choose() {
  const kernel = boot();
  const near = new Map();
  kernel.on_event(({ event, instruction }) => {
    if (!DENSE.test(event)) return;
    const known = near.get(event) ?? [];
    if (known.length < MOST_OF_A_KIND) near.set(event, [...known, instruction]);
  });
  const stop = kernel.run();
  const end = kernel.machine.instructions;
  const points = new Set();
  for (const at of [...near.values()].flat())
    for (let i = at - AROUND; i <= at + AROUND; i++) if (i > 0 && i < end) points.add(i);
  for (let i = 1; points.size < POINTS; i++) points.add(Math.floor((i * end) / (POINTS - points.size + i + 1)) || i);
  return { points: [...points].sort((a, b) => a - b), end, stop };
}

if (mode === "save") {
  const { points, end } = choose();
  const kernel = boot();
  const witness = new Witness(kernel);
  const file = openSync(join(directory, "states"), "w");
  const index = [];
  let base = null;
  const write = (capture, from) => {
    const bytes = capture.encode(from);
    writeSync(file, bytes);
    return bytes.length;
  };
  let output = "";
  kernel.run({ maxInstructions: points[0] });
  output += witness.output;
  witness.take();
  for (let i = 0; i < points.length; i++) {
    const capture = kernel.machine.capture();
    let baseLength = 0;
    if (i % GROUP === 0) {
      baseLength = write(capture, base);
      base = capture;
    }
    const length = write(capture, base);
    const before = output.length;
    const to = points[i + 1] ?? end;
    const stop = kernel.run(i + 1 < points.length ? { maxInstructions: to - points[i] } : {});
    output += witness.output;
    index.push({
      at: points[i],
      to,
      baseLength,
      length,
      before,
      stop,
      heard: witness.take(),
      state: hash(kernel.machine.capture(), base),
    });
  }
  closeSync(file);
  // For those that go on to the end: its state, by the difference from their own base.
  const last = kernel.machine.capture();
  writeFileSync(
    join(directory, "index.json"),
    JSON.stringify({ index, output, end, stop: index.at(-1).stop, last: last.identity }),
  );
} else {
  const { index, output, end, stop, last } = JSON.parse(readFileSync(join(directory, "index.json"), "utf8"));
  const file = openSync(join(directory, "states"), "r");
  const read = (length) => {
    const bytes = new Uint8Array(length);
    readSync(file, bytes, 0, length);
    return bytes;
  };
  const failures = [];
  const kernel = boot();
  const witness = new Witness(kernel);
  let base = null;
  for (let first = 0; first < index.length; first += GROUP) {
    const group = index.slice(first, first + GROUP).map((entry) => {
      if (entry.baseLength > 0) base = Capture.decode(read(entry.baseLength), base);
      return { ...entry, capture: Capture.decode(read(entry.length), base) };
    });
    // In another order than they were saved in: what a kernel object keeps beside the state is of another time.
    for (let i = 0; i < group.length; i++) {
      const entry = group[(i * 17) % group.length];
      kernel.restore({ machine: entry.capture, input_closed: false });
      witness.take();
      const reached = kernel.run(entry.to < end ? { maxInstructions: entry.to - entry.at } : {});
      const seen = { stop: reached, heard: witness.take(), state: hash(kernel.machine.capture(), base) };
      for (const what of ["stop", "heard", "state"])
        if (JSON.stringify(seen[what]) !== JSON.stringify(entry[what])) failures.push(`${entry.at}: ${what}`);
    }
    const { capture, before, at } = group[0];
    if ((first / GROUP) % (TO_THE_END / GROUP) !== 0) continue;
    const other = Kernel.resume({ machine: capture, input_closed: false });
    let rest = "";
    other.on_output = (byte) => (rest += String.fromCharCode(byte));
    const reached = other.run();
    if (JSON.stringify(reached) !== JSON.stringify(stop)) failures.push(`${at}: the end, ${JSON.stringify(reached)}`);
    if (other.machine.instructions !== end) failures.push(`${at}: ${other.machine.instructions} instructions`);
    if (rest !== output.slice(before)) failures.push(`${at}: the output, ${rest}`);
    if (other.machine.capture().identity !== last) failures.push(`${at}: memory in the end`);
  }
  console.log(JSON.stringify({ points: index.length, failures: failures.slice(0, 20), stop, output }));
}
