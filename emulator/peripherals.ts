import type { Clock } from "./clock.ts";
import { ATA_PRIMARY, ATA_SECONDARY, AtaChannel } from "./devices/ata.ts";
import { Disk, type DiskOptions } from "./devices/disk.ts";
import { boardFunctions } from "./devices/i440fx.ts";
import { I8042 } from "./devices/i8042.ts";
import { Keyboard } from "./devices/keyboard.ts";
import { PciBus } from "./devices/pci.ts";
import type { PortBus } from "./devices/ports.ts";
import { PostPort } from "./devices/post-port.ts";
import { PowerOff } from "./devices/power-off.ts";
import { ResetControl } from "./devices/reset-control.ts";
import { VgaText } from "./devices/vga-text.ts";
import type { PhysicalMemory } from "./memory/physical-memory.ts";
import type { Snapshot } from "./snapshot.ts";

const KEYBOARD_IRQ = 1;
const AUX_IRQ = 12;
/** Drives that two channels have room for. */
const MOST_DISKS = 4;
const MOST_DISKETTES = 2;

/** Options of keyboard, display, disks, PCI and POST port; part of `MachineOptions`. */
export interface PeripheralOptions {
  /**
   * Disks, up to four: master and slave of the primary ATA channel, then of the secondary one. Null leaves a place
   * empty. None by default.
   */
  disks?: readonly (DiskOptions | null)[];
  /**
   * Diskettes in drives A and B, up to two. There is no diskette controller: only the BIOS of `esp0/boot` reads and writes
   * them, by INT 13h. None by default.
   */
  diskettes?: readonly (DiskOptions | null)[];
  /** Keyboard: microseconds of the machine's time between two key events that the host queued; 10,000 by default. */
  keyboard?: { interval?: number };
  /**
   * Whether there is a PCI bus, with a host bridge, an ISA bridge (with the reset control register, port 0xCF9) and the ATA
   * channels as IDE function; true by default.
   */
  pci?: boolean;
  /** Port whose writes `Machine.onPostCode` is told; 0x80 by default. */
  postPort?: number;
}

/** What the peripherals need of their machine. */
export interface PeripheralHost {
  readonly clock: Clock;
  readonly memory: PhysicalMemory;
  readonly ports: PortBus;
  driveIrq(irq: number, level: boolean): void;
  onPostCode(code: number): void;
  /** The reset line is pulled, by the keyboard controller or the reset control register. */
  onReset(): void;
  onPowerOff(): void;
}

/** What is on a PC's board beside processors, memory, interrupts and clocks: keyboard, display, disks, PCI, power. */
export class Peripherals {
  readonly keyboard: Keyboard;
  readonly vga: VgaText;
  /** By place, as in `PeripheralOptions`; null where there is none. */
  readonly disks: readonly (Disk | null)[];

  /** Drives A and B; null where there is none. */
  readonly diskettes: readonly (Disk | null)[];

  readonly #keyboardController: I8042;
  readonly #ataChannels: readonly AtaChannel[];
  readonly #postPort: PostPort;
  readonly #memory: PhysicalMemory;
  readonly #pci: PciBus | null;
  readonly #resetControl: ResetControl;
  readonly #powerOff: PowerOff;

  /** @throws RangeError when an option is out of range, or the POST port is another device's */
  constructor(host: PeripheralHost, options: PeripheralOptions) {
    const { clock, memory, ports } = host;
    const { interval } = options.keyboard ?? {};
    this.keyboard = new Keyboard({
      clock,
      onOutput: () => this.#keyboardController.onKeyboardOutput(),
      ...(interval === undefined ? {} : { keyInterval: interval }),
    });
    this.#keyboardController = new I8042({
      clock,
      keyboard: this.keyboard,
      onIrq1: (level) => host.driveIrq(KEYBOARD_IRQ, level),
      onIrq12: (level) => host.driveIrq(AUX_IRQ, level),
      a20: () => memory.a20,
      onA20: (enabled) => (memory.a20 = enabled),
      onReset: () => host.onReset(),
    });
    this.#keyboardController.connect(ports);

    this.vga = new VgaText({ clock, memory });
    this.vga.connect(ports);

    this.disks = drives("disks", options.disks ?? [], MOST_DISKS);
    this.diskettes = drives("diskettes", options.diskettes ?? [], MOST_DISKETTES);
    this.#ataChannels = [ATA_PRIMARY, ATA_SECONDARY].map(({ irq }, channel) => {
      const [drive0, drive1] = this.disks.slice(channel * 2, channel * 2 + 2);
      return new AtaChannel({ clock, onIrq: (level) => host.driveIrq(irq, level) }, [drive0!, drive1!]);
    });
    this.#ataChannels[0]!.connect(ports, ATA_PRIMARY, "primary");
    this.#ataChannels[1]!.connect(ports, ATA_SECONDARY, "secondary");

    this.#postPort = new PostPort({ onCode: (code) => host.onPostCode(code) });
    this.#postPort.connect(ports, options.postPort);

    this.#memory = memory;
    this.#pci = options.pci === false ? null : new PciBus(boardFunctions(memory));
    this.#pci?.connect(ports);
    this.#resetControl = new ResetControl({ onReset: () => host.onReset() });
    if (this.#pci !== null) this.#resetControl.connect(ports);
    this.#powerOff = new PowerOff({ onPowerOff: () => host.onPowerOff() });
    this.#powerOff.connect(ports);
  }

  /** As after a PC's firmware has set them up. Disks keep what was written. */
  reset(): void {
    this.#keyboardController.reset();
    this.vga.reset();
    for (const channel of this.#ataChannels) channel.reset();
    this.#postPort.reset();
    this.#pci?.reset();
    this.#memory.resetShadow();
    this.#resetControl.reset();
    this.#powerOff.reset();
  }

  snapshot(s: Snapshot): void {
    this.keyboard.snapshot(s);
    this.#keyboardController.snapshot(s);
    this.vga.snapshot(s);
    for (const channel of this.#ataChannels) channel.snapshot(s);
    for (const disk of this.disks) disk?.snapshot(s);
    for (const disk of this.diskettes) disk?.snapshot(s);
    this.#postPort.snapshot(s);
    this.#pci?.snapshot(s);
    this.#resetControl.snapshot(s);
    this.#powerOff.snapshot(s);
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
