import type { MachineOptions } from "./machine-options.ts";
import { MAXIMUM_CPUS, MAXIMUM_RAM, MINIMUM_RAM, PAGE_SIZE } from "./memory/physical-memory.ts";
import { type Snapshot, SnapshotError, SnapshotReader } from "./snapshot.ts";

const FLOW_CONTROLS = ["none", "rts"] as const;

/** The options that a snapshot is tied to. */
export interface SavedConfiguration {
  memoryBytes: number;
  cpus: number;
  cpuHz: number;
  flowControl: (typeof FLOW_CONTROLS)[number];
  pci: boolean;
}

/** Options for a machine made from a snapshot: those that the snapshot does not have. */
export type RestoreOptions = Omit<MachineOptions, "memoryBytes" | "cpus" | "cpuHz" | "serial" | "rtc" | "pci">;

/**
 * The beginning of every snapshot. Restoring changes `configuration` to what was saved.
 * @throws SnapshotError when no machine is like that
 */
export function snapshotConfiguration(configuration: SavedConfiguration, s: Snapshot): void {
  s.section("configuration");
  configuration.memoryBytes = s.integer(configuration.memoryBytes, MINIMUM_RAM, MAXIMUM_RAM);
  if (configuration.memoryBytes % PAGE_SIZE !== 0) {
    throw new SnapshotError(`malformed snapshot: ${configuration.memoryBytes} bytes of memory are not whole pages`);
  }
  configuration.cpus = s.integer(configuration.cpus, 1, MAXIMUM_CPUS);
  configuration.cpuHz = s.integer(configuration.cpuHz, 1, 0xffffffff);
  configuration.flowControl = s.choice(configuration.flowControl, FLOW_CONTROLS);
  configuration.pci = s.flag(configuration.pci);
}

/** What machine a state is of. @throws SnapshotError when the bytes are none */
export function savedConfiguration(state: Uint8Array): SavedConfiguration {
  const saved: SavedConfiguration = { memoryBytes: MINIMUM_RAM, cpus: 1, cpuHz: 1, flowControl: "none", pci: true };
  snapshotConfiguration(saved, new SnapshotReader(state));
  return saved;
}

/** Options for a machine that a state fits. */
export function savedOptions({ memoryBytes, cpus, cpuHz, flowControl, pci }: SavedConfiguration): MachineOptions {
  return { memoryBytes, cpus, cpuHz, serial: { flowControl }, pci };
}

/** @throws SnapshotError when a snapshot is of another machine than this */
export function checkConfiguration(own: SavedConfiguration, s: Snapshot): void {
  const saved = { ...own };
  snapshotConfiguration(saved, s);
  for (const name of ["memoryBytes", "cpus", "cpuHz", "flowControl", "pci"] as const) {
    if (saved[name] !== own[name]) {
      throw new SnapshotError(`a snapshot of a machine with ${name} ${saved[name]}; this one has ${own[name]}`);
    }
  }
}
