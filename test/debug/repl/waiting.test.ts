import { expect, it } from "vitest";
import { answers, debugRun } from "./debug-run.ts";

const ARGS = ["-q", "examples/cow.S"];

it("waiting says that a parent waits for the end of its child, and nobody for anything when all run", async () => {
  const said = answers(await debugRun(ARGS, ["waiting", "catch cow", "c", "info waiting", "q"]));
  expect(said[0]).toBe("Error: there are no tasks yet: the kernel has not set up its task list");
  const shown = answers(await debugRun(ARGS, ["catch syscall fork", "c", "waiting", "catch cow", "c", "info waiting"]));
  expect(shown[2]).toBe("No task sleeps.");
  expect(shown.at(-1)?.split("\n")).toEqual([
    "PID  S  COMM  WCHAN      WAITS FOR",
    "1    S  cow   sys_wait4  the end of pid 2",
  ]);
});

it("waiting says what the kernel's own threads wait for", async () => {
  const args = ["-q", "--cpus", "2", "--config", "scheduler=o1", "--config", "stack=vmap", "examples/echo.S"];
  expect(
    answers(await debugRun(args, ["c", "waiting"]))
      .at(-1)
      ?.split("\n"),
  ).toEqual([
    "PID    S  COMM           WCHAN             WAITS FOR",
    expect.stringMatching(/^32767 +D +\[migration\/0\] +migration_thread +tasks to move$/),
    expect.stringMatching(/^32766 +D +\[migration\/1\] +migration_thread +tasks to move$/),
    expect.stringMatching(/^1 +S +echo +read_chan +queue /),
  ]);
});

it("waiting names the queue of who waits for input, and ps has kernel threads in brackets", async () => {
  const shown = answers(await debugRun(["-q", "examples/echo.S"], ["c", "waiting", "ps"]));
  expect(shown.at(-2)).toMatch(/1 +S +echo +read_chan +queue 0x[0-9a-f]+ <ttyS0/);
  expect(shown.at(-1)).toMatch(/0 +0 +R +TS +0 +\S+ +0x[0-9a-f]+ +\[swapper\] /);
  expect(shown.at(-1)).toMatch(/1 +0 +S +TS +0 +\S+ +0x[0-9a-f]+ +echo /);
});
