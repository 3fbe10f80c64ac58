/** How the compiled tier of a machine is set up. */
export interface TierSettings {
  /** Whether code that is run often is compiled. */
  readonly tier: "off" | "on";
  /** How often a block is interpreted before it is compiled, from 0 on. */
  readonly threshold: number;
}

/** What machines have that are not told otherwise. Test runners change it, which reach no machine's options. */
export const tierDefaults: { -readonly [name in keyof TierSettings]: TierSettings[name] } = {
  tier: "on",
  threshold: 1000,
};

/** The settings of a machine. @throws RangeError when the threshold is no integer from 0 to 2^30 - 1 */
export function tierSettings(options: { tier?: "off" | "on"; tierThreshold?: number }): TierSettings {
  const { tier = tierDefaults.tier, tierThreshold: threshold = tierDefaults.threshold } = options;
  if (!Number.isInteger(threshold) || threshold < 0 || threshold >= 1 << 30) {
    throw new RangeError(`threshold ${threshold} of the compiled tier: expected an integer from 0 to ${(1 << 30) - 1}`);
  }
  return { tier, threshold };
}
