/**
 * The memory that kernel code sees: linear addresses of the guest.
 *
 * While a kernel function is being stepped, accesses go through the core it runs on (TLB, page tables, real #PF);
 * while a debugger or a test looks, they go through a side-effect-free reader.
 */
import { ambient } from "./context.ts";
import type { GuestMemory } from "./guest-memory.ts";

/** The memory in use now. Throws when no kernel is being stepped or inspected: kernel data exist only in a machine. */
export function memory(): GuestMemory {
  return ambient.memory;
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
