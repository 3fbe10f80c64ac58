/** Registers in packets: their bytes in the order of their numbers, little-endian. */
import { type RegisterName, type X87Registers, x87Registers } from "../../emulator/index.ts";
import type { DebugSession } from "../session/index.ts";
import { fromHex, toHex } from "./packet.ts";
import { GDB_REGISTERS, type GdbRegister } from "./registers.ts";

function encode(value: number): string {
  return toHex([value, value >> 8, value >> 16, value >> 24].map((byte) => byte & 0xff));
}

function decode(digits: string): number | undefined {
  const bytes = fromHex(digits);
  if (bytes === undefined || bytes.length !== 4) return undefined;
  return new DataView(bytes.buffer).getUint32(0, true);
}

type Values = Readonly<Record<RegisterName, number>>;

function show({ source }: GdbRegister, values: Values, x87: X87Registers): string {
  if (typeof source === "string") return encode(values[source]);
  const value = source(x87);
  return typeof value === "number" ? encode(value) : toHex(value);
}

/** `g` */
export function readAllRegisters(session: DebugSession, core: number): string {
  const values = session.registers(core);
  const x87 = x87Registers(session.machine.cores[core]);
  return GDB_REGISTERS.map((register) => show(register, values, x87)).join("");
}

/** `p NUMBER`; undefined when there is no such register. */
export function readRegister(session: DebugSession, core: number, text: string): string | undefined {
  const register = registerOf(text);
  return register && show(register, session.registers(core), x87Registers(session.machine.cores[core]));
}

/** `P NUMBER=VALUE`; whether it worked. @throws RangeError for a value that the register cannot have */
export function writeRegister(session: DebugSession, core: number, text: string): boolean {
  const [number, digits] = text.split("=");
  const source = registerOf(number)?.source;
  const value = decode(digits ?? "");
  if (typeof source !== "string" || value === undefined) return false;
  session.setRegister(source, value, core);
  return true;
}

/** `G VALUES`; whether it worked. Registers that have their value already are left alone. @throws as `writeRegister` */
export function writeAllRegisters(session: DebugSession, core: number, digits: string): boolean {
  const values = session.registers(core);
  const changes: (readonly [RegisterName, number])[] = [];
  let at = 0;
  for (const { source, size } of GDB_REGISTERS) {
    const text = digits.slice(at, (at += 2 * size));
    // GDB may leave out the last ones.
    if (typeof source !== "string" || text === "") continue;
    const value = decode(text);
    if (value === undefined) return false;
    if (value !== values[source]) changes.push([source, value]);
  }
  for (const [source, value] of changes) session.setRegister(source, value, core);
  return true;
}

function registerOf(text: string): GdbRegister | undefined {
  return /^[0-9a-fA-F]{1,4}$/.test(text) ? GDB_REGISTERS[Number.parseInt(text, 16)] : undefined;
}
