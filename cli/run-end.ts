/** How a run of the kernel ended, in words and as a status. */
import type { Kernel, KernelStop } from "../kernel/index.ts";
import type { CommandIo } from "./io.ts";
import { STATUS_ASLEEP, STATUS_BUDGET, STATUS_CRASHED } from "./run-status.ts";

/** Says how a run ended, unless its program did so itself; returns the exit status. */
export async function reportEnd(stop: KernelStop, kernel: Kernel, budget: number, io: CommandIo): Promise<number> {
  switch (stop.kind) {
    case "exit":
      return stop.status;
    case "panic":
      io.stderr("esp0: the kernel panicked; the log above says why (--quiet hides it)\n");
      return STATUS_CRASHED;
    case "triple-fault":
      io.stderr(
        `esp0: triple fault at ${kernel.image.symbolize(kernel.machine.getRegister("eip"))}: the CPU shut down\n`,
      );
      return STATUS_CRASHED;
    case "budget":
      io.stderr(`esp0: stopped after ${budget} instructions (--max-instructions)\n`);
      return STATUS_BUDGET;
    default:
      io.stderr(
        `esp0: everything is asleep, and nothing could wake it:\n${(await import("../debug/index.ts")).describe_tasks(kernel)}`,
      );
      return STATUS_ASLEEP;
  }
}
