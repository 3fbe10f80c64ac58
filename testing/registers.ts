/** Registers as tests see them: plain numbers, unsigned. */
import type { Machine } from "../emulator/index.ts";

const NAMES = ["eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "eip", "eflags"] as const;
const SELECTORS = ["cs", "ss", "ds", "es", "fs", "gs"] as const;
const CONTROL = ["cr0", "cr2", "cr3"] as const;

export type RegisterField = (typeof NAMES)[number] | (typeof SELECTORS)[number] | (typeof CONTROL)[number];

/** The registers of a core at a moment. */
export type Registers = { readonly [name in RegisterField]: number };

/** What the i386 ABI has a function leave as it found it, beside ESP. */
export const CALLEE_SAVED = ["ebx", "esi", "edi", "ebp"] as const;
/** Those of them that nothing else depends on: they can be given other values at a call, and their own ones behind it. */
export const FREE_CALLEE_SAVED = ["ebx", "esi", "edi"] as const;
export type CalleeSaved = { readonly [name in (typeof CALLEE_SAVED)[number]]: number };

export function readRegisters(machine: Machine, core = 0): Registers {
  const all = [...NAMES, ...SELECTORS, ...CONTROL];
  return Object.fromEntries(all.map((name) => [name, machine.getRegister(name, core)])) as Registers;
}

export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, "0")}`;
}

/** Lines of `eax=0x… ebx=0x…`, four to a line. */
export function formatRegisters(registers: Registers): string[] {
  const words = [...NAMES, ...CONTROL].map((name) => `${name}=${hex(registers[name])}`);
  words.push(...SELECTORS.map((name) => `${name}=0x${registers[name].toString(16)}`));
  const lines: string[] = [];
  for (let i = 0; i < words.length; i += 4) lines.push(words.slice(i, i + 4).join(" "));
  return lines;
}
