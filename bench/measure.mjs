// Measuring, and tables of it.

/** Seconds of `work`. */
export function timed(work) {
  const begun = performance.now();
  work();
  return (performance.now() - begun) / 1000;
}

export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

export function row(what, value, unit, aim = "") {
  console.log(`${what.padEnd(44)}${value.padStart(12)} ${unit.padEnd(8)}${aim}`);
}
