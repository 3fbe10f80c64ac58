/** PCI configuration space, by configuration mechanism #1 (PCI Local Bus Specification 2.1, 3.7.4.1). */
import type { Snapshot } from "../snapshot.ts";
import type { PortBus, PortDevice } from "./ports.ts";

export const PCI_CONFIG_ADDRESS = 0xcf8;
export const PCI_CONFIG_DATA = 0xcfc;

const ENABLE = 0x80000000;
/** Bits of the address register that exist. */
const ADDRESS_BITS = 0x80fffffc;
const SPACE_BYTES = 256;

/** One function of a device on bus 0: its configuration space. */
export class PciFunction {
  readonly #space = new Uint8Array(SPACE_BYTES);
  readonly #initial: Uint8Array;
  readonly #writable: Uint8Array;
  readonly #onWrite: (register: number, value: number) => void;

  /**
   * @param values bytes at power-on, by register; others are 0
   * @param writable bits that programs can change, by register
   * @param onWrite told each register that was written, with its value
   */
  constructor(
    readonly device: number,
    readonly number: number,
    values: Readonly<Record<number, readonly number[]>>,
    writable: Readonly<Record<number, readonly number[]>>,
    onWrite: (register: number, value: number) => void = () => {},
  ) {
    this.#initial = spaceOf(values);
    this.#writable = spaceOf(writable);
    this.#onWrite = onWrite;
    this.#space.set(this.#initial);
  }

  reset(): void {
    this.#space.set(this.#initial);
  }

  snapshot(s: Snapshot): void {
    s.bytes(this.#space);
  }

  read(register: number): number {
    return this.#space[register];
  }

  write(register: number, value: number): void {
    const mask = this.#writable[register];
    if (mask === 0) return;
    this.#space[register] = (this.#space[register] & ~mask) | (value & mask);
    this.#onWrite(register, this.#space[register]);
  }
}

function spaceOf(values: Readonly<Record<number, readonly number[]>>): Uint8Array {
  const space = new Uint8Array(SPACE_BYTES);
  for (const [register, bytes] of Object.entries(values)) space.set(bytes, Number(register));
  return space;
}

/** The two registers of mechanism #1, and the functions behind them. Bus 0 is the only one. */
export class PciBus {
  #address = 0;

  constructor(readonly functions: readonly PciFunction[]) {}

  connect(ports: PortBus): void {
    // CONFIG_ADDRESS is a dword: narrower accesses belong to what else has these ports.
    const address: PortDevice = {
      readPort8: () => 0xff,
      writePort8: () => {},
      readPort16: () => 0xffff,
      writePort16: () => {},
      readPort32: () => this.#address,
      writePort32: (_port, value) => {
        this.#address = value & ADDRESS_BITS;
      },
    };
    ports.register(PCI_CONFIG_ADDRESS, 1, address, "PCI configuration address");
    const data: PortDevice = {
      readPort8: (port) => this.#selected()?.read(this.#register(port)) ?? 0xff,
      writePort8: (port, value) => this.#selected()?.write(this.#register(port), value),
    };
    ports.register(PCI_CONFIG_DATA, 4, data, "PCI configuration data");
  }

  reset(): void {
    this.#address = 0;
    for (const pciFunction of this.functions) pciFunction.reset();
  }

  snapshot(s: Snapshot): void {
    s.section("PCI");
    this.#address = s.integer(this.#address >>> 0, 0, ADDRESS_BITS) & ADDRESS_BITS;
    for (const pciFunction of this.functions) pciFunction.snapshot(s);
  }

  #selected(): PciFunction | undefined {
    const address = this.#address;
    if ((address & ENABLE) === 0 || (address & 0x00ff0000) !== 0) return undefined;
    const device = (address >>> 11) & 0x1f;
    const number = (address >>> 8) & 7;
    return this.functions.find((candidate) => candidate.device === device && candidate.number === number);
  }

  #register(port: number): number {
    return (this.#address & 0xfc) + (port & 3);
  }
}
