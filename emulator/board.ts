import type { Clock } from "./clock.ts";
import type { Core } from "./cpu/core.ts";
import { ignoreNumericErrors } from "./cpu/x87/state.ts";
import { ATA_PRIMARY, ATA_SECONDARY, AtaChannel } from "./devices/ata.ts";
import { DebugConsole } from "./devices/debug-console.ts";
import type { Device } from "./devices/device.ts";
import { Disk, type DiskOptions } from "./devices/disk.ts";
import { ExitPort } from "./devices/exit-port.ts";
import { boardFunctions } from "./devices/i440fx.ts";
import { I8042 } from "./devices/i8042.ts";
import { I8254 } from "./devices/i8254.ts";
import { Keyboard } from "./devices/keyboard.ts";
import { NumericError } from "./devices/numeric-error.ts";
import { PciBus } from "./devices/pci.ts";
import { Port61 } from "./devices/port61.ts";
import { Port92 } from "./devices/port92.ts";
import type { PortBus } from "./devices/ports.ts";
import { PostPort } from "./devices/post-port.ts";
import { PowerOff } from "./devices/power-off.ts";
import { ResetControl } from "./devices/reset-control.ts";
import { DEFAULT_RTC_TIME, Rtc } from "./devices/rtc.ts";
import { COM1, COM2, Uart16550 } from "./devices/uart16550.ts";
import { LCR, UART_REGISTER } from "./devices/uart16550-registers.ts";
import { VgaText } from "./devices/vga-text.ts";
import { InterruptSystem } from "./interrupt-system.ts";
import type { MachineOptions } from "./machine-options.ts";
import type { PhysicalMemory } from "./memory/physical-memory.ts";
import { type Notice, Notices } from "./notices.ts";
import type { Snapshot } from "./snapshot.ts";
import { describeUnimplemented } from "./unimplemented.ts";

const PIT_IRQ = 0;
const KEYBOARD_IRQ = 1;
const RTC_IRQ = 8;
const AUX_IRQ = 12;
const X87_IRQ = 13;
/** Drives that two ATA channels have room for. */
const MOST_DISKS = 4;
const MOST_DISKETTES = 2;

/** Who hears what the guest puts out; see `Machine`. */
export interface BoardOutputs {
  readonly onSerialOutput: ((byte: number, port: 1 | 2) => void) | null;
  readonly onDebugOutput: ((byte: number) => void) | null;
  readonly onPostCode: ((code: number) => void) | null;
}

/** What the devices of a board work on, and whom they tell what. */
export interface BoardHost {
  readonly clock: Clock;
  readonly memory: PhysicalMemory;
  readonly ports: PortBus;
  readonly cores: readonly Core[];
  /** A core that may have been asleep has something to do. */
  onAttention(core: Core): void;
  /** Something pulls the reset line. */
  onReset(): void;
  /** The guest wrote to the exit port. */
  onExit(value: number): void;
  /** The guest switched the machine off. */
  onPowerOff(): void;
  readonly outputs: BoardOutputs;
}

/** The devices of a PC, and the wires between them, the cores and memory. */
export class Board {
  readonly interruptSystem: InterruptSystem;
  readonly pit: I8254;
  readonly rtc: Rtc;
  readonly com1: Uart16550;
  readonly com2: Uart16550;
  readonly keyboard: Keyboard;
  readonly vga: VgaText;
  /** By place, as in the options; null where there is none. */
  readonly disks: readonly (Disk | null)[];
  /** Drives A and B; null where there is none. */
  readonly diskettes: readonly (Disk | null)[];

  readonly #memory: PhysicalMemory;
  readonly #notices: Notices;
  /** All of them, in the order in which they are reset and saved. */
  readonly #devices: readonly Device[];

  /** @throws RangeError when an option is out of range, or the POST port is another device's */
  constructor(host: BoardHost, options: MachineOptions) {
    const { clock, memory, ports, cores, outputs } = host;
    this.#memory = memory;
    this.#notices = new Notices(options.log ?? (() => {}));
    const tell = (core: Core, what: string) => this.#notices.tell(`core ${core.id}, cycle ${clock.now}`, what);
    for (const core of cores) core.onUnimplemented = (cpu, bytes) => tell(cpu, describeUnimplemented(cpu, bytes));
    memory.onRemap = () => {
      for (const core of cores) core.flushTlb(false);
    };
    this.interruptSystem = new InterruptSystem({
      clock,
      memory,
      cores,
      onAttention: (core) => host.onAttention(core),
      tell,
    });
    const irq = (line: number) => (level: boolean) => this.interruptSystem.driveIrq(line, level);
    const onA20 = (enabled: boolean) => (memory.a20 = enabled);
    const onReset = () => host.onReset();

    this.pit = new I8254({ clock, onOut0: irq(PIT_IRQ) });
    this.rtc = new Rtc({ clock, onIrq: irq(RTC_IRQ) }, options.rtc?.time ?? DEFAULT_RTC_TIME);
    const serialPort = (port: 1 | 2, place: typeof COM1 | typeof COM2) =>
      new Uart16550({
        clock,
        place,
        onIrq: irq(place.irq),
        onTransmit: (byte) => outputs.onSerialOutput?.(byte, port),
        ...options.serial,
      });
    this.com1 = serialPort(1, COM1);
    this.com2 = serialPort(2, COM2);

    const { interval } = options.keyboard ?? {};
    this.keyboard = new Keyboard({
      clock,
      onOutput: () => keyboardController.onKeyboardOutput(),
      ...(interval === undefined ? {} : { keyInterval: interval }),
    });
    const keyboardController = new I8042({
      clock,
      keyboard: this.keyboard,
      onIrq1: irq(KEYBOARD_IRQ),
      onIrq12: irq(AUX_IRQ),
      a20: () => memory.a20,
      onA20,
      onReset,
    });
    this.vga = new VgaText({ clock, memory });

    this.disks = drives("disks", options.disks ?? [], MOST_DISKS);
    this.diskettes = drives("diskettes", options.diskettes ?? [], MOST_DISKETTES);
    this.rtc.setUp({
      memoryBytes: memory.ramSize,
      cpus: cores.length,
      disks: this.disks.slice(0, 2).map((disk) => disk !== null),
    });
    const [disk0 = null, disk1 = null, disk2 = null, disk3 = null] = this.disks;
    const channel = (place: typeof ATA_PRIMARY | typeof ATA_SECONDARY, disks: readonly [Disk | null, Disk | null]) =>
      new AtaChannel({ clock, place, onIrq: irq(place.irq) }, disks);

    const bootCore = cores[0];
    const numericError = new NumericError({
      onIrq13: irq(X87_IRQ),
      onIgnne: () => ignoreNumericErrors(bootCore),
    });
    bootCore.onFerr = (asserted) => numericError.driveFerr(asserted);

    this.#devices = [
      new Port92({ onA20, onReset }),
      numericError,
      new Port61(this.pit),
      this.pit,
      this.rtc,
      keyboardController,
      this.vga,
      channel(ATA_PRIMARY, [disk0, disk1]),
      channel(ATA_SECONDARY, [disk2, disk3]),
      this.com1,
      this.com2,
      new DebugConsole({ onOutput: (byte) => outputs.onDebugOutput?.(byte) }),
      new ExitPort({ onExit: (value) => host.onExit(value) }),
      new PostPort({
        onCode: (code) => outputs.onPostCode?.(code),
        ...(options.postPort === undefined ? {} : { port: options.postPort }),
      }),
      // With the map of shadow RAM that the host bridge has.
      ...(options.pci === false ? [] : [new PciBus(boardFunctions(memory)), new ResetControl({ onReset })]),
      new PowerOff({ onPowerOff: () => host.onPowerOff() }),
      // Last, so that lines which the others drive high on reset are not taken for requests.
      this.interruptSystem,
    ];
    for (const device of this.#devices) device.connect(ports);
  }

  /** What the host was told, each thing once, and how often it happened. */
  get notices(): readonly Notice[] {
    return this.#notices.list;
  }

  /** As after a PC's firmware has set them up. Disks keep what was written. */
  reset(): void {
    for (const device of this.#devices) device.reset();
    this.#memory.resetShadow();
    for (const uart of [this.com1, this.com2]) setUpAsFirmwareDoes(uart);
  }

  snapshot(s: Snapshot): void {
    for (const device of this.#devices) device.snapshot(s);
    for (const diskette of this.diskettes) diskette?.snapshot(s);
  }

  /** Has the serial ports send what they hold at once. */
  drain(): void {
    this.com1.drain();
    this.com2.drain();
  }
}

/** @throws RangeError for more than there is room for */
function drives(what: string, options: readonly (DiskOptions | null)[], room: number): (Disk | null)[] {
  if (options.length > room) throw new RangeError(`${options.length} ${what}: a PC has room for ${room}`);
  return Array.from({ length: room }, (_, place) => {
    const disk = options[place] ?? null;
    return disk === null ? null : new Disk(disk);
  });
}

/** There is no firmware to do it: 115200 baud, 8 data bits, no parity, one stop bit. */
function setUpAsFirmwareDoes(uart: Uart16550): void {
  uart.writePort8(UART_REGISTER.LCR, LCR.DLAB);
  uart.writePort8(UART_REGISTER.DLL, 1);
  uart.writePort8(UART_REGISTER.DLM, 0);
  uart.writePort8(UART_REGISTER.LCR, LCR.WORD_LENGTH);
}
