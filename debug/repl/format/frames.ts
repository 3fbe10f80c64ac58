/** Frames as text. */
import type { Variable } from "../../../asm/dwarf/reader/index.ts";
import { MemoryError } from "../../frames/guest.ts";
import type { StackFrame } from "../../frames/stack-frame.ts";
import { hex } from "../../numbers.ts";
import type { Console } from "../console.ts";
import { entryName } from "./entry.ts";
import { formatScalar, formatValue } from "./value.ts";

/** The function's name; of code without one, `??`. */
export function functionName({ session }: Console, frame: StackFrame): string {
  return frame.function?.name ?? session.symbols.symbolize(frame.codeAddress)?.symbol ?? "??";
}

/** `fib (n=5)`. */
export function signatureOf(console: Console, frame: StackFrame): string {
  const list = frame.parameters.map((parameter) => `${parameter.name}=${argumentText(console, frame, parameter)}`);
  return `${functionName(console, frame)} (${list.join(", ")})`;
}

function argumentText(console: Console, frame: StackFrame, variable: Variable): string {
  return reading(() => formatScalar(console.environment().valueOf(variable, frame), console.formattingOf(frame)));
}

/** `name = value`, as `info locals` has it. */
export function variableLines(console: Console, frame: StackFrame, variable: Variable): string[] {
  const text = reading(() => formatValue(console.environment().valueOf(variable, frame), console.formattingOf(frame)));
  return `${variable.name} = ${text}`.split("\n");
}

function reading(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof MemoryError || error instanceof RangeError) return `<error: ${error.message}>`;
    throw error;
  }
}

/** `#1  0x0804907f in fib (n=4) at prog.c:32`; the address is left out at the beginning of a line. */
export function frameLine(console: Console, frame: StackFrame): string {
  if (frame.walked.isSignal) return `#${String(frame.level).padEnd(2)} <signal handler called>`;
  const line = console.session.symbols.lineEntry(frame.pc);
  const isAtStart = frame.walked.isExact && line?.address === frame.pc && line.isStatement;
  const address = isAtStart || frame.isInlinedOver ? "" : `${hex(frame.pc)} in `;
  const place = frame.place === undefined ? "" : ` at ${frame.place.file}:${frame.place.line}`;
  return `#${String(frame.level).padEnd(2)} ${address}${signatureOf(console, frame)}${place}`;
}

/** The frames of a back-trace, with what lies between them. @param isFull with the variables of each */
export function frameLines(console: Console, frames: readonly StackFrame[], isFull = false): string[] {
  return frames.flatMap((frame, index) => {
    const lines: string[] = [];
    const inner = frames.findLast(({ level, walked }) => level < frame.level && walked !== frame.walked)?.walked;
    if (frame.walked.kind === "user" && inner?.kind === "kernel") lines.push("    --- user space ---");
    lines.push(frameLine(console, frame));
    if (isFull) lines.push(...localLines(console, frame, "        "));
    const isOutermost = frames[index + 1]?.walked !== frame.walked;
    if (isOutermost && frame.walked.entryFrame !== undefined) {
      lines.push(`    --- ${entryName(console, frame.walked)} ---`);
    }
    return lines;
  });
}

/** The variables of a frame, those of the innermost block first. */
export function localLines(console: Console, frame: StackFrame, indent = ""): string[] {
  const lines = frame.blocks.flat().flatMap((variable) => variableLines(console, frame, variable));
  return (lines.length === 0 ? ["No locals."] : lines).map((line) => indent + line);
}
