import { describe, expect, it } from "vitest";
import { task_struct } from "../../../kernel/include/linux/sched.ts";
import { rq } from "../../../kernel/include/linux/sched_class.ts";
import type { KernelCapture } from "../../../kernel/index.ts";
import { breath } from "../../breathing.ts";
import { Lab, LONG, type Outcome } from "./lab.ts";
import { PATHS, WAKE_RACE } from "./paths.ts";

const EFLAGS_IF = 0x200;
/** Every instruction is tried when ANYWHERE is "all"; else at most so many of a path, beginning with another one in each. */
const MOST_TRIED = process.env.ANYWHERE === "all" ? Number.POSITIVE_INFINITY : 16;
/** Instructions between two captures to begin trials from. */
const CAPTURE_EVERY = 64;
/** Ticks after which the alarm and the sleeper's second are over. */
const A_SECOND = 103;

/** The clock's line goes up: a tick that the timer did not plan. */
function tick(lab: Lab): void {
  lab.kernel.machine.setIrq(0, false);
  lab.kernel.machine.setIrq(0, true);
}

const END_OF_SLICE = "a tick that ends the time slice";
const DISTURBANCES: Readonly<Record<string, (lab: Lab) => void>> = {
  [END_OF_SLICE]: (lab) => {
    const current = lab.peek(lab.symbol("runqueues") + rq.offset("curr"));
    lab.poke(current + task_struct.offset("counter"), 1);
    tick(lab);
  },
  "a tick that wakes a sleeper and sends a signal": (lab) => {
    lab.poke(lab.symbol("jiffies"), lab.peek(lab.symbol("jiffies")) + A_SECOND);
    tick(lab);
  },
};

interface Path {
  readonly captures: readonly { readonly position: number; readonly state: KernelCapture }[];
  /** Instructions before which interrupts are on. */
  readonly points: readonly number[];
  readonly undisturbed: Outcome;
}

/** Goes through the path one instruction after the other. */
function explore(lab: Lab): Path {
  const { kernel } = lab;
  const captures: { position: number; state: KernelCapture }[] = [];
  const points: number[] = [];
  const end = lab.symbol("end");
  lab.must("begin");
  const start = kernel.capture();
  while (kernel.machine.cores[0].eip >>> 0 !== end) {
    if (lab.position - (captures.at(-1)?.position ?? 0) >= CAPTURE_EVERY)
      captures.push({ position: lab.position, state: kernel.capture() });
    if (kernel.machine.cores[0].getEflags() & EFLAGS_IF) points.push(lab.position);
    const stop = kernel.run({ maxInstructions: 1 });
    if (stop.kind !== "budget") throw new Error(`the path ended: ${JSON.stringify(stop)} ${lab.output} ${lab.log}`);
  }
  lab.restore(start);
  return { captures, points, undisturbed: lab.finish() };
}

describe("an interrupt at any instruction", () => {
  for (const [number, [name, program]] of Object.entries(PATHS).entries()) {
    it(`changes nothing: ${name}`, { timeout: LONG }, async () => {
      const lab = new Lab(program());
      const { captures, points, undisturbed } = explore(lab);
      expect(undisturbed).toMatchObject({ stop: { kind: "exit", status: 0 }, output: "good\n", complaints: [] });
      const failures: string[] = [];
      const sampled = Math.ceil(points.length / MOST_TRIED) || 1;
      for (const [what, disturb] of Object.entries(DISTURBANCES)) {
        const stride = name === WAKE_RACE && what !== END_OF_SLICE ? 1 : sampled;
        for (let at = number % stride; at < points.length; at += stride) {
          if (at % 8 === 0) await breath();
          const point = points[at];
          const { position, state } = captures.findLast((one) => one.position <= point)!;
          lab.restore(state);
          if (point > position) lab.kernel.run({ maxInstructions: point - position });
          const eip = lab.kernel.machine.cores[0].eip >>> 0;
          disturb(lab);
          const outcome = lab.finish();
          if (JSON.stringify(outcome) !== JSON.stringify(undisturbed))
            failures.push(
              `${what} before ${lab.kernel.image.function_at(eip) ?? "user"} 0x${eip.toString(16)}: ${JSON.stringify(outcome)}`,
            );
        }
      }
      if (process.env.ANYWHERE_TELL) console.log(name, points.length, "points", failures.length, "failures");
      expect(failures.slice(0, 5)).toEqual([]);
    });
  }
});
