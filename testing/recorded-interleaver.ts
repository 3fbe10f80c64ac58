/** What an interleaver decided, to be decided again or in part. */
import type { Interleaver, ScriptStep } from "../emulator/index.ts";

/** Steps that are kept at most: a script that long is of no use to anybody. */
const MOST_STEPS = 200_000;

/** Decides as another interleaver does, and takes down the script of it. */
export class RecordedInterleaver implements Interleaver {
  readonly #inner: Interleaver;
  readonly #steps: ScriptStep[] = [];
  /** Whose turn it is, since how many instructions of all cores. */
  #core = -1;
  #since = 0;

  constructor(inner: Interleaver) {
    this.#inner = inner;
  }

  get quantum(): number {
    return this.#inner.quantum;
  }

  get preemptive(): boolean {
    return this.#inner.preemptive === true;
  }

  get endsTurnsAtPause(): boolean {
    return this.#inner.endsTurnsAtPause === true;
  }

  /** What was decided so far; undefined when that was too much. The last turn counts as long as it was meant to be. */
  get script(): ScriptStep[] | undefined {
    if (this.#steps.length > MOST_STEPS) return undefined;
    const last = this.#core < 0 ? [] : [{ core: this.#core, instructions: this.quantum }];
    return shortened([...this.#steps, ...last]);
  }

  next(runnable: number, executed: number): number {
    this.#endTurn(executed);
    this.#core = this.#inner.next(runnable, executed);
    this.#since = executed;
    return this.#core;
  }

  drain(buffered: number, runnable: number, executed: number): number {
    const core = this.#inner.drain?.(buffered, runnable, executed) ?? -1;
    if (core >= 0) {
      this.#endTurn(executed);
      this.#note({ core, stores: 1 });
    }
    return core;
  }

  #endTurn(executed: number): void {
    if (this.#core >= 0 && executed > this.#since) {
      this.#note({ core: this.#core, instructions: executed - this.#since });
    }
    this.#core = -1;
  }

  #note(step: ScriptStep): void {
    if (this.#steps.length <= MOST_STEPS) this.#steps.push(step);
  }
}

/** The same with steps in a row made one that come to the same. */
export function shortened(steps: readonly ScriptStep[]): ScriptStep[] {
  const result: ScriptStep[] = [];
  for (const step of steps) {
    const last = result.at(-1);
    if (last !== undefined && last.core === step.core && "stores" in last === "stores" in step) {
      result.pop();
      result.push(joined(last, step));
    } else result.push(step);
  }
  return result;
}

function joined(first: ScriptStep, second: ScriptStep): ScriptStep {
  if ("stores" in first && "stores" in second) return { core: first.core, stores: first.stores + second.stores };
  if ("stores" in first || "stores" in second) throw new TypeError("a turn and stores are no one step");
  return { core: first.core, instructions: first.instructions + second.instructions };
}
