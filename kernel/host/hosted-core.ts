/** The core that executes a step, as kernel code sees it: what instructions could do and ask, too, and nothing of the emulator's. */
import type { Core } from "../../emulator/index.ts";

/** EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI by their numbers, as signed numbers. */
type GeneralRegisters = { [N in 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7]: number };

export interface HostedCore
  extends Pick<Core, "id" | "eip" | "pause" | "getEflags" | "setEflags" | "segSelector" | "segBase">,
    Readonly<Pick<Core, "cr0" | "cr2" | "cr3" | "cr4">> {
  readonly r: GeneralRegisters;
  readonly ports: Pick<Core["ports"], "read8" | "read16" | "read32" | "write8" | "write16" | "write32">;
}
