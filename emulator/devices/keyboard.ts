import type { Clock, EventHandle } from "../clock.ts";
import { cyclesInMicroseconds } from "../hz.ts";
import type { Snapshot } from "../snapshot.ts";
import { type KeyEvent, KeyQueue } from "./key-queue.ts";
import { KEY_TYPE, KEYS, type Key, type KeyName, keyNamed, keysFor } from "./keyboard-keys.ts";
import { BREAK_PREFIX, breakCodes, makeCodes, translated } from "./scan-codes.ts";

/** Time between two key events that the host queued, in microseconds: a fast typist, and within any typematic delay. */
export const DEFAULT_KEY_INTERVAL = 10_000;
/** How long the self-test takes after power-on and reset, in microseconds (300 to 500 ms in the reference). */
export const SELF_TEST_MICROSECONDS = 300_000;

const COMMAND = {
  SET_LEDS: 0xed,
  ECHO: 0xee,
  SCAN_CODE_SET: 0xf0,
  IDENTIFY: 0xf2,
  TYPEMATIC: 0xf3,
  ENABLE: 0xf4,
  DEFAULT_DISABLE: 0xf5,
  DEFAULT: 0xf6,
  ALL_TYPEMATIC: 0xf7,
  ALL_MAKE_BREAK: 0xf8,
  ALL_MAKE: 0xf9,
  ALL_TYPEMATIC_MAKE_BREAK: 0xfa,
  KEY_TYPEMATIC: 0xfb,
  KEY_MAKE_BREAK: 0xfc,
  KEY_MAKE: 0xfd,
  RESEND: 0xfe,
  RESET: 0xff,
} as const;
const RESPONSE = { SELF_TEST_PASSED: 0xaa, ECHO: 0xee, ACKNOWLEDGE: 0xfa, RESEND: 0xfe } as const;
/** What IDENTIFY answers: a keyboard with 101 or 102 keys. */
const IDENTITY = [0xab, 0x83] as const;
/** Key types that the commands F7 to FD set. */
const COMMANDED_TYPE: Readonly<Record<number, number>> = {
  [COMMAND.ALL_TYPEMATIC]: KEY_TYPE.TYPEMATIC,
  [COMMAND.ALL_MAKE_BREAK]: KEY_TYPE.MAKE_BREAK,
  [COMMAND.ALL_MAKE]: KEY_TYPE.MAKE,
  [COMMAND.ALL_TYPEMATIC_MAKE_BREAK]: KEY_TYPE.TYPEMATIC | KEY_TYPE.MAKE_BREAK,
  [COMMAND.KEY_TYPEMATIC]: KEY_TYPE.TYPEMATIC,
  [COMMAND.KEY_MAKE_BREAK]: KEY_TYPE.MAKE_BREAK,
  [COMMAND.KEY_MAKE]: KEY_TYPE.MAKE,
};

const BUFFER_SIZE = 16;
/** What takes the place of the code that found the buffer full, by scan code set. */
const OVERRUN = [0, 0xff, 0x00, 0x00] as const;
const DEFAULT_SCAN_CODE_SET = 2;
/** 500 ms of delay, 10.9 characters a second. */
const DEFAULT_TYPEMATIC = 0x2b;
const TYPEMATIC_DELAY_MICROSECONDS = 250_000;
const TYPEMATIC_UNIT_MICROSECONDS = 4170;

/** Answers that wait at most: the next command makes the keyboard forget them. */
const MOST_RESPONSES = 3;
const DEFAULT_TYPES = Uint8Array.from(KEYS, (key) => key.type);

const LED = { SCROLL_LOCK: 1, NUM_LOCK: 2, CAPS_LOCK: 4 } as const;

/** What the keyboard is connected to. */
export interface KeyboardLines {
  clock: Clock;
  /** The keyboard has a byte to send, for `take`. */
  onOutput: () => void;
  /** Microseconds between queued key events; DEFAULT_KEY_INTERVAL when not given. */
  keyInterval?: number;
}

/**
 * IBM enhanced keyboard (101/102 keys) with a PS/2 connector, after IBM's Personal System/2 Hardware Interface Technical
 * Reference, "Keyboards (101- and 102-key)": scan code sets 1 to 3, a buffer of 16 bytes, typematic repeat of the key
 * pressed last, and all commands.
 *
 * The host presses keys by name. Its events queue: they happen one interval apart, and a key goes down only when
 * everything before was sent and scanning is enabled, so a program that is slow to listen misses nothing.
 */
export class Keyboard {
  readonly #lines: KeyboardLines;
  readonly #clock: Clock;
  readonly #queue: KeyQueue;

  #leds = 0;
  #scanning = true;
  #set = DEFAULT_SCAN_CODE_SET;
  #typematic = DEFAULT_TYPEMATIC;
  /** KEY_TYPE bits for set 3, by key number. */
  readonly #types = DEFAULT_TYPES.slice();
  /** The command whose option byte comes next, 0 when none. */
  #optionOf = 0;
  #lastSent = 0;
  #selfTest: EventHandle | null = null;

  /** Answers to commands go before what keys put in the buffer. */
  readonly #responses: number[] = [];
  readonly #buffer: number[] = [];
  #overrun = false;

  readonly #held = new Set<KeyName>();
  #repeating: Key | null = null;
  #repeatEvent: EventHandle | null = null;

  /** @throws RangeError when the key interval is not a positive number of microseconds */
  constructor(lines: KeyboardLines) {
    const interval = lines.keyInterval ?? DEFAULT_KEY_INTERVAL;
    if (!Number.isInteger(interval) || interval < 1 || interval > 0xffffffff) {
      throw new RangeError(`key interval ${interval}: expected whole microseconds, 1 or more`);
    }
    this.#lines = lines;
    this.#clock = lines.clock;
    this.#queue = new KeyQueue(lines.clock, cyclesInMicroseconds(interval, lines.clock.hz), {
      canPress: () => this.#scanning && !this.hasOutput,
      keyDown: (name) => this.#keyDown(keyNamed(name)),
      keyUp: (name) => this.#keyUp(keyNamed(name)),
    });
  }

  // ---- The host's side -----------------------------------------------------------------------------------------------

  /**
   * Presses keys, in this order, and holds them.
   * @throws RangeError for a name that no key has
   */
  press(...names: readonly KeyName[]): void {
    this.#queue.add(names.map((name) => ({ name, down: true })));
  }

  /** Lets keys go. @throws RangeError for a name that no key has */
  release(...names: readonly KeyName[]): void {
    this.#queue.add(names.map((name) => ({ name, down: false })));
  }

  /**
   * Presses keys, in this order, and lets them go in the opposite one: `stroke("left-control", "left-alt", "delete")`.
   * @throws RangeError for a name that no key has
   */
  stroke(...names: readonly KeyName[]): void {
    this.#queue.add(strokeOf(names));
  }

  /**
   * Types text on the US layout: ASCII, with "\n" for enter, and control characters by the control key. Caps lock is
   * taken to be off.
   * @throws RangeError, before anything is typed, for a character that the layout does not have
   */
  type(text: string): void {
    this.#queue.add([...text].flatMap((character) => strokeOf(keysFor(character))));
  }

  /** Key events that wait in the host's queue. */
  get pendingEvents(): number {
    return this.#queue.length;
  }

  get leds(): { readonly scrollLock: boolean; readonly numLock: boolean; readonly capsLock: boolean } {
    return {
      scrollLock: (this.#leds & LED.SCROLL_LOCK) !== 0,
      numLock: (this.#leds & LED.NUM_LOCK) !== 0,
      capsLock: (this.#leds & LED.CAPS_LOCK) !== 0,
    };
  }

  // ---- The controller's side -----------------------------------------------------------------------------------------

  /** Power-on, with the self-test behind it. The host's queue stays, and so do keys that are held. */
  reset(): void {
    this.#leds = 0;
    this.#optionOf = 0;
    this.#lastSent = 0;
    this.#responses.length = 0;
    this.#clock.cancel(this.#selfTest);
    this.#selfTest = null;
    this.#restoreDefaults();
    this.#setScanning(true);
    this.#queue.play();
  }

  snapshot(s: Snapshot): void {
    s.section("keyboard");
    this.#leds = s.integer(this.#leds, 0, 7);
    this.#scanning = s.flag(this.#scanning);
    this.#set = s.integer(this.#set, 1, 3);
    this.#typematic = s.integer(this.#typematic, 0, 0x7f);
    s.bytes(this.#types);
    this.#optionOf = s.integer(this.#optionOf, 0, 0xff);
    this.#lastSent = s.integer(this.#lastSent, 0, 0xff);
    this.#selfTest = s.event(this.#selfTest, this.#finishSelfTest);
    s.list(this.#responses, MOST_RESPONSES, 0xff);
    s.list(this.#buffer, BUFFER_SIZE + 1, 0xff);
    this.#overrun = s.flag(this.#overrun);
    const held = [...this.#held].map((name) => keyNamed(name).number);
    s.list(held, KEYS.length, KEYS.length - 1);
    this.#held.clear();
    for (const number of held) this.#held.add(KEYS[number].name);
    this.#repeating = KEYS[s.integer(this.#repeating?.number ?? -1, -1, KEYS.length - 1)] ?? null;
    this.#repeatEvent = s.event(this.#repeatEvent, this.#repeat);
    this.#queue.snapshot(s);
  }

  /** Whether `take` has something to give. */
  get hasOutput(): boolean {
    return this.#responses.length > 0 || this.#buffer.length > 0;
  }

  /** The next byte that the keyboard sends. Only when `hasOutput`. */
  take(): number {
    const byte = this.#responses.length > 0 ? this.#responses.shift()! : (this.#buffer.shift() ?? 0);
    this.#lastSent = byte;
    this.#queue.play();
    return byte;
  }

  /**
   * A byte from the system: a command or the option of one. What was still to be answered is forgotten.
   * @returns false when nobody listens, because of the self-test
   */
  receive(byte: number): boolean {
    if (this.#selfTest !== null) return false;
    this.#responses.length = 0;
    const command = this.#optionOf;
    this.#optionOf = 0;
    // A command in place of the option is obeyed, and the one before it has no effect.
    if (command !== 0 && byte < COMMAND.SET_LEDS) this.#option(command, byte);
    else this.#command(byte);
    this.#queue.play();
    return true;
  }

  #command(byte: number): void {
    switch (byte) {
      case COMMAND.SET_LEDS:
      case COMMAND.SCAN_CODE_SET:
      case COMMAND.TYPEMATIC:
      case COMMAND.KEY_TYPEMATIC:
      case COMMAND.KEY_MAKE_BREAK:
      case COMMAND.KEY_MAKE:
        this.#optionOf = byte;
        this.#respond(RESPONSE.ACKNOWLEDGE);
        break;
      case COMMAND.ECHO:
        this.#respond(RESPONSE.ECHO);
        break;
      case COMMAND.IDENTIFY:
        this.#respond(RESPONSE.ACKNOWLEDGE, ...IDENTITY);
        break;
      case COMMAND.ENABLE:
        this.#setScanning(true);
        this.#respond(RESPONSE.ACKNOWLEDGE);
        break;
      case COMMAND.DEFAULT_DISABLE:
        this.#restoreDefaults();
        this.#setScanning(false);
        this.#respond(RESPONSE.ACKNOWLEDGE);
        break;
      case COMMAND.DEFAULT:
        this.#restoreDefaults();
        this.#setScanning(this.#scanning);
        this.#respond(RESPONSE.ACKNOWLEDGE);
        break;
      case COMMAND.ALL_TYPEMATIC:
      case COMMAND.ALL_MAKE_BREAK:
      case COMMAND.ALL_MAKE:
      case COMMAND.ALL_TYPEMATIC_MAKE_BREAK:
        this.#types.fill(COMMANDED_TYPE[byte]);
        this.#respond(RESPONSE.ACKNOWLEDGE);
        break;
      case COMMAND.RESEND:
        this.#respond(this.#lastSent);
        break;
      case COMMAND.RESET:
        this.#startSelfTest();
        break;
      default:
        this.#respond(RESPONSE.RESEND);
        break;
    }
  }

  #option(command: number, option: number): void {
    switch (command) {
      case COMMAND.SET_LEDS:
        this.#leds = option & (LED.SCROLL_LOCK | LED.NUM_LOCK | LED.CAPS_LOCK);
        this.#respond(RESPONSE.ACKNOWLEDGE);
        break;
      case COMMAND.TYPEMATIC:
        this.#typematic = option & 0x7f;
        this.#respond(RESPONSE.ACKNOWLEDGE);
        break;
      case COMMAND.SCAN_CODE_SET:
        if (option === 0) {
          this.#respond(RESPONSE.ACKNOWLEDGE, this.#set);
        } else if (option <= 3) {
          this.#clearBuffer();
          this.#set = option;
          this.#respond(RESPONSE.ACKNOWLEDGE);
        } else {
          this.#respond(RESPONSE.RESEND);
        }
        break;
      default:
        // FB to FD take any number of keys, up to the next command.
        for (const key of KEYS) if (key.set3 === option) this.#types[key.number] = COMMANDED_TYPE[command];
        this.#optionOf = command;
        this.#respond(RESPONSE.ACKNOWLEDGE);
        break;
    }
  }

  #restoreDefaults(): void {
    this.#set = DEFAULT_SCAN_CODE_SET;
    this.#typematic = DEFAULT_TYPEMATIC;
    this.#types.set(DEFAULT_TYPES);
  }

  /** Also forgets what keys have put in the buffer, and the key that repeats. */
  #setScanning(scanning: boolean): void {
    this.#clearBuffer();
    this.#stopRepeating();
    this.#scanning = scanning;
  }

  #startSelfTest(): void {
    this.#leds = 0;
    this.#restoreDefaults();
    this.#setScanning(false);
    this.#respond(RESPONSE.ACKNOWLEDGE);
    const end = this.#clock.now + cyclesInMicroseconds(SELF_TEST_MICROSECONDS, this.#clock.hz);
    this.#selfTest = this.#clock.schedule(end, this.#finishSelfTest);
  }

  readonly #finishSelfTest = (): void => {
    this.#selfTest = null;
    this.#scanning = true;
    this.#respond(RESPONSE.SELF_TEST_PASSED);
  };

  #respond(...bytes: readonly number[]): void {
    this.#responses.push(...bytes);
    this.#lines.onOutput();
  }

  // ---- Keys ----------------------------------------------------------------------------------------------------------

  #keyDown(key: Key): void {
    this.#held.add(key.name);
    if (!this.#scanning) return;
    this.#send(this.#makeCodes(key));
    this.#startRepeating(key);
  }

  #keyUp(key: Key): void {
    if (!this.#held.delete(key.name)) return;
    if (key === this.#repeating) this.#stopRepeating();
    if (this.#scanning) this.#send(this.#breakCodes(key));
  }

  #makeCodes(key: Key): readonly number[] {
    return this.#set === 3 ? [key.set3] : makeCodes(key, this.#held, this.leds.numLock);
  }

  #breakCodes(key: Key): readonly number[] {
    if (this.#set !== 3) return breakCodes(key, this.#held, this.leds.numLock);
    return (this.#types[key.number] & KEY_TYPE.MAKE_BREAK) !== 0 ? [BREAK_PREFIX, key.set3] : [];
  }

  #startRepeating(key: Key): void {
    this.#stopRepeating();
    const repeats = this.#set === 3 ? (this.#types[key.number] & KEY_TYPE.TYPEMATIC) !== 0 : key.quirk !== "pause";
    if (!repeats) return;
    this.#repeating = key;
    this.#scheduleRepeat(((this.#typematic >>> 5) + 1) * TYPEMATIC_DELAY_MICROSECONDS);
  }

  #stopRepeating(): void {
    this.#repeating = null;
    this.#clock.cancel(this.#repeatEvent);
    this.#repeatEvent = null;
  }

  #scheduleRepeat(microseconds: number): void {
    const at = this.#clock.now + cyclesInMicroseconds(microseconds, this.#clock.hz);
    this.#repeatEvent = this.#clock.schedule(at, this.#repeat);
  }

  /** Repeats are not buffered, so that a key does not go on long after it was let go. */
  readonly #repeat = (): void => {
    if (!this.hasOutput && this.#repeating !== null) this.#send(this.#makeCodes(this.#repeating));
    const units = (8 + (this.#typematic & 7)) << ((this.#typematic >>> 3) & 3);
    this.#scheduleRepeat(units * TYPEMATIC_UNIT_MICROSECONDS);
  };

  /** Puts the codes of one key event in the buffer, all or none; what finds no room leaves the mark of an overrun. */
  #send(codes: readonly number[]): void {
    if (codes.length === 0) return;
    const bytes = this.#set === 1 ? translated(codes) : codes;
    if (this.#buffer.length + bytes.length <= BUFFER_SIZE) {
      this.#buffer.push(...bytes);
      this.#overrun = false;
    } else if (!this.#overrun) {
      this.#buffer.push(OVERRUN[this.#set]);
      this.#overrun = true;
    }
    this.#lines.onOutput();
  }

  #clearBuffer(): void {
    this.#buffer.length = 0;
    this.#overrun = false;
  }
}

function strokeOf(names: readonly KeyName[]): KeyEvent[] {
  const down = names.map((name) => ({ name, down: true }));
  return [...down, ...names.toReversed().map((name) => ({ name, down: false }))];
}
