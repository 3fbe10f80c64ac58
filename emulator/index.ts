/** An i386 PC in software: see `Machine`. */

export { copyBytes } from "./bytes.ts";
export { Capture } from "./capture.ts";
export type { EventHandle } from "./clock.ts";
export { Clock, DEFAULT_HZ } from "./clock.ts";
export { Core, Fault } from "./cpu/core.ts";
export { decodeInstruction } from "./cpu/decoder.ts";
export { type DescriptorView, formatDescriptor, viewDescriptorTable } from "./cpu/descriptor-view.ts";
export type { WatchedAccess, WatchedRange } from "./cpu/host-watchpoints.ts";
export { nextHostcall } from "./cpu/hostcall.ts";
export { EXCEPTION, EXTERNAL, SOFTWARE } from "./cpu/interrupts.ts";
export type { Op } from "./cpu/op.ts";
export type { Delivery } from "./cpu/shutdown-cause.ts";
/** Indices of the general registers in `Core.r`; numbers of the segment registers; FLAG_IF, interrupt enable in EFLAGS. */
export {
  CS,
  DS,
  EAX,
  EBP,
  EBX,
  ECX,
  EDI,
  EDX,
  ES,
  ESI,
  ESP,
  FLAG_IF,
  FS,
  GS,
  LDTR,
  SS,
  TR,
} from "./cpu/state-layout.ts";
export { type BufferedStore, STORE_BUFFER_ENTRIES, StoreBuffer } from "./cpu/store-buffer.ts";
export { type TierSettings, tierDefaults } from "./cpu/tier/settings.ts";
export { EXIT_REASONS, type TierRegion, type TierStatistics } from "./cpu/tier/statistics.ts";
export { webAssemblyText } from "./cpu/tier/text.ts";
export type { TlbEntryView } from "./cpu/translation.ts";
export { crc32 } from "./crc32.ts";
export * as apicMessage from "./devices/apic-message.ts";
export { DEBUG_CONSOLE_PORT } from "./devices/debug-console.ts";
export {
  Disk,
  type DiskGeometry,
  type DiskOptions,
  SECTOR_BYTES,
} from "./devices/disk.ts";
export { EXIT_PORT } from "./devices/exit-port.ts";
export type { CounterView, I8254 } from "./devices/i8254.ts";
export { PIT_HZ } from "./devices/i8254.ts";
export type { I8259A, I8259APair } from "./devices/i8259a.ts";
export type { IoApic } from "./devices/io-apic.ts";
export type { Keyboard } from "./devices/keyboard.ts";
export { KEY_NAMES, type KeyName } from "./devices/keyboard-keys.ts";
export type { LocalApic } from "./devices/local-apic.ts";
export { APIC_REGISTER } from "./devices/local-apic-registers.ts";
export type { PortBus, PortDevice } from "./devices/ports.ts";
export { DEFAULT_POST_PORT } from "./devices/post-port.ts";
export type { Rtc } from "./devices/rtc.ts";
export type { Uart16550 } from "./devices/uart16550.ts";
export { COM1, COM2 } from "./devices/uart16550.ts";
export { UNTIL_INTERVAL } from "./execution.ts";
export type { Drain, Interleaver, ScriptStep, Turn } from "./interleaver.ts";
export { RandomInterleaver, RoundRobin, ScriptedInterleaver } from "./interleaver.ts";
export type { InterruptSystem } from "./interrupt-system.ts";
export { type Action, type Entry, Journal, type JournalTarget, perform, serialTarget } from "./journal.ts";
export { Machine, type RunLimits } from "./machine.ts";
export type { CoreCounters, MachineCounters } from "./machine-counters.ts";
export type { MachineOptions } from "./machine-options.ts";
export type { RestoreOptions } from "./machine-snapshot.ts";
export type { MmioHandler } from "./memory/physical-memory.ts";
export { DEFAULT_RAM, MAXIMUM_CPUS, MAXIMUM_RAM, MINIMUM_RAM, PhysicalMemory } from "./memory/physical-memory.ts";
export { MP_CONFIGURATION_TABLE, MP_FLOATING_POINTER, writeMpTables } from "./mp-tables.ts";
export type { RegisterName } from "./named-registers.ts";
export { REGISTER_NAMES } from "./named-registers.ts";
export type { Notice } from "./notices.ts";
export { PctInterleaver, type PctOptions } from "./pct-interleaver.ts";
export { checkLimits } from "./run-limits.ts";
export { SnapshotError } from "./snapshot.ts";
export type { StopReason } from "./stop-reason.ts";
export { type X87Registers, x87Registers } from "./x87-registers.ts";
