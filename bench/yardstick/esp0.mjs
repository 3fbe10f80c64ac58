// Runs bench.elf on this project's machine, with its compiled tier "on" or "off" as the argument says.
import { readFileSync } from "node:fs";
import { bootMultiboot } from "../../dist/boot.js";
import { Machine } from "../../dist/emulator.js";
import { printed } from "./lines.mjs";

const machine = new Machine({ memoryBytes: 128 << 20, tier: process.argv[2] ?? "on" });
bootMultiboot(machine, { kernel: readFileSync(new URL("bench.elf", import.meta.url)) });
const take = printed(() => {});
machine.onSerialOutput = (byte) => take(byte);
const stop = machine.run();
if (stop.kind !== "exit") throw new Error(`the guest ended with ${JSON.stringify(stop)}`);
