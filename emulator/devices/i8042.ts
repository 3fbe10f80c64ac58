import type { Clock, EventHandle } from "../clock.ts";
import { cyclesInMicroseconds } from "../hz.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Device } from "./device.ts";
import type { Keyboard } from "./keyboard.ts";
import type { PortBus, PortDevice } from "./ports.ts";
import { ScanCodeTranslator } from "./scan-codes.ts";

/** I/O addresses on a PC: the data buffers; status when read, and command when written. */
export const I8042_DATA = 0x60;
export const I8042_COMMAND = 0x64;

/** Eleven bits on the wire to or from a keyboard, in microseconds. */
export const KEYBOARD_BYTE_MICROSECONDS = 1000;
/** How long the controller waits for a device that does not answer, in microseconds. */
export const TRANSMIT_TIMEOUT_MICROSECONDS = 15_000;

const STATUS = {
  OUTPUT_FULL: 0x01,
  INPUT_FULL: 0x02,
  SYSTEM: 0x04,
  COMMAND: 0x08,
  NOT_LOCKED: 0x10,
  FROM_AUX: 0x20,
  TIMEOUT: 0x40,
} as const;

/** The command byte, RAM byte 0. */
const MODE = {
  KEYBOARD_INTERRUPT: 0x01,
  AUX_INTERRUPT: 0x02,
  SYSTEM: 0x04,
  KEYBOARD_DISABLED: 0x10,
  AUX_DISABLED: 0x20,
  TRANSLATE: 0x40,
} as const;
const FIRMWARE_MODE = MODE.KEYBOARD_INTERRUPT | MODE.SYSTEM | MODE.AUX_DISABLED | MODE.TRANSLATE;

const COMMAND = {
  READ_RAM: 0x20,
  WRITE_RAM: 0x60,
  TEST_PASSWORD: 0xa4,
  DISABLE_AUX: 0xa7,
  ENABLE_AUX: 0xa8,
  TEST_AUX: 0xa9,
  SELF_TEST: 0xaa,
  TEST_KEYBOARD: 0xab,
  DISABLE_KEYBOARD: 0xad,
  ENABLE_KEYBOARD: 0xae,
  READ_INPUT_PORT: 0xc0,
  POLL_INPUT_LOW: 0xc1,
  POLL_INPUT_HIGH: 0xc2,
  READ_OUTPUT_PORT: 0xd0,
  WRITE_OUTPUT_PORT: 0xd1,
  WRITE_KEYBOARD_OUTPUT: 0xd2,
  WRITE_AUX_OUTPUT: 0xd3,
  WRITE_AUX: 0xd4,
  DISABLE_A20: 0xdd,
  ENABLE_A20: 0xdf,
  READ_TEST_INPUTS: 0xe0,
  PULSE_OUTPUT_PORT: 0xf0,
} as const;
const RAM_SIZE = 32;
const RAM_ADDRESS = RAM_SIZE - 1;

const SELF_TEST_PASSED = 0x55;
const INTERFACE_GOOD = 0x00;
const NO_PASSWORD = 0xf1;
const NO_ANSWER = 0xfe;

/** Keyboard not locked, colour display, no manufacturing jumper, second 256 KiB of RAM; both data lines are high. */
const INPUT_PORT = 0xb3;
const OUTPUT_PORT = {
  NOT_RESET: 0x01,
  A20: 0x02,
  AUX_LINES: 0x0c,
  IRQ1: 0x10,
  IRQ12: 0x20,
  KEYBOARD_LINES: 0xc0,
} as const;
const TEST_INPUT = { KEYBOARD_CLOCK: 0x01, AUX_CLOCK: 0x02 } as const;

/** Who put the byte in the output buffer. */
type Source = "keyboard" | "aux";
const SOURCES: readonly Source[] = ["keyboard", "aux"];
/** Whose interrupt line is high. */
type Line = Source | "none";
const LINES: readonly Line[] = [...SOURCES, "none"];

/** What the controller is connected to. */
export interface I8042Lines {
  clock: Clock;
  keyboard: Keyboard;
  /** Output buffer full, with a byte from the keyboard or the controller itself. */
  onIrq1: (level: boolean) => void;
  /** Output buffer full, with a byte from the auxiliary device. */
  onIrq12: (level: boolean) => void;
  /** The system's A20 gate, which port 0x92 drives too: what either of them wrote last counts. */
  a20: () => boolean;
  onA20: (enabled: boolean) => void;
  /** The CPUs' reset line was pulled. */
  onReset: () => void;
}

/**
 * 8042 keyboard controller with IBM's program for the PS/2 (Personal System/2 Hardware Interface Technical Reference,
 * "Keyboard and Auxiliary Device Controller"), with a keyboard and nothing on the auxiliary port.
 *
 * Controller commands take no time. A byte to or from the keyboard takes KEYBOARD_BYTE_MICROSECONDS on the wire; what
 * the system writes while one is sent waits in the input buffer, and status bit 1 says so. A byte from the keyboard
 * is fetched only when the output buffer is empty; the controller's own answers replace what is in it. At power-on
 * the controller is as firmware leaves it: self-test done, keyboard enabled, IRQ 1 and translation on. There is no
 * password. DD and DF, which gate A20, are in no IBM controller, but in those of most clones.
 */
export class I8042 implements PortDevice, Device {
  readonly #lines: I8042Lines;
  readonly #clock: Clock;
  readonly #translator = new ScanCodeTranslator();

  readonly #ram = new Uint8Array(RAM_SIZE);
  /** The output buffer, -1 when empty. */
  #output = -1;
  /** What an empty output buffer still shows. */
  #lastOutput = 0;
  #source: Source = "keyboard";
  #timeout = false;
  #irq: Line = "none";

  /** What was written and waits, -1 when nothing, and whether it or what came before it is a command. */
  #input = -1;
  #inputIsCommand = false;
  /** The command whose data byte comes next, 0 when none. */
  #dataOf = 0;
  /** Bits 4 to 7 of the status after POLL_INPUT, -1 when not polling. */
  #polled = -1;

  /** The byte on its way to a device, and the end of that. */
  #sending = 0;
  #sendingTo: Source = "keyboard";
  #sendEvent: EventHandle | null = null;
  #arrivalEvent: EventHandle | null = null;

  constructor(lines: I8042Lines) {
    this.#lines = lines;
    this.#clock = lines.clock;
  }

  connect(ports: PortBus): void {
    ports.register(I8042_DATA, 1, this, "8042 data");
    ports.register(I8042_COMMAND, 1, this, "8042 command");
  }

  /** Controller and keyboard as firmware leaves them. */
  reset(): void {
    this.#clock.cancel(this.#sendEvent);
    this.#clock.cancel(this.#arrivalEvent);
    this.#sendEvent = this.#arrivalEvent = null;
    this.#translator.reset();
    this.#ram.fill(0);
    this.#mode = FIRMWARE_MODE;
    this.#output = -1;
    this.#timeout = false;
    this.#input = -1;
    this.#inputIsCommand = false;
    this.#dataOf = 0;
    this.#polled = -1;
    this.#lines.keyboard.reset();
    this.#update();
  }

  /** The keyboard is part of it. */
  snapshot(s: Snapshot): void {
    this.#lines.keyboard.snapshot(s);
    s.section("8042");
    this.#translator.snapshot(s);
    s.bytes(this.#ram);
    this.#output = s.integer(this.#output, -1, 0xff);
    this.#lastOutput = s.integer(this.#lastOutput, 0, 0xff);
    this.#source = s.choice(this.#source, SOURCES);
    this.#timeout = s.flag(this.#timeout);
    this.#irq = s.choice(this.#irq, LINES);
    this.#input = s.integer(this.#input, -1, 0xff);
    this.#inputIsCommand = s.flag(this.#inputIsCommand);
    this.#dataOf = s.integer(this.#dataOf, 0, 0xff);
    this.#polled = s.integer(this.#polled, -1, 0xf0);
    this.#sending = s.integer(this.#sending, 0, 0xff);
    this.#sendingTo = s.choice(this.#sendingTo, SOURCES);
    this.#sendEvent = s.event(this.#sendEvent, this.#finishSend);
    this.#arrivalEvent = s.event(this.#arrivalEvent, this.#finishArrival);
  }

  /** The keyboard has something to send; see `KeyboardLines`. */
  readonly onKeyboardOutput = (): void => this.#update();

  readPort8(port: number): number {
    return port === I8042_DATA ? this.#readData() : this.#status;
  }

  /** A write while the input buffer is full replaces what is in it. */
  writePort8(port: number, value: number): void {
    this.#input = value;
    this.#inputIsCommand = port === I8042_COMMAND;
    this.#takeInput();
  }

  get #mode(): number {
    return this.#ram[0];
  }

  set #mode(value: number) {
    this.#ram[0] = value;
  }

  #has(bits: number): boolean {
    return (this.#mode & bits) !== 0;
  }

  get #status(): number {
    const low =
      (this.#output >= 0 ? STATUS.OUTPUT_FULL : 0) |
      (this.#input >= 0 ? STATUS.INPUT_FULL : 0) |
      (this.#has(MODE.SYSTEM) ? STATUS.SYSTEM : 0) |
      (this.#inputIsCommand ? STATUS.COMMAND : 0);
    if (this.#polled >= 0) return low | this.#polled;
    const fromAux = this.#output >= 0 && this.#source === "aux";
    return low | STATUS.NOT_LOCKED | (fromAux ? STATUS.FROM_AUX : 0) | (this.#timeout ? STATUS.TIMEOUT : 0);
  }

  #readData(): number {
    if (this.#output >= 0) this.#lastOutput = this.#output;
    this.#output = -1;
    this.#timeout = false;
    this.#update();
    return this.#lastOutput;
  }

  #takeInput(): void {
    if (this.#sendEvent !== null || this.#input < 0) return;
    const byte = this.#input;
    this.#input = -1;
    if (this.#inputIsCommand) {
      this.#polled = -1;
      this.#dataOf = 0;
      this.#command(byte);
    } else if (this.#dataOf !== 0) {
      const command = this.#dataOf;
      this.#dataOf = 0;
      this.#data(command, byte);
    } else {
      this.#mode &= ~MODE.KEYBOARD_DISABLED;
      this.#send(byte, "keyboard", KEYBOARD_BYTE_MICROSECONDS);
    }
    this.#update();
  }

  #command(command: number): void {
    if (command >= COMMAND.READ_RAM && command < COMMAND.READ_RAM + RAM_SIZE) {
      this.#answer(this.#ram[command & RAM_ADDRESS]);
      return;
    }
    if (command >= COMMAND.WRITE_RAM && command < COMMAND.WRITE_RAM + RAM_SIZE) {
      this.#dataOf = command;
      return;
    }
    if (command >= COMMAND.PULSE_OUTPUT_PORT) {
      // Bits that are 0 are pulsed; the reset line is the only one to which a pulse means something.
      if ((command & OUTPUT_PORT.NOT_RESET) === 0) this.#lines.onReset();
      return;
    }
    switch (command) {
      case COMMAND.TEST_PASSWORD:
        this.#answer(NO_PASSWORD);
        break;
      case COMMAND.DISABLE_AUX:
        this.#mode |= MODE.AUX_DISABLED;
        break;
      case COMMAND.ENABLE_AUX:
        this.#mode &= ~MODE.AUX_DISABLED;
        break;
      case COMMAND.TEST_AUX:
      case COMMAND.TEST_KEYBOARD:
        this.#answer(INTERFACE_GOOD);
        break;
      case COMMAND.SELF_TEST:
        this.#mode |= MODE.SYSTEM;
        this.#answer(SELF_TEST_PASSED);
        break;
      case COMMAND.DISABLE_KEYBOARD:
        this.#mode |= MODE.KEYBOARD_DISABLED;
        break;
      case COMMAND.ENABLE_KEYBOARD:
        this.#mode &= ~MODE.KEYBOARD_DISABLED;
        break;
      case COMMAND.READ_INPUT_PORT:
        this.#answer(INPUT_PORT);
        break;
      case COMMAND.POLL_INPUT_LOW:
        this.#polled = (INPUT_PORT & 0x0f) << 4;
        break;
      case COMMAND.POLL_INPUT_HIGH:
        this.#polled = INPUT_PORT & 0xf0;
        break;
      case COMMAND.READ_OUTPUT_PORT:
        this.#answer(this.#outputPort);
        break;
      case COMMAND.WRITE_OUTPUT_PORT:
      case COMMAND.WRITE_KEYBOARD_OUTPUT:
      case COMMAND.WRITE_AUX_OUTPUT:
      case COMMAND.WRITE_AUX:
        this.#dataOf = command;
        break;
      case COMMAND.DISABLE_A20:
        this.#lines.onA20(false);
        break;
      case COMMAND.ENABLE_A20:
        this.#lines.onA20(true);
        break;
      case COMMAND.READ_TEST_INPUTS:
        this.#answer(
          (this.#has(MODE.KEYBOARD_DISABLED) ? 0 : TEST_INPUT.KEYBOARD_CLOCK) |
            (this.#has(MODE.AUX_DISABLED) ? 0 : TEST_INPUT.AUX_CLOCK),
        );
        break;
    }
  }

  #data(command: number, byte: number): void {
    switch (command) {
      case COMMAND.WRITE_OUTPUT_PORT:
        this.#lines.onA20((byte & OUTPUT_PORT.A20) !== 0);
        if ((byte & OUTPUT_PORT.NOT_RESET) === 0) this.#lines.onReset();
        break;
      case COMMAND.WRITE_KEYBOARD_OUTPUT:
        this.#answer(byte);
        break;
      case COMMAND.WRITE_AUX_OUTPUT:
        this.#setOutput(byte, "aux");
        break;
      case COMMAND.WRITE_AUX:
        this.#mode &= ~MODE.AUX_DISABLED;
        this.#send(byte, "aux", TRANSMIT_TIMEOUT_MICROSECONDS);
        break;
      default:
        this.#ram[command & RAM_ADDRESS] = byte;
        break;
    }
  }

  get #outputPort(): number {
    return (
      OUTPUT_PORT.NOT_RESET |
      (this.#lines.a20() ? OUTPUT_PORT.A20 : 0) |
      OUTPUT_PORT.AUX_LINES |
      (this.#irq === "keyboard" ? OUTPUT_PORT.IRQ1 : 0) |
      (this.#irq === "aux" ? OUTPUT_PORT.IRQ12 : 0) |
      OUTPUT_PORT.KEYBOARD_LINES
    );
  }

  #answer(byte: number): void {
    this.#setOutput(byte, "keyboard");
  }

  #setOutput(byte: number, source: Source): void {
    // Each byte is a new edge on its line, even when it replaces one that was not read.
    this.#output = -1;
    this.#driveInterrupts();
    this.#output = byte;
    this.#source = source;
    this.#timeout = false;
    this.#driveInterrupts();
  }

  // ---- The wire ------------------------------------------------------------------------------------------------------

  #send(byte: number, to: Source, microseconds: number): void {
    this.#sending = byte;
    this.#sendingTo = to;
    this.#sendEvent = this.#after(microseconds, this.#finishSend);
  }

  readonly #finishSend = (): void => {
    this.#sendEvent = null;
    if (this.#sendingTo === "aux" || !this.#lines.keyboard.receive(this.#sending)) {
      this.#setOutput(NO_ANSWER, this.#sendingTo);
      this.#timeout = true;
    }
    this.#takeInput();
    this.#update();
  };

  readonly #finishArrival = (): void => {
    this.#arrivalEvent = null;
    const byte = this.#lines.keyboard.take();
    const translated = this.#has(MODE.TRANSLATE) ? this.#translator.translate(byte) : byte;
    if (translated >= 0) this.#setOutput(translated, "keyboard");
    this.#update();
  };

  /** Drives the interrupt lines, and lets the keyboard send when it may, or holds its clock low. */
  #update(): void {
    this.#driveInterrupts();
    const listening = this.#output < 0 && this.#sendEvent === null && !this.#has(MODE.KEYBOARD_DISABLED);
    if (!listening) {
      this.#clock.cancel(this.#arrivalEvent);
      this.#arrivalEvent = null;
    } else if (this.#arrivalEvent === null && this.#lines.keyboard.hasOutput) {
      this.#arrivalEvent = this.#after(KEYBOARD_BYTE_MICROSECONDS, this.#finishArrival);
    }
  }

  #driveInterrupts(): void {
    const enabled = this.#source === "aux" ? MODE.AUX_INTERRUPT : MODE.KEYBOARD_INTERRUPT;
    const irq = this.#output >= 0 && this.#has(enabled) ? this.#source : "none";
    if (irq === this.#irq) return;
    if (this.#irq === "keyboard") this.#lines.onIrq1(false);
    if (this.#irq === "aux") this.#lines.onIrq12(false);
    this.#irq = irq;
    if (irq === "keyboard") this.#lines.onIrq1(true);
    if (irq === "aux") this.#lines.onIrq12(true);
  }

  #after(microseconds: number, callback: () => void): EventHandle {
    return this.#clock.schedule(this.#clock.now + cyclesInMicroseconds(microseconds, this.#clock.hz), callback);
  }
}
