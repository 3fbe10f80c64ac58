import type { CoreState } from "./core-state.ts";
import { getOf, getPf, getSf, isBelow, isBelowOrEqual, isLess, isLessOrEqual, isZero } from "./flags.ts";

/** Whether condition `code` (0 to 15: O B Z BE S P L LE, odd codes negate) holds (Intel SDM 1, appendix B). */
export function holds(cpu: CoreState, code: number): boolean {
  let result: boolean;
  switch (code >> 1) {
    case 0:
      result = getOf(cpu) !== 0;
      break;
    case 1:
      result = isBelow(cpu);
      break;
    case 2:
      result = isZero(cpu);
      break;
    case 3:
      result = isBelowOrEqual(cpu);
      break;
    case 4:
      result = getSf(cpu) !== 0;
      break;
    case 5:
      result = getPf(cpu) !== 0;
      break;
    case 6:
      result = isLess(cpu);
      break;
    default:
      result = isLessOrEqual(cpu);
  }
  return result === ((code & 1) === 0);
}
