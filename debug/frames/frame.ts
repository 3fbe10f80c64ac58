/** A frame on the stack, and what it is walked from. */
import type { FrameRegisters } from "../../asm/dwarf/reader/index.ts";

export interface Frame extends StackPointers {
  readonly kind: "kernel" | "user";
  /** Where the return address of this frame lies on the stack. */
  readonly returnSlot?: number;
  /** ESP before the call that made this frame, where call frame information tells it. */
  readonly cfa?: number;
  /** Address of the CPU's frame below which this one was interrupted, if it was. */
  readonly entryFrame?: number;
  /** Whether what lies below this frame is an interrupt, exception or system call. */
  readonly interrupted: boolean;
  /** Whether it is the code that returns from a signal's handler, in which what lies below was interrupted. */
  readonly isSignal?: true;
  /** Whether `pc` is of the instruction that it is at; or else of the one behind its call, or behind its INT. */
  readonly isExact: boolean;
}

/** What a frame is walked from. */
export interface StackPointers {
  /** Linear address of the next instruction of this frame: EIP, or where its callee returns to. */
  readonly pc: number;
  readonly esp: number;
  readonly ebp: number;
  /** All of its registers, as far as they are known. */
  readonly registers: FrameRegisters;
  /** Where those of them lie that frames further in have saved, by number. */
  readonly saved: ReadonlyMap<number, number>;
}
