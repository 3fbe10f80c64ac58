/**
 * How the BIOS in ROM (bios.S) enters the host.
 *
 * Each service has a port from SERVICE_PORT on: a write by code of the BIOS segment is the call; what is written does not
 * matter, and other writes do nothing. All that services remember is in guest memory (the BIOS data area) or in the
 * machine's devices, so that a machine restored from a snapshot only needs a BIOS attached again.
 */
import { type Core, CS, EAX, EBX, ECX, EDX, ESP, type Machine, type PortDevice, SS } from "../../emulator/index.ts";

/** No PC device has these ports; next to them, at 0xB2, firmware of the nineties had its way into system management. */
export const SERVICE_PORT = 0xb0;
const BIOS_SEGMENT_BASE = 0xf0000;
const SERVICES = "BIOS services";
const FLAG_CF = 1;
/** The frame of an INT: IP, CS, FLAGS. */
const FRAME_FLAGS = 4;

/** A call of a service: the caller's registers, flags and memory. */
export class ServiceCall {
  constructor(
    readonly machine: Machine,
    readonly core: Core,
  ) {}

  get ax(): number {
    return this.core.r[EAX] & 0xffff;
  }
  set ax(value: number) {
    this.#setLow(EAX, value);
  }
  get al(): number {
    return this.ax & 0xff;
  }
  set al(value: number) {
    this.ax = (this.ax & 0xff00) | (value & 0xff);
  }
  get ah(): number {
    return this.ax >>> 8;
  }
  set ah(value: number) {
    this.ax = this.al | ((value & 0xff) << 8);
  }
  get bx(): number {
    return this.core.r[EBX] & 0xffff;
  }
  set bx(value: number) {
    this.#setLow(EBX, value);
  }
  get cx(): number {
    return this.core.r[ECX] & 0xffff;
  }
  set cx(value: number) {
    this.#setLow(ECX, value);
  }
  get dx(): number {
    return this.core.r[EDX] & 0xffff;
  }
  set dx(value: number) {
    this.#setLow(EDX, value);
  }

  /** The low 16 bits of a general register. */
  register16(register: number): number {
    return this.core.r[register] & 0xffff;
  }

  /** CF as the caller will find it: set tells that the service failed. */
  set carry(on: boolean) {
    const { core } = this;
    const at = (core.segBase(SS) + ((core.r[ESP] + FRAME_FLAGS) & 0xffff)) | 0;
    const flags = core.read16(at);
    core.write16(at, on ? flags | FLAG_CF : flags & ~FLAG_CF);
  }

  /** Linear address of an offset in a segment register's segment. */
  linear(segment: number, offset: number): number {
    return (this.core.segBase(segment) + (offset & 0xffff)) | 0;
  }

  /** Loads a segment register as real mode does. */
  setSegment(segment: number, selector: number): void {
    const { core } = this;
    core.setSegment(segment, selector, selector << 4, core.segLimit(segment), core.segAccess(segment));
  }

  /** Copies bytes into the caller's memory. */
  write(linear: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.core.write8((linear + i) | 0, bytes[i]);
  }

  /** Writes 32-bit values one after the other. */
  write32(linear: number, values: readonly number[]): void {
    this.write(linear, new Uint8Array(Uint32Array.from(values).buffer));
  }

  #setLow(register: number, value: number): void {
    this.core.r[register] = (this.core.r[register] & ~0xffff) | (value & 0xffff);
  }
}

/** The services by their number, which is that in bios.S. */
export type Service = (call: ServiceCall) => void;

class ServicePorts implements PortDevice {
  readonly #call: ServiceCall;

  constructor(
    machine: Machine,
    readonly services: readonly Service[],
  ) {
    this.#call = new ServiceCall(machine, machine.cores[0]);
  }

  readPort8(_port: number): number {
    return 0xff;
  }

  writePort8(port: number, _value: number): void {
    const { core } = this.#call;
    if (!core.protectedMode && core.segBase(CS) === BIOS_SEGMENT_BASE) this.services[port - SERVICE_PORT](this.#call);
  }
}

/** Gives the service ports to the host. @throws RangeError when they are taken, as by another BIOS */
export function connectServices(machine: Machine, services: readonly Service[]): void {
  machine.ports.register(SERVICE_PORT, services.length, new ServicePorts(machine, services), SERVICES);
}

/** Whether the service ports are the host's. */
export function hasServices({ ports }: Machine): boolean {
  return ports.ranges.some(({ name }) => name === SERVICES);
}
