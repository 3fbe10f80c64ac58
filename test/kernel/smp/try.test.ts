import { it } from "vitest";
import { RandomInterleaver } from "../../../emulator/index.ts";
import { link_kernel } from "../../../kernel/index.ts";
import { boot, program } from "../run.ts";
import { seven, stress } from "./stress.ts";

const up = boot(stress(3, 2), { files: { "/seven": program(seven) } });
it("up", () => {
  console.log(
    up.go({ maxInstructions: 60_000_000 }),
    up.output(),
    up.kernel.machine.instructions,
    up.log().slice(-2500),
  );
});
const image = link_kernel({ smp: true });
for (let seed = 1; seed <= Number(process.env.N ?? 6); seed++)
  it(`seed ${seed}`, () => {
    const run = boot(stress(5, 4), {
      image,
      cpus: 4,
      files: { "/seven": program(seven) },
      interleaver: new RandomInterleaver(seed, 60),
      fromReset: true,
    });
    const stop = run.go({ maxInstructions: 60_000_000 });
    console.log(
      seed,
      stop,
      run.output(),
      run.kernel.machine.instructions,
      stop.kind === "exit" ? "" : run.log().slice(-1500),
      run.kernel.machine.cores.map((c) => run.kernel.image.symbolize(c.eip)).join(" "),
    );
  });
