/** The x87 registers, for those who look at a machine. */
import type { Core } from "./cpu/core.ts";
import {
  FPU_CONTROL,
  FPU_CS,
  FPU_DP,
  FPU_DS,
  FPU_EXPONENT,
  FPU_HIGH,
  FPU_IP,
  FPU_LOW,
  FPU_OPCODE,
  FPU_STATUS,
} from "./cpu/state-layout.ts";
import { tagWord } from "./cpu/x87/environment.ts";
import { physical } from "./cpu/x87/state.ts";

const REGISTERS = 8;
const REGISTER_BYTES = 10;

export interface X87Registers {
  /** ST(0) to ST(7), 80 bits each as FSAVE stores them; empty ones have what they last held. */
  readonly stack: readonly Uint8Array[];
  readonly control: number;
  readonly status: number;
  /** Two bits for each physical register. */
  readonly tags: number;
  /** Of the last instruction, the lower 11 bits of its first two bytes; and where it was. */
  readonly opcode: number;
  readonly instructionSelector: number;
  readonly instructionOffset: number;
  /** Where its operand was. */
  readonly dataSelector: number;
  readonly dataOffset: number;
}

/** A copy of a core's x87 registers, without side effects. */
export function x87Registers(core: Core): X87Registers {
  const { r } = core;
  return {
    stack: Array.from({ length: REGISTERS }, (_, i) => {
      const n = physical(core, i);
      const bytes = new DataView(new ArrayBuffer(REGISTER_BYTES));
      bytes.setInt32(0, r[FPU_LOW + n], true);
      bytes.setInt32(4, r[FPU_HIGH + n], true);
      bytes.setUint16(8, r[FPU_EXPONENT + n], true);
      return new Uint8Array(bytes.buffer);
    }),
    control: r[FPU_CONTROL] & 0xffff,
    status: r[FPU_STATUS] & 0xffff,
    tags: tagWord(core),
    opcode: r[FPU_OPCODE],
    instructionSelector: r[FPU_CS] & 0xffff,
    instructionOffset: r[FPU_IP] >>> 0,
    dataSelector: r[FPU_DS] & 0xffff,
    dataOffset: r[FPU_DP] >>> 0,
  };
}
