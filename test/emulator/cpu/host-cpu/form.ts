/** The instruction forms of the emulator's opcode tables: what the vectors must cover. */

import type { Opcode } from "../../../../emulator/cpu/opcode.ts";
import { OPCODE_MAP } from "../../../../emulator/cpu/opcode-map.ts";
import { OPCODE_MAP_0F } from "../../../../emulator/cpu/opcode-map-0f.ts";

export interface Form {
  /** 0x00 to 0xFF, 0x0F00 to 0x0FFF. */
  readonly opcode: number;
  readonly entry: Opcode;
  /** ModRM.reg, when it tells apart what the opcode does; else -1. */
  readonly group: number;
  readonly operandSize: 16 | 32;
  readonly isMemory: boolean;
}

function* formsOf(opcode: number, entry: Opcode, group: number): Generator<Form> {
  for (const operandSize of [16, 32] as const) {
    const register = operandSize === 16 ? entry.register16 : entry.register32;
    const memory = operandSize === 16 ? entry.memory16 : entry.memory32;
    // An offset alone is a memory operand, though there is no ModRM byte.
    const isOffset = entry.immediate === "moffs";
    if (register !== null) yield { opcode, entry, group, operandSize, isMemory: isOffset };
    if (memory !== null && !entry.registerOnly) yield { opcode, entry, group, operandSize, isMemory: true };
  }
}

/** All that the tables hold, in their order. */
export function* allForms(): Generator<Form> {
  for (const [first, map] of [
    [0, OPCODE_MAP],
    [0x0f00, OPCODE_MAP_0F],
  ] as const) {
    for (let byte = 0; byte < 256; byte++) {
      const entry = map[byte];
      if (entry === undefined) continue;
      if (!("group" in entry)) {
        yield* formsOf(first | byte, entry, -1);
        continue;
      }
      for (let group = 0; group < 8; group++) {
        const member = entry.group[group];
        if (member !== undefined) yield* formsOf(first | byte, member, group);
      }
    }
  }
}

/** Names a form in messages and sets. */
export function formName({ opcode, group, operandSize, isMemory }: Omit<Form, "entry">): string {
  const hex = opcode.toString(16).toUpperCase().padStart(2, "0");
  return `${hex}${group < 0 ? "" : ` /${group}`} ${isMemory ? "memory" : "register"} ${operandSize}`;
}

/** Operand sizes in opcodes whose lowest bit tells bytes from words. */
export function isByteForm({ opcode }: Pick<Form, "opcode">): boolean {
  if (opcode < 0x40) return (opcode & 1) === 0 && (opcode & 7) < 6;
  return BYTE_OPCODES.has(opcode);
}

const BYTE_OPCODES: ReadonlySet<number> = new Set([
  0x80, 0x82, 0x84, 0x86, 0x88, 0x8a, 0xa0, 0xa2, 0xa4, 0xa6, 0xa8, 0xaa, 0xac, 0xae, 0xc0, 0xc6, 0xd0, 0xd2, 0xf6,
  0xfe, 0x6c, 0x6e, 0x0fb0, 0x0fc0,
]);

/** Opcodes without vectors, by the reason. All of them are system instructions, or are tested elsewhere. */
const WITHOUT_VECTORS: readonly { reason: string; first: number; last?: number; group?: number; isMemory?: boolean }[] =
  [
    { reason: "x87: test/emulator/cpu/x87", first: 0xd8, last: 0xdf },
    { reason: "x87: test/emulator/cpu/x87", first: 0x9b },
    // The recording kernel emulates them for user mode (UMIP).
    { reason: "SLDT, STR: guest programs", first: 0x0f00, group: 0 },
    { reason: "SLDT, STR: guest programs", first: 0x0f00, group: 1 },
    { reason: "SGDT, SIDT, SMSW: guest programs", first: 0x0f01, group: 0 },
    { reason: "SGDT, SIDT, SMSW: guest programs", first: 0x0f01, group: 1 },
    { reason: "SGDT, SIDT, SMSW: guest programs", first: 0x0f01, group: 4 },
    { reason: "the recording CPU is AMD's, which has no NOP there", first: 0x0f0d, isMemory: false },
    // Under a hypervisor it pushes another EIP.
    { reason: "INT1: unit tests", first: 0xf1 },
    { reason: "depends on the kernel: guest programs", first: 0x0f34, last: 0x0f35 },
    { reason: "never the same: time-stamp counter", first: 0x0f31 },
    { reason: "this processor's own: CPUID", first: 0x0fa2 },
    { reason: "no hardware has the host call", first: 0x0f3f },
    { reason: "only in system management mode: RSM", first: 0x0faa },
    // The emulator's processor has neither; the recording one does.
    { reason: "MMX, SSE", first: 0x0f10, last: 0x0f17 },
    { reason: "MMX, SSE", first: 0x0f28, last: 0x0f2f },
    { reason: "MMX, SSE", first: 0x0f50, last: 0x0f77 },
    { reason: "MMX, SSE", first: 0x0f7e, last: 0x0f7f },
    { reason: "MMX, SSE", first: 0x0fae },
    { reason: "MMX, SSE", first: 0x0fc2 },
    { reason: "MMX, SSE", first: 0x0fc4, last: 0x0fc6 },
    { reason: "MMX, SSE", first: 0x0fc3 },
    { reason: "MMX, SSE", first: 0x0fd1, last: 0x0ffe },
  ];

/** Why a form has no vectors, or null when it must have some. */
export function whyWithoutVectors(form: Form): string | null {
  const exception = WITHOUT_VECTORS.find(
    ({ first, last = first, group = form.group, isMemory = form.isMemory }) =>
      form.opcode >= first && form.opcode <= last && form.group === group && form.isMemory === isMemory,
  );
  return exception?.reason ?? null;
}
