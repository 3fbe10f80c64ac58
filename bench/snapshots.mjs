// What snapshots cost on this machine: capturing, restoring and saving a busy machine. Runs what `npm run build` made.
import { assembleBinary } from "../dist/asm.js";
import { bootRaw } from "../dist/boot.js";
import { Machine } from "../dist/emulator.js";
import { median, row, timed } from "./measure.mjs";

const ORIGIN = 0x10000;

/** Fills all of memory from 1 MiB on, then writes to one word of each of `pages` pages, round and round. */
const guest = (pages) =>
  assembleBinary(
    `_start:
	movl $0x100000, %edi
	movl $0x1c0000, %ecx
fill:	movl %ecx, (%edi)
	addl $4, %edi
	loop fill
again:	movl $${pages}, %ecx
	movl $0x100000, %edi
touch:	addl $1, (%edi)
	addl $0x1000, %edi
	loop touch
	jmp again
`,
    { file: "busy.S", origin: ORIGIN },
  );

function machineWith(pages) {
  const machine = new Machine({ memoryBytes: 8 << 20 });
  bootRaw(machine, { images: [{ name: "busy", bytes: guest(pages), address: ORIGIN }], mode: "protected" });
  machine.run({ maxInstructions: 6_000_000 });
  return machine;
}

console.log("8 MiB of memory, all of it in use; medians of 50, warm");
for (const pages of [1, 100, 1000, 1792]) {
  const machine = machineWith(pages);
  const first = machine.capture();
  const bytes = machine.save();
  const seconds = {};
  const measure = (name, work) => {
    const all = Array.from({ length: 60 }, () => {
      machine.run({ maxInstructions: 100_000 });
      return timed(work);
    });
    seconds[name] = median(all.slice(10));
  };
  measure("capture", () => machine.capture());
  measure("restore", () => machine.restore(first));
  measure("save", () => machine.save());
  measure("restore from bytes", () => machine.restore(bytes));
  machine.restore(first);
  measure("fork", () => machine.fork());
  console.log(`\n${pages} pages written in between`);
  for (const [name, one] of Object.entries(seconds)) row(name, (one * 1000).toFixed(2), "ms");
}
