// Turns the guest's serial output into timed workloads.

/** CPU seconds of this process, by all its threads. */
function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Takes bytes; calls `report(name, seconds, checksum)` for each workload and `done()` at the end. */
export function timed(report, done) {
  let line = "";
  let begun = 0;
  return (byte) => {
    const character = String.fromCharCode(byte);
    if (character !== "\n") {
      line += character;
      return;
    }
    const [kind, name, checksum] = line.split(" ");
    line = "";
    if (kind === "B") begun = cpuSeconds();
    if (kind === "E") report(name, cpuSeconds() - begun, checksum);
    if (kind === "DONE") done();
  };
}

/** The same, as lines of JSON on standard output for the process that compares. */
export function printed(done) {
  return timed((name, seconds, checksum) => console.log(JSON.stringify({ name, seconds, checksum })), done);
}
