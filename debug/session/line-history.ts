/** Stepping by lines of the source, backwards, over a record of the instructions that led to where a core is. */
import type { Frame, Instruction } from "./instruction.ts";
import type { LineEntry, SymbolTable } from "./symbol-table.ts";

/** What a core was about to execute. */
export interface Recorded {
  readonly frame: Frame;
  readonly instruction: Instruction | undefined;
}

/** Bytes that the arguments of a call take at most, where the callee drops them. */
const MOST_ARGUMENT_BYTES = 0x1000;

/** How a search back has ended. */
export type Found =
  /** At this index of the record. */
  | { readonly kind: "found"; readonly index: number }
  /** The record does not reach back far enough. */
  | { readonly kind: "too short" };

const TOO_SHORT: Found = { kind: "too short" };

export class LineHistory {
  readonly #records: readonly Recorded[];
  readonly #symbols: SymbolTable;
  #isOver = false;

  /** @param records from the oldest to the present */
  constructor(records: readonly Recorded[], symbols: SymbolTable) {
    this.#records = records;
    this.#symbols = symbols;
  }

  /**
   * The beginning of the line that was executed last, seen from the present, which is the last record.
   * @param over whether calls are passed over; or else the end of a function with lines is gone back into
   */
  previousLine(over: boolean): Found {
    this.#isOver = over;
    let at = this.#back(this.#records.length - 1, over);
    if (at === undefined) return TOO_SHORT;
    for (;;) {
      const line = this.#line(at);
      if (line === undefined) return { kind: "found", index: at };
      const first = this.#startOf(at, line, over);
      if (first === undefined) return TOO_SHORT;
      if (!this.#isPrologue(first, line)) return { kind: "found", index: first };
      // Before what sets up the frame of a function is its call.
      const call = this.#back(first, over);
      if (call === undefined) return TOO_SHORT;
      at = call;
    }
  }

  /** The first instruction of the run of a line that holds the one at an index. */
  #startOf(index: number, line: LineEntry, over: boolean): number | undefined {
    let at = index;
    for (;;) {
      const before = this.#back(at, over);
      if (before === undefined) return undefined;
      const isEntered = this.#records[at - 1]?.instruction?.flow === "return" && before === at - 1;
      const other = this.#line(before);
      if (isEntered && other !== undefined) return this.#startOf(before, other, over);
      if (other?.line !== line.line || other.file !== line.file || this.#isCall(before, at)) return at;
      at = before;
    }
  }

  /** Whether the instruction at an index is a call into the function whose first instruction is the next one. */
  #isCall(index: number, next: number): boolean {
    if (index !== next - 1) return false;
    const { instruction, frame } = this.#records[index];
    const { frame: after } = this.#records[next];
    if (instruction?.flow !== "hostcall") return instruction?.flow === "call";
    return after.esp < frame.esp && after.linear !== instruction.following;
  }

  /** Whether what stands there is the first line of a function, which only sets up its frame. */
  #isPrologue(index: number, line: LineEntry): boolean {
    const { linear } = this.#records[index].frame;
    return (
      this.#symbols.symbolize(linear)?.offset === 0 &&
      this.#symbols.bodyOf(linear) !== linear &&
      line.address === linear
    );
  }

  /** The index of the instruction that led to the one at an index; a call that is passed over is one instruction. */
  #back(index: number, over: boolean): number | undefined {
    if (index === 0) return undefined;
    const last = index - 1;
    const flow = this.#records[last].instruction?.flow;
    if (flow !== "return" && flow !== "interrupt-return") return last;
    const isEntered = flow === "return" && !over && this.#line(last) !== undefined;
    return isEntered ? last : this.#beginningOf(index);
  }

  /** The call, or the instruction that was interrupted, after which all that came returned to the one at an index. */
  #beginningOf(index: number): number | undefined {
    const { frame } = this.#records[index];
    let best: number | undefined;
    let highest = -1;
    for (let i = index - 2; i >= 0; i--) {
      const { frame: other, instruction } = this.#records[i];
      if (isHostcall(instruction, other, frame)) return i;
      if (!other.isLike(frame) || other.esp > frame.esp || frame.esp - other.esp > MOST_ARGUMENT_BYTES) continue;
      if (other.esp <= highest || !this.#leadsTo(other, instruction, frame)) continue;
      best = i;
      highest = other.esp;
      // Nothing has been dropped: this is it.
      if (other.esp === frame.esp) break;
    }
    return best;
  }

  #leadsTo(other: Frame, instruction: Instruction | undefined, frame: Frame): boolean {
    if (other.linear === frame.linear) return true;
    if (instruction === undefined) return false;
    const { flow, following } = instruction;
    return (flow === "call" || flow === "interrupt") && following === frame.linear;
  }

  /** The line of an instruction; of one that has been inlined, over calls, the line that calls it. */
  #line(index: number): LineEntry | undefined {
    const { linear } = this.#records[index].frame;
    const entry = this.#symbols.lineEntry(linear);
    if (!this.#isOver || entry === undefined) return entry;
    const [call] = this.#symbols.inlinedBetween(linear, this.#records.at(-1)!.frame.linear);
    if (call?.file === undefined || call.line === undefined) return entry;
    return { ...entry, file: call.file, line: call.line };
  }
}

/** Whether a step of one of the kernel's functions may have called what returned to a frame; see `Frame.isOf`. */
function isHostcall(instruction: Instruction | undefined, before: Frame, after: Frame): boolean {
  if (instruction?.flow !== "hostcall" || instruction.following !== after.linear) return false;
  return before.ebp === after.ebp && before.isLike(after);
}
