/** The option `--memory-model`. */
import { type Command, Option } from "commander";
import type { MachineOptions } from "../emulator/index.ts";

export type MemoryModel = NonNullable<MachineOptions["memoryModel"]>;

const MODELS = ["sc", "tso"] as const satisfies readonly MemoryModel[];

/** Adds the option. */
export function addMemoryModelOption(command: Command): Command {
  return command.addOption(
    new Option(
      "--memory-model <sc|tso>",
      "whether stores are in memory at once, or wait in store buffers as those of x86 processors do (default: sc)",
    ).choices(MODELS),
  );
}
