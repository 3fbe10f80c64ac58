import { it } from "vitest";
import { run } from "./run.ts";
it("boots", () => {
  const { stop, output, log, kernel } = run(`
.globl _start
_start:
  PRINT "hello\\n"
  EXIT
`);
  console.log(stop, output(), log());
  console.log(kernel.statistics);
});
