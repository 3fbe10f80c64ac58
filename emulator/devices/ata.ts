import type { Clock } from "../clock.ts";
import { AtaDrive } from "./ata-drive.ts";
import { ATA_COMMAND, ATA_REGISTER, ATA_STATUS, DEVICE_CONTROL, DEVICE_HEAD } from "./ata-registers.ts";
import type { Disk } from "./disk.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** Where a PC has its two channels: first of eight command block ports, device control port, interrupt. */
export const ATA_PRIMARY = { base: 0x1f0, control: 0x3f6, irq: 14 } as const;
export const ATA_SECONDARY = { base: 0x170, control: 0x376, irq: 15 } as const;

const COMMAND_BLOCK_PORTS = 8;
/** A data bus that nobody drives: all lines are pulled up but DD7, so that BSY reads as 0. */
const FLOATING_BYTE = 0x7f;
const FLOATING_WORD = 0xff7f;

/**
 * One ATA channel with up to two drives, after ATA/ATAPI-4 (T13/1153D revision 18), clauses 7 and 9: both drives take what
 * is written to the registers, the one that the DEV bit selects answers reads, executes commands, and drives the
 * interrupt line.
 *
 * When there is no drive 1, drive 0 answers for it with status 0, and commands to it do nothing. When drive 0 is missing
 * nobody answers, and the bus floats.
 */
export class AtaChannel implements PortDevice {
  readonly drives: readonly (AtaDrive | null)[];

  readonly #onIrq: (level: boolean) => void;
  #base = 0;
  #selected: 0 | 1 = 0;
  #control = 0;
  #irq = false;

  /** @param disks drive 0 and drive 1, null when missing */
  constructor(
    lines: { clock: Clock; onIrq: (level: boolean) => void },
    disks: readonly [drive0: Disk | null, drive1: Disk | null],
  ) {
    this.#onIrq = lines.onIrq;
    const driveLines = { clock: lines.clock, onInterrupt: () => this.#updateIrq() };
    this.drives = [0, 1].map((device) => {
      const disk = disks[device]!;
      return disk === null ? null : new AtaDrive(disk, device as 0 | 1, driveLines);
    });
  }

  connect(ports: PortBus, where: { readonly base: number; readonly control: number }, name: string): void {
    this.#base = where.base;
    ports.register(where.base, COMMAND_BLOCK_PORTS, this, `${name} ATA channel`);
    ports.register(where.control, 1, this, `${name} ATA channel control`);
  }

  /** Hardware reset. */
  reset(): void {
    this.#selected = 0;
    this.#control = 0;
    for (const drive of this.drives) drive?.reset();
    this.#updateIrq();
  }

  readPort8(port: number): number {
    const drive = this.#drive;
    const register = port - this.#base;
    const isControl = register >= COMMAND_BLOCK_PORTS || register < 0;
    if (drive === null) return this.#readForAbsent(isControl ? ATA_REGISTER.STATUS : register);
    if (isControl) return drive.status;
    switch (register) {
      case ATA_REGISTER.DATA:
        return drive.readData();
      case ATA_REGISTER.STATUS:
        return drive.readStatus();
      case ATA_REGISTER.DEVICE_HEAD:
        return this.#withSelection(drive.readRegister(register));
      default:
        return drive.readRegister(register);
    }
  }

  writePort8(port: number, value: number): void {
    const register = port - this.#base;
    if (register < 0 || register >= COMMAND_BLOCK_PORTS) {
      this.#writeControl(value);
      return;
    }
    switch (register) {
      case ATA_REGISTER.DATA:
        this.#drive?.writeData(value);
        break;
      case ATA_REGISTER.COMMAND:
        this.#writeCommand(value);
        break;
      default:
        if (register === ATA_REGISTER.DEVICE_HEAD && this.#drive?.busy !== true) this.#select(value);
        for (const drive of this.drives) drive?.writeRegister(register, value);
        break;
    }
  }

  readPort16(port: number): number {
    if (port !== this.#base) return this.readPort8(port) | (this.#readBehind(port) << 8);
    const drive = this.#drive;
    if (drive === null) return this.drives[0] === null ? FLOATING_WORD : 0;
    return drive.readData() | (drive.readData() << 8);
  }

  writePort16(port: number, value: number): void {
    this.writePort8(port, value & 0xff);
    if (port === this.#base) this.writePort8(port, value >>> 8);
    else this.#writeBehind(port, value >>> 8);
  }

  /** Two accesses of 16 bits to the data register, as a local bus adapter makes of one. */
  readPort32(port: number): number {
    const low = this.readPort16(port);
    return low | (this.readPort16(port === this.#base ? port : port + 2) << 16);
  }

  writePort32(port: number, value: number): void {
    this.writePort16(port, value & 0xffff);
    this.writePort16(port === this.#base ? port : port + 2, value >>> 16);
  }

  get #drive(): AtaDrive | null {
    return this.drives[this.#selected]!;
  }

  #readForAbsent(register: number): number {
    const other = this.drives[0];
    if (other === null || other === undefined) return FLOATING_BYTE;
    if (register === ATA_REGISTER.STATUS || register === ATA_REGISTER.DATA) return 0;
    const value = other.readRegister(register);
    return register === ATA_REGISTER.DEVICE_HEAD ? this.#withSelection(value) : value;
  }

  #withSelection(value: number): number {
    return this.#selected === 1 ? value | DEVICE_HEAD.DEVICE : value & ~DEVICE_HEAD.DEVICE;
  }

  #select(deviceHead: number): void {
    this.#selected = (deviceHead & DEVICE_HEAD.DEVICE) !== 0 ? 1 : 0;
    this.#updateIrq();
  }
}
