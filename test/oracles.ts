/**
 * Programs of others that tests compare with: gdb, QEMU, GNU as, `gcc -m32`, busybox, cpio,
 * boot loaders and firmware. Where one is missing its
 * comparisons are skipped, and that is said; where ESP0_ORACLES=required is set, as in .ci/run, it fails the test file.
 */

const REQUIRED = process.env.ESP0_ORACLES === "required";

/**
 * Whether comparisons with an oracle run; for `describe.skipIf(!…)`.
 * @throws Error when it is required and not there
 */
export function oracle(name: string, isThere: boolean): boolean {
  if (isThere) return true;
  if (REQUIRED) throw new Error(`${name} is not here, and ESP0_ORACLES=required: install it (see .ci/run)`);
  console.warn(`SKIPPED: comparisons with ${name}, which is not here`);
  return false;
}
