/** Store buffers: what the cores have stored and others do not see yet. */
import { hex, table } from "../../numbers.ts";
import type { Command } from "../command.ts";
import type { Console } from "../console.ts";

function showStoreBuffers(console: Console): void {
  const { machine } = console.session;
  if (machine.cores.every(({ storeBuffer }) => storeBuffer === null)) {
    console.print("This machine has no store buffers: they come with --memory-model tso.");
    return;
  }
  for (const { id, storeBuffer } of machine.cores) {
    const stores = storeBuffer?.stores ?? [];
    console.print(`cpu ${id}: ${stores.length === 0 ? "empty" : "the oldest first"}`);
    const rows = stores.map(({ physical, size, value, cycle }) => [
      `  ${hex(physical)}`,
      `${size} ${size === 1 ? "byte" : "bytes"}`,
      `= ${hex(value, 2 * size)}`,
      `for ${machine.cycles - cycle} cycles`,
    ]);
    if (rows.length > 0) console.print(...table(rows));
  }
}

export const storeBuffers: readonly Command[] = [
  {
    names: ["store-buffers"],
    group: "CPU and devices",
    usage: "",
    summary: "what the CPUs have stored that is not in memory yet, with --memory-model tso",
    run: (_argument, console) => showStoreBuffers(console),
  },
];
