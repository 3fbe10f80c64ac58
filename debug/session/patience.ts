/** How long a guest runs without a look at the host's events, Ctrl-C among them. */

/** Seconds. A slice of ordinary instructions takes less; what a guest does at each instruction may take a thousand times as long. */
const LONGEST_RUN = 0.05;

/**
 * For `RunLimits.until`: whether the run that begins now has taken too long. Not before its first instruction, so that even
 * the slowest host gets on.
 * @param now seconds of the host's time
 */
export function outOfPatience(now: () => number): () => boolean {
  const end = now() + LONGEST_RUN;
  let isFirst = true;
  return () => {
    const isDue = !isFirst && now() >= end;
    isFirst = false;
    return isDue;
  };
}
