import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Machine, type MachineOptions } from "../../emulator/index.ts";

const DISK = new Uint8Array(64 * 512).map((_, i) => i * 7);
const OPTIONS: MachineOptions = {
  memoryBytes: 1 << 20,
  cpuHz: 1_000_000,
  serial: { strict: true },
  disks: [{ image: DISK }],
};

/** A machine that does nothing but let time pass: `jmp .` at the reset vector, interrupts off. */
function idleMachine(): Machine {
  const machine = new Machine(OPTIONS);
  machine.loadRom(Uint8Array.of(0xeb, 0xfe, ...new Array(14).fill(0)), 0xffff0);
  machine.reset();
  return machine;
}

/** What a test does to a machine; what it returns has to be the same on a machine that was restored. */
interface Action {
  act(machine: Machine): unknown;
  [fc.toStringMethod](): string;
}

function action(name: string, act: Action["act"]): Action {
  return { act, [fc.toStringMethod]: () => name };
}

const hex = (value: number) => value.toString(16);
const byte = fc.integer({ min: 0, max: 0xff });
const pass = fc
  .integer({ min: 1, max: 3000 })
  .map((count) => action(`run ${count}`, (machine) => void machine.run({ maxInstructions: count })));

const portsFrom = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

/** Reads and writes of ports; `values` of what is written to a port, any byte if it is not named. */
function onPorts(ports: readonly number[], values: Record<number, readonly number[]> = {}): fc.Arbitrary<Action>[] {
  const port = fc.constantFrom(...ports);
  const write = port.chain((at) => {
    const named = values[at];
    const value = named === undefined ? byte : fc.constantFrom(...named);
    return value.map((data) => action(`outb ${hex(at)} ${hex(data)}`, ({ ports }) => void ports.write8(at, data)));
  });
  return [write, write, port.map((at) => action(`inb ${hex(at)}`, ({ ports }) => ports.read8(at))), pass];
}

const irq = fc
  .record({ line: fc.constantFrom(1, 3, 5, 9, 12, 15), level: fc.boolean() })
  .map(({ line, level }) => action(`IRQ ${line} ${level}`, (machine) => void machine.setIrq(line, level)));
const acknowledge = fc.constant(action("INTA", ({ pic }) => pic.acknowledge()));
const serialInput = byte.map((data) => action(`receive ${hex(data)}`, ({ com1 }) => void com1.receive([data])));
const key = fc.constantFrom("a", "left", "caps-lock").map((name) =>
  action(`press ${name}`, ({ keyboard }) => {
    keyboard.press(name);
    keyboard.release(name);
  }),
);
const apicWrite = fc
  .record({
    offset: fc.constantFrom(0x20, 0x80, 0xb0, 0xd0, 0xe0, 0xf0, 0x280, 0x320, 0x350, 0x360, 0x370, 0x380, 0x3e0),
    value: fc.integer(),
  })
  .map(({ offset, value }) =>
    action(`APIC ${hex(offset)} = ${hex(value)}`, ({ localApics }) => void localApics[0].write(offset, 4, value)),
  );
const apicRead = fc
  .constantFrom(0x20, 0x80, 0x90, 0xa0, 0xd0, 0xe0, 0xf0, 0x100, 0x180, 0x200, 0x280, 0x320, 0x350, 0x390, 0x3e0)
  .map((offset) => action(`APIC ${hex(offset)}`, ({ localApics }) => localApics[0].read(offset, 4)));
const apicEnable = fc.constant(action("APIC on", ({ localApics }) => void localApics[0].write(0xf0, 4, 0x1ff)));
const apicSelf = byte.map((vector) =>
  action(`IPI ${hex(vector)}`, ({ localApics }) => void localApics[0].write(0x300, 4, 0x40000 | vector)),
);
const ioApicWrite = fc
  .record({ register: fc.integer({ min: 0x10, max: 0x3f }), value: fc.integer() })
  .map(({ register, value }) =>
    action(`I/O APIC ${hex(register)} = ${hex(value)}`, ({ ioApic }) => {
      ioApic.write32(0, register);
      ioApic.write32(0x10, value);
    }),
  );
const ioApicRead = fc
  .constantFrom(0, 0x10)
  .map((offset) => action(`I/O APIC at ${hex(offset)}`, ({ ioApic }) => ioApic.read32(offset)));

/** ATA commands that transfer data, or whose effect lasts. */
const COMMANDS = [0x20, 0x30, 0xc4, 0xc5, 0xc6, 0xe0, 0xe5, 0xe4, 0xe8, 0xec, 0x91, 0xef];

/** EOIs, rotations, what is to be read, poll, special mask mode on and off, and the first word of an initialization. */
const PIC_COMMANDS = [0x20, 0x20, 0xa0, 0xc3, 0x80, 0x0a, 0x0b, 0x0c, 0x68, 0x68, 0x48, 0x11];

const DEVICES: Record<string, fc.Arbitrary<Action>[]> = {
  "8259A": [...onPorts([0x20, 0x21, 0xa0, 0xa1], { 32: PIC_COMMANDS, 160: PIC_COMMANDS }), irq, acknowledge],
  "8254": onPorts([0x40, 0x41, 0x42, 0x43, 0x43, 0x61]),
  MC146818: onPorts([0x70, 0x71], { 112: [...portsFrom(0, 15), 0x32, 0x40] }),
  "16550A": [...onPorts(portsFrom(0x3f8, 8)), serialInput],
  "8042": [...onPorts([0x60, 0x64], { 100: portsFrom(0x20, 0xd0) }), key],
  ATA: onPorts([0x1f0, 0x1f0, 0x1f0, 0x1f0, ...portsFrom(0x1f1, 7), 0x1f7], {
    498: [1, 2, 4, 8],
    500: [0],
    501: [0],
    502: [0xe0, 0xa0],
    503: COMMANDS,
  }),
  VGA: onPorts(portsFrom(0x3c0, 32)),
  "local APIC": [apicWrite, apicWrite, apicRead, apicRead, apicSelf, apicEnable, pass],
  "I/O APIC": [ioApicWrite, ioApicRead, irq, apicRead, pass],
};

describe("a device that was restored", () => {
  it.each(Object.keys(DEVICES))("answers as the saved one does: %s", (name) => {
    const actions = fc.array(fc.oneof(...DEVICES[name]), { minLength: 30, maxLength: 60 });
    fc.assert(
      fc.property(actions, actions, (before, after) => {
        const machine = idleMachine();
        for (const { act } of before) act(machine);
        const twin = Machine.restore(machine.save(), { disks: OPTIONS.disks! });
        for (const [n, { act }] of after.entries()) {
          const expected = act(machine);
          const found = act(twin);
          if (found !== expected) expect({ n, found }).toEqual({ n, found: expected });
        }
      }),
      { numRuns: 30 },
    );
  });
});
