import { describe, expect, it } from "vitest";
import { buildGuest, type GuestRun, guestPrograms, hasQemu, runGuest, runGuestUnderQemu } from "./guest-program.ts";
import { NOT_RUN_UNDER_QEMU, UNCHECKED_BY_QEMU } from "./unchecked-by-qemu.ts";

/** Programs that end in a triple fault, on purpose; all others write 0 to the exit port. */
const SHUTS_DOWN: ReadonlySet<string> = new Set(["triple-fault", "triple-fault-stack"]);
/** Below QEMU's own, which kills it. */
const TIMEOUT = 40_000;

if (!hasQemu) console.warn("guest programs: qemu-system-i386 is not installed; nothing is compared with it");

const programs = guestPrograms.map((name) => ({ name, elf: buildGuest(name) }));

const finished = new Map<string, GuestRun>();

/** The run of a program on our machine; it is the same every time, so that one run serves all tests. */
function ourRun(name: string, elf: Uint8Array): GuestRun {
  let run = finished.get(name);
  if (run === undefined) finished.set(name, (run = runGuest(elf)));
  return run;
}

/** The lines by the name of their check. Fails when a check is made twice: names are what the comparison goes by. */
function results({ lines }: GuestRun): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, result, rest] = /^(ok|FAIL) (.*)$/.exec(line) ?? [undefined, line, line];
    const name = result === "FAIL" ? rest.slice(0, rest.indexOf(" expected ")) : rest;
    expect(found.has(name), `the check '${name}' is made twice`).toBe(false);
    found.set(name, line);
  }
  return found;
}

function isUnchecked(program: string, check: string): boolean {
  return UNCHECKED_BY_QEMU.some((entry) => entry.program === program && entry.checks.test(check));
}

describe("guest programs that check the CPU", () => {
  it.each(programs)("$name", ({ name, elf }) => {
    const { lines, end } = ourRun(name, elf);
    expect(lines.filter((line) => !line.startsWith("ok "))).toEqual(SHUTS_DOWN.has(name) ? [] : ["done"]);
    expect(lines.length).toBeGreaterThan(0);
    expect(end).toBe(SHUTS_DOWN.has(name) ? "triple-fault" : 0);
  });
});

describe.skipIf(!hasQemu)("the same programs under QEMU", () => {
  const compared = programs.filter(({ name }) => !NOT_RUN_UNDER_QEMU.has(name));

  it.concurrent.each(compared)("$name", { timeout: TIMEOUT }, async ({ name, elf }) => {
    const qemu = await runGuestUnderQemu(name, elf);
    const theirs = results(qemu);
    const ours = results(ourRun(name, elf));
    expect([...theirs.keys()]).toEqual([...ours.keys()]);
    const checked = [...ours.keys()].filter((check) => !isUnchecked(name, check));
    expect(checked.map((check) => theirs.get(check))).toEqual(checked.map((check) => ours.get(check)));
    const failsSome = [...theirs.values()].some((line) => line.startsWith("FAIL "));
    expect(qemu.end).toBe(SHUTS_DOWN.has(name) ? "triple-fault" : failsSome ? 1 : 0);
  });

  it("names only checks that exist", () => {
    const known = new Map(programs.map(({ name, elf }) => [name, [...results(ourRun(name, elf)).keys()]]));
    expect([...NOT_RUN_UNDER_QEMU.keys()].every((name) => known.has(name))).toBe(true);
    for (const { program, checks } of UNCHECKED_BY_QEMU) {
      expect(
        known.get(program)?.some((check) => checks.test(check)),
        `${program}: ${checks}`,
      ).toBe(true);
    }
  });
});
