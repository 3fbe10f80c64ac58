/** Places in code as commands take them: `schedule`, `*0xc0101234`, `0xc0101234`, `switch_to.S:21`. */
import { CommandError } from "./command.ts";
import type { Console } from "./console.ts";

const FILE_LINE = /^([^\s:]+):(\d+)$/;

/**
 * Linear addresses of a place: one, or several for a line that a macro repeats.
 * @throws CommandError when no instruction comes from the line; ExpressionError, MemoryError
 */
export function placeAddresses(console: Console, text: string): number[] {
  const place = text.trim();
  if (FILE_LINE.test(place)) {
    let addresses: number[];
    try {
      addresses = console.session.symbols.addressesOf(place);
    } catch (error) {
      throw error instanceof RangeError ? new CommandError(error.message) : error;
    }
    if (addresses.length === 0) throw new CommandError(`no instruction comes from line ${place}`);
    return addresses;
  }
  return [console.address(place.replace(/^\*\s*/, ""))];
}
