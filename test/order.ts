/** Has the files that take longest run first, so that no worker is left with one of them while the others have nothing. */
import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that take more than five seconds, longest first. Most of what they do, other processes do. */
const LONG = [
  "test/docs.test.ts",
  "test/cli/output-devices.test.ts",
  "test/cli/run-module.test.ts",
  "test/testing/example.test.ts",
  "test/debug/gdb/docs.test.ts",
  "test/cli/recording.test.ts",
  "test/kernel/anywhere/interrupt.test.ts",
  "test/emulator/cpu/tier/golden.test.ts",
  "test/emulator/cpu/tier/tier.test.ts",
  "test/kernel/compiler/random.test.ts",
  "test/kernel/compiler/host.test.ts",
  "test/kernel/anywhere/save.test.ts",
  "test/cli/recording-process.test.ts",
  "test/cli/from-reset.test.ts",
  "test/kernel/scenarios/fuzz.test.ts",
  "test/debug/repl/repl.test.ts",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.indexOf(relative(this.ctx.config.root, moduleId).replaceAll("\\", "/"));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
