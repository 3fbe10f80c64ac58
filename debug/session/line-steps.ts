/** Stepping by lines of the source, forwards: when a step is over (gdb's rules). */
import type { Core } from "../../emulator/index.ts";
import { type Frame, type Instruction, linearEip } from "./instruction.ts";
import type { LineEntry, SymbolTable } from "./symbol-table.ts";

/** Code that is left as a whole: of a line, or of a function without lines. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** A step from the line, or the function without lines, that a core is in. */
export class LineStep {
  readonly #symbols: SymbolTable;
  readonly #line: LineEntry | undefined;
  readonly #stretch: Stretch;
  readonly #over: boolean;

  /**
   * @param over whether functions that the compiler has put into this one are no other lines
   * @param isForward whether jumps back within the function are no end of it: `until`
   * @throws Error when neither a line nor a function is known
   */
  constructor(symbols: SymbolTable, core: Core, over: boolean, isForward: boolean) {
    this.#over = over;
    this.#symbols = symbols;
    const eip = linearEip(core);
    this.#line = symbols.lineEntry(eip);
    const whole = functionAround(symbols, eip);
    if (this.#line === undefined && whole === undefined) {
      throw new Error(`no line and no function is known at ${symbols.format(eip)}; stepi and nexti go by instructions`);
    }
    const { address, end } = this.#line ?? { address: whole!.start, end: whole!.end };
    this.#stretch = { start: isForward ? (whole?.start ?? address) : address, end };
  }

  /**
   * Whether the step is over, after an instruction; "new line" where it goes on from another one: in the middle of a
   * line that it has come to within the function, or at another part of the same.
   */
  look(core: Core, before: Frame, instruction: Instruction | undefined): "stop" | "on" | "new line" {
    const eip = linearEip(core);
    if (eip >= this.#stretch.start && eip < this.#stretch.end) return "on";
    const line = this.#symbols.lineEntry(eip);
    const isReturned = instruction?.flow === "return" || instruction?.flow === "interrupt-return";
    if (line === undefined) {
      // Code without lines ends a step; but for such code that it began in.
      return this.#line === undefined && !isReturned && this.#isSameFunction(eip) ? "on" : "stop";
    }
    if (isReturned) return "stop";
    if (this.#over && this.#symbols.inlinedBetween(eip, this.#stretch.start).length > 0) return "on";
    const isOther = line.line !== this.#line?.line || line.file !== this.#line.file;
    if (isOther && line.address === eip && line.isStatement) return "stop";
    return isOther && !before.isOnSameStack(core) ? "stop" : "new line";
  }

  #isSameFunction(eip: number): boolean {
    return this.#symbols.symbolize(eip)?.symbol === this.#symbols.symbolize(this.#stretch.start)?.symbol;
  }
}

function functionAround(symbols: SymbolTable, address: number): Stretch | undefined {
  const place = symbols.symbolize(address);
  if (place === undefined) return undefined;
  const start = address - place.offset;
  return { start, end: start + Math.max(place.size, place.offset + 1) };
}
