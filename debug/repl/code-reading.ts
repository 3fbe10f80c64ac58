/** Reading code, to disassemble it. */
import { MemoryError } from "../frames/guest.ts";
import type { Console } from "./console.ts";

/** How the disassembler is to name addresses. */
export function symbolOptions({ session }: Console) {
  const name = (address: number) => {
    const found = session.symbols.symbolize(address);
    return found === undefined ? undefined : { name: found.symbol, offset: found.offset };
  };
  return { codeSymbol: name, dataSymbol: name };
}

/** As many bytes as are mapped, at least one. @throws MemoryError when there is none */
export function readUpTo({ guest }: Console, linear: number, length: number): Uint8Array {
  try {
    return guest.read(linear, length);
  } catch (error) {
    const inPage = 4096 - (linear % 4096);
    if (!(error instanceof MemoryError) || inPage >= length) throw error;
    return guest.read(linear, inPage);
  }
}
