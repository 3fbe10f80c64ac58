// Measuring, and tables of it.

/** CPU seconds of `work`, by all threads: the machine may have other things to do. */
export function timed(work) {
  const begun = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1e6;
}

/** The same of work that awaits. */
export async function timedAsync(work) {
  const begun = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1e6;
}

export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

export function row(what, value, unit, aim = "") {
  console.log(`${what.padEnd(44)}${value.padStart(12)} ${unit.padEnd(13)}${aim}`);
}
