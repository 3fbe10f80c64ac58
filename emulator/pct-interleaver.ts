import { checkInstructions, type Interleaver } from "./interleaver.ts";
import { MAXIMUM_CPUS } from "./memory/physical-memory.ts";
import { SeededNumbers } from "./seeded-numbers.ts";
import type { Snapshot } from "./snapshot.ts";

const MOST_DEPTH = 64;
/** Each core, and each store buffer, which acts when a store of it reaches memory. */
const ACTORS = 2 * MAXIMUM_CPUS;
const DEFAULT_PATIENCE = 20_000;

/** How `PctInterleaver` decides. */
export interface PctOptions {
  /** Any 32-bit integer. */
  readonly seed: number;
  /** d: how many orderings must come together for the bug, 1 to 64. One changes nothing after the first choice. */
  readonly depth: number;
  /** k: about how many instructions the run has, those of all cores, from 1 up. */
  readonly steps: number;
  /**
   * Instructions that a core runs on end, while others could, before it comes last: one that waits for another must not keep
   * it from running. 20,000 by default; those of spin loops count like any others.
   */
  readonly patience?: number;
}

/**
 * Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte: "A Randomized Scheduler with Probabilistic
 * Guarantees of Finding Bugs", ASPLOS 2010). Cores have random priorities, and the highest that can run does; at d - 1 steps,
 * chosen at random among k, the core that runs then gets a priority below all others. A bug of depth d among n cores is found
 * by a seed with a chance of 1 / (n k^(d-1)) at least. With the memory model "tso" store buffers take part: each has a
 * priority too, a store that reaches memory is a step, and n is twice the number of cores.
 */
export class PctInterleaver implements Interleaver {
  readonly preemptive = true;
  quantum = 1;
  readonly #options: PctOptions;
  readonly #patience: number;
  readonly #priorities: number[];
  /** Steps at which a priority changes, the next one last; the i-th one chosen leaves priority i. */
  readonly #changes: { step: number; priority: number }[];
  /** Changes that have not come yet. */
  #ahead: number;
  #steps = 0;
  #executed = 0;
  /** The core that has run since `next` was called, -1 before. */
  #running = -1;
  /** Instructions that it has run on end. */
  #onEnd = 0;
  /** Below all priorities there are. */
  #lowest = 0;

  /** @throws RangeError when an option is out of range */
  constructor(options: PctOptions) {
    const { seed, depth, steps, patience = DEFAULT_PATIENCE } = options;
    if (!Number.isInteger(depth) || depth < 1 || depth > MOST_DEPTH) {
      throw new RangeError(`depth ${depth}: expected an integer from 1 to ${MOST_DEPTH}`);
    }
    checkInstructions("steps", steps);
    checkInstructions("patience", patience);
    this.#options = options;
    this.#patience = patience;
    const numbers = new SeededNumbers(seed);
    this.#priorities = shuffled(ACTORS, numbers).map((place) => depth + place);
    this.#changes = Array.from({ length: depth - 1 }, (_, i) => ({ step: 1 + numbers.below(steps), priority: i + 1 }));
    this.#changes.sort((a, b) => b.step - a.step || b.priority - a.priority);
    this.#ahead = this.#changes.length;
  }

  next(runnable: number, executed: number): number {
    this.#account(executed);
    const core = this.#best(runnable, 0) >> 1;
    if (core !== this.#running) this.#onEnd = 0;
    this.#running = core;
    const change = this.#ahead === 0 ? Number.POSITIVE_INFINITY : this.#changes[this.#ahead - 1].step;
    this.quantum = Math.max(1, Math.min(change - this.#steps, this.#patience - this.#onEnd));
    return core;
  }

  drain(buffered: number, runnable: number, executed: number): number {
    this.#account(executed);
    const best = this.#best(runnable, buffered);
    if ((best & 1) === 0) return -1;
    this.#steps++;
    this.#changeWhatIsDue(best);
    return best >> 1;
  }

  another(): PctInterleaver {
    return new PctInterleaver(this.#options);
  }

  snapshot(s: Snapshot): void {
    s.section("PCT interleaver");
    const most = Number.MAX_SAFE_INTEGER;
    for (let i = 0; i < ACTORS; i++) this.#priorities[i] = s.integer(this.#priorities[i], -most, ACTORS + MOST_DEPTH);
    this.#ahead = s.integer(this.#ahead, 0, this.#changes.length);
    this.#steps = s.integer(this.#steps, 0, most);
    this.#executed = s.integer(this.#executed, 0, most);
    this.#running = s.integer(this.#running, -1, MAXIMUM_CPUS - 1);
    this.#onEnd = s.integer(this.#onEnd, 0, most);
    this.#lowest = s.integer(this.#lowest, -most, 0);
    this.quantum = s.integer(this.quantum, 1, most);
  }

  /** Takes down what has been executed since it was asked last. */
  #account(executed: number): void {
    const count = executed - this.#executed;
    this.#executed = executed;
    if (this.#running < 0 || count <= 0) return;
    this.#steps += count;
    this.#onEnd += count;
    if (this.#onEnd >= this.#patience) {
      this.#priorities[2 * this.#running] = --this.#lowest;
      this.#onEnd = 0;
    }
    this.#changeWhatIsDue(2 * this.#running);
  }

  /** Whoever made the step at which a priority changes has its changed. */
  #changeWhatIsDue(actor: number): void {
    while (this.#ahead > 0 && this.#changes[this.#ahead - 1].step <= this.#steps) {
      this.#priorities[actor] = this.#changes[--this.#ahead].priority;
    }
  }

  /** Twice the number of the core with the highest priority; one more when it is that of its store buffer. */
  #best(runnable: number, buffered: number): number {
    let best = -1;
    for (let actor = 0; actor < ACTORS; actor++) {
      const mask = (actor & 1) === 0 ? runnable : buffered;
      if (((mask >>> (actor >> 1)) & 1) === 0) continue;
      if (best < 0 || this.#priorities[actor] > this.#priorities[best]) best = actor;
    }
    return best;
  }
}

/** The numbers from 0 to `count` - 1 in a random order. */
function shuffled(count: number, numbers: SeededNumbers): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = numbers.below(i + 1);
    [all[i], all[other]] = [all[other], all[i]];
  }
  return all;
}
