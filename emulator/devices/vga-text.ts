import type { Clock } from "../clock.ts";
import { TickRate } from "../hz.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { Snapshot } from "../snapshot.ts";
import { characterOf } from "./code-page-437.ts";
import type { Device } from "./device.ts";
import type { PortBus, PortDevice } from "./ports.ts";
import {
  ATTRIBUTE_PALETTE_SIZE,
  CRTC,
  CRTC_OVERFLOW,
  CURSOR_OFF,
  INPUT_STATUS_1,
  MISCELLANEOUS,
  MODE_3,
  REGISTER_COUNT,
  SEQUENCER,
  VGA_PORT,
} from "./vga-registers.ts";

/** The frame buffer of the colour text modes, physical address and bytes. */
export const TEXT_BUFFER = 0xb8000;
export const TEXT_BUFFER_BYTES = 0x8000;
const BYTES_PER_CELL = 2;
const CELLS = TEXT_BUFFER_BYTES / BYTES_PER_CELL;

/** Pixel clocks that the miscellaneous output register chooses, in Hz; there are no crystals for the other two. */
const DOT_CLOCKS = [25_175_000, 28_322_000, 28_322_000, 28_322_000] as const;

const COLORS = 256;
const COLOR_BYTES = 3;
/** Two spaces, grey on black. */
const TWO_BLANKS = 0x07200720;

/** One character on the screen. */
export interface ScreenCell {
  /** Code in the character generator, 0 to 255, and the Unicode character that looks like it. */
  readonly code: number;
  readonly character: string;
  /** Attribute byte: bits 0 to 3 foreground colour, 4 to 6 background colour, 7 blink or bright background. */
  readonly attribute: number;
}

/** The text cursor. */
export interface ScreenCursor {
  /** Row and column from 0; outside the screen when it is not on it. */
  readonly row: number;
  readonly column: number;
  /** False when it is switched off or not on the screen. */
  readonly visible: boolean;
  /** Scan lines of the character, from 0, between which it is drawn. */
  readonly firstLine: number;
  readonly lastLine: number;
}

/**
 * VGA display adapter in colour text mode, after IBM's Personal System/2 Hardware Interface Technical Reference, "Video
 * Subsystem". The frame buffer at B8000 is plain memory to the CPU. All registers can be written and read back; the
 * CRT controller's decide what of the buffer is on the screen, and together with the pixel clock when the beam
 * retraces. Nothing is drawn: graphics modes, fonts and blinking are not shown to the host, the memory at A0000 is
 * not there, and there is no vertical retrace interrupt (on most adapters the jumper for it was open).
 *
 * At power-on the adapter is in mode 3, 80 by 25 characters, with a blank screen, as firmware leaves it.
 */
export class VgaText implements PortDevice, Device {
  readonly #clock: Clock;
  readonly #memory: PhysicalMemory;
  readonly #rates: readonly TickRate[];

  #miscellaneous = 0;
  #featureControl = 0;
  readonly #crtc = new Uint8Array(REGISTER_COUNT.CRTC);
  readonly #sequencer = new Uint8Array(REGISTER_COUNT.SEQUENCER);
  readonly #graphics = new Uint8Array(REGISTER_COUNT.GRAPHICS);
  readonly #attribute = new Uint8Array(REGISTER_COUNT.ATTRIBUTE);
  #crtcIndex = 0;
  #sequencerIndex = 0;
  #graphicsIndex = 0;
  /** With bit 5, which lets the palette drive the screen. */
  #attributeIndex = 0;
  /** The next write to the attribute controller is data. */
  #attributeData = false;

  readonly #colors = new Uint8Array(COLORS * COLOR_BYTES);
  #colorMask = 0xff;
  /** Position in `#colors` of the next byte written and read, and which of the two was set last. */
  #colorWrite = 0;
  #colorRead = 0;
  #colorReading = false;

  constructor(lines: { clock: Clock; memory: PhysicalMemory }) {
    this.#clock = lines.clock;
    this.#memory = lines.memory;
    this.#rates = DOT_CLOCKS.map((hz) => new TickRate(lines.clock.hz, hz));
    this.#memory.exposeVideoMemory(TEXT_BUFFER, TEXT_BUFFER_BYTES);
  }

  connect(ports: PortBus): void {
    ports.register(VGA_PORT.ATTRIBUTE, 16, this, "VGA");
    ports.register(VGA_PORT.MONO_CRTC_INDEX, 2, this, "VGA CRT controller (monochrome)");
    ports.register(VGA_PORT.MONO_STATUS, 1, this, "VGA status (monochrome)");
    ports.register(VGA_PORT.COLOR_CRTC_INDEX, 2, this, "VGA CRT controller");
    ports.register(VGA_PORT.COLOR_STATUS, 1, this, "VGA status");
  }

  /** Mode 3, with a blank screen. */
  reset(): void {
    this.#miscellaneous = MODE_3.miscellaneous;
    this.#featureControl = 0;
    this.#crtc.set(MODE_3.crtc);
    this.#sequencer.set(MODE_3.sequencer);
    this.#graphics.set(MODE_3.graphics);
    this.#attribute.set(MODE_3.attribute);
    this.#crtcIndex = this.#sequencerIndex = this.#graphicsIndex = 0;
    this.#attributeIndex = 0x20;
    this.#attributeData = false;
    this.#colors.set(MODE_3.colors);
    this.#colorMask = 0xff;
    this.#colorWrite = this.#colorRead = 0;
    this.#colorReading = false;
    for (let offset = 0; offset < TEXT_BUFFER_BYTES; offset += 2 * BYTES_PER_CELL) {
      this.#memory.write32(TEXT_BUFFER + offset, TWO_BLANKS);
    }
  }

  /** The frame buffer is part of memory. */
  snapshot(s: Snapshot): void {
    s.section("VGA");
    this.#miscellaneous = s.integer(this.#miscellaneous, 0, 0xff);
    this.#featureControl = s.integer(this.#featureControl, 0, 0xff);
    s.bytes(this.#crtc);
    s.bytes(this.#sequencer);
    s.bytes(this.#graphics);
    s.bytes(this.#attribute);
    this.#crtcIndex = s.integer(this.#crtcIndex, 0, 0x1f);
    this.#sequencerIndex = s.integer(this.#sequencerIndex, 0, 0x07);
    this.#graphicsIndex = s.integer(this.#graphicsIndex, 0, 0x0f);
    this.#attributeIndex = s.integer(this.#attributeIndex, 0, 0x3f);
    this.#attributeData = s.flag(this.#attributeData);
    s.bytes(this.#colors);
    this.#colorMask = s.integer(this.#colorMask, 0, 0xff);
    this.#colorWrite = s.integer(this.#colorWrite, 0, this.#colors.length - 1);
    this.#colorRead = s.integer(this.#colorRead, 0, this.#colors.length - 1);
    this.#colorReading = s.flag(this.#colorReading);
  }

  // ---- The host's side -----------------------------------------------------------------------------------------------

  /** Characters in a row, and rows on the screen, as the CRT controller is programmed. */
  get columns(): number {
    return this.#crtc[CRTC.HORIZONTAL_DISPLAY_END] + 1;
  }

  get rows(): number {
    const lines = this.#crtc[CRTC.VERTICAL_DISPLAY_END] | this.#overflow(CRTC_OVERFLOW.VERTICAL_DISPLAY_END);
    return Math.floor((lines + 1) / this.#linesPerRow);
  }

  /** What is on the screen, row by row. */
  get cells(): ScreenCell[][] {
    const memory = this.#memory.peek(TEXT_BUFFER, TEXT_BUFFER_BYTES);
    return Array.from({ length: this.rows }, (_, row) =>
      Array.from({ length: this.columns }, (_, column) => {
        const offset = this.#cellAt(row, column) * BYTES_PER_CELL;
        const code = memory[offset];
        return { code, character: characterOf(code), attribute: memory[offset + 1] };
      }),
    );
  }

  /** What is on the screen as text: rows without the blanks at their ends, with a line feed after each. */
  screenText(): string {
    const rows = this.cells.map((row) => row.map((cell) => cell.character).join(""));
    return rows.map((row) => `${row.trimEnd()}\n`).join("");
  }

  get cursor(): ScreenCursor {
    const crtc = this.#crtc;
    const location = (crtc[CRTC.CURSOR_LOCATION_HIGH] << 8) | crtc[CRTC.CURSOR_LOCATION_LOW];
    const offset = (location - this.#startCell + 0x10000) & 0xffff;
    const row = Math.floor(offset / this.#cellsPerRow);
    const column = offset % this.#cellsPerRow;
    const firstLine = crtc[CRTC.CURSOR_START] & 0x1f;
    const lastLine = crtc[CRTC.CURSOR_END] & 0x1f;
    const on = (crtc[CRTC.CURSOR_START] & CURSOR_OFF) === 0 && firstLine <= lastLine;
    return { row, column, visible: on && row < this.rows && column < this.columns, firstLine, lastLine };
  }

  get #linesPerRow(): number {
    return (this.#crtc[CRTC.MAXIMUM_SCAN_LINE] & 0x1f) + 1;
  }

  /** The offset register counts words of the display memory's four maps, which hold two characters each. */
  get #cellsPerRow(): number {
    return Math.max(1, this.#crtc[CRTC.OFFSET] * 2);
  }

  get #startCell(): number {
    return (this.#crtc[CRTC.START_ADDRESS_HIGH] << 8) | this.#crtc[CRTC.START_ADDRESS_LOW];
  }

  #cellAt(row: number, column: number): number {
    return (this.#startCell + row * this.#cellsPerRow + column) % CELLS;
  }

  // ---- Ports ---------------------------------------------------------------------------------------------------------

  readPort8(port: number): number {
    switch (port) {
      case VGA_PORT.ATTRIBUTE:
        return this.#attributeIndex;
      case VGA_PORT.ATTRIBUTE_READ:
        return this.#attribute[this.#attributeIndex & 0x1f] ?? 0;
      case VGA_PORT.MISCELLANEOUS_WRITE:
        // Input status 0: no interrupt pending; the monitor that is there has colours.
        return 0x10;
      case VGA_PORT.SEQUENCER_INDEX:
        return this.#sequencerIndex;
      case VGA_PORT.SEQUENCER_DATA:
        return this.#sequencer[this.#sequencerIndex] ?? 0;
      case VGA_PORT.COLOR_MASK:
        return this.#colorMask;
      case VGA_PORT.COLOR_READ_INDEX:
        return this.#colorReading ? 3 : 0;
      case VGA_PORT.COLOR_WRITE_INDEX:
        return Math.floor(this.#colorWrite / COLOR_BYTES);
      case VGA_PORT.COLOR_DATA:
        return this.#readColor();
      case VGA_PORT.FEATURE_CONTROL_READ:
        return this.#featureControl;
      case VGA_PORT.MISCELLANEOUS_READ:
        return this.#miscellaneous;
      case VGA_PORT.GRAPHICS_INDEX:
        return this.#graphicsIndex;
      case VGA_PORT.GRAPHICS_DATA:
        return this.#graphics[this.#graphicsIndex] ?? 0;
      default:
        return this.#readMoved(port);
    }
  }

  writePort8(port: number, value: number): void {
    switch (port) {
      case VGA_PORT.ATTRIBUTE:
        this.#writeAttribute(value);
        break;
      case VGA_PORT.MISCELLANEOUS_WRITE:
        this.#miscellaneous = value;
        break;
      case VGA_PORT.SEQUENCER_INDEX:
        this.#sequencerIndex = value & 0x07;
        break;
      case VGA_PORT.SEQUENCER_DATA:
        if (this.#sequencerIndex < REGISTER_COUNT.SEQUENCER) this.#sequencer[this.#sequencerIndex] = value;
        break;
      case VGA_PORT.COLOR_MASK:
        this.#colorMask = value;
        break;
      case VGA_PORT.COLOR_READ_INDEX:
        this.#colorRead = value * COLOR_BYTES;
        this.#colorReading = true;
        break;
      case VGA_PORT.COLOR_WRITE_INDEX:
        this.#colorWrite = value * COLOR_BYTES;
        this.#colorReading = false;
        break;
      case VGA_PORT.COLOR_DATA:
        this.#colors[this.#colorWrite] = value & 0x3f;
        this.#colorWrite = (this.#colorWrite + 1) % this.#colors.length;
        break;
      case VGA_PORT.GRAPHICS_INDEX:
        this.#graphicsIndex = value & 0x0f;
        break;
      case VGA_PORT.GRAPHICS_DATA:
        if (this.#graphicsIndex < REGISTER_COUNT.GRAPHICS) this.#graphics[this.#graphicsIndex] = value;
        break;
      default:
        this.#writeMoved(port, value);
        break;
    }
  }

  /** CRT controller and input status 1 are at 3Bx or at 3Dx; the other ones do not answer. */
  #isSelected(port: number): boolean {
    const color = (this.#miscellaneous & MISCELLANEOUS.COLOR_PORTS) !== 0;
    return color === port >= VGA_PORT.ATTRIBUTE;
  }

  #readMoved(port: number): number {
    if (!this.#isSelected(port)) return 0xff;
    switch (port) {
      case VGA_PORT.MONO_CRTC_INDEX:
      case VGA_PORT.COLOR_CRTC_INDEX:
        return this.#crtcIndex;
      case VGA_PORT.MONO_CRTC_DATA:
      case VGA_PORT.COLOR_CRTC_DATA:
        return this.#crtc[this.#crtcIndex] ?? 0;
      case VGA_PORT.MONO_STATUS:
      case VGA_PORT.COLOR_STATUS:
        this.#attributeData = false;
        return this.#inputStatus1;
      default:
        return 0xff;
    }
  }

  #writeMoved(port: number, value: number): void {
    if (!this.#isSelected(port)) return;
    switch (port) {
      case VGA_PORT.MONO_CRTC_INDEX:
      case VGA_PORT.COLOR_CRTC_INDEX:
        this.#crtcIndex = value & 0x1f;
        break;
      case VGA_PORT.MONO_CRTC_DATA:
      case VGA_PORT.COLOR_CRTC_DATA:
        this.#writeCrtc(value);
        break;
      case VGA_PORT.MONO_STATUS:
      case VGA_PORT.COLOR_STATUS:
        this.#featureControl = value;
        break;
    }
  }

  #writeCrtc(value: number): void {
    const index = this.#crtcIndex;
    if (index >= REGISTER_COUNT.CRTC) return;
    const isProtected = index <= CRTC.OVERFLOW && (this.#crtc[CRTC.VERTICAL_RETRACE_END] & 0x80) !== 0;
    if (!isProtected) {
      this.#crtc[index] = value;
    } else if (index === CRTC.OVERFLOW) {
      const open = CRTC_OVERFLOW.LINE_COMPARE_8;
      this.#crtc[index] = (this.#crtc[index] & ~open) | (value & open);
    }
  }

  /** The palette can be written only while the screen is not driven from it. */
  #writeAttribute(value: number): void {
    if (this.#attributeData) {
      const index = this.#attributeIndex & 0x1f;
      const locked = index < ATTRIBUTE_PALETTE_SIZE && (this.#attributeIndex & 0x20) !== 0;
      if (index < REGISTER_COUNT.ATTRIBUTE && !locked) this.#attribute[index] = value;
    } else {
      this.#attributeIndex = value & 0x3f;
    }
    this.#attributeData = !this.#attributeData;
  }

  #readColor(): number {
    const value = this.#colors[this.#colorRead];
    this.#colorRead = (this.#colorRead + 1) % this.#colors.length;
    return value;
  }

  /** Bits 8 and 9 of a vertical value, whose low eight are in a register of their own. */
  #overflow(bits: readonly [bit8: number, bit9: number]): number {
    const overflow = this.#crtc[CRTC.OVERFLOW];
    return ((overflow & bits[0]) !== 0 ? 0x100 : 0) | ((overflow & bits[1]) !== 0 ? 0x200 : 0);
  }

  /** Where the beam is, from the registers that time it and the pixels that have passed since power-on. */
  get #inputStatus1(): number {
    const crtc = this.#crtc;
    const dotsPerCharacter = (this.#sequencer[SEQUENCER.CLOCKING_MODE] & 1) !== 0 ? 8 : 9;
    const characters = crtc[CRTC.HORIZONTAL_TOTAL] + 5;
    const lines = (crtc[CRTC.VERTICAL_TOTAL] | this.#overflow(CRTC_OVERFLOW.VERTICAL_TOTAL)) + 2;
    const clock = (this.#miscellaneous >>> MISCELLANEOUS.CLOCK_SHIFT) & 3;
    const position = Math.floor(this.#rates[clock].ticksAt(this.#clock.now) / dotsPerCharacter) % (characters * lines);
    const line = Math.floor(position / characters);
    const shown =
      line <= (crtc[CRTC.VERTICAL_DISPLAY_END] | this.#overflow(CRTC_OVERFLOW.VERTICAL_DISPLAY_END)) &&
      position % characters <= crtc[CRTC.HORIZONTAL_DISPLAY_END];
    const retraceStart = crtc[CRTC.VERTICAL_RETRACE_START] | this.#overflow(CRTC_OVERFLOW.VERTICAL_RETRACE_START);
    // Only the low four bits of the line after the retrace are kept.
    const retraceLines = (crtc[CRTC.VERTICAL_RETRACE_END] - retraceStart) & 0x0f || 0x10;
    const retracing = line >= retraceStart && line < retraceStart + retraceLines;
    return (shown ? 0 : INPUT_STATUS_1.NOT_SHOWN) | (retracing ? INPUT_STATUS_1.VERTICAL_RETRACE : 0);
  }
}
