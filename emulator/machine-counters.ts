/** What one core has done since power-on. */
export interface CoreCounters {
  readonly instructions: number;
  /** Interrupts that it acknowledged, from the 8259A pair or its local APIC, spurious ones included. */
  readonly interrupts: number;
  /** How often it went to sleep in HLT. */
  readonly halts: number;
}

/** What has happened since power-on. */
export interface MachineCounters {
  /** By core number. */
  readonly cores: readonly CoreCounters[];
  /** Instructions, by core. */
  readonly instructions: readonly number[];
  /** Of all cores together, as in `CoreCounters`. */
  readonly interrupts: number;
  readonly halts: number;
  /** Cycles during which all cores were halted. */
  readonly idleCycles: number;
}

/** Adds up the counters of the cores. */
export function sumUp(cores: readonly CoreCounters[], idleCycles: number): MachineCounters {
  return {
    cores,
    instructions: cores.map((core) => core.instructions),
    interrupts: cores.reduce((sum, core) => sum + core.interrupts, 0),
    halts: cores.reduce((sum, core) => sum + core.halts, 0),
    idleCycles,
  };
}
