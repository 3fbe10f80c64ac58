import type { Clock } from "../clock.ts";
import type { Snapshot } from "../snapshot.ts";
import { AtaDrive } from "./ata-drive.ts";
import { ATA_COMMAND, ATA_REGISTER, DEVICE_CONTROL, DEVICE_HEAD } from "./ata-registers.ts";
import type { Device } from "./device.ts";
import type { Disk } from "./disk.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** First of eight command block ports, device control port, and who has them. */
interface AtaPlace {
  readonly base: number;
  readonly control: number;
  readonly name: string;
}

/** Where a PC has its two channels, and their interrupts. */
export const ATA_PRIMARY = { base: 0x1f0, control: 0x3f6, irq: 14, name: "primary" } as const;
export const ATA_SECONDARY = { base: 0x170, control: 0x376, irq: 15, name: "secondary" } as const;

const COMMAND_BLOCK_PORTS = 8;
/** The one register of the control block, beside the offsets of the command block. */
const ALTERNATE_STATUS = 8;
const DEVICE_CONTROL_REGISTER = ALTERNATE_STATUS;
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
export class AtaChannel implements PortDevice, Device {
  readonly drives: readonly (AtaDrive | null)[];

  readonly #onIrq: (level: boolean) => void;
  readonly #place: AtaPlace;
  #selected: 0 | 1 = 0;
  #control = 0;
  #irq = false;

  /** @param disks drive 0 and drive 1, null when missing */
  constructor(
    lines: { clock: Clock; place: AtaPlace; onIrq: (level: boolean) => void },
    disks: readonly [drive0: Disk | null, drive1: Disk | null],
  ) {
    this.#onIrq = lines.onIrq;
    this.#place = lines.place;
    const driveLines = { clock: lines.clock, onInterrupt: () => this.#updateIrq() };
    this.drives = [0, 1].map((device) => {
      const disk = disks[device]!;
      return disk === null ? null : new AtaDrive(disk, device as 0 | 1, driveLines);
    });
  }

  connect(ports: PortBus): void {
    const { base, control, name } = this.#place;
    ports.register(base, 1, new AtaDataPort(this), `${name} ATA data`);
    ports.register(base + 1, COMMAND_BLOCK_PORTS - 1, this, `${name} ATA registers`);
    ports.register(control, 1, this, `${name} ATA control`);
  }

  /** Hardware reset. Disks keep what was written. */
  reset(): void {
    this.#select(0);
    this.#control = 0;
    for (const drive of this.drives) drive?.reset();
  }

  /** What was written to the disks is part of it. */
  snapshot(s: Snapshot): void {
    s.section("ATA");
    this.#selected = s.integer(this.#selected, 0, 1) as 0 | 1;
    this.#control = s.integer(this.#control, 0, 0xff);
    this.#irq = s.flag(this.#irq);
    for (const drive of this.drives) {
      drive?.snapshot(s);
      drive?.disk.snapshot(s);
    }
  }

  /** The drive that answers, null when nobody does or only for its absence. */
  get selectedDrive(): AtaDrive | null {
    return this.drives[this.#selected]!;
  }

  readPort8(port: number): number {
    const register = this.#registerAt(port);
    const drive = this.selectedDrive;
    if (drive === null) return this.#readForAbsent(register);
    switch (register) {
      case ALTERNATE_STATUS:
        return drive.status;
      case ATA_REGISTER.STATUS:
        return drive.readStatus();
      case ATA_REGISTER.DEVICE_HEAD:
        return this.#withSelection(drive.readRegister(register));
      default:
        return drive.readRegister(register);
    }
  }

  writePort8(port: number, value: number): void {
    const register = this.#registerAt(port);
    switch (register) {
      case DEVICE_CONTROL_REGISTER:
        this.#writeControl(value);
        break;
      case ATA_REGISTER.COMMAND:
        this.#writeCommand(value);
        break;
      default:
        for (const drive of this.drives) drive?.writeRegister(register, value);
        if (register === ATA_REGISTER.DEVICE_HEAD) this.#select(value);
        break;
    }
  }

  #registerAt(port: number): number {
    const register = port - this.#place.base;
    return register > 0 && register < COMMAND_BLOCK_PORTS ? register : ALTERNATE_STATUS;
  }

  /** What is read while a missing drive is selected. */
  #readForAbsent(register: number): number {
    const other = this.drives[0]!;
    if (other === null) return FLOATING_BYTE;
    if (register === ATA_REGISTER.STATUS || register === ALTERNATE_STATUS) return 0;
    const value = other.readRegister(register);
    return register === ATA_REGISTER.DEVICE_HEAD ? this.#withSelection(value) : value;
  }

  #withSelection(value: number): number {
    return this.#selected === 1 ? value | DEVICE_HEAD.DEVICE : value & ~DEVICE_HEAD.DEVICE;
  }

  /** A drive that is busy does not see the write. */
  #select(deviceHead: number): void {
    if (this.selectedDrive?.busy === true) return;
    this.#selected = (deviceHead & DEVICE_HEAD.DEVICE) !== 0 ? 1 : 0;
    this.#updateIrq();
  }

  #writeCommand(command: number): void {
    if (command !== ATA_COMMAND.DIAGNOSTIC) {
      this.selectedDrive?.execute(command);
      return;
    }
    if (this.selectedDrive?.busy === true) return;
    this.#select(0);
    for (const drive of this.drives) drive?.diagnose();
  }

  #writeControl(value: number): void {
    const changed = value ^ this.#control;
    this.#control = value;
    if ((changed & DEVICE_CONTROL.SOFTWARE_RESET) !== 0) {
      const on = (value & DEVICE_CONTROL.SOFTWARE_RESET) !== 0;
      if (on) this.#selected = 0;
      for (const drive of this.drives) {
        if (on) drive?.holdReset();
        else drive?.releaseReset();
      }
    }
    this.#updateIrq();
  }

  #updateIrq(): void {
    const disabled = (this.#control & DEVICE_CONTROL.INTERRUPT_DISABLE) !== 0;
    const irq = !disabled && this.selectedDrive?.interruptPending === true;
    if (irq === this.#irq) return;
    this.#irq = irq;
    this.#onIrq(irq);
  }
}

/**
 * The data register: 16 bits wide. An access of 32 bits is two, as a local bus adapter makes them; one of 8 bits moves one
 * byte.
 */
class AtaDataPort implements PortDevice {
  constructor(readonly channel: AtaChannel) {}

  readPort8(_port: number): number {
    const drive = this.channel.selectedDrive;
    return drive === null ? this.#floating & 0xff : drive.readData();
  }

  writePort8(_port: number, value: number): void {
    this.channel.selectedDrive?.writeData(value);
  }

  readPort16(_port: number): number {
    const drive = this.channel.selectedDrive;
    return drive === null ? this.#floating : drive.readData() | (drive.readData() << 8);
  }

  writePort16(port: number, value: number): void {
    this.writePort8(port, value & 0xff);
    this.writePort8(port, value >>> 8);
  }

  readPort32(port: number): number {
    const low = this.readPort16(port);
    return low | (this.readPort16(port) << 16);
  }

  writePort32(port: number, value: number): void {
    this.writePort16(port, value & 0xffff);
    this.writePort16(port, value >>> 16);
  }

  /** Drive 0 has no data for a missing drive 1. */
  get #floating(): number {
    return this.channel.drives[0] === null ? FLOATING_WORD : 0;
  }
}
