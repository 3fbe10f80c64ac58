import { Clock } from "../../../emulator/clock.ts";
import { ApicBus } from "../../../emulator/devices/apic-bus.ts";
import { IO_REGISTER_SELECT, IO_WINDOW, IoApic } from "../../../emulator/devices/io-apic.ts";
import { LocalApic } from "../../../emulator/devices/local-apic.ts";
import { APIC_REGISTER } from "../../../emulator/devices/local-apic-registers.ts";

/** Local APICs on a bus with an I/O APIC, and no cores: what they would do to them is written down in `log`. */
export class ApicHarness {
  readonly clock = new Clock();
  readonly bus = new ApicBus();
  readonly ioApic = new IoApic(this.bus);
  readonly apics: readonly LocalApic[];
  /** As "1 nmi": the core, and what happened to it. */
  readonly log: string[] = [];

  constructor(cpus = 1, enabled = true) {
    this.bus.onEndOfInterrupt = (vector) => {
      this.log.push(`eoi ${vector}`);
      this.ioApic.endOfInterrupt(vector);
    };
    this.apics = Array.from({ length: cpus }, (_, core) => {
      const note = (what: string) => this.log.push(`${core} ${what}`);
      const apic = new LocalApic(core, {
        clock: this.clock,
        bus: this.bus,
        pins: {
          onIntr: (level) => note(level ? "intr" : "no intr"),
          onNmi: () => note("nmi"),
          onInit: () => note("init"),
          onStartup: (vector) => note(`startup ${vector}`),
          onSmi: () => note("smi"),
        },
      });
      this.bus.attach(apic);
      return apic;
    });
    if (enabled) for (const core of this.apics.keys()) this.write(APIC_REGISTER.SVR, 0x1ff, core);
  }

  read(offset: number, core = 0): number {
    return this.apics[core].read(offset, 4) >>> 0;
  }

  write(offset: number, value: number, core = 0): void {
    this.apics[core].write(offset, 4, value);
  }

  /** Writes the command register of core 0, or another. */
  command(low: number, destination = 0, core = 0): void {
    this.write(APIC_REGISTER.ICR_HIGH, destination << 24, core);
    this.write(APIC_REGISTER.ICR_LOW, low, core);
  }

  /** The vectors in ISR, TMR or IRR. */
  vectors(first: number, core = 0): number[] {
    return Array.from({ length: 256 }, (_, vector) => vector).filter(
      (vector) => (this.read(first + (vector >> 5) * 0x10, core) & (1 << (vector & 31))) !== 0,
    );
  }

  irr(core = 0): number[] {
    return this.vectors(APIC_REGISTER.IRR, core);
  }

  isr(core = 0): number[] {
    return this.vectors(APIC_REGISTER.ISR, core);
  }

  tmr(core = 0): number[] {
    return this.vectors(APIC_REGISTER.TMR, core);
  }

  eoi(core = 0): void {
    this.write(APIC_REGISTER.EOI, 0, core);
  }

  acknowledge(core = 0): number {
    return this.apics[core].acknowledge();
  }

  /** ESR, brought up to date first. */
  errors(core = 0): number {
    this.write(APIC_REGISTER.ESR, 0, core);
    return this.read(APIC_REGISTER.ESR, core);
  }

  readIo(register: number): number {
    this.ioApic.write32(0xfec00000 + IO_REGISTER_SELECT, register);
    return this.ioApic.read32(0xfec00000 + IO_WINDOW) >>> 0;
  }

  writeIo(register: number, value: number): void {
    this.ioApic.write32(0xfec00000 + IO_REGISTER_SELECT, register);
    this.ioApic.write32(0xfec00000 + IO_WINDOW, value);
  }

  /** Writes a redirection entry. */
  redirect(pin: number, low: number, destination = 0): void {
    this.writeIo(0x11 + 2 * pin, destination << 24);
    this.writeIo(0x10 + 2 * pin, low);
  }
}
