/**
 * A copy of bytes that the caller may go on using, and change. Not `slice`: a Node Buffer's shares its memory, and starts
 * anywhere in a larger ArrayBuffer; a copy has one of its own.
 * @param from, to indices, all of `bytes` by default
 */
export function copyBytes(bytes: Uint8Array, from = 0, to = bytes.length): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.subarray(from, to));
}
