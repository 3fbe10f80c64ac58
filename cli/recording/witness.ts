/** What two runs are compared by. */
import { createHash } from "node:crypto";
import { type Machine, REGISTER_NAMES } from "../../emulator/index.ts";
import type { Point } from "./format.ts";

const DIGEST_LENGTH = 16;
/** Memory is looked through in pieces of this size; those that hold nothing but zeros are passed over. */
const PIECE = 1 << 16;

/** Looks at a machine, and hears what it sends. */
export class Witness {
  readonly #machine: () => Machine;
  readonly #sentUntil: ((cycle: number) => Uint8Array) | undefined;
  readonly #sent = createHash("sha256");
  #count = 0;

  /**
   * @param machine the machine at present; a debugger may make it another object
   * @param sentUntil what had been sent on the first serial port at a cycle, if `sent` does not hear it
   */
  constructor(machine: () => Machine, sentUntil?: (cycle: number) => Uint8Array) {
    this.#machine = machine;
    this.#sentUntil = sentUntil;
  }

  /** Hears bytes sent on the first serial port. */
  readonly sent = (bytes: Uint8Array): void => {
    this.#sent.update(bytes);
    this.#count += bytes.length;
  };

  /** Where the machine stands. */
  point(): Point {
    const machine = this.#machine();
    const { cycles, instructions } = machine;
    const sent = this.#sentUntil?.(cycles);
    const digest = sent === undefined ? this.#sent.copy() : createHash("sha256").update(sent);
    for (const { id } of machine.cores) {
      for (const name of REGISTER_NAMES) digest.update(`${machine.getRegister(name, id)},`);
    }
    return {
      cycle: cycles,
      instruction: instructions,
      eip: machine.getRegister("eip").toString(16).padStart(8, "0"),
      sent: sent?.length ?? this.#count,
      state: digest.digest("hex").slice(0, DIGEST_LENGTH),
    };
  }

  /** Digest of the machine's memory. */
  memory(): string {
    const machine = this.#machine();
    const { ramSize } = machine.memory;
    const digest = createHash("sha256");
    const zeros = Buffer.alloc(PIECE);
    for (let at = 0; at < ramSize; at += PIECE) {
      const piece = machine.readPhysical(at, Math.min(PIECE, ramSize - at));
      if (zeros.compare(piece, 0, piece.length, 0, piece.length) === 0) continue;
      digest.update(`${at}:`).update(piece);
    }
    return digest.digest("hex").slice(0, DIGEST_LENGTH);
  }
}

/** Digest of bytes. */
export function digestOf(...pieces: readonly Uint8Array[]): string {
  const digest = createHash("sha256");
  for (const piece of pieces) digest.update(piece);
  return digest.digest("hex");
}
