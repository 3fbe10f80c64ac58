/** The run queues as each scheduler has them, and policies in `ps`. */
import { expect, it } from "vitest";
import { answers, debugRun } from "./debug-run.ts";

/** What `runqueue` and `ps` say when cow.S has made its child. */
async function seen(scheduler: string): Promise<string[]> {
  const commands = ["tbreak sys_wait4", "continue", "runqueue", "ps"];
  return answers(await debugRun(["-q", "--config", `scheduler=${scheduler}`, "examples/cow.S"], commands)).slice(-2);
}

it.each([
  ["goodness", /^ *PID +COMM +CLS +PRI +COUNTER +GOODNESS +task_struct$/m, /^\* +1 +cow +TS +0 +\d+ +\d+ /m],
  [
    "o1",
    /^CPU 0: 2 to run, \d+ switches\n *PID +COMM +CLS +PRI +SLICE +LEVEL +ARRAY /m,
    /^\* +1 +cow +TS +0 +\d+ +1[12]\d +active /m,
  ],
  [
    "fair",
    /^CPU 0: 2 to run, \d+ switches, min_vruntime \d+\n *PID +COMM +CLS +PRI +AHEAD /m,
    /^\* +1 +cow +TS +0 +-?\d+ /m,
  ],
] as const)("with %s", async (scheduler, head, row) => {
  const [queue, ps] = await seen(scheduler);
  expect(queue).toMatch(head);
  expect(queue).toMatch(row);
  expect(queue.match(/ cow /g)).toHaveLength(2);
  expect(ps).toMatch(/^ *PID +PPID +S +CLS +PRI +CPU /m);
  expect(ps).toMatch(/^\* +1 +0 +R +TS +0 +0 /m);
});
