/** The option `--tier`, and what `--stats` says of the compiled tier. */
import { type Command, Option } from "commander";
import { EXIT_REASONS, type Machine, type TierSettings, tierDefaults } from "../emulator/index.ts";
import { formatTable } from "./table.ts";

const DEFAULT = tierDefaults.tier;

/** Adds the option: it is for all machines that the command makes. */
export function addTierOption(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--tier <off|on>",
        `whether code that runs often is compiled to WebAssembly: the run is the same (default: ${DEFAULT})`,
      ).choices(["off", "on"]),
    )
    .hook("preAction", (_, action) => {
      const { tier } = action.opts<{ tier?: TierSettings["tier"] }>();
      tierDefaults.tier = tier ?? DEFAULT;
    });
}

/** What `--stats` prints of the compiled tier: a table of its own, or nothing when nothing was compiled. */
export function tierTable(machine: Machine): string {
  const tiers = machine.tierStatistics.filter((statistics) => statistics !== null);
  if (tiers.length === 0) return "";
  const sum = (value: (statistics: (typeof tiers)[number]) => number) =>
    tiers.reduce((total, statistics) => total + value(statistics), 0).toLocaleString("en-US");
  return formatTable([
    ["compiled instructions", sum(({ instructions }) => instructions)],
    ["compiled regions", `${sum(({ regions }) => regions)} (${sum(({ bytes }) => bytes)} bytes)`],
    ["  ever, dropped", `${sum(({ compiled }) => compiled)}, ${sum(({ dropped }) => dropped)}`],
    ["  entered", sum(({ entered }) => entered)],
    ...EXIT_REASONS.map((reason): [string, string] => [`  left: ${reason}`, sum(({ exits }) => exits[reason])]),
  ]);
}
