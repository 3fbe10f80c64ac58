import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Clock } from "../../../emulator/clock.ts";
import { PortBus } from "../../../emulator/devices/ports.ts";
import { TEXT_BUFFER, TEXT_BUFFER_BYTES, VgaText } from "../../../emulator/devices/vga-text.ts";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.ts";

const DOT_CLOCK = 28_322_000;
/** Characters in a line and lines in a frame of mode 3, with what is not shown; pixels of a character. */
const CHARACTERS = 100;
const LINES = 449;
const DOTS = 9;
const FRAME = CHARACTERS * LINES * DOTS;

/** An adapter on a machine with one cycle a pixel. */
function setUp() {
  const clock = new Clock(DOT_CLOCK);
  const memory = new PhysicalMemory(1 << 20);
  const vga = new VgaText({ clock, memory });
  const bus = new PortBus();
  vga.connect(bus);
  vga.reset();
  const indexed = (port: number) => ({
    read: (index: number) => {
      bus.write8(port, index);
      return bus.read8(port + 1);
    },
    write: (index: number, value: number) => {
      bus.write8(port, index);
      bus.write8(port + 1, value);
    },
  });
  return {
    clock,
    memory,
    vga,
    bus,
    crtc: indexed(0x3d4),
    sequencer: indexed(0x3c4),
    graphics: indexed(0x3ce),
    print: (text: string, cell = 0, attribute = 0x07) => {
      [...text].forEach((character, index) => {
        memory.write8(TEXT_BUFFER + (cell + index) * 2, character.charCodeAt(0));
        memory.write8(TEXT_BUFFER + (cell + index) * 2 + 1, attribute);
      });
    },
    lines: () => vga.screenText().split("\n"),
  };
}

describe("VGA frame buffer", () => {
  it("is 32 KiB of plain memory at B8000, and the rest of the window is not there", () => {
    const { memory } = setUp();
    memory.write32(TEXT_BUFFER, 0x12345678);
    memory.write8(TEXT_BUFFER + TEXT_BUFFER_BYTES - 1, 0x9a);
    memory.write8(0xb7fff, 1);
    expect(memory.read32(TEXT_BUFFER)).toBe(0x12345678);
    expect(memory.read8(0xbffff)).toBe(0x9a);
    expect(memory.read8(0xb7fff)).toBe(0xff);
    expect(memory.hostPage(TEXT_BUFFER >>> 12)).toBeGreaterThan(0);
    expect(memory.isWritablePage(TEXT_BUFFER >>> 12)).toBe(true);
  });

  it("is blank after a reset: grey spaces on black", () => {
    const { memory, vga, print } = setUp();
    print("X");
    vga.reset();
    expect(memory.read32(TEXT_BUFFER)).toBe(0x07200720);
    expect(vga.screenText()).toBe("\n".repeat(25));
  });
});

describe("VGA screen", () => {
  it("has 25 rows of 80 characters in mode 3", () => {
    const { vga, print, lines } = setUp();
    expect([vga.columns, vga.rows]).toEqual([80, 25]);
    print("first", 0);
    print("last", 80 * 24 + 76);
    expect(lines()[0]).toBe("first");
    expect(lines()[24]).toBe(`${" ".repeat(76)}last`);
  });

  it("shows code page 437, and attributes", () => {
    const { vga, memory, lines } = setUp();
    memory.write32(TEXT_BUFFER, 0x1fe14ec9);
    expect(vga.cells[0].slice(0, 3)).toEqual([
      { code: 0xc9, character: "╔", attribute: 0x4e },
      { code: 0xe1, character: "ß", attribute: 0x1f },
      { code: 0x20, character: " ", attribute: 0x07 },
    ]);
    expect(lines()[0]).toBe("╔ß");
  });

  it("shows each of the 256 codes as one character", () => {
    const { vga, memory } = setUp();
    for (let code = 0; code < 256; code++) memory.write8(TEXT_BUFFER + code * 2, code);
    const characters = vga.cells.flat().slice(0, 256);
    expect(characters.every(({ character }) => [...character].length === 1)).toBe(true);
    expect(characters[0x41].character).toBe("A");
    expect(characters[0xb0].character).toBe("░");
  });

  it("begins at the start address, and wraps at the end of the buffer", () => {
    const { crtc, print, lines } = setUp();
    print("second row", 80);
    crtc.write(0x0d, 80);
    expect(lines()[0]).toBe("second row");
    print("end", 0x3ffd);
    print("begin", 0);
    crtc.write(0x0c, 0x3f);
    crtc.write(0x0d, 0xfd);
    expect(lines()[0]).toBe("endbegin");
  });

  it("has the rows and columns that the CRT controller is programmed for", () => {
    const { crtc, vga, print, lines } = setUp();
    crtc.write(0x09, 0x07);
    expect(vga.rows).toBe(50);
    crtc.write(0x11, 0x0e);
    crtc.write(0x01, 39);
    crtc.write(0x13, 20);
    print("row 1", 40);
    expect(vga.columns).toBe(40);
    expect(lines()[1]).toBe("row 1");
  });

  it("has a cursor with place and shape", () => {
    const { crtc, vga } = setUp();
    crtc.write(0x0e, (80 * 3 + 7) >>> 8);
    crtc.write(0x0f, (80 * 3 + 7) & 0xff);
    expect(vga.cursor).toEqual({ row: 3, column: 7, visible: true, firstLine: 13, lastLine: 14 });
    crtc.write(0x0a, 0x2d);
    expect(vga.cursor.visible).toBe(false);
    crtc.write(0x0a, 0x00);
    crtc.write(0x0e, 0x20);
    expect(vga.cursor.visible).toBe(false);
  });
});

describe("VGA registers", () => {
  it("of CRT controller, sequencer and graphics controller read back what was written", () => {
    const { crtc, sequencer, graphics } = setUp();
    crtc.write(0x11, 0x00);
    for (const [registers, count] of [
      [crtc, 0x19],
      [sequencer, 5],
      [graphics, 9],
    ] as const) {
      for (let index = 0; index < count; index++) registers.write(index, 0x11 + index);
      expect(Array.from({ length: count }, (_, index) => registers.read(index))).toEqual(
        Array.from({ length: count }, (_, index) => 0x11 + index),
      );
    }
  });

  it("indices read back, and registers that are not there read 0", () => {
    const { bus, crtc, sequencer, graphics } = setUp();
    bus.write8(0x3d4, 0xee);
    expect(bus.read8(0x3d4)).toBe(0x0e);
    crtc.write(0x1f, 0x55);
    sequencer.write(7, 0x55);
    graphics.write(0xf, 0x55);
    expect([crtc.read(0x1f), sequencer.read(7), graphics.read(0xf)]).toEqual([0, 0, 0]);
  });

  it("16-bit writes set index and data at once", () => {
    const { bus, crtc } = setUp();
    bus.write16(0x3d4, 0x120f);
    expect(crtc.read(0x0f)).toBe(0x12);
  });

  it("0 to 7 of the CRT controller are protected by bit 7 of register 11, but for bit 4 of register 7", () => {
    const { crtc } = setUp();
    crtc.write(0x00, 0x11);
    crtc.write(0x07, 0x00);
    expect([crtc.read(0x00), crtc.read(0x07)]).toEqual([0x5f, 0x0f]);
    crtc.write(0x11, 0x0e);
    crtc.write(0x00, 0x11);
    expect(crtc.read(0x00)).toBe(0x11);
  });

  it("of the attribute controller take index and data in turn; reading input status 1 begins anew", () => {
    const { bus } = setUp();
    bus.read8(0x3da);
    bus.write8(0x3c0, 0x10);
    bus.write8(0x3c0, 0x0d);
    bus.write8(0x3c0, 0x11);
    bus.read8(0x3da);
    bus.write8(0x3c0, 0x12);
    bus.write8(0x3c0, 0x05);
    bus.write8(0x3c0, 0x10);
    expect([bus.read8(0x3c0), bus.read8(0x3c1)]).toEqual([0x10, 0x0d]);
  });

  it("of the palette are closed while bit 5 of the attribute index drives the screen", () => {
    const { bus } = setUp();
    const write = (index: number, value: number) => {
      bus.read8(0x3da);
      bus.write8(0x3c0, index);
      bus.write8(0x3c0, value);
      return bus.read8(0x3c1);
    };
    expect(write(0x21, 0x3f)).toBe(0x01);
    expect(write(0x01, 0x3f)).toBe(0x3f);
  });

  it("of the colours take and give red, green and blue in turn, six bits each", () => {
    const { bus } = setUp();
    bus.write8(0x3c8, 255);
    for (const value of [0x3f, 0xff, 0x01, 0x02, 0x03, 0x04]) bus.write8(0x3c9, value);
    expect(bus.read8(0x3c7) & 3).toBe(0);
    bus.write8(0x3c7, 255);
    expect(bus.read8(0x3c7) & 3).toBe(3);
    expect(Array.from({ length: 6 }, () => bus.read8(0x3c9))).toEqual([0x3f, 0x3f, 0x01, 0x02, 0x03, 0x04]);
    bus.write8(0x3c6, 0x0f);
    expect(bus.read8(0x3c6)).toBe(0x0f);
  });

  it("miscellaneous output moves the CRT controller to 3B4; the other place reads ones", () => {
    const { bus } = setUp();
    expect(bus.read8(0x3cc)).toBe(0x67);
    expect([bus.read8(0x3b5), bus.read8(0x3ba)]).toEqual([0xff, 0xff]);
    bus.write8(0x3c2, 0x66);
    bus.write16(0x3b4, 0x340f);
    expect([bus.read8(0x3cc), bus.read8(0x3b5), bus.read8(0x3d5), bus.read8(0x3da)]).toEqual([0x66, 0x34, 0xff, 0xff]);
  });

  it("feature control is written at 3DA and read at 3CA", () => {
    const { bus } = setUp();
    bus.write8(0x3da, 0x03);
    expect(bus.read8(0x3ca)).toBe(0x03);
  });
});

describe("VGA retrace", () => {
  const at = (line: number, character: number) => (line * CHARACTERS + character) * DOTS;
  const statusAt = (cycle: number) => {
    const { clock, bus } = setUp();
    clock.advanceTo(cycle);
    return bus.read8(0x3da) & 0x09;
  };

  it("bit 0 of input status 1 tells when nothing is shown: after 80 characters and after 400 lines", () => {
    expect([at(0, 0), at(0, 79), at(399, 79)].map(statusAt)).toEqual([0, 0, 0]);
    expect([at(0, 80), at(0, 99), at(400, 0), at(448, 99)].map(statusAt)).toEqual([1, 1, 1, 1]);
    expect(statusAt(at(1, 0))).toBe(0);
  });

  it("bit 3 is set for two lines from line 412 on, 70 times a second", () => {
    expect([at(411, 99), at(412, 0), at(413, 99), at(414, 0)].map((cycle) => statusAt(cycle) & 8)).toEqual([
      0, 8, 8, 0,
    ]);
    expect(statusAt(FRAME + at(412, 0))).toBe(9);
    expect(Math.round((100 * DOT_CLOCK) / FRAME)).toBe(7009);
  });
});

describe("VGA property", () => {
  it("whatever is written, the screen can be read", () => {
    const port = fc.oneof(fc.integer({ min: 0x3c0, max: 0x3cf }), fc.constantFrom(0x3b4, 0x3b5, 0x3d4, 0x3d5, 0x3da));
    fc.assert(
      fc.property(fc.array(fc.tuple(port, fc.nat(255)), { maxLength: 100 }), fc.nat(FRAME), (writes, cycle) => {
        const { bus, vga, clock } = setUp();
        for (const [to, value] of writes) bus.write8(to, value);
        clock.advanceTo(cycle);
        for (let from = 0x3b0; from < 0x3e0; from++) expect(bus.read8(from)).toBeLessThan(256);
        const rows = vga.screenText().split("\n");
        expect(rows.length - 1).toBe(vga.rows);
        expect(rows.every((row) => row.length <= vga.columns)).toBe(true);
        expect(vga.cursor.column).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 60 },
    );
  });
});
