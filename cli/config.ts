/** `esp0 config`: what a kernel can be configured by. */
import type { Command } from "commander";
import { configuration_keys, PRESETS, values_text } from "../kernel/index.ts";
import type { CommandIo } from "./io.ts";
import { formatTable } from "./table.ts";

/** Every key with its values and what it is for. */
export function configText(): string {
  const rows = Object.entries(configuration_keys).flatMap(([name, key]): [string, string][] => [
    [name, key.meaning],
    ["", `${values_text(key)}; ${PRESETS.map((preset) => `${preset}: ${key.presets[preset]}`).join(", ")}`],
  ]);
  return formatTable(rows);
}

/** Adds the command to the program. */
export function registerConfig(program: Command, io: CommandIo): void {
  program
    .command("config")
    .summary("list what a kernel can be configured by")
    .description(
      "Lists the keys of --config KEY=VALUE (`esp0 run`, `esp0 debug`): what each means, its values, and what it is in\n" +
        "the presets of --preset.",
    )
    .action(() => io.stdout(configText()));
}
