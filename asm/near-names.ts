/** Suggestions for a name that was not found. */

/** Edit distance in insertions, deletions, replacements and swaps of neighbours, or `limit + 1` if it is larger. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = last[column - 1] + (a[row - 1] === b[column - 1] ? 0 : 1);
      let best = Math.min(replaced, last[column] + 1, current[column - 1] + 1);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, beforeLast[column - 2] + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length];
}

/** Leading underscores and letter case, the usual ways to misspell a C name. */
const bare = (name: string): string => name.replace(/^_+/, "").toLowerCase();

/** `; did you mean a or b?` behind a message; empty when no name is near. */
export function didYouMean(near: readonly string[], separator = " or "): string {
  return near.length === 0 ? "" : `; did you mean ${near.join(separator)}?`;
}

/** Up to three of `candidates` that `name` may have been meant for, nearest first. */
export function nearNames(name: string, candidates: Iterable<string>): string[] {
  const limit = Math.max(1, Math.floor(name.length / 4));
  const found: { candidate: string; far: number }[] = [];
  for (const candidate of candidates) {
    const far = bare(candidate) === bare(name) ? 0 : distance(name, candidate, limit);
    if (far <= limit && candidate !== name) found.push({ candidate, far });
  }
  return found
    .sort((a, b) => a.far - b.far || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}
