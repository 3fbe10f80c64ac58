import type { DiskOptions } from "./devices/disk.ts";
import type { Interleaver } from "./interleaver.ts";

/** How to build a machine. Everything has a default. */
export interface MachineOptions {
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
  /**
   * Disks, up to four: master and slave of the primary ATA channel, then of the secondary one. Null leaves a place
   * empty. None by default.
   */
  disks?: readonly (DiskOptions | null)[];
  /**
   * Diskettes in drives A and B, up to two. There is no diskette controller: only the BIOS of `esp0/boot` reads and writes
   * them, by INT 13h. None by default.
   */
  diskettes?: readonly (DiskOptions | null)[];
  /** Keyboard: microseconds of the machine's time between two key events that the host queued; 10,000 by default. */
  keyboard?: { interval?: number };
  /**
   * Whether there is a PCI bus, with a host bridge, an ISA bridge (with the reset control register, port 0xCF9) and the ATA
   * channels as IDE function; true by default.
   */
  pci?: boolean;
  /** Port whose writes `Machine.onPostCode` is told; 0x80 by default. */
  postPort?: number;
  /** Which core runs when; round robin in turns of 100 instructions by default. */
  interleaver?: Interleaver;
  /**
   * In which order the cores see each other's stores. "sc", the default: each is in memory at once (sequential consistency).
   * "tso": each core has a store buffer, as x86 processors do; loads see its own stores in it, other cores see them when they
   * reach memory, which fences, LOCK, serializing instructions, I/O and interrupts force, and else the interleaver decides.
   * Code is then interpreted only, whatever `tier` says.
   */
  memoryModel?: "sc" | "tso";
  /**
   * Whether code that is run often is compiled to WebAssembly: to the guest, and to whoever looks at it, that makes no
   * difference but in time. On by default.
   */
  tier?: "off" | "on";
  /** With the tier on: how often a block of instructions is interpreted before it is compiled, from 0 on; 1,000 by default. */
  tierThreshold?: number;
  /**
   * Receives a line of text when the emulator has something to tell, as an instruction that it does not know: once for each
   * address and kind. `Machine.notices` has counts.
   */
  log?: (line: string) => void;
}
