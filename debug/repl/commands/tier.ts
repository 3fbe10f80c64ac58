/** The compiled tier: which code is WebAssembly, and what that looks like. */
import { EXIT_REASONS, type TierRegion, webAssemblyText } from "../../../emulator/index.ts";
import { bareHex, table } from "../../numbers.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";

function exitsText(exits: TierRegion["exits"]): string {
  const taken = EXIT_REASONS.filter((reason) => exits[reason] > 0);
  return taken.map((reason) => `${reason} ${exits[reason].toLocaleString("en-US")}`).join(", ") || "none";
}

function showTier(console: Console): void {
  const { guest, session } = console;
  const { core } = guest;
  const statistics = core.tierStatistics;
  if (statistics === null || statistics.compiled === 0) {
    console.print("No code is compiled yet.");
    return;
  }
  const { regions, bytes, compiled, dropped, instructions, entered, exits } = statistics;
  const figure = (value: number) => value.toLocaleString("en-US");
  console.print(
    `cpu ${core.id}: ${figure(regions)} regions, ${figure(bytes)} bytes of WebAssembly; ${figure(compiled)} compiled ever, ${figure(dropped)} dropped`,
    `${figure(instructions)} instructions; entered ${figure(entered)} times; left: ${exitsText(exits)}`,
  );
  const rows = core.tierRegions.map(({ entries, user, instructions: size, module, exits: left }) => [
    `  ${bareHex(entries[0])}`,
    `<${session.symbols.format(entries[0] >>> 0)}>`,
    user ? "user" : "kernel",
    `entries ${entries.length}`,
    `${size} instructions`,
    `${module.length} bytes`,
    `left: ${exitsText(left)}`,
  ]);
  if (rows.length > 0) console.print(...table(rows));
}

/** `disas /w`: the WebAssembly of the region that has a block at an address. */
export function showWebAssembly(console: Console, address: number): void {
  const { core } = console.guest;
  const { tierRegions } = core;
  const at = address | 0;
  const region =
    tierRegions.find(({ entries }) => entries[0] === at) ?? tierRegions.find(({ blocks }) => blocks.includes(at));
  if (region === undefined) {
    throw new CommandError(`no compiled code begins at ${console.place(address)}; info tier lists what is compiled`);
  }
  console.print(`The region at ${console.place(region.entries[0] >>> 0)}:`, ...webAssemblyText(region.module));
}

export const tier: readonly Command[] = [
  {
    names: ["tier"],
    group: "CPU and devices",
    usage: "",
    summary: "what of the CPU's code is compiled to WebAssembly, and why that was left",
    run: (_argument, console) => showTier(console),
  },
];
