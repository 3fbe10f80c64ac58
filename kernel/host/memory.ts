/**
 * The memory that kernel code sees: linear addresses of the guest.
 *
 * While a kernel function is being stepped, accesses go through the core it runs on (TLB, page tables, real #PF);
 * while a debugger or a test looks, they go through a side-effect-free reader. Both are `GuestMemory`.
 */
export interface GuestMemory {
  /** Unsigned byte at a linear address. Faults as the core would. */
  read8(linear: number): number;
  read16(linear: number): number;
  /** Signed 32-bit value at a linear address. */
  read32(linear: number): number;
  write8(linear: number, value: number): void;
  write16(linear: number, value: number): void;
  write32(linear: number, value: number): void;
}

let current_memory: GuestMemory | undefined;

/** The memory in use now. Throws when no kernel is being stepped or inspected: kernel data exist only in a machine. */
export function memory(): GuestMemory {
  if (current_memory === undefined) {
    throw new Error("kernel memory was used while no kernel is running; wrap the access in kernel.inspect(() => …)");
  }
  return current_memory;
}

/** Makes `next` the ambient memory and returns the one before, for the caller to put back. */
export function exchange_memory(next: GuestMemory | undefined): GuestMemory | undefined {
  const previous = current_memory;
  current_memory = next;
  return previous;
}

/** Copies bytes out of guest memory. */
export function read_bytes(linear: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const source = memory();
  for (let i = 0; i < length; i++) bytes[i] = source.read8((linear + i) >>> 0);
  return bytes;
}

/** Copies bytes into guest memory. */
export function write_bytes(linear: number, bytes: Uint8Array): void {
  const target = memory();
  for (let i = 0; i < bytes.length; i++) target.write8((linear + i) >>> 0, bytes[i]);
}

/** `memset`: fills `length` bytes with `value`. */
export function memset(linear: number, value: number, length: number): void {
  const target = memory();
  let at = linear;
  const end = linear + length;
  const word = Math.imul(value & 0xff, 0x01010101);
  for (; at < end && at & 3; at++) target.write8(at, value);
  for (; at + 4 <= end; at += 4) target.write32(at, word);
  for (; at < end; at++) target.write8(at, value);
}

/** `memcpy` between two kernel addresses; the ranges must not overlap. */
export function memcpy(to: number, from: number, length: number): void {
  const m = memory();
  let i = 0;
  if (((to | from) & 3) === 0) for (; i + 4 <= length; i += 4) m.write32(to + i, m.read32(from + i));
  for (; i < length; i++) m.write8(to + i, m.read8(from + i));
}

/** The NUL-terminated string at a kernel address, at most `limit` bytes of it, as Latin-1. */
export function read_cstring(linear: number, limit = 4096): string {
  const m = memory();
  let text = "";
  for (let i = 0; i < limit; i++) {
    const byte = m.read8((linear + i) >>> 0);
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}
