import type { Interleaver } from "./interleaver.ts";
import type { PeripheralOptions } from "./peripherals.ts";

/** How to build a machine. Everything has a default. Disks, keyboard and POST port: see `PeripheralOptions`. */
export interface MachineOptions extends PeripheralOptions {
  /** Guest RAM in bytes: a multiple of 4 KiB from 1 MiB to 1 GiB; 32 MiB by default. */
  memoryBytes?: number;
  /** Cores, 1 to 8; 1 by default. Cores other than 0 wait for a start-up interrupt. */
  cpus?: number;
  /** Cycles, which are instructions, in a second of the machine's time; 10,000,000 by default. */
  cpuHz?: number;
  /**
   * Serial ports: whether the other side waits for RTS before it sends ("rts"), or not ("none", the default); and whether
   * they are strictly those of the data sheet and the PC: what is sent takes its time on the line, and interrupts need OUT2.
   * By default (false) characters are sent at once, and the interrupt line is always connected, so that nothing is lost of
   * what a simple program prints.
   */
  serial?: { flowControl?: "none" | "rts"; strict?: boolean };
  /** Real-time clock: date at power-on in seconds from 1970 UTC; 4 January 2001 by default. */
  rtc?: { time?: number };
  /** Which core runs when; round robin in turns of 100 instructions by default. */
  interleaver?: Interleaver;
  /**
   * Receives a line of text when the emulator has something to tell, as an instruction that it does not know: once for each
   * address and kind. `Machine.notices` has counts.
   */
  log?: (line: string) => void;
}
