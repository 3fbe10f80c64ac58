import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Interleaver, RandomInterleaver, RoundRobin } from "../../emulator/index.ts";
import { explore } from "./explore.ts";
import { LitmusGuest } from "./guest.ts";
import { allowedStates } from "./model.ts";
import { type LitmusTest, observed, parseLitmus, type State } from "./parse.ts";

const DIRECTORY = join(import.meta.dirname, "x86");
/** Seeded runs of each test: `npm run litmus` makes as many as the tests must pass. */
const RUNS = process.env.LITMUS === "all" ? 100_000 : 1_500;
const MOST_STATES = 200_000;

const TESTS: readonly LitmusTest[] = readdirSync(DIRECTORY)
  .sort()
  .map((file) => parseLitmus(readFileSync(join(DIRECTORY, file), "utf8"), file));

/** Random turns of at most a few instructions, for another seed in every run. */
class Reseeded implements Interleaver {
  #random = new RandomInterleaver(0, 3);

  set seed(seed: number) {
    this.#random = new RandomInterleaver(seed, 3);
  }

  get quantum(): number {
    return this.#random.quantum;
  }

  next(runnable: number): number {
    return this.#random.next(runnable);
  }

  drain(buffered: number): number {
    return this.#random.drain(buffered);
  }
}

/** The states of a set for which the test's condition holds. */
function satisfying(test: LitmusTest, states: ReadonlySet<string>): string[] {
  return [...states].filter((text) => test.condition(parseState(text)));
}

function parseState(text: string): State {
  return Object.fromEntries([...text.matchAll(/(\S+)=(\d+);/g)].map(([, name, value]) => [name, Number(value)]));
}

/** Outcomes of seeded runs, and how often each was seen. */
function runs(guest: LitmusGuest, interleaver: Reseeded, count: number): Map<string, number> {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < count; seed++) {
    interleaver.seed = seed;
    guest.begin();
    const outcome = guest.run();
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  return seen;
}

describe("the tests' own verdicts", () => {
  it.each(TESTS.map((test) => [test.name, test] as const))("M8: x86-TSO allows %s as its file says", (_name, test) => {
    expect(satisfying(test, allowedStates(test, "tso")).length > 0).toBe(test.allowed);
  });
});

describe("exhaustively", () => {
  it.each(TESTS.map((test) => [test.name, test] as const))(
    "M8: %s has all of x86-TSO's outcomes, and no other",
    (_name, test) => {
      const { outcomes } = explore(new LitmusGuest(test, "tso", new RoundRobin(1)), MOST_STATES);
      expect([...outcomes].sort()).toEqual([...allowedStates(test, "tso")].sort());
    },
  );

  // Whole instructions are too coarse for the read-modify-writes that are two accesses.
  const unsplit = TESTS.filter(({ threads }) => threads.flat().every((each) => each.kind !== "modify" || each.locked));
  it.each(unsplit.map((test) => [test.name, test] as const))(
    'M8: with "sc", %s has those without store buffers',
    (_name, test) => {
      const { outcomes } = explore(new LitmusGuest(test, "sc", new RoundRobin(1)), MOST_STATES);
      expect([...outcomes].sort()).toEqual([...allowedStates(test, "sc")].sort());
    },
  );
});

describe(`${RUNS} seeded runs`, () => {
  it.each(TESTS.map((test) => [test.name, test] as const))(
    "M8: %s",
    (_name, test) => {
      const interleaver = new Reseeded();
      const seen = runs(new LitmusGuest(test, "tso", interleaver), interleaver, RUNS);
      const allowed = allowedStates(test, "tso");
      expect([...seen.keys()].filter((outcome) => !allowed.has(outcome))).toEqual([]);
      if (test.allowed) expect(satisfying(test, new Set(seen.keys()))).not.toEqual([]);
      if (process.env.LITMUS === "all") expect([...seen.keys()].sort()).toEqual([...allowed].sort());
    },
    3_600_000,
  );
});

describe("the parser", () => {
  it("says what is wrong, and in which file", () => {
    const parse = (text: string) => parseLitmus(text, "mine.litmus");
    expect(() => parse("PPC mine\n{}\n P0 ;\nexists (x=1)")).toThrow("mine.litmus: expected `X86 NAME`");
    expect(() => parse("X86 mine\n P0 ;\nexists (x=1)")).toThrow("expected initial values");
    expect(() => parse("X86 mine\n{}\n P0 ;\n")).toThrow("expected `exists (…)`");
    expect(() => parse("X86 mine\n{}\n P0 ;\n MOV [x],[y] ;\nexists (x=1)")).toThrow("no instruction: MOV [x],[y]");
    expect(() => parse("X86 mine\n{}\n P0 | P1 ;\n MOV [x],$1 ;\nexists (x=1)")).toThrow("expected 2 columns");
    expect(() => parse("X86 mine\n{}\n P0 ;\n MFENCE ;\nexists (x>1)")).toThrow("no condition: x>1");
  });

  it("reads registers that instructions write, and locations", () => {
    const test = parseLitmus(
      "X86 mine\n{ 0:EBX=2; [y]=3; }\n P0 ;\n XADD [x],EBX ;\nexists (0:EBX=0 /\\ y=3)\n",
      "mine.litmus",
    );
    expect([test.name, observed(test), test.initial]).toEqual(["mine", ["0:EBX", "x", "y"], { "0:EBX": 2, y: 3 }]);
  });
});
