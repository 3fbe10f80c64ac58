/**
 * A device on the I/O bus. Ports are absolute numbers. The wide accesses are optional: a device without them sees
 * the bytes of a wider access one after the other, lowest port first, as on an 8-bit ISA card.
 *
 * Reads of 8 and 16 bits return unsigned numbers, reads of 32 bits signed ones.
 */
export interface PortDevice {
  readPort8(port: number): number;
  writePort8(port: number, value: number): void;
  readPort16?(port: number): number;
  writePort16?(port: number, value: number): void;
  readPort32?(port: number): number;
  writePort32?(port: number, value: number): void;
}

const PORTS = 0x10000;
const LAST_PORT = PORTS - 1;

/** The 64 KiB I/O address space. Ports that no device claims read all ones and ignore writes. */
export class PortBus {
  /** By number; the first stands for none. */
  readonly #devices: (PortDevice | null)[] = [null];
  /** Which device has a port: a machine is made often enough for a table of 64 Ki references to be felt. */
  readonly #numbers = new Uint16Array(PORTS);
  readonly #ranges: { first: number; count: number; name: string }[] = [];

  /**
   * Gives `count` ports from `first` on to a device.
   * @param name shown when another device wants the same ports, and by `ranges`
   * @throws RangeError when a port does not exist or is taken
   */
  register(first: number, count: number, device: PortDevice, name: string): void {
    const last = first + count - 1;
    if (!Number.isInteger(first) || !Number.isInteger(count) || first < 0 || count < 1 || last > LAST_PORT) {
      throw new RangeError(`${name}: ${count} ports from ${hex(first)}: expected ports 0 to 0xffff`);
    }
    const taken = this.#ranges.find((range) => range.first <= last && first < range.first + range.count);
    if (taken !== undefined) {
      throw new RangeError(
        `${name}: ports ${hex(first)} to ${hex(last)} overlap those of ${taken.name}, ` +
          `${hex(taken.first)} to ${hex(taken.first + taken.count - 1)}`,
      );
    }
    this.#ranges.push({ first, count, name });
    this.#numbers.fill(this.#devices.push(device) - 1, first, last + 1);
  }

  /** Who has which ports, by port number. */
  get ranges(): readonly { first: number; count: number; name: string }[] {
    return this.#ranges.toSorted((a, b) => a.first - b.first);
  }

  #deviceAt(port: number): PortDevice | null {
    return this.#devices[this.#numbers[port & LAST_PORT]]!;
  }

  read8(port: number): number {
    const device = this.#deviceAt(port);
    return device === null ? 0xff : device.readPort8(port & LAST_PORT) & 0xff;
  }

  read16(port: number): number {
    const device = this.#deviceAt(port);
    if (device?.readPort16 !== undefined) return device.readPort16(port & LAST_PORT) & 0xffff;
    const low = this.read8(port);
    return low | (this.read8(port + 1) << 8);
  }

  read32(port: number): number {
    const device = this.#deviceAt(port);
    if (device?.readPort32 !== undefined) return device.readPort32(port & LAST_PORT) | 0;
    const low = this.read16(port);
    return low | (this.read16(port + 2) << 16);
  }

  write8(port: number, value: number): void {
    this.#deviceAt(port)?.writePort8(port & LAST_PORT, value & 0xff);
  }

  write16(port: number, value: number): void {
    const device = this.#deviceAt(port);
    if (device?.writePort16 !== undefined) {
      device.writePort16(port & LAST_PORT, value & 0xffff);
      return;
    }
    this.write8(port, value);
    this.write8(port + 1, value >>> 8);
  }

  write32(port: number, value: number): void {
    const device = this.#deviceAt(port);
    if (device?.writePort32 !== undefined) {
      device.writePort32(port & LAST_PORT, value | 0);
      return;
    }
    this.write16(port, value);
    this.write16(port + 2, value >>> 16);
  }
}

/** The accesses that a bus has for cores. */
export type PortAccess = Pick<PortBus, "read8" | "read16" | "read32" | "write8" | "write16" | "write32">;

/** A bus as a core with a store buffer sees it: every access comes after what the core stored before. */
export function drainingPorts(bus: PortAccess, stores: { drain(): void }): PortAccess {
  const after =
    <Arguments extends number[], Result>(access: (...values: Arguments) => Result) =>
    (...values: Arguments): Result => {
      stores.drain();
      return access(...values);
    };
  return {
    read8: after((port: number) => bus.read8(port)),
    read16: after((port: number) => bus.read16(port)),
    read32: after((port: number) => bus.read32(port)),
    write8: after((port: number, value: number) => bus.write8(port, value)),
    write16: after((port: number, value: number) => bus.write16(port, value)),
    write32: after((port: number, value: number) => bus.write32(port, value)),
  };
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
