import type { Core } from "./cpu/core.ts";
import { getRegister } from "./named-registers.ts";

/**
 * `unimplemented instruction 0f 77 at 0008:00100012`.
 * @param core its EIP is already after the instruction
 * @param bytes the first of the instruction
 */
export function describeUnimplemented(core: Core, bytes: Uint8Array): string {
  const code = Array.from(bytes, (byte) => hex(byte, 2)).join(" ");
  const eip = (getRegister(core, "eip") - bytes.length) >>> 0;
  return `unimplemented instruction ${code} at ${hex(getRegister(core, "cs"), 4)}:${hex(eip, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
