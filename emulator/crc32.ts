/** Bytes taken at once. */
const SLICES = 8;

/** CRC of byte b followed by n zero bytes, at 256 * n + b. */
const TABLE = makeTable();

function makeTable(): Int32Array {
  const table = new Int32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    table[byte] = crc;
  }
  for (let i = 256; i < table.length; i++) {
    const crc = table[i - 256];
    table[i] = (crc >>> 8) ^ table[crc & 0xff];
  }
  return table;
}

/**
 * CRC-32 as in ISO 3309, int32.
 * @param seed the CRC of what comes before these bytes
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  let i = 0;
  for (const end = bytes.length - (SLICES - 1); i < end; i += SLICES) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    crc =
      TABLE[0x700 + (crc & 0xff)] ^
      TABLE[0x600 + ((crc >>> 8) & 0xff)] ^
      TABLE[0x500 + ((crc >>> 16) & 0xff)] ^
      TABLE[0x400 + (crc >>> 24)] ^
      TABLE[0x300 + bytes[i + 4]] ^
      TABLE[0x200 + bytes[i + 5]] ^
      TABLE[0x100 + bytes[i + 6]] ^
      TABLE[bytes[i + 7]];
  }
  for (; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc;
}
