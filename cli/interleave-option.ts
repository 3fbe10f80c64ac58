/** The option `--interleave`: how several processors take turns. */
import { InvalidArgumentError, Option } from "commander";
import { type Interleaver, PctInterleaver, RandomInterleaver, RoundRobin } from "../emulator/index.ts";

const FORMS = "round-robin:N, random:SEED, random:SEED:MOST or pct:SEED:DEPTH:STEPS";

/** What an interleaver is called on a command line; each call of `interleaverOf` makes one. */
export function interleaverOf(text: string): Interleaver {
  const [mode, ...rest] = text.split(":");
  const numbers = rest.map((digits) => (/^\d+$/.test(digits) ? Number(digits) : Number.NaN));
  const [first, second, third] = numbers;
  if (mode === "round-robin" && numbers.length === 1) return new RoundRobin(first);
  if (mode === "random" && numbers.length === 1) return new RandomInterleaver(first);
  if (mode === "random" && numbers.length === 2) return new RandomInterleaver(first, second);
  if (mode === "pct" && numbers.length === 3) return new PctInterleaver({ seed: first, depth: second, steps: third });
  throw new RangeError(`${text} is no way to take turns: ${FORMS} is expected`);
}

function checked(text: string): string {
  try {
    interleaverOf(text);
    return text;
  } catch (error) {
    throw error instanceof RangeError ? new InvalidArgumentError(`${error.message}.`) : error;
  }
}

export function interleaveOption(): Option {
  return new Option("--interleave <HOW>", `how processors take turns: ${FORMS} (default: round-robin:100)`).argParser(
    checked,
  );
}
