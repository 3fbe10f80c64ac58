/** Positions as commands take them, and looks at other moments. */
import { grouped } from "../numbers.ts";
import { CommandError } from "./command-error.ts";
import type { Console } from "./console.ts";

/**
 * The position that a text names: `67354`, `#67,354`, an expression; `-200`, so many instructions before this one.
 * @throws CommandError; ExpressionError, MemoryError
 */
export function positionOf(console: Console, text: string): number {
  const number = console.number(text.replace(/^#/, "").replaceAll(",", ""));
  const position = text.startsWith("-") ? console.session.position + number : number;
  if (!Number.isSafeInteger(position) || position < 0) {
    const here = grouped(console.session.position);
    throw new CommandError(`${text}: a position, 0 or more, is expected, or -N, N instructions before #${here}`);
  }
  return position;
}

/**
 * Looks at the guest where it is at a position, and brings it back.
 * @throws CommandError when the run does not come to it
 */
export async function atPosition<Result>({ session }: Console, position: number, look: () => Result): Promise<Result> {
  const { core } = session;
  const { cycles } = session.machine;
  try {
    const stop = await session.goto(position);
    if (stop.position !== position) {
      throw new CommandError(
        `the run ends or waits at #${grouped(stop.position)}, before #${grouped(position)} (${stop.reason})`,
      );
    }
    session.core = core;
    return look();
  } finally {
    await session.gotoCycle(cycles);
    session.core = core;
  }
}
