import Long from "long";

/**
 * floor(value * multiplier / divisor), exactly.
 * @param value an integer from 0 to 2^53 - 1
 * @param multiplier an integer from 0 to 2^32 - 1
 * @param divisor an integer from 1 to 2^32 - 1
 * @returns the quotient; the caller sees to it that it does not exceed 2^53 - 1
 */
export function mulDiv(value: number, multiplier: number, divisor: number): number {
  const remainder = value % divisor;
  const whole = ((value - remainder) / divisor) * multiplier;
  const product = remainder * multiplier;
  if (product <= Number.MAX_SAFE_INTEGER) return whole + (product - (product % divisor)) / divisor;
  // Both factors are below 2^32, so the product fits in 64 bits.
  return whole + Long.fromNumber(remainder, true).mul(Long.fromNumber(multiplier, true)).div(divisor).toNumber();
}

const MICROSECONDS_PER_SECOND = 1_000_000;

/**
 * Cycles in a number of microseconds, rounded down, but at least one.
 * @param cyclesPerSecond the CPU's rate, 1 to 2^32 - 1
 */
export function cyclesInMicroseconds(microseconds: number, cyclesPerSecond: number): number {
  return Math.max(1, mulDiv(microseconds, cyclesPerSecond, MICROSECONDS_PER_SECOND));
}

/**
 * A device clock beside the CPU's: converts between cycles and the device's ticks, both counted from power-on, by
 * integer arithmetic, so nothing drifts however long a machine runs.
 */
export class TickRate {
  /**
   * @param cyclesPerSecond the CPU's rate, 1 to 2^32 - 1
   * @param ticksPerSecond the device's rate, 1 to 2^32 - 1
   */
  constructor(
    readonly cyclesPerSecond: number,
    readonly ticksPerSecond: number,
  ) {}

  /** Ticks that have happened when cycle `cycle` begins. */
  ticksAt(cycle: number): number {
    return mulDiv(cycle, this.ticksPerSecond, this.cyclesPerSecond);
  }

  /** First cycle at whose beginning `tick` ticks have happened. */
  cycleOf(tick: number): number {
    const cycle = mulDiv(tick, this.cyclesPerSecond, this.ticksPerSecond);
    return this.ticksAt(cycle) < tick ? cycle + 1 : cycle;
  }
}
