/** INT 10h: the display, an 80 by 25 colour text screen. Only page 0 is there. */
import { EBP, ES, type Machine } from "../../emulator/index.ts";
import { BDA } from "./data-area.ts";
import type { ServiceCall } from "./services.ts";
import { vesaService } from "./vesa.ts";

const SCREEN = 0xb8000;
const COLUMNS = 80;
const ROWS = 25;
const TEXT_MODE = 3;
const LIGHT_GREY = 0x07;
const BLANK = (LIGHT_GREY << 8) | 0x20;
const CURSOR_SHAPE = 0x0d0e;
const CHARACTER_HEIGHT = 16;
/** Colour, 256 KiB; and the switches of an adapter that is the primary one, with a colour display. */
const EGA_COLOUR_256K = 0x0003;
const EGA_SWITCHES = 0x0009;
const CRTC_INDEX = 0x3d4;
const CRTC_DATA = 0x3d5;
const CRTC = { CURSOR_START: 0x0a, CURSOR_END: 0x0b, CURSOR_HIGH: 0x0e, CURSOR_LOW: 0x0f } as const;
const BELL = 7;
const BACKSPACE = 8;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** What INT 10h AX=1A00h calls a VGA with a colour display. */
const VGA_COLOUR = 8;

/** @param onTeletype is told every character of the teletype service (AH = 0Eh), for a host that has no screen */
export function videoService(onTeletype: ((character: number) => void) | null): (call: ServiceCall) => void {
  return (call) => {
    if (call.ah === 0x0e) onTeletype?.(call.al);
    serve(call);
  };
}

function serve(call: ServiceCall): void {
  const { machine } = call;
  const { memory } = machine;
  switch (call.ah) {
    case 0x00:
      setMode(machine);
      break;
    case 0x01:
      setCursorShape(machine, call.cx);
      break;
    case 0x02:
      setCursor(machine, call.dx >>> 8, call.dx & 0xff);
      break;
    case 0x03:
      call.cx = memory.read16(BDA.CURSOR_SHAPE);
      call.dx = memory.read16(BDA.CURSOR);
      break;
    case 0x06:
    case 0x07:
      scroll(call);
      break;
    case 0x08:
      call.ax = memory.read16(cellAtCursor(machine));
      break;
    case 0x09:
    case 0x0a:
      writeRepeated(call);
      break;
    case 0x0e:
      teletype(machine, call.al, -1);
      break;
    case 0x0f:
      call.ax = (COLUMNS << 8) | TEXT_MODE;
      call.bx &= 0xff;
      break;
    case 0x10:
    case 0x05:
    case 0x0b:
      // Palette, pages and border are not there to be changed, and programs are not told so.
      break;
    case 0x11:
      if (call.al === 0x30) tellFont(call);
      break;
    case 0x12:
      alternateSelect(call);
      break;
    case 0x4f:
      vesaService(call);
      break;
    case 0x13:
      writeString(call);
      break;
    case 0x1a:
      if (call.al !== 0) break;
      call.al = 0x1a;
      call.bx = VGA_COLOUR;
      break;
  }
}

/** AX = 1130h: the height of a character and the last row. The font itself is the display's alone. */
function tellFont(call: ServiceCall): void {
  call.cx = CHARACTER_HEIGHT;
  call.dx = (call.dx & 0xff00) | (ROWS - 1);
}

/** AH = 12h: BL = 10h tells what a VGA is to programs made for the EGA; what BL = 30h to 36h set is acknowledged. */
function alternateSelect(call: ServiceCall): void {
  const number = call.bx & 0xff;
  if (number === 0x10) {
    call.bx = EGA_COLOUR_256K;
    call.cx = EGA_SWITCHES;
  } else if (number >= 0x30 && number <= 0x36) {
    call.al = 0x12;
  }
}

/** Clears the screen. Whatever mode is asked for, this is the one that there is. */
export function setMode(machine: Machine): void {
  const { memory } = machine;
  for (let cell = 0; cell < COLUMNS * ROWS; cell++) memory.write16(SCREEN + 2 * cell, BLANK);
  memory.write8(BDA.VIDEO_MODE, TEXT_MODE);
  memory.write16(BDA.COLUMNS, COLUMNS);
  memory.write16(BDA.PAGE_BYTES, 0x1000);
  memory.write8(BDA.PAGE, 0);
  memory.write16(BDA.CRTC_PORT, CRTC_INDEX);
  memory.write8(BDA.LAST_ROW, ROWS - 1);
  memory.write16(BDA.CHARACTER_HEIGHT, CHARACTER_HEIGHT);
  setCursorShape(machine, CURSOR_SHAPE);
  setCursor(machine, 0, 0);
}

function setCursorShape(machine: Machine, shape: number): void {
  machine.memory.write16(BDA.CURSOR_SHAPE, shape);
  writeCrtc(machine, CRTC.CURSOR_START, shape >>> 8);
  writeCrtc(machine, CRTC.CURSOR_END, shape & 0xff);
}

function setCursor(machine: Machine, row: number, column: number): void {
  machine.memory.write16(BDA.CURSOR, (row << 8) | column);
  const cell = row * COLUMNS + column;
  writeCrtc(machine, CRTC.CURSOR_HIGH, cell >>> 8);
  writeCrtc(machine, CRTC.CURSOR_LOW, cell & 0xff);
}

function writeCrtc(machine: Machine, register: number, value: number): void {
  machine.ports.write8(CRTC_INDEX, register);
  machine.ports.write8(CRTC_DATA, value);
}

/** Where the cursor is, on the screen whatever a program wrote to the data area. */
function cursor(machine: Machine): { row: number; column: number } {
  const position = machine.memory.read16(BDA.CURSOR);
  return { row: Math.min(position >>> 8, ROWS - 1), column: Math.min(position & 0xff, COLUMNS - 1) };
}

function cellAt(row: number, column: number): number {
  return SCREEN + 2 * (row * COLUMNS + column);
}

function cellAtCursor(machine: Machine): number {
  const { row, column } = cursor(machine);
  return cellAt(row, column);
}

/** @param attribute of the character, or -1 to keep that of the cell */
function teletype(machine: Machine, character: number, attribute: number): void {
  let { row, column } = cursor(machine);
  switch (character) {
    case BELL:
      return;
    case BACKSPACE:
      column = Math.max(0, column - 1);
      break;
    case LINE_FEED:
      row++;
      break;
    case CARRIAGE_RETURN:
      column = 0;
      break;
    default:
      putCell(machine, cellAt(row, column), character, attribute);
      column++;
  }
  if (column === COLUMNS) {
    column = 0;
    row++;
  }
  if (row === ROWS) {
    const blank = (machine.memory.read8(cellAt(ROWS - 1, COLUMNS - 1) + 1) << 8) | 0x20;
    scrollWindow(machine, { top: 0, left: 0, bottom: ROWS - 1, right: COLUMNS - 1 }, 1, blank);
    row--;
  }
  setCursor(machine, row, column);
}

function putCell(machine: Machine, cell: number, character: number, attribute: number): void {
  machine.memory.write8(cell, character);
  if (attribute >= 0) machine.memory.write8(cell + 1, attribute);
}

/** AH = 09h and 0Ah: a character CX times from the cursor on, which stays. */
function writeRepeated(call: ServiceCall): void {
  const { machine } = call;
  const attribute = call.ah === 0x09 ? call.bx & 0xff : -1;
  const first = cellAtCursor(machine);
  const room = (cellAt(ROWS, 0) - first) / 2;
  for (let i = 0; i < Math.min(call.cx, room); i++) putCell(machine, first + 2 * i, call.al, attribute);
}

/** AH = 13h: a string at ES:BP, with attributes in it (AL bit 1) or one for all (BL), moving the cursor (AL bit 0) or not. */
function writeString(call: ServiceCall): void {
  const { machine, core, al, bx, cx, dx } = call;
  const withAttributes = (al & 2) !== 0;
  const before = machine.memory.read16(BDA.CURSOR);
  const start = call.register16(EBP);
  setCursor(machine, dx >>> 8, dx & 0xff);
  for (let i = 0; i < cx; i++) {
    const at = start + (withAttributes ? 2 * i : i);
    const character = core.read8(call.linear(ES, at));
    teletype(machine, character, withAttributes ? core.read8(call.linear(ES, at + 1)) : bx & 0xff);
  }
  if ((al & 1) === 0) setCursor(machine, before >>> 8, before & 0xff);
}

interface Window {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** AH = 06h and 07h: a window from CH,CL to DH,DL up or down by AL rows, 0 clears it; new rows have attribute BH. */
function scroll(call: ServiceCall): void {
  const { machine, ah, al, bx, cx, dx } = call;
  const window = {
    top: cx >>> 8,
    left: cx & 0xff,
    bottom: Math.min(dx >>> 8, ROWS - 1),
    right: Math.min(dx & 0xff, COLUMNS - 1),
  };
  const height = window.bottom - window.top + 1;
  const rows = al === 0 || al > height ? height : al;
  scrollWindow(machine, window, ah === 0x06 ? rows : -rows, (bx & 0xff00) | 0x20);
}

/** Moves what is in a window up (`rows` positive) or down, and fills with a cell's value. */
function scrollWindow(machine: Machine, { top, left, bottom, right }: Window, rows: number, blank: number): void {
  const { memory } = machine;
  const up = rows > 0;
  for (let i = 0; i <= bottom - top; i++) {
    const row = up ? top + i : bottom - i;
    const from = row + rows;
    for (let column = left; column <= right; column++) {
      const isInside = from >= top && from <= bottom;
      memory.write16(cellAt(row, column), isInside ? memory.read16(cellAt(from, column)) : blank);
    }
  }
}
