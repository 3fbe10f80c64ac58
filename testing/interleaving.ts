/** The same test in many orders: what happens between the instructions is varied by a seed, the same for the same seed. */
import {
  type Interleaver,
  PctInterleaver,
  RandomInterleaver,
  RoundRobin,
  ScriptedInterleaver,
  type ScriptStep,
} from "../emulator/index.ts";
import { RecordedInterleaver } from "./recorded-interleaver.ts";
import { describeScript, formatScript, shortest } from "./shortest-script.ts";

/** Ticks a second that the kernel asks of the 8254. */
const HZ = 100;
/** Instructions between two ticks, so that one comes in the middle of nearly everything sooner or later. */
const SHORTEST_TICK = 3_000;
const LONGEST_TICK = 40_000;
/** Instructions in a turn when a script is at its end. */
const AFTERWARDS = 1_000;
/** Runs to find a shorter script, by default. */
const SHORTENING_RUNS = 200;

/** A kernel whose run can be seen again. */
interface Reproducible {
  /** How, in a line or two. */
  reproduction(): string;
}

/** How the cores of a machine take turns. */
export interface InterleavingOptions {
  /**
   * "random", the default: any core, for a number of instructions up to `maximum`. "pct": by priorities that change at
   * `depth` - 1 moments of a run of about `steps` instructions; see `PctInterleaver` for the chance to find a mistake.
   */
  readonly mode?: "random" | "pct";
  /** Instructions in a turn at most, for "random"; 200 by default. */
  readonly maximum?: number;
  /** For "pct"; 3 by default. */
  readonly depth?: number;
  /** For "pct"; 10,000 by default. */
  readonly steps?: number;
  /** How often a body that failed is run again at most, to find the shortest script with which it fails; 200 by default. */
  readonly shortening?: number;
}

/**
 * One interleaving. Given to `bootKernel`, it sets how many instructions lie between two timer interrupts, and so where
 * interrupts arrive, time slices end and timers expire. A machine of several cores takes turns by its `interleaver()`.
 */
export class Interleaving {
  readonly seed: number;
  /** The turns, where they are not the seed's. */
  readonly script: readonly ScriptStep[] | undefined;
  readonly #options: InterleavingOptions;
  readonly #kernels: Reproducible[] = [];
  readonly #recorded: RecordedInterleaver[] = [];

  /** @param script turns in place of those of the seed: see `ScriptedInterleaver` */
  constructor(seed: number, options: InterleavingOptions = {}, script?: readonly ScriptStep[]) {
    if (!Number.isInteger(seed) || seed < -(2 ** 31) || seed >= 2 ** 32) {
      throw new RangeError(`seed ${seed}: expected a 32-bit integer`);
    }
    this.seed = seed;
    this.script = script;
    this.#options = options;
  }

  /** Instructions a second of the machine's time. */
  get cpuHz(): number {
    return HZ * this.instructionsPerTick;
  }

  get instructionsPerTick(): number {
    return SHORTEST_TICK + (scramble(this.seed) % (LONGEST_TICK - SHORTEST_TICK));
  }

  /** Who runs when on a machine of several cores: `new Machine({ cpus: 2, interleaver: … })`. Each machine needs its own. */
  interleaver(): Interleaver {
    const recorded = new RecordedInterleaver(this.#decides());
    this.#recorded.push(recorded);
    return recorded;
  }

  #decides(): Interleaver {
    const { mode = "random", maximum, depth = 3, steps = 10_000 } = this.#options;
    if (this.script !== undefined) return new ScriptedInterleaver(this.script, new RoundRobin(AFTERWARDS));
    return mode === "pct"
      ? new PctInterleaver({ seed: this.seed, depth, steps })
      : new RandomInterleaver(this.seed, maximum);
  }

  /** The turns that were taken, when one machine took them. */
  get taken(): ScriptStep[] | undefined {
    return this.#recorded.length === 1 ? this.#recorded[0].script : undefined;
  }

  /** The same but for the turns. */
  scripted(script: readonly ScriptStep[]): Interleaving {
    return new Interleaving(this.seed, this.#options, script);
  }

  /** Remembers a kernel that was booted with it, for the message of a failure. */
  adopt(kernel: Reproducible): void {
    this.#kernels.push(kernel);
  }

  /** Which run failed, and how to see it again. */
  describe(): string {
    const lines = [`interleaving with seed ${this.seed}: a timer tick every ${this.instructionsPerTick} instructions`];
    for (const kernel of this.#kernels) lines.push(kernel.reproduction());
    return lines.join("\n");
  }
}

/** Two rounds of the mixing function of MurmurHash3. */
function scramble(seed: number): number {
  let mixed = Math.imul(seed + 0x9e3779b9, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** A test of one interleaving. */
type Body<R> = (interleaving: Interleaving) => R;

/**
 * Runs `body` once for each seed; give what it gets to `bootKernel({ interleave })`, or its `interleaver()` to a machine of
 * several cores. What it throws is thrown on, with the seed in its message, the command that goes to the instruction where
 * the run stood, and the shortest script of turns found with which it still fails: `body` is run again for that, so it must
 * make all it uses anew.
 * @param seeds the seeds, or a number of them: 0 to `seeds` - 1; or scripts as a failure has printed them
 * @returns a promise when `body` returns one
 */
export function forEachInterleaving<R extends void | Promise<void>>(
  seeds: number | Iterable<number | readonly ScriptStep[]>,
  body: Body<R>,
  options: InterleavingOptions = {},
): R {
  const all = typeof seeds === "number" ? Array.from({ length: seeds }, (_, seed) => seed) : [...seeds];
  if (all.length === 0) throw new RangeError("forEachInterleaving without a seed would test nothing");
  const from = (index: number): void | Promise<void> => {
    for (let i = index; i < all.length; i++) {
      const seed = all[i];
      const interleaving =
        typeof seed === "number" ? new Interleaving(seed, options) : new Interleaving(0, options, seed);
      let result: void | Promise<void>;
      try {
        result = body(interleaving);
      } catch (error) {
        throw explained(error, interleaving, shortenedNow(interleaving, body, options));
      }
      if (result instanceof Promise) {
        return result.then(
          () => from(i + 1),
          async (error: unknown) => {
            throw explained(error, interleaving, await shortenedLater(interleaving, body, options));
          },
        );
      }
    }
  };
  return from(0) as R;
}

/** What came of looking for a shorter script. */
interface Shortening {
  readonly script: readonly ScriptStep[];
  readonly of: number;
  /** Bodies that were run for it. */
  readonly runs: number;
}

/**
 * Scripts to try, until there is no shorter one or enough was done; undefined when there is nothing to be shortened, or the
 * turns alone do not make the body fail.
 */
function* shortening(
  interleaving: Interleaving,
  { shortening: most = SHORTENING_RUNS }: InterleavingOptions,
): Generator<readonly ScriptStep[], Shortening | undefined, boolean> {
  const { taken } = interleaving;
  if (taken === undefined || most <= 0 || !(yield taken)) return undefined;
  let script = taken;
  let runs = 1;
  const search = shortest(taken);
  for (let step = search.next(); ; runs++) {
    if (step.done === true) return { script: step.value, of: taken.length, runs };
    if (runs >= most) return { script, of: taken.length, runs };
    const fails = yield step.value;
    if (fails) script = step.value;
    step = search.next(fails);
  }
}

function shortenedNow(
  interleaving: Interleaving,
  body: Body<void | Promise<void>>,
  options: InterleavingOptions,
): Shortening | undefined {
  const search = shortening(interleaving, options);
  for (let step = search.next(); ; ) {
    if (step.done === true) return step.value;
    let fails = false;
    try {
      // A body that has become asynchronous is not this test any more.
      void Promise.resolve(body(interleaving.scripted(step.value))).catch(() => {});
    } catch {
      fails = true;
    }
    step = search.next(fails);
  }
}

async function shortenedLater(
  interleaving: Interleaving,
  body: Body<void | Promise<void>>,
  options: InterleavingOptions,
): Promise<Shortening | undefined> {
  const search = shortening(interleaving, options);
  for (let step = search.next(); ; ) {
    if (step.done === true) return step.value;
    const script = step.value;
    const fails = await (async () => body(interleaving.scripted(script)))().then(
      () => false,
      () => true,
    );
    step = search.next(fails);
  }
}

/** The same error, so that a test runner shows what it knows of it, with more in its message. */
function explained(error: unknown, interleaving: Interleaving, shortening: Shortening | undefined): Error {
  const known = error instanceof Error ? error : new Error(String(error));
  const parts = [known.message, "", interleaving.describe()];
  if (shortening !== undefined) {
    const { script, of, runs } = shortening;
    parts.push(
      `the shortest script that still fails has ${script.length} of its ${of} steps (${runs} runs):`,
      ...describeScript(script).map((line) => `  ${line}`),
      `repeat with: forEachInterleaving([${formatScript(script)}], …)`,
    );
  }
  known.message = parts.join("\n");
  return known;
}
