import type { Clock } from "./clock.ts";
import type { MachineOptions } from "./machine-options.ts";
import { MAXIMUM_CPUS, MAXIMUM_RAM, MINIMUM_RAM, PAGE_SIZE } from "./memory/physical-memory.ts";
import { type Snapshot, SnapshotError } from "./snapshot.ts";
import { SnapshotReader, SnapshotWriter } from "./snapshot-bytes.ts";

const FLOW_CONTROLS = ["none", "rts"] as const;
/** Values of `memoryModel` in the options of a machine. */
export const MEMORY_MODELS = ["sc", "tso"] as const;

/** The options that a snapshot is tied to. */
export interface SavedConfiguration {
  memoryBytes: number;
  cpus: number;
  cpuHz: number;
  flowControl: (typeof FLOW_CONTROLS)[number];
  strictUart: boolean;
  pci: boolean;
  memoryModel: (typeof MEMORY_MODELS)[number];
}

/** What of its options a machine's snapshots are tied to. */
export function configurationOf(
  { serial, pci = true, memoryModel = "sc" }: MachineOptions,
  memoryBytes: number,
  cpus: number,
  { hz }: Clock,
): SavedConfiguration {
  const { flowControl = "none", strict = false } = serial ?? {};
  return { memoryBytes, cpus, cpuHz: hz, flowControl, strictUart: strict, pci, memoryModel };
}

/** Options for a machine made from a snapshot: those that the snapshot does not have. */
export type RestoreOptions = Omit<
  MachineOptions,
  "memoryBytes" | "cpus" | "cpuHz" | "serial" | "rtc" | "pci" | "memoryModel"
>;

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
  configuration.strictUart = s.flag(configuration.strictUart);
  configuration.pci = s.flag(configuration.pci);
  configuration.memoryModel = s.choice(configuration.memoryModel, MEMORY_MODELS);
}

/** What machine a state is of. @throws SnapshotError when the bytes are none */
export function savedConfiguration(state: Uint8Array): SavedConfiguration {
  const saved: SavedConfiguration = {
    memoryBytes: MINIMUM_RAM,
    cpus: 1,
    cpuHz: 1,
    flowControl: "none",
    strictUart: false,
    pci: true,
    memoryModel: "sc",
  };
  snapshotConfiguration(saved, new SnapshotReader(state));
  return saved;
}

/** Options for a machine that a state fits. */
export function savedOptions(saved: SavedConfiguration): MachineOptions {
  const { memoryBytes, cpus, cpuHz, flowControl, strictUart, pci, memoryModel } = saved;
  return { memoryBytes, cpus, cpuHz, serial: { flowControl, strict: strictUart }, pci, memoryModel };
}

/** @throws SnapshotError when a snapshot is of another machine than this */
function checkConfiguration(own: SavedConfiguration, s: Snapshot): void {
  const saved = { ...own };
  snapshotConfiguration(saved, s);
  for (const name of ["memoryBytes", "cpus", "cpuHz", "flowControl", "strictUart", "pci", "memoryModel"] as const) {
    if (saved[name] !== own[name]) {
      throw new SnapshotError(`a snapshot of a machine with ${name} ${saved[name]}; this one has ${own[name]}`);
    }
  }
}

/** Saving and restoring all of a machine but the contents of its memory. */
export class SavedState {
  /** @param snapshot hands every part of the machine to a snapshot */
  constructor(
    readonly configuration: SavedConfiguration,
    readonly clock: Clock,
    readonly snapshot: (s: Snapshot) => void,
  ) {}

  save(): Uint8Array {
    const writer = new SnapshotWriter(this.clock);
    snapshotConfiguration(this.configuration, writer);
    this.snapshot(writer);
    return writer.finish();
  }

  /** @throws SnapshotError when the bytes are no state of such a machine; part of it may have been restored then */
  restore(state: Uint8Array): void {
    const reader = new SnapshotReader(state);
    checkConfiguration(this.configuration, reader);
    reader.clock = this.clock;
    this.snapshot(reader);
    reader.finish();
  }
}
