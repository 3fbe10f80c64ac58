import { FEATURES } from "./cpu/cpuid.ts";
import { CPU_SIGNATURE } from "./cpu/state-layout.ts";
import { IO_APIC_BASE } from "./devices/io-apic.ts";
import { APIC_VERSION } from "./devices/local-apic-registers.ts";
import { EXTINT_PIN, TIMER_PIN } from "./interrupt-system.ts";
import { MAXIMUM_CPUS, type PhysicalMemory } from "./memory/physical-memory.ts";

/**
 * Physical address of the floating pointer structure, in the last KiB of base memory, which on a PC with a BIOS is its
 * extended data area (whose first byte is its own size): two of the three places where programs search for it. The
 * configuration table follows. Both end within that KiB.
 */
export const MP_FLOATING_POINTER = 0x9fc10;
const FLOATING_POINTER_BYTES = 16;
/** Physical address of the configuration table. */
export const MP_CONFIGURATION_TABLE = MP_FLOATING_POINTER + FLOATING_POINTER_BYTES;

const HEADER_BYTES = 44;
const ENTRY = { PROCESSOR: 0, BUS: 1, IO_APIC: 2, IO_INTERRUPT: 3, LOCAL_INTERRUPT: 4 } as const;
/** Specification 1.4. */
const REVISION = 4;
const LOCAL_APIC_BASE = 0xfee00000;
/** The board has an IMCR, and comes up in PIC mode. */
const IMCR_PRESENT = 0x80;
const CPU_ENABLED = 1;
const CPU_BOOTSTRAP = 2;
const IO_APIC_ENABLED = 1;
const ISA_BUS = 0;
const ISA_IRQS = 16;
const ISA_TIMER = 0;
const ISA_CASCADE = 2;
/** Polarity and trigger mode as usual on the bus. */
const CONFORMS_TO_BUS = 0;
const INTERRUPT_TYPE = { INT: 0, NMI: 1, SMI: 2, EXTINT: 3 } as const;
const ALL_LOCAL_APICS = 0xff;

/**
 * Writes the tables of Intel's MultiProcessor Specification 1.4 for this emulator's board, as its firmware would: the
 * floating pointer structure at MP_FLOATING_POINTER and the configuration table after it. Local APIC IDs are the core
 * numbers, the I/O APIC's ID is `cpus`.
 * @param cpus cores of the machine, 1 to 8
 * @throws RangeError for another number of cores
 */
export function writeMpTables(memory: PhysicalMemory, cpus: number): void {
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > MAXIMUM_CPUS) {
    throw new RangeError(`MP tables for ${cpus} cores: expected 1 to ${MAXIMUM_CPUS}`);
  }
  memory.load(floatingPointer(), MP_FLOATING_POINTER);
  memory.load(configurationTable(cpus), MP_CONFIGURATION_TABLE);
}

/** MP specification 4.1. */
function floatingPointer(): Uint8Array {
  const bytes = Uint8Array.from([
    ...text("_MP_", 4),
    ...long(MP_CONFIGURATION_TABLE),
    FLOATING_POINTER_BYTES / 16,
    REVISION,
    // Checksum; then "a configuration table is present".
    0,
    0,
    ...[IMCR_PRESENT, 0, 0, 0],
  ]);
  return withChecksum(bytes, 10);
}

/** MP specification 4.2 and 4.3. */
function configurationTable(cpus: number): Uint8Array {
  const entries = [
    ...Array.from({ length: cpus }, (_, id) => processor(id)),
    [ENTRY.BUS, ISA_BUS, ...text("ISA", 6)],
    [ENTRY.IO_APIC, cpus, 0x11, IO_APIC_ENABLED, ...long(IO_APIC_BASE)],
    ioInterrupt(INTERRUPT_TYPE.EXTINT, ISA_TIMER, cpus, EXTINT_PIN),
    ...isaIrqs().map((irq) => ioInterrupt(INTERRUPT_TYPE.INT, irq, cpus, irq === ISA_TIMER ? TIMER_PIN : irq)),
    localInterrupt(INTERRUPT_TYPE.EXTINT, 0, 0),
    localInterrupt(INTERRUPT_TYPE.NMI, ALL_LOCAL_APICS, 1),
  ];
  const body = entries.flat();
  const bytes = Uint8Array.from([
    ...text("PCMP", 4),
    ...word(HEADER_BYTES + body.length),
    REVISION,
    0,
    ...text("ESP0", 8),
    ...text("I386 PC", 12),
    // No table of the maker's own.
    ...[...long(0), ...word(0)],
    ...word(entries.length),
    ...long(LOCAL_APIC_BASE),
    // No extended entries.
    ...[...word(0), 0, 0],
    ...body,
  ]);
  return withChecksum(bytes, 7);
}

function isaIrqs(): number[] {
  return Array.from({ length: ISA_IRQS }, (_, irq) => irq).filter((irq) => irq !== ISA_CASCADE);
}

function processor(id: number): number[] {
  const flags = CPU_ENABLED | (id === 0 ? CPU_BOOTSTRAP : 0);
  const reserved = [...long(0), ...long(0)];
  return [ENTRY.PROCESSOR, id, APIC_VERSION & 0xff, flags, ...long(CPU_SIGNATURE), ...long(FEATURES), ...reserved];
}

function ioInterrupt(type: number, irq: number, ioApic: number, pin: number): number[] {
  return [ENTRY.IO_INTERRUPT, type, ...word(CONFORMS_TO_BUS), ISA_BUS, irq, ioApic, pin];
}

function localInterrupt(type: number, localApic: number, pin: number): number[] {
  return [ENTRY.LOCAL_INTERRUPT, type, ...word(CONFORMS_TO_BUS), ISA_BUS, 0, localApic, pin];
}

/** Makes the sum of all bytes 0 modulo 256. */
function withChecksum(bytes: Uint8Array, at: number): Uint8Array {
  bytes[at] = -bytes.reduce((sum, byte) => sum + byte, 0);
  return bytes;
}

function text(characters: string, length: number): number[] {
  return Array.from(characters.padEnd(length), (character) => character.charCodeAt(0));
}

function word(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff];
}

function long(value: number): number[] {
  return [...word(value), ...word(value >>> 16)];
}
