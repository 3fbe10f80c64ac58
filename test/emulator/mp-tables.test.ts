import { describe, expect, it } from "vitest";
import { Machine, MP_CONFIGURATION_TABLE, MP_FLOATING_POINTER, writeMpTables } from "../../emulator/index.ts";

/** The tables of a machine with so many cores, taken apart as the specification describes them. */
function tables(cpus: number) {
  const machine = new Machine({ memoryBytes: 1 << 20, cpus });
  writeMpTables(machine.memory, cpus);
  const pointer = machine.readPhysical(MP_FLOATING_POINTER, 16);
  const address = new DataView(pointer.buffer).getUint32(4, true);
  const length = new DataView(machine.readPhysical(address, 6).buffer).getUint16(4, true);
  const table = machine.readPhysical(address, length);
  const view = new DataView(table.buffer);
  const entries: number[][] = [];
  for (let at = 44; at < length; ) {
    const size = table[at] === 0 ? 20 : 8;
    entries.push([...table.subarray(at, at + size)]);
    at += size;
  }
  return {
    pointer,
    address,
    table,
    view,
    entries,
    ofType: (type: number) => entries.filter(([first]) => first === type),
  };
}

const text = (bytes: Uint8Array) => String.fromCharCode(...bytes);
const sum = (bytes: Uint8Array) => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
const ALL_COUNTS = [1, 2, 3, 4, 5, 6, 7, 8];

describe("floating pointer structure", () => {
  it("is in the last KiB of base memory, with its checksum, and points to the table", () => {
    const { pointer, address } = tables(2);
    expect(MP_FLOATING_POINTER % 16).toBe(0);
    expect([MP_FLOATING_POINTER >= 639 * 1024, MP_FLOATING_POINTER < 640 * 1024]).toEqual([true, true]);
    expect([text(pointer.subarray(0, 4)), pointer[8], pointer[9], sum(pointer)]).toEqual(["_MP_", 1, 4, 0]);
    expect(address).toBe(MP_CONFIGURATION_TABLE);
  });

  it("says that there is a configuration table, and an IMCR", () => {
    const { pointer } = tables(2);
    expect([...pointer.subarray(11)]).toEqual([0, 0x80, 0, 0, 0]);
  });
});

describe("configuration table", () => {
  it.each(ALL_COUNTS)("for %i cores has the right length, count and checksum, within the KiB", (cpus) => {
    const { table, view, entries, address } = tables(cpus);
    expect([text(table.subarray(0, 4)), table[6], sum(table)]).toEqual(["PCMP", 4, 0]);
    expect(view.getUint16(34, true)).toBe(entries.length);
    expect(view.getUint32(36, true)).toBe(0xfee00000);
    expect(address + table.length).toBeLessThanOrEqual(640 * 1024);
  });

  it.each(ALL_COUNTS)("for %i cores lists each of them, the first as bootstrap processor", (cpus) => {
    const processors = tables(cpus).ofType(0);
    expect(processors.map(([, id, version, flags]) => [id, version, flags])).toEqual(
      Array.from({ length: cpus }, (_, id) => [id, 0x14, id === 0 ? 3 : 1]),
    );
  });

  it("gives signature and features as CPUID does", () => {
    const [processor] = tables(1).ofType(0);
    const view = new DataView(Uint8Array.from(processor).buffer);
    const machine = new Machine({ memoryBytes: 1 << 20 });
    machine.load(Uint8Array.of(0x66, 0xb8, 1, 0, 0, 0, 0x0f, 0xa2), 0x1000);
    machine.setRegister("cs", 0);
    machine.setRegister("eip", 0x1000);
    machine.step(2);
    expect(view.getUint32(4, true)).toBe(machine.getRegister("eax"));
    expect(view.getUint32(8, true)).toBe(machine.getRegister("edx"));
  });

  it("has the ISA bus, and the I/O APIC with the ID that it really has", () => {
    const { ofType } = tables(3);
    expect(ofType(1)).toEqual([[1, 0, ...new TextEncoder().encode("ISA   ")]]);
    expect(ofType(2)).toEqual([[2, 3, 0x11, 1, 0x00, 0x00, 0xc0, 0xfe]]);
    expect(new Machine({ memoryBytes: 1 << 20, cpus: 3 }).ioApic.id).toBe(3);
  });

  it("routes every ISA IRQ to the pin of its number, IRQ 0 to pin 2, and the 8259A to pin 0", () => {
    const interrupts = tables(2).ofType(3);
    expect(interrupts.every(([, , flags, more, bus, , ioApic]) => !flags && !more && !bus && ioApic === 2)).toBe(true);
    expect(interrupts.map(([, type, , , , irq, , pin]) => [type, irq, pin])).toEqual([
      [3, 0, 0],
      [0, 0, 2],
      [0, 1, 1],
      ...Array.from({ length: 13 }, (_, n) => [0, n + 3, n + 3]),
    ]);
  });

  it("has ExtINT at LINT0 of the bootstrap processor, and NMI at LINT1 of all", () => {
    expect(tables(2).ofType(4)).toEqual([
      [4, 3, 0, 0, 0, 0, 0, 0],
      [4, 1, 0, 0, 0, 0, 0xff, 1],
    ]);
  });

  it("refuses numbers of cores that no machine has", () => {
    const { memory } = new Machine({ memoryBytes: 1 << 20 });
    for (const cpus of [0, 9, 1.5]) expect(() => writeMpTables(memory, cpus)).toThrow(/expected 1 to 8/);
  });
});
