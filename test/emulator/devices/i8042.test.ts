import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Clock } from "../../../emulator/clock.ts";
import { I8042, KEYBOARD_BYTE_MICROSECONDS, TRANSMIT_TIMEOUT_MICROSECONDS } from "../../../emulator/devices/i8042.ts";
import { Keyboard, SELF_TEST_MICROSECONDS } from "../../../emulator/devices/keyboard.ts";
import { KEY_NAMES, type KeyName } from "../../../emulator/devices/keyboard-keys.ts";
import { PortBus } from "../../../emulator/devices/ports.ts";

const DATA = 0x60;
const COMMAND = 0x64;
const BYTE = KEYBOARD_BYTE_MICROSECONDS;
const ACK = 0xfa;
/** Command byte: interrupts of the keyboard, system flag; no translation. */
const UNTRANSLATED = 0x05;

/** A controller and keyboard on a machine with one cycle a microsecond. */
function setUp({ mode = null as number | null, keyInterval = 10_000 } = {}) {
  const clock = new Clock(1_000_000);
  const irqs: string[] = [];
  let a20 = true;
  let resets = 0;
  const keyboard: Keyboard = new Keyboard({ clock, onOutput: () => controller.onKeyboardOutput(), keyInterval });
  const controller = new I8042({
    clock,
    keyboard,
    onIrq1: (level) => irqs.push(`1 ${level ? "high" : "low"}`),
    onIrq12: (level) => irqs.push(`12 ${level ? "high" : "low"}`),
    a20: () => a20,
    onA20: (enabled) => (a20 = enabled),
    onReset: () => resets++,
  });
  const bus = new PortBus();
  controller.connect(bus);
  controller.reset();
  const status = () => bus.read8(COMMAND);
  const read = () => bus.read8(DATA);
  const run = (microseconds: number) => clock.advanceTo(clock.now + microseconds);
  const command = (...bytes: number[]) => {
    bus.write8(COMMAND, bytes[0]);
    for (const byte of bytes.slice(1)) bus.write8(DATA, byte);
  };
  if (mode !== null) command(0x60, mode);
  return {
    clock,
    bus,
    keyboard,
    controller,
    irqs,
    status,
    read,
    run,
    command,
    a20: () => a20,
    resets: () => resets,
    answer: (...bytes: number[]) => {
      command(...bytes);
      expect(status() & 1).toBe(1);
      return read();
    },
    /** Sends bytes to the keyboard, and returns what it answers to the last within 20 ms. */
    toKeyboard: (...bytes: number[]) => {
      let answers: number[] = [];
      for (const byte of bytes) {
        bus.write8(DATA, byte);
        answers = readFor(20);
      }
      return answers;
    },
    readFor,
  };

  /** What arrives in so many milliseconds. */
  function readFor(milliseconds: number): number[] {
    const bytes: number[] = [];
    for (let i = 0; i < milliseconds * 2; i++) {
      run(500);
      if ((status() & 1) !== 0) bytes.push(read());
    }
    return bytes;
  }
}

describe("8042 controller commands", () => {
  it("20 to 3F read its RAM, and 60 to 7F write it; 20 and 60 are the command byte", () => {
    const { answer, command } = setUp();
    expect(answer(0x20)).toBe(0x65);
    command(0x60, 0x74);
    expect(answer(0x20)).toBe(0x74);
    command(0x7f, 0xab);
    expect([answer(0x3f), answer(0x3e)]).toEqual([0xab, 0x00]);
  });

  it("AA tests the controller: 55, and the system flag is set", () => {
    const { answer, command, status } = setUp();
    command(0x60, 0x00);
    expect(status() & 0x04).toBe(0);
    expect(answer(0xaa)).toBe(0x55);
    expect(status() & 0x04).toBe(0x04);
  });

  it("AB and A9 test the interfaces: 0; A4 finds no password: F1", () => {
    const { answer } = setUp();
    expect([answer(0xab), answer(0xa9), answer(0xa4)]).toEqual([0x00, 0x00, 0xf1]);
  });

  it("AD, AE, A7 and A8 change the disable bits, which E0 shows at the clock lines", () => {
    const { answer, command } = setUp();
    expect(answer(0xe0)).toBe(0x01);
    command(0xa8);
    command(0xad);
    expect([answer(0x20), answer(0xe0)]).toEqual([0x55, 0x02]);
    command(0xa7);
    command(0xae);
    expect(answer(0x20)).toBe(0x65);
  });

  it("C0 reads the input port: not locked, colour display", () => {
    expect(setUp().answer(0xc0) & 0xe0).toBe(0xa0);
  });

  it("C1 and C2 show halves of the input port in status bits 7 to 4, until the next command", () => {
    const { command, status, answer } = setUp();
    const port = answer(0xc0);
    command(0xc1);
    expect(status() & 0xf0).toBe((port & 0x0f) << 4);
    command(0xc2);
    expect(status() & 0xf0).toBe(port & 0xf0);
    command(0xae);
    expect(status() & 0xf0).toBe(0x10);
  });

  it("D0 and D1 read and write the output port, whose bit 1 gates A20", () => {
    const { answer, command, a20 } = setUp();
    expect(answer(0xd0) & 0x03).toBe(0x03);
    command(0xd1, 0xdd);
    expect(a20()).toBe(false);
    expect(answer(0xd0) & 0x03).toBe(0x01);
    command(0xd1, 0xdf);
    expect(a20()).toBe(true);
  });

  it("DD and DF gate A20 at once", () => {
    const { command, a20 } = setUp();
    command(0xdd);
    expect(a20()).toBe(false);
    command(0xdf);
    expect(a20()).toBe(true);
  });

  it("D1 with bit 0 clear, and F0 to FF with bit 0 clear, reset the CPUs", () => {
    const { command, resets } = setUp();
    command(0xd1, 0xdf);
    command(0xff);
    command(0xf1);
    expect(resets()).toBe(0);
    command(0xfe);
    command(0xd1, 0xde);
    command(0xf0);
    expect(resets()).toBe(3);
  });

  it("D2 puts a byte in the output buffer as if from the keyboard, with IRQ 1", () => {
    const { command, status, read, irqs } = setUp();
    command(0xd2, 0x5a);
    expect(status() & 0x21).toBe(0x01);
    expect(irqs).toEqual(["1 high"]);
    expect(read()).toBe(0x5a);
    expect(irqs).toEqual(["1 high", "1 low"]);
  });

  it("a byte that replaces one which was not read is a new edge on its line", () => {
    const { command, irqs } = setUp();
    command(0xd2, 0x5a);
    command(0xd2, 0x5b);
    expect(irqs).toEqual(["1 high", "1 low", "1 high"]);
  });

  it("D3 puts a byte in the output buffer as if from the auxiliary device, with IRQ 12", () => {
    const { command, status, read, irqs } = setUp({ mode: 0x47 });
    command(0xd3, 0x5a);
    expect(status() & 0x21).toBe(0x21);
    expect(read()).toBe(0x5a);
    expect(irqs).toEqual(["12 high", "12 low"]);
  });

  it("D4 to the auxiliary port, where nothing is, times out with FE", () => {
    const { command, status, read, run } = setUp({ mode: 0x47 });
    command(0xd4, 0xff);
    run(TRANSMIT_TIMEOUT_MICROSECONDS - 1);
    expect(status() & 0x01).toBe(0);
    run(1);
    expect(status() & 0x61).toBe(0x61);
    expect(read()).toBe(0xfe);
    expect(status() & 0x61).toBe(0);
  });

  it("unknown ones do nothing", () => {
    const { command, status, answer } = setUp();
    for (const unknown of [0x00, 0x80, 0xa5, 0xc5, 0xde, 0xe5]) command(unknown);
    expect(status() & 0x03).toBe(0);
    expect(answer(0x20)).toBe(0x65);
  });
});

describe("8042 status", () => {
  it("bit 3 tells a command from data as the last write", () => {
    const { bus, status, command } = setUp();
    command(0xae);
    expect(status() & 0x08).toBe(0x08);
    bus.write8(DATA, 0xee);
    expect(status() & 0x08).toBe(0);
  });

  it("bit 1 says that a byte waits while another is on the wire, and not before", () => {
    const { bus, status, run, readFor } = setUp({ mode: UNTRANSLATED });
    bus.write8(DATA, 0xed);
    expect(status() & 0x02).toBe(0);
    bus.write8(DATA, 0x07);
    expect(status() & 0x02).toBe(0x02);
    run(BYTE);
    expect(status() & 0x02).toBe(0);
    expect(readFor(10)).toEqual([ACK]);
  });

  it("reading the data port empties the buffer, and reading it again shows the same byte", () => {
    const { command, status, read } = setUp();
    command(0xaa);
    expect([read(), status() & 1, read()]).toEqual([0x55, 0, 0x55]);
  });

  it("interrupts come only with bit 0 of the command byte, also for a byte that is there already", () => {
    const { command, irqs } = setUp({ mode: 0x44 });
    command(0xd2, 0x11);
    expect(irqs).toEqual([]);
    command(0x60, 0x45);
    expect(irqs).toEqual(["1 high"]);
  });
});

describe("keyboard scan codes", () => {
  const stroke = (name: KeyName, mode: number, ...held: KeyName[]) => {
    const { keyboard, readFor } = setUp({ mode });
    keyboard.press(...held);
    readFor(200);
    keyboard.press(name);
    keyboard.release(name);
    return Buffer.from(readFor(200)).toString("hex");
  };

  it.each<{ name: KeyName; set2: string; set1: string }>([
    { name: "a", set2: "1cf01c", set1: "1e9e" },
    { name: "enter", set2: "5af05a", set1: "1c9c" },
    { name: "escape", set2: "76f076", set1: "0181" },
    { name: "left-shift", set2: "12f012", set1: "2aaa" },
    { name: "f7", set2: "83f083", set1: "41c1" },
    { name: "f12", set2: "07f007", set1: "58d8" },
    { name: "right-control", set2: "e014e0f014", set1: "e01de09d" },
    { name: "up", set2: "e075e0f075", set1: "e048e0c8" },
    { name: "keypad-enter", set2: "e05ae0f05a", set1: "e01ce09c" },
    { name: "print-screen", set2: "e012e07ce0f07ce0f012", set1: "e02ae037e0b7e0aa" },
    { name: "pause", set2: "e11477e1f014f077", set1: "e11d45e19dc5" },
  ])("$name sends $set2, and translated $set1", ({ name, set2, set1 }) => {
    expect(stroke(name, UNTRANSLATED)).toBe(set2);
    expect(stroke(name, UNTRANSLATED | 0x40)).toBe(set1);
  });

  it.each<{ held: KeyName; name: KeyName; set2: string }>([
    { held: "left-shift", name: "up", set2: "e0f012e075e0f075e012" },
    { held: "right-shift", name: "home", set2: "e0f059e06ce0f06ce059" },
    { held: "left-shift", name: "keypad-/", set2: "e0f012e04ae0f04ae012" },
    { held: "left-control", name: "print-screen", set2: "e07ce0f07c" },
    { held: "left-alt", name: "print-screen", set2: "84f084" },
    { held: "left-control", name: "pause", set2: "e07ee0f07e" },
  ])("$name with $held held sends $set2", ({ held, name, set2 }) => {
    expect(stroke(name, UNTRANSLATED, held)).toBe(set2);
  });

  it("navigation keys pretend a shift while num lock is on", () => {
    const { keyboard, toKeyboard, readFor } = setUp({ mode: UNTRANSLATED });
    toKeyboard(0xed, 0x02);
    keyboard.stroke("left");
    expect(Buffer.from(readFor(100)).toString("hex")).toBe("e012e06be0f06be0f012");
  });

  it("set 1 comes from the keyboard itself after F0 01", () => {
    const { keyboard, toKeyboard, readFor } = setUp({ mode: UNTRANSLATED });
    toKeyboard(0xf0, 0x01);
    keyboard.stroke("right-alt");
    expect(readFor(100)).toEqual([0xe0, 0x38, 0xe0, 0xb8]);
  });

  it("set 3 has one code for each key, and break codes for some", () => {
    const { keyboard, toKeyboard, readFor } = setUp({ mode: UNTRANSLATED });
    toKeyboard(0xf0, 0x03);
    keyboard.stroke("left-shift", "a", "pause");
    expect(readFor(200)).toEqual([0x12, 0x1c, 0x62, 0xf0, 0x12]);
    toKeyboard(0xf8);
    keyboard.stroke("a");
    expect(readFor(100)).toEqual([0x1c, 0xf0, 0x1c]);
    toKeyboard(0xfd, 0x1c);
    keyboard.stroke("a");
    keyboard.stroke("s");
    expect(readFor(100)).toEqual([0x1c, 0x1b, 0xf0, 0x1b]);
  });

  it("all keys have codes of their own in each set", () => {
    for (const mode of [UNTRANSLATED, UNTRANSLATED | 0x40]) {
      const codes = KEY_NAMES.map((name) => stroke(name, mode));
      expect(new Set(codes).size).toBe(KEY_NAMES.length);
      expect(codes).not.toContain("");
    }
  });
});

describe("keyboard commands", () => {
  it("ED sets the LEDs", () => {
    const { keyboard, toKeyboard } = setUp();
    expect(toKeyboard(0xed, 0x05)).toEqual([ACK]);
    expect(keyboard.leds).toEqual({ scrollLock: true, numLock: false, capsLock: true });
  });

  it("EE is echoed", () => {
    expect(setUp().toKeyboard(0xee)).toEqual([0xee]);
  });

  it("F2 identifies: AB 83, and translated AB 41", () => {
    expect(setUp({ mode: UNTRANSLATED }).toKeyboard(0xf2)).toEqual([ACK, 0xab, 0x83]);
    expect(setUp().toKeyboard(0xf2)).toEqual([ACK, 0xab, 0x41]);
  });

  it("F0 00 asks for the scan code set", () => {
    const { toKeyboard } = setUp({ mode: UNTRANSLATED });
    expect(toKeyboard(0xf0, 0x00)).toEqual([ACK, 2]);
    toKeyboard(0xf0, 0x03);
    expect(toKeyboard(0xf0, 0x00)).toEqual([ACK, 3]);
    expect(toKeyboard(0xf0, 0x04)).toEqual([0xfe]);
  });

  it("F5 stops scanning and F4 starts it; what happens between is lost, but what the host queued waits", () => {
    const { keyboard, toKeyboard, readFor } = setUp({ mode: UNTRANSLATED });
    keyboard.press("a");
    readFor(20);
    expect(toKeyboard(0xf5)).toEqual([ACK]);
    keyboard.release("a");
    keyboard.press("b");
    expect(readFor(50)).toEqual([]);
    expect(toKeyboard(0xf4)).toEqual([ACK, 0x32]);
  });

  it("F6 goes back to set 2 and the power-on repeat rate", () => {
    const { toKeyboard } = setUp({ mode: UNTRANSLATED });
    toKeyboard(0xf0, 0x01);
    expect(toKeyboard(0xf6)).toEqual([ACK]);
    expect(toKeyboard(0xf0, 0x00)).toEqual([ACK, 2]);
  });

  it("FE has the last byte sent again", () => {
    const { toKeyboard } = setUp({ mode: UNTRANSLATED });
    toKeyboard(0xf2);
    expect(toKeyboard(0xfe)).toEqual([0x83]);
    expect(toKeyboard(0xfe)).toEqual([0x83]);
  });

  it("FF resets: acknowledged, then AA when the self-test is over; the LEDs go off", () => {
    const { keyboard, toKeyboard, readFor, clock, bus } = setUp();
    toKeyboard(0xed, 0x07);
    const start = clock.now;
    expect(toKeyboard(0xff)).toEqual([ACK]);
    expect(keyboard.leds.capsLock).toBe(false);
    bus.write8(DATA, 0xee);
    expect(readFor(10)).toEqual([0xfe]);
    clock.advanceTo(start + BYTE + SELF_TEST_MICROSECONDS);
    expect(readFor(5)).toEqual([0xaa]);
  });

  it("others are asked for again", () => {
    for (const unknown of [0x00, 0x55, 0xef, 0xf1]) expect(setUp().toKeyboard(unknown)).toEqual([0xfe]);
  });

  it("a command in place of an option is obeyed", () => {
    const { keyboard, toKeyboard } = setUp();
    expect(toKeyboard(0xed, 0xee)).toEqual([0xee]);
    expect(keyboard.leds.numLock).toBe(false);
  });

  it("writing to a disabled keyboard enables it", () => {
    const { command, toKeyboard, answer } = setUp();
    command(0xad);
    expect(toKeyboard(0xee)).toEqual([0xee]);
    expect(answer(0x20) & 0x10).toBe(0);
  });
});

describe("typematic repeat", () => {
  const arrivals = (setting: number | null, milliseconds: number) => {
    const { keyboard, toKeyboard, clock, run, status, read } = setUp();
    if (setting !== null) toKeyboard(0xf3, setting);
    const start = clock.now;
    keyboard.press("a");
    const times: number[] = [];
    while (clock.now < start + milliseconds * 1000) {
      run(100);
      if ((status() & 1) === 0) continue;
      expect(read()).toBe(0x1e);
      times.push(clock.now - start);
    }
    return times.map((time) => time - BYTE);
  };

  it("begins after 500 ms, 10.9 times a second", () => {
    const times = arrivals(null, 1000);
    const period = (8 + 3) * 2 * 4170;
    // Seen at the first look in each 100 µs.
    const seen = (time: number) => Math.ceil(time / 100) * 100;
    expect(times).toEqual([0, ...[0, 1, 2, 3, 4, 5].map((n) => seen(500_000 + n * period))]);
  });

  it("F3 sets delay and rate", () => {
    const fast = arrivals(0x00, 600);
    expect(fast[1]).toBe(250_000);
    expect(Math.round((fast[2] - fast[1]) / 1000)).toBe(33);
    const slow = arrivals(0x7f, 1600);
    expect(slow.slice(0, 2)).toEqual([0, 1_000_000]);
    expect(Math.round((slow[2] - slow[1]) / 1000)).toBe(500);
  });

  it("is of the key pressed last, and ends when that is let go", () => {
    const { keyboard, readFor } = setUp({ mode: UNTRANSLATED });
    keyboard.press("a", "b");
    expect(new Set(readFor(1000).slice(1))).toEqual(new Set([0x32]));
    keyboard.release("b");
    expect(readFor(1000)).toEqual([0xf0, 0x32]);
  });

  it("does not fill the buffer while nobody reads", () => {
    const { keyboard, run, readFor } = setUp({ mode: UNTRANSLATED });
    keyboard.press("a");
    run(5_000_000);
    keyboard.release("a");
    expect(readFor(100)).toEqual([0x1c, 0x1c, 0xf0, 0x1c]);
  });
});

describe("keyboard and controller together", () => {
  it("a key takes a millisecond to arrive, with IRQ 1, and the next only after it was read", () => {
    const { keyboard, run, irqs, status, read } = setUp();
    keyboard.press("a");
    run(BYTE - 1);
    expect([status() & 1, irqs]).toEqual([0, []]);
    run(1);
    expect([status() & 1, irqs]).toEqual([1, ["1 high"]]);
    keyboard.release("a");
    run(100_000);
    expect(read()).toBe(0x1e);
    expect(irqs).toEqual(["1 high", "1 low"]);
    run(2 * BYTE);
    expect(read()).toBe(0x9e);
  });

  it("a disabled keyboard keeps its bytes until it is enabled", () => {
    const { keyboard, command, readFor } = setUp();
    command(0xad);
    keyboard.stroke("a");
    expect(readFor(100)).toEqual([]);
    command(0xae);
    expect(readFor(100)).toEqual([0x1e, 0x9e]);
  });

  it("the buffer holds 16 bytes; keys that find no room leave a mark", () => {
    const { keyboard, command, readFor, run } = setUp({ mode: UNTRANSLATED });
    command(0xad);
    command(0xae);
    const keys: KeyName[] = ["up", "down", "left", "right", "home", "end", "insert"];
    keyboard.press(...keys);
    expect(readFor(300).length).toBe(2 * keys.length);
    command(0xad);
    keyboard.release(...keys);
    run(1_000_000);
    command(0xae);
    const codes = Buffer.from(readFor(300)).toString("hex");
    expect(codes).toBe("e0f075e0f072e0f06be0f074e0f06c00");
  });

  it("types text, with shift and control where the US layout needs them", () => {
    const { keyboard, readFor } = setUp({ mode: UNTRANSLATED });
    keyboard.type("aB!\n\x03");
    expect(Buffer.from(readFor(500)).toString("hex")).toBe(
      ["1cf01c", "1232f032f012", "1216f016f012", "5af05a", "1421f021f014"].join(""),
    );
  });

  it("refuses keys and characters that there are not, before any key is pressed", () => {
    const { keyboard } = setUp();
    expect(() => keyboard.press("a", "any" as KeyName)).toThrow(/no key is named "any"; the keys are .* enter /);
    expect(() => keyboard.type("aé")).toThrow(/no key types "é": expected characters of the US layout/);
    expect(keyboard.pendingEvents).toBe(0);
    expect(() => setUp({ keyInterval: 0 })).toThrow(/key interval 0: expected whole microseconds/);
  });

  it("an idle keyboard leaves no events in the clock", () => {
    const { keyboard, clock, readFor } = setUp();
    keyboard.type("hello\n");
    readFor(500);
    expect(clock.size).toBe(0);
  });
});

describe("8042 property", () => {
  const step = fc.oneof(
    fc.record({ port: fc.constantFrom(DATA, COMMAND), value: fc.nat(255) }),
    fc.record({ key: fc.constantFrom(...KEY_NAMES), down: fc.boolean() }),
    fc.record({ microseconds: fc.nat(400_000) }),
    fc.record({ reads: fc.nat(3) }),
  );

  it("nothing that is written makes it fail, and it still answers afterwards", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { bus, keyboard, run, read, status, irqs, command, readFor, toKeyboard } = setUp();
        for (const action of steps) {
          if ("port" in action) bus.write8(action.port, action.value);
          else if ("key" in action) action.down ? keyboard.press(action.key) : keyboard.release(action.key);
          else if ("reads" in action) for (let i = 0; i < action.reads; i++) read();
          else run(action.microseconds);
          if ((status() & 1) === 0) expect(irqs.at(-1)?.endsWith("high") ?? false).toBe(false);
        }
        readFor(20);
        run(SELF_TEST_MICROSECONDS + TRANSMIT_TIMEOUT_MICROSECONDS);
        keyboard.release(...KEY_NAMES);
        command(0x60, UNTRANSLATED);
        readFor(2000);
        expect(toKeyboard(0xf5)).toEqual([ACK]);
        expect(toKeyboard(0xee)).toEqual([0xee]);
        command(0xaa);
        expect(read()).toBe(0x55);
      }),
      { numRuns: 60 },
    );
  });
});
