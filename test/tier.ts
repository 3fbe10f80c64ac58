/**
 * ESP0_TIER=N has all machines of the tests compile what they have run N times, whatever they are built for: with a small
 * number, nearly all of the suite runs in compiled code, and must not notice.
 */
const threshold = process.env["ESP0_TIER"];
if (threshold !== undefined) {
  const { tierDefaults } = await import("../emulator/index.ts");
  tierDefaults.tier = "on";
  tierDefaults.threshold = Number(threshold);
}

export {};
