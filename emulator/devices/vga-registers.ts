/** I/O addresses, named by what is written where both differ. 3Bx is the place of monochrome adapters. */
export const VGA_PORT = {
  MONO_CRTC_INDEX: 0x3b4,
  MONO_CRTC_DATA: 0x3b5,
  MONO_STATUS: 0x3ba,
  ATTRIBUTE: 0x3c0,
  ATTRIBUTE_READ: 0x3c1,
  MISCELLANEOUS_WRITE: 0x3c2,
  SEQUENCER_INDEX: 0x3c4,
  SEQUENCER_DATA: 0x3c5,
  COLOR_MASK: 0x3c6,
  COLOR_READ_INDEX: 0x3c7,
  COLOR_WRITE_INDEX: 0x3c8,
  COLOR_DATA: 0x3c9,
  FEATURE_CONTROL_READ: 0x3ca,
  MISCELLANEOUS_READ: 0x3cc,
  GRAPHICS_INDEX: 0x3ce,
  GRAPHICS_DATA: 0x3cf,
  COLOR_CRTC_INDEX: 0x3d4,
  COLOR_CRTC_DATA: 0x3d5,
  COLOR_STATUS: 0x3da,
} as const;

export const REGISTER_COUNT = { CRTC: 0x19, SEQUENCER: 5, GRAPHICS: 9, ATTRIBUTE: 0x15 } as const;
export const ATTRIBUTE_PALETTE_SIZE = 16;

/** Registers of the CRT controller by index, as far as they matter to text. */
export const CRTC = {
  HORIZONTAL_TOTAL: 0x00,
  HORIZONTAL_DISPLAY_END: 0x01,
  VERTICAL_TOTAL: 0x06,
  OVERFLOW: 0x07,
  MAXIMUM_SCAN_LINE: 0x09,
  CURSOR_START: 0x0a,
  CURSOR_END: 0x0b,
  START_ADDRESS_HIGH: 0x0c,
  START_ADDRESS_LOW: 0x0d,
  CURSOR_LOCATION_HIGH: 0x0e,
  CURSOR_LOCATION_LOW: 0x0f,
  VERTICAL_RETRACE_START: 0x10,
  VERTICAL_RETRACE_END: 0x11,
  VERTICAL_DISPLAY_END: 0x12,
  OFFSET: 0x13,
} as const;

/** Bits 8 and 9 of vertical values in the overflow register, and the bit that write protection leaves open. */
export const CRTC_OVERFLOW = {
  VERTICAL_TOTAL: [0x01, 0x20],
  VERTICAL_DISPLAY_END: [0x02, 0x40],
  VERTICAL_RETRACE_START: [0x04, 0x80],
  LINE_COMPARE_8: 0x10,
} as const;
/** In CURSOR_START. */
export const CURSOR_OFF = 0x20;

export const SEQUENCER = { CLOCKING_MODE: 1 } as const;
export const MISCELLANEOUS = { COLOR_PORTS: 0x01, CLOCK_SHIFT: 2 } as const;
export const INPUT_STATUS_1 = { NOT_SHOWN: 0x01, VERTICAL_RETRACE: 0x08 } as const;

/** The 64 colours of the EGA as the palette's first entries have them: bits 5 to 3 add a third, 2 to 0 two thirds. */
const EGA_COLORS = Array.from({ length: 64 }, (_, color) =>
  [2, 1, 0].map((bit) => ((color >>> bit) & 1) * 0x2a + ((color >>> (bit + 3)) & 1) * 0x15),
).flat();

/** Mode 3, 80 by 25 characters of 9 by 16 pixels in 16 colours, 31.5 kHz and 70 Hz, as IBM's firmware sets it. */
export const MODE_3 = {
  miscellaneous: 0x67,
  sequencer: [0x03, 0x00, 0x03, 0x00, 0x02],
  crtc: [
    ...[0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e],
    ...[0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff],
  ],
  graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff],
  attribute: [
    ...[0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f],
    ...[0x0c, 0x00, 0x0f, 0x08, 0x00],
  ],
  colors: EGA_COLORS,
} as const;
