/** What every part of a session's commands looks at. */
import type { Core, Machine } from "../../emulator/index.ts";
import type { CommandHost } from "./command-host.ts";
import { type Instruction, instructionAt, linearEip } from "./instruction.ts";
import type { Timeline } from "./timeline.ts";

export abstract class CommandPart {
  constructor(protected readonly host: CommandHost) {}

  protected get timeline(): Timeline {
    return this.host.timeline;
  }

  /** The machine of this moment. */
  protected get machine(): Machine {
    return this.host.timeline.target.machine;
  }

  /** The selected core. */
  protected get core(): Core {
    return this.machine.cores[this.host.core];
  }

  /** The instruction that a core is about to execute; undefined when it cannot be read. */
  protected instructionOf(core: Core): Instruction | undefined {
    return instructionAt(this.machine, core, linearEip(core));
  }
}
