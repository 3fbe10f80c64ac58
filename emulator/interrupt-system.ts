import type { Clock } from "./clock.ts";
import type { Core } from "./cpu/core.ts";
import { FLAG_IF, NMI_BLOCKED } from "./cpu/state-layout.ts";
import { ApicBus } from "./devices/apic-bus.ts";
import type { Device } from "./devices/device.ts";
import { I8259APair } from "./devices/i8259a.ts";
import { Imcr } from "./devices/imcr.ts";
import { IO_APIC_BASE, IO_APIC_BYTES, IoApic } from "./devices/io-apic.ts";
import { LocalApic } from "./devices/local-apic.ts";
import type { PortBus } from "./devices/ports.ts";
import type { PhysicalMemory } from "./memory/physical-memory.ts";
import type { Snapshot } from "./snapshot.ts";

const TIMER_IRQ = 0;
/** Physical address of the first instruction after power-on and INIT; 16 bytes remain to 4 GiB. */
const RESET_VECTOR = 0xfffffff0;
/** I/O APIC pin of the 8259A's INTR, and of IRQ 0, whose own pin that is; the other IRQs have the pin of their number. */
export const EXTINT_PIN = 0;
export const TIMER_PIN = 2;

/** What the interrupt system needs of its machine. */
export interface InterruptSystemHost {
  readonly clock: Clock;
  readonly memory: PhysicalMemory;
  readonly cores: readonly Core[];
  /** A core that may have been asleep has something to do. */
  onAttention(core: Core): void;
  /** A core did something that the host may want to know. */
  tell(core: Core, what: string): void;
}

/**
 * How interrupts reach the cores: the 8259A pair, the I/O APIC, a local APIC for each core, and the wires between them
 * as on a board after Intel's MultiProcessor Specification.
 *
 * - Every IRQ line goes to the 8259A pair and to the I/O APIC's pin of the same number; IRQ 0 goes to pin 2.
 * - INTR of the 8259A pair goes to I/O APIC pin 0, and, as the IMCR says, past the local APIC to the bootstrap
 *   processor, or to its LINT0.
 * - The NMI line goes, as the IMCR says, to the bootstrap processor, or to LINT1 of all local APICs.
 */
export class InterruptSystem implements Device {
  readonly pic: I8259APair;
  readonly ioApic: IoApic;
  /** By core number. */
  readonly localApics: readonly LocalApic[];

  readonly #host: InterruptSystemHost;
  readonly #imcr: Imcr;
  readonly #delivered: number[];

  constructor(host: InterruptSystemHost) {
    this.#host = host;
    const bus = new ApicBus();
    this.pic = new I8259APair({ onIntr: () => this.#drivePicLines() });
    this.#imcr = new Imcr({ onChange: () => this.#drivePicLines() });
    this.ioApic = new IoApic(bus);
    bus.onEndOfInterrupt = (vector) => this.ioApic.endOfInterrupt(vector);
    this.#delivered = host.cores.map(() => 0);
    this.localApics = host.cores.map((core) => this.#localApic(core, bus));
    host.memory.mapMmio(IO_APIC_BASE, IO_APIC_BYTES, this.ioApic);
  }

  connect(ports: PortBus): void {
    this.pic.connect(ports);
    this.#imcr.connect(ports);
  }

  /** Power-on state, but for the I/O APIC's ID, which a PC's firmware sets behind those of the cores. */
  reset(): void {
    this.#imcr.reset();
    for (const apic of this.localApics) apic.reset();
    this.ioApic.reset();
    this.ioApic.id = this.#host.cores.length;
    this.pic.reset();
    for (const core of this.#host.cores) this.#driveIntr(core);
  }

  /** Interrupts that a core acknowledged since power-on, spurious ones included. */
  delivered(core: number): number {
    return this.#delivered[core];
  }

  /**
   * Drives an IRQ line.
   * @throws RangeError for 2 (the cascade) and for numbers outside 0 to 15
   */
  driveIrq(irq: number, level: boolean): void {
    if (level) this.pic.raise(irq);
    else this.pic.lower(irq);
    this.ioApic.setPin(irq === TIMER_IRQ ? TIMER_PIN : irq, level);
  }

  /** Pulses the NMI line. */
  nmi(): void {
    if (!this.#imcr.throughApic) {
      this.#nmi(this.#host.cores[0]);
      return;
    }
    for (const apic of this.localApics) {
      apic.setLine(1, true);
      apic.setLine(1, false);
    }
  }

  /** Whether an interrupt waits that the core would take now. */
  isInterrupted(core: Core): boolean {
    if (core.waitsForStartup) return false;
    if (core.nmi !== 0 && core.r[NMI_BLOCKED] === 0) return true;
    return core.intr !== 0 && interruptsEnabled(core);
  }

  /** Whether anything but a program could wake one of the cores, while all of them are halted. */
  get canWake(): boolean {
    const pic = this.pic.anyUnmasked;
    if (this.ioApic.anyUnmaskable || (pic && this.localApics[0].lint0Unmaskable)) return true;
    const ioApic = this.ioApic.anyUnmasked;
    const direct = pic && !this.#imcr.throughApic;
    return this.#host.cores.some((core) => {
      if (core.waitsForStartup || !interruptsEnabled(core)) return false;
      const boot = core.id === 0;
      return ioApic || (boot && direct) || this.localApics[core.id].mayInterrupt(boot && pic);
    });
  }

  snapshot(s: Snapshot): void {
    s.section("interrupts");
    for (let core = 0; core < this.#delivered.length; core++) {
      this.#delivered[core] = s.integer(this.#delivered[core], 0, Number.MAX_SAFE_INTEGER);
    }
    this.pic.snapshot(s);
    this.#imcr.snapshot(s);
    this.ioApic.snapshot(s);
    for (const apic of this.localApics) apic.snapshot(s);
  }

  #localApic(core: Core, bus: ApicBus): LocalApic {
    const apic = new LocalApic(core.id, {
      clock: this.#host.clock,
      bus,
      pins: {
        onIntr: () => this.#driveIntr(core),
        onNmi: () => this.#nmi(core),
        onInit: () => {
          core.init();
          if (core.id === 0 && !this.#hasFirmware) {
            this.#host.tell(
              core,
              "INIT: it goes on at the reset vector, f000:0000fff0 (physical fffffff0), and this machine has no firmware there",
            );
          }
          this.#host.onAttention(core);
        },
        onStartup: (vector) => {
          core.startup(vector);
          this.#host.onAttention(core);
        },
        onSmi: () => this.#host.tell(core, "SMI ignored, there is no system management mode"),
      },
    });
    bus.attach(apic);
    core.localApic = apic;
    core.onApicBase = (enabled) => {
      apic.hardwareEnabled = enabled;
    };
    core.acknowledge = () => this.#acknowledge(core);
    return apic;
  }

  /** Whether there is anything at the reset vector; where no memory answers all bits read as ones. */
  get #hasFirmware(): boolean {
    return this.#host.memory.peek(RESET_VECTOR, 2 ** 32 - RESET_VECTOR).some((byte) => byte !== 0xff);
  }

  /** The local APIC answers first; what it does not know is the 8259A's. */
  #acknowledge(core: Core): number {
    this.#delivered[core.id]++;
    const apic = this.localApics[core.id];
    const vector = apic.intr ? apic.acknowledge() : -1;
    return vector >= 0 ? vector : this.pic.acknowledge();
  }

  #drivePicLines(): void {
    const intr = this.pic.intr !== 0;
    this.localApics[0].setLine(0, intr && this.#imcr.throughApic);
    this.ioApic.setPin(EXTINT_PIN, intr);
    this.#driveIntr(this.#host.cores[0]);
  }

  #driveIntr(core: Core): void {
    const direct = core.id === 0 && !this.#imcr.throughApic && this.pic.intr !== 0;
    core.intr = direct || this.localApics[core.id].intr ? 1 : 0;
    this.#host.onAttention(core);
  }

  #nmi(core: Core): void {
    core.nmi = 1;
    this.#host.onAttention(core);
  }
}

function interruptsEnabled(core: Core): boolean {
  return (core.getEflags() & FLAG_IF) !== 0;
}
