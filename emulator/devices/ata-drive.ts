import type { Clock, EventHandle } from "../clock.ts";
import { cyclesInMicroseconds } from "../hz.ts";
import type { Snapshot } from "../snapshot.ts";
import { addressedSector, addressLimit, putAddress } from "./ata-address.ts";
import { identifyData } from "./ata-identify.ts";
import { ATA_COMMAND, ATA_ERROR, ATA_REGISTER, ATA_STATUS, MAXIMUM_MULTIPLE } from "./ata-registers.ts";
import { AtaSettings } from "./ata-settings.ts";
import { type Disk, SECTOR_BYTES } from "./disk.ts";

/** From a command to its first block of data or its end, between blocks of data, and for a reset, in microseconds. */
export const COMMAND_MICROSECONDS = 100;
export const BLOCK_MICROSECONDS = 20;
export const RESET_MICROSECONDS = 2000;

const REGISTERS = 8;
const IDLE_STATUS = ATA_STATUS.READY | ATA_STATUS.SEEK_COMPLETE;
const POWER_MODE = { STANDBY: 0x00, ACTIVE_OR_IDLE: 0xff } as const;

/** Commands that begin with data from the system. */
const TAKES_DATA: ReadonlySet<number> = new Set([
  ATA_COMMAND.WRITE_SECTORS,
  ATA_COMMAND.WRITE_SECTORS_NO_RETRY,
  ATA_COMMAND.WRITE_MULTIPLE,
  ATA_COMMAND.WRITE_BUFFER,
]);

/** Which way data go through the data register now, if any do. */
type Direction = "none" | "in" | "out";
const DIRECTIONS: readonly Direction[] = ["none", "in", "out"];

/** What the drive does when it has been busy long enough. */
type Phase = "reset" | "diagnostic" | "command" | "offer block" | "take block";
const PHASES: readonly Phase[] = ["reset", "diagnostic", "command", "offer block", "take block"];

/**
 * An ATA hard disk that transfers data by PIO, after ATA/ATAPI-4 (T13/1153D revision 18), with what it dropped of
 * ATA-3 (X3T10/2008D) and programs of the time still use: RECALIBRATE and the geometry commands.
 *
 * Commands take COMMAND_MICROSECONDS with BSY set, then come DRQ and an interrupt, or the end. Those that are to be given
 * data ask for the first block at once, without an interrupt: programs that write it without a look at DRQ rely on that.
 * BLOCK_MICROSECONDS pass between blocks of data. The registers then hold the address of the last sector, or of the one at
 * fault, with the number of those that were not transferred.
 */
export class AtaDrive {
  /** The interrupt that waits for a status read or a command. */
  interruptPending = false;

  readonly #clock: Clock;
  readonly #onInterrupt: () => void;
  readonly #registers = new Uint8Array(REGISTERS);
  #error = 0;
  #status = 0;
  #event: EventHandle | null = null;

  readonly #settings: AtaSettings;
  #powerMode: number = POWER_MODE.ACTIVE_OR_IDLE;
  #asleep = false;

  readonly #buffer = new Uint8Array(MAXIMUM_MULTIPLE * SECTOR_BYTES);
  #direction: Direction = "none";
  /** Position in the buffer of the next byte transferred, and the end of the block. */
  #position = 0;
  #end = 0;
  /** Next sector, and how many are left, 0 when the data are not of the disk; sectors in a block; end of the addresses. */
  #sector = 0;
  #sectorsLeft = 0;
  #block = 1;
  #limit = 0;

  #phase: Phase = "reset";
  #command = 0;

  /**
   * @param device 0 or 1 on its channel
   * @param onInterrupt called when `interruptPending` changed
   */
  constructor(
    readonly disk: Disk,
    readonly device: 0 | 1,
    lines: { clock: Clock; onInterrupt: () => void },
  ) {
    this.#clock = lines.clock;
    this.#onInterrupt = lines.onInterrupt;
    this.#settings = new AtaSettings(disk);
    this.reset();
  }

  /** Power-on or hardware reset, and what the drive does after it. */
  reset(): void {
    this.#settings.powerOn();
    this.holdReset();
    this.#finishReset();
  }

  /** SRST goes on: BSY until `releaseReset`. */
  holdReset(): void {
    this.#stop();
    this.#setInterrupt(false);
    this.#status = ATA_STATUS.BUSY;
  }

  /** SRST goes off: BSY for RESET_MICROSECONDS. */
  releaseReset(): void {
    this.#busy(RESET_MICROSECONDS, "reset");
  }

  get busy(): boolean {
    return (this.#status & ATA_STATUS.BUSY) !== 0;
  }

  /** Status without acknowledging the interrupt. */
  get status(): number {
    return this.#status;
  }

  /** A command block register other than data and status. */
  readRegister(register: number): number {
    return register === ATA_REGISTER.ERROR ? this.#error : this.#registers[register];
  }

  /** Ignored while the drive is busy. */
  writeRegister(register: number, value: number): void {
    if (!this.busy) this.#registers[register] = value;
  }

  readStatus(): number {
    this.#setInterrupt(false);
    return this.#status;
  }

  /** The next byte of the data register, 0 when no data are to be read. */
  readData(): number {
    if (this.#direction !== "in" || !this.#requestsData) return 0;
    const byte = this.#buffer[this.#position++];
    if (this.#position === this.#end) this.#endReadBlock();
    return byte;
  }

  /** Ignored when no data are to be written. */
  writeData(byte: number): void {
    if (this.#direction !== "out" || !this.#requestsData) return;
    this.#buffer[this.#position++] = byte;
    if (this.#position === this.#end) this.#busy(BLOCK_MICROSECONDS, "take block");
  }

  /** Ignored while the drive is busy or asleep. One that comes while data are transferred takes its place. */
  execute(command: number): void {
    if (this.busy || this.#asleep) return;
    this.#stop();
    this.#setInterrupt(false);
    this.#error = 0;
    this.#command = command;
    if (TAKES_DATA.has(command)) this.#perform(command);
    else this.#busy(COMMAND_MICROSECONDS, "command");
  }

  /** EXECUTE DEVICE DIAGNOSTIC, which both drives of a channel do at once; device 0 reports. */
  diagnose(): void {
    if (this.#asleep) return;
    this.#stop();
    this.#setInterrupt(false);
    this.#busy(COMMAND_MICROSECONDS, "diagnostic");
  }

  snapshot(s: Snapshot): void {
    this.interruptPending = s.flag(this.interruptPending);
    s.bytes(this.#registers);
    this.#error = s.integer(this.#error, 0, 0xff);
    this.#status = s.integer(this.#status, 0, 0xff);
    this.#settings.snapshot(s);
    this.#powerMode = s.integer(this.#powerMode, 0, 0xff);
    this.#asleep = s.flag(this.#asleep);
    s.bytes(this.#buffer);
    this.#direction = s.choice(this.#direction, DIRECTIONS);
    this.#position = s.integer(this.#position, 0, this.#buffer.length);
    this.#end = s.integer(this.#end, this.#position, this.#buffer.length);
    this.#limit = s.integer(this.#limit, 0, this.disk.sectors);
    this.#sector = s.integer(this.#sector, 0, this.#limit);
    this.#sectorsLeft = s.integer(this.#sectorsLeft, 0, 256);
    this.#block = s.integer(this.#block, 1, MAXIMUM_MULTIPLE);
    this.#phase = s.choice(this.#phase, PHASES);
    this.#command = s.integer(this.#command, 0, 0xff);
    this.#event = s.event(this.#event, this.#onReady);
  }

  get #requestsData(): boolean {
    return (this.#status & ATA_STATUS.DATA_REQUEST) !== 0;
  }

  #perform(command: number): void {
    switch (command) {
      case ATA_COMMAND.READ_SECTORS:
      case ATA_COMMAND.READ_SECTORS_NO_RETRY:
        this.#startRead(1);
        break;
      case ATA_COMMAND.WRITE_SECTORS:
      case ATA_COMMAND.WRITE_SECTORS_NO_RETRY:
        this.#startWrite(1);
        break;
      case ATA_COMMAND.READ_MULTIPLE:
        if (this.#settings.multiple === 0) this.#fail(ATA_ERROR.ABORTED);
        else this.#startRead(this.#settings.multiple);
        break;
      case ATA_COMMAND.WRITE_MULTIPLE:
        if (this.#settings.multiple === 0) this.#fail(ATA_ERROR.ABORTED);
        else this.#startWrite(this.#settings.multiple);
        break;
      case ATA_COMMAND.READ_VERIFY:
      case ATA_COMMAND.READ_VERIFY_NO_RETRY:
        this.#verify();
        break;
      case ATA_COMMAND.READ_BUFFER:
        this.#transferBuffer("in");
        break;
      case ATA_COMMAND.WRITE_BUFFER:
        this.#transferBuffer("out");
        break;
      case ATA_COMMAND.IDENTIFY:
        this.#buffer.set(identifyData(this.disk, this.#settings));
        this.#transferBuffer("in");
        break;
      case ATA_COMMAND.INITIALIZE_PARAMETERS:
        this.#finishIf(this.#settings.initializeParameters(this.#registers));
        break;
      case ATA_COMMAND.SET_MULTIPLE:
        this.#finishIf(this.#settings.setMultiple(this.#registers));
        break;
      case ATA_COMMAND.SET_FEATURES:
        this.#finishIf(this.#settings.setFeatures(this.#registers));
        break;
      case ATA_COMMAND.FLUSH_CACHE:
        this.#finish();
        break;
      case ATA_COMMAND.STANDBY_IMMEDIATE:
      case ATA_COMMAND.STANDBY:
        this.#powerMode = POWER_MODE.STANDBY;
        this.#finish();
        break;
      case ATA_COMMAND.IDLE_IMMEDIATE:
      case ATA_COMMAND.IDLE:
        this.#powerMode = POWER_MODE.ACTIVE_OR_IDLE;
        this.#finish();
        break;
      case ATA_COMMAND.CHECK_POWER_MODE:
        this.#registers[ATA_REGISTER.SECTOR_COUNT] = this.#powerMode;
        this.#finish();
        break;
      case ATA_COMMAND.SLEEP:
        this.#asleep = true;
        this.#finish();
        break;
      default:
        this.#performWithoutLowBits(command);
        break;
    }
  }

  #performWithoutLowBits(command: number): void {
    switch (command & 0xf0) {
      case ATA_COMMAND.RECALIBRATE:
        this.#registers[ATA_REGISTER.CYLINDER_LOW] = this.#registers[ATA_REGISTER.CYLINDER_HIGH] = 0;
        this.#finish();
        break;
      case ATA_COMMAND.SEEK:
        if (this.#addressedSector < 0) this.#fail(ATA_ERROR.ID_NOT_FOUND);
        else this.#finish();
        break;
      default:
        // Unknown commands, and NOP.
        this.#fail(ATA_ERROR.ABORTED);
        break;
    }
  }

  // ---- Data ----------------------------------------------------------------------------------------------------------

  #startRead(block: number): void {
    if (this.#takeAddress(block)) this.#offerBlock();
  }

  #startWrite(block: number): void {
    if (this.#takeAddress(block)) this.#askForBlock();
  }

  #verify(): void {
    if (!this.#takeAddress(1)) return;
    this.#advance(Math.min(this.#sectorsLeft, this.#limit - this.#sector));
    if (this.#sectorsLeft > 0) this.#failAtSector();
    else this.#finish();
  }

  /** -1 when there is no such sector. */
  get #addressedSector(): number {
    return addressedSector(this.#registers, this.#settings.geometry, this.disk.sectors);
  }

  /** Takes from the registers what to transfer. Returns false when the command has failed: there is no such sector. */
  #takeAddress(block: number): boolean {
    this.#powerMode = POWER_MODE.ACTIVE_OR_IDLE;
    const sector = this.#addressedSector;
    if (sector < 0) {
      this.#fail(ATA_ERROR.ID_NOT_FOUND);
      return false;
    }
    this.#sector = sector;
    // A count of 0 stands for 256.
    this.#sectorsLeft = this.#registers[ATA_REGISTER.SECTOR_COUNT] || 256;
    this.#block = block;
    this.#limit = addressLimit(this.#registers, this.#settings.geometry, this.disk.sectors);
    return true;
  }

  /** Reads the next block from the disk and has the system fetch it. */
  #offerBlock(): void {
    const count = this.#sectorsInBlock;
    if (count === 0) {
      this.#failAtSector();
      return;
    }
    for (let i = 0; i < count; i++) this.#buffer.set(this.disk.read(this.#sector + i), i * SECTOR_BYTES);
    this.#requestData("in", count * SECTOR_BYTES);
    this.#setInterrupt(true);
  }

  /** The system has read a block; there is no interrupt at the end. */
  #endReadBlock(): void {
    if (this.#sectorsLeft > 0) this.#advance(this.#end / SECTOR_BYTES);
    if (this.#sectorsLeft > 0) this.#busy(BLOCK_MICROSECONDS, "offer block");
    else this.#status = IDLE_STATUS;
  }

  /** Has the system write the next block. Returns false when the command has failed: there is none. */
  #askForBlock(): boolean {
    const count = this.#sectorsInBlock;
    if (count === 0) {
      this.#failAtSector();
      return false;
    }
    this.#requestData("out", count * SECTOR_BYTES);
    return true;
  }

  /** Puts a block that the system has written on the disk. */
  #takeBlock(): void {
    if (this.#sectorsLeft > 0) {
      const count = this.#end / SECTOR_BYTES;
      for (let i = 0; i < count; i++) {
        this.disk.write(this.#sector + i, this.#buffer.subarray(i * SECTOR_BYTES, (i + 1) * SECTOR_BYTES));
      }
      this.#advance(count);
    }
    if (this.#sectorsLeft === 0) this.#finish();
    else if (this.#askForBlock()) this.#setInterrupt(true);
  }

  /** One sector of data that are not of the disk. */
  #transferBuffer(direction: Direction): void {
    this.#sectorsLeft = 0;
    this.#requestData(direction, SECTOR_BYTES);
    if (direction === "in") this.#setInterrupt(true);
  }

  #requestData(direction: Direction, bytes: number): void {
    this.#direction = direction;
    this.#position = 0;
    this.#end = bytes;
    this.#status = IDLE_STATUS | ATA_STATUS.DATA_REQUEST;
  }

  /** The last block may be short, as may the last before the addresses end; 0 behind that. */
  get #sectorsInBlock(): number {
    return Math.min(this.#block, this.#sectorsLeft, this.#limit - this.#sector);
  }

  #advance(count: number): void {
    this.#sector += count;
    this.#sectorsLeft -= count;
    putAddress(this.#registers, this.#settings.geometry, this.#sector - 1);
    this.#registers[ATA_REGISTER.SECTOR_COUNT] = this.#sectorsLeft;
  }

  #failAtSector(): void {
    putAddress(this.#registers, this.#settings.geometry, this.#sector);
    this.#registers[ATA_REGISTER.SECTOR_COUNT] = this.#sectorsLeft;
    this.#fail(ATA_ERROR.ID_NOT_FOUND);
  }

  // ---- State ---------------------------------------------------------------------------------------------------------

  #finishReset(): void {
    this.#settings.reset();
    this.#asleep = false;
    this.#powerMode = POWER_MODE.ACTIVE_OR_IDLE;
    this.#putSignature();
    this.#status = IDLE_STATUS;
  }

  /** By which programs tell an ATA disk from other devices. */
  #putSignature(): void {
    this.#registers.fill(0);
    this.#registers[ATA_REGISTER.SECTOR_COUNT] = this.#registers[ATA_REGISTER.SECTOR_NUMBER] = 1;
    this.#error = ATA_ERROR.DIAGNOSTIC_PASSED;
  }

  #busy(microseconds: number, phase: Phase): void {
    this.#status = ATA_STATUS.BUSY;
    this.#phase = phase;
    const at = this.#clock.now + cyclesInMicroseconds(microseconds, this.#clock.hz);
    this.#event = this.#clock.schedule(at, this.#onReady);
  }

  readonly #onReady = (): void => {
    this.#event = null;
    switch (this.#phase) {
      case "reset":
        this.#finishReset();
        break;
      case "diagnostic":
        this.#putSignature();
        if (this.device === 0) this.#finish();
        else this.#status = IDLE_STATUS;
        break;
      case "command":
        this.#perform(this.#command);
        break;
      case "offer block":
        this.#offerBlock();
        break;
      case "take block":
        this.#takeBlock();
        break;
    }
  };

  #stop(): void {
    this.#clock.cancel(this.#event);
    this.#event = null;
    this.#direction = "none";
  }

  #finish(): void {
    this.#status = IDLE_STATUS;
    this.#setInterrupt(true);
  }

  #finishIf(done: boolean): void {
    if (done) this.#finish();
    else this.#fail(ATA_ERROR.ABORTED);
  }

  #fail(error: number): void {
    this.#error = error;
    this.#status = IDLE_STATUS | ATA_STATUS.ERROR;
    this.#setInterrupt(true);
  }

  #setInterrupt(pending: boolean): void {
    if (pending === this.interruptPending) return;
    this.interruptPending = pending;
    this.#onInterrupt();
  }
}
